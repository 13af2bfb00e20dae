/* Which connections are watched at all. Set before load; a zero means no restriction, and the
 * verifier then drops the test from the program. Only a connect is tested: a connection that was
 * refused here has no state, so everything later costs it one look-up.
 */
#ifndef FILTER_H
#define FILTER_H

#include "kernel.h"

const volatile u32 filter_netns;
const volatile u32 filter_pid;
const volatile u32 filter_uid_set;
const volatile u32 filter_uid;
const volatile u64 filter_cgroup;
const volatile u32 filter_cgroup_level;

/* The tracer's own self-test: a process in a network namespace of its own, and in the cgroup that
 * is watched: the other filters do not hold for it. */
const volatile u32 selftest_pid;
const volatile u32 selftest_netns;

/* One bit a port. */
const volatile u8 mail_ports[8192];

/* Every connect is told of, not those to mail ports alone. */
const volatile bool announce_all;

/* Packets are seen as they leave. Without that, whether a SYN left is not known. */
const volatile bool packets_watched;

/* Connection state lives in SK_STORAGE (tracing programs: 5.11+), else in a hash by socket. */
const volatile bool conn_in_storage;

static __always_inline bool mail_port(u16 port)
{
	u32 byte = port >> 3;

	barrier_var(byte); /* verifiers before 6.8 lose the bound of a u16: keep the mask */
	return mail_ports[byte & (sizeof(mail_ports) - 1)] & (1 << (port & 7));
}

static __always_inline bool filter_admits_cgroup(struct task_struct *task)
{
	return !filter_cgroup || cgroup_ancestor_id(BPF_CORE_READ(task, cgroups, dfl_cgrp),
						    filter_cgroup_level) == filter_cgroup;
}

static __always_inline bool filter_admits(u32 netns)
{
	struct task_struct *task = task_self();
	u32 pid = BPF_CORE_READ(task, tgid);

	if (!filter_admits_cgroup(task))
		return false;
	if (pid == selftest_pid && netns == selftest_netns)
		return true;
	if (filter_netns && netns != filter_netns)
		return false;
	if (filter_pid && pid != filter_pid)
		return false;
	if (filter_uid_set && BPF_CORE_READ(task, cred, uid.val) != filter_uid)
		return false;
	return true;
}

#endif
