/* The kernel's headers, and the shims for what changed between kernels, each once. */
#ifndef KERNEL_H
#define KERNEL_H

#define __VMLINUX_H__ /* libbpf's PT_REGS macros then use the kernel's register names */

#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#include "smtp/types.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define SOCK_STREAM 1
#define PF_FORKNOEXEC 0x00000040
#define PF_KTHREAD 0x00200000

#include "structs.h"

/* task_self is the current task as a pointer that only probe reads follow. Its fields serve in
 * every program type; 5.10 has no bpf_get_current_pid_tgid for packet programs.
 */
static __always_inline struct task_struct *task_self(void)
{
	return (void *)bpf_get_current_task();
}

/* msg_segment finds the i-th stretch of user memory of a message that is sent; false where there is
 * none, or the message is in other memory (pages of sendfile, buffers of the kernel). Not inline:
 * the compiler would move offsets that this kernel does not have out of the loop.
 */
static __noinline bool msg_segment(struct msghdr *msg, u32 i, struct iovec *out)
{
	struct iov_iter *iter = &msg->msg_iter;
	struct iov_iter___v5_10 *v5_10 = (void *)iter;
	struct iov_iter___v6_1 *v6_1 = (void *)iter;
	u64 offset = BPF_CORE_READ(iter, iov_offset);
	const struct iovec *vec;

	if (bpf_core_field_exists(v5_10->type)) {
		if (!(BPF_CORE_READ(v5_10, type) & ITER_IOVEC_V5_10))
			return false;
	} else if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
		   BPF_CORE_READ(iter, iter_type) ==
			   bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		out->iov_base = BPF_CORE_READ(iter, ubuf) + offset;
		out->iov_len = BPF_CORE_READ(iter, count);
		return !i;
	} else if (BPF_CORE_READ(iter, iter_type) !=
		   bpf_core_enum_value(enum iter_type, ITER_IOVEC)) {
		return false;
	}
	if (i >= BPF_CORE_READ(iter, nr_segs))
		return false;
	if (bpf_core_field_exists(iter->__iov)) {
		vec = BPF_CORE_READ(iter, __iov);
		barrier(); /* else the compiler picks an offset, one of which is not there */
	} else {
		vec = BPF_CORE_READ(v6_1, iov);
	}
	if (bpf_probe_read_kernel(out, sizeof(*out), vec + i))
		return false;
	if (!i) {
		out->iov_base += offset;
		out->iov_len -= offset;
	}
	return true;
}

#define I_CTIME_QUERIED (1U << 31) /* 6.13+: somebody has read it (include/linux/fs.h) */

static __always_inline u64 inode_ctime_ns(struct inode *inode)
{
	struct inode___v5_10 *old = (void *)inode;
	struct inode___v6_6 *mid = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec))
		return BPF_CORE_READ(inode, i_ctime_sec) * 1000000000ULL +
		       (BPF_CORE_READ(inode, i_ctime_nsec) & ~I_CTIME_QUERIED);
	if (bpf_core_field_exists(mid->__i_ctime))
		return BPF_CORE_READ(mid, __i_ctime.tv_sec) * 1000000000ULL +
		       BPF_CORE_READ(mid, __i_ctime.tv_nsec);
	return BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000ULL +
	       BPF_CORE_READ(old, i_ctime.tv_nsec);
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___v5_10 *old = (void *)kn;

	if (bpf_core_field_exists(kn->__parent))
		return BPF_CORE_READ(kn, __parent);
	return BPF_CORE_READ(old, parent);
}

/* cgroup_ancestor_id is the id of cgrp's ancestor at that level, 0 where cgrp is higher up. */
static __always_inline u64 cgroup_ancestor_id(struct cgroup *cgrp, int level)
{
	struct cgroup___v5_10 *old = (void *)cgrp;
	struct cgroup *ancestor = 0;
	u64 id = 0;

	if (BPF_CORE_READ(cgrp, level) < level)
		return 0;
	if (bpf_core_field_exists(old->ancestor_ids)) {
		bpf_probe_read_kernel(&id, sizeof(id),
				      (void *)old + bpf_core_field_offset(old->ancestor_ids) +
					      level * sizeof(u64));
		return id;
	}
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (void *)cgrp + bpf_core_field_offset(cgrp->ancestors) +
				      level * sizeof(void *));
	return BPF_CORE_READ(ancestor, kn, id);
}

/* The socket of a cgroup hook as a pointer that only probe reads follow. At run time the context is
 * the kernel's own struct (net/core/filter.c: cg_skb_verifier_ops and its neighbours rewrite it).
 */
static __always_inline struct sock *skb_sock(struct __sk_buff *ctx)
{
	return BPF_CORE_READ((struct sk_buff *)ctx, sk);
}

static __always_inline struct sock *sock_addr_sock(struct bpf_sock_addr *ctx)
{
	return BPF_CORE_READ((struct bpf_sock_addr_kern *)ctx, sk);
}

static __always_inline struct sock *sock_ops_sock(struct bpf_sock_ops *ctx)
{
	return BPF_CORE_READ((struct bpf_sock_ops_kern *)ctx, sk);
}

#endif
