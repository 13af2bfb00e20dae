/* Who a process was when it began: whose child, and with what arguments. Parents may be gone by the
 * time it sends, and it may have written over its arguments.
 */
#ifndef LINEAGE_H
#define LINEAGE_H

#include "maps.h"

static u64 lineages_since; /* the first fork that was seen, by CLOCK_BOOTTIME */

static __always_inline struct lineage_key lineage_key(struct task_struct *leader)
{
	struct lineage_key key = {};

	key.start_ns = BPF_CORE_READ(leader, start_boottime);
	key.pid = BPF_CORE_READ(leader, pid);
	return key;
}

static __always_inline void read_ancestor(struct ancestor *a, struct task_struct *leader)
{
	a->pid = BPF_CORE_READ(leader, pid);
	a->pad = 0;
	a->start_ns = BPF_CORE_READ(leader, start_boottime);
	a->exe_inode = BPF_CORE_READ(leader, mm, exe_file, f_inode, i_ino);
	BPF_CORE_READ_INTO(&a->comm, leader, comm);
}

/* read_ancestors follows the parents of the moment, and gives how many there are. */
static __always_inline u32 read_ancestors(struct ancestor *ancestors, struct task_struct *task)
{
	for (int i = 0; i < ANCESTORS; i++) {
		task = BPF_CORE_READ(task, real_parent, group_leader);
		if (!task || !BPF_CORE_READ(task, pid))
			return i;
		read_ancestor(&ancestors[i], task);
	}
	return ANCESTORS;
}

/* lineage_lost says of a process without an entry that it began while we watch: the entry made
 * room, its fork was missed, or it came into the watched cgroup later.
 */
static __always_inline bool lineage_lost(struct lineage_key *key)
{
	return lineages_since && key->start_ns > lineages_since;
}

/* lineage_make makes an empty entry; 0 where there is one already, or no room. */
static __always_inline struct lineage *lineage_make(struct lineage_key *key)
{
	u32 zero = 0;
	struct blank *blank = bpf_map_lookup_elem(&blanks, &zero);

	if (!blank || bpf_map_update_elem(&lineages, key, &blank->lineage, BPF_NOEXIST))
		return 0;
	return bpf_map_lookup_elem(&lineages, key);
}

/* on_fork gives a child the lineage of its parent, and the parent with it. */
static __always_inline void on_fork(struct task_struct *child)
{
	struct task_struct *parent = BPF_CORE_READ(task_self(), group_leader);
	struct lineage_key key = lineage_key(child), of_parent = lineage_key(parent);
	struct lineage *l, *up;

	if (BPF_CORE_READ(child, group_leader) != child || !filter_admits_cgroup(child))
		return; /* a thread, or none of ours */
	if (!lineages_since)
		lineages_since = key.start_ns;
	l = lineage_make(&key);
	if (!l)
		return;
	l->exec_id = BPF_CORE_READ(child, self_exec_id);
	up = bpf_map_lookup_elem(&lineages, &of_parent);
	if (!up) {
		l->ancestors_len = read_ancestors(l->ancestors, child);
		return;
	}
	read_ancestor(&l->ancestors[0], parent);
	for (int i = 0; i < ANCESTORS - 1; i++)
		l->ancestors[i + 1] = up->ancestors[i];
	l->ancestors_len = up->ancestors_len < ANCESTORS ? up->ancestors_len + 1 : ANCESTORS;
	l->exec_id = up->exec_id;
	l->exec_ns = up->exec_ns;
	l->exe_inode = up->exe_inode;
	l->exe_dev = up->exe_dev;
	l->cwd_inode = up->cwd_inode;
	l->cwd_dev = up->cwd_dev;
	__builtin_memcpy(l->argv, up->argv, ARGV_SIZE);
	l->argv_len = up->argv_len;
	l->argv_truncated = up->argv_truncated;
}

static __always_inline bool cwd_moved(struct lineage *l, struct task_struct *task)
{
	struct inode *cwd = BPF_CORE_READ(task, fs, pwd.dentry, d_inode);

	return l->cwd_inode && (l->cwd_inode != BPF_CORE_READ(cwd, i_ino) ||
				l->cwd_dev != BPF_CORE_READ(cwd, i_sb, s_dev));
}

/* on_exec keeps the arguments of a new program, which it cannot have written over yet, and where
 * they are to be read from.
 */
static __always_inline void on_exec(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct lineage_key key = lineage_key(leader);
	struct lineage *l = bpf_map_lookup_elem(&lineages, &key);
	struct inode *cwd = BPF_CORE_READ(task, fs, pwd.dentry, d_inode);
	struct inode *exe = BPF_CORE_READ(task, mm, exe_file, f_inode);
	u64 start = BPF_CORE_READ(task, mm, arg_start);
	u64 len = BPF_CORE_READ(task, mm, arg_end) - start;

	if (!l) {
		if (!filter_admits_cgroup(leader))
			return;
		l = lineage_make(&key);
		if (!l)
			return;
		l->ancestors_len = read_ancestors(l->ancestors, leader);
	}
	l->exec_id = BPF_CORE_READ(leader, self_exec_id);
	l->exec_ns = bpf_ktime_get_boot_ns();
	l->exe_inode = BPF_CORE_READ(exe, i_ino);
	l->exe_dev = BPF_CORE_READ(exe, i_sb, s_dev);
	l->cwd_inode = BPF_CORE_READ(cwd, i_ino);
	l->cwd_dev = BPF_CORE_READ(cwd, i_sb, s_dev);
	l->argv_truncated = len > ARGV_SIZE;
	if (len > ARGV_SIZE)
		len = ARGV_SIZE;
	l->argv_len = 0;
	if (!len)
		return;
	len = ((len - 1) & (ARGV_SIZE - 1)) + 1; /* the verifier of 5.10 loses the bound above */
	if (!bpf_probe_read_user(l->argv, len, (void *)start))
		l->argv_len = len;
}

/* read_lineage takes what was kept of the process's beginning, or the parents of the moment. */
static __always_inline void read_lineage(struct process_event *e, struct task_struct *leader)
{
	struct lineage_key key = lineage_key(leader);
	struct lineage *l = bpf_map_lookup_elem(&lineages, &key);

	if (!l) {
		if (lineage_lost(&key))
			e->flags |= PROCESS_LINEAGE_LOST;
		e->ancestors_len = read_ancestors(e->ancestors, leader);
		return;
	}
	__builtin_memcpy(e->ancestors, l->ancestors, sizeof(e->ancestors));
	__builtin_memcpy(e->exec_argv, l->argv, sizeof(e->exec_argv));
	e->ancestors_len = l->ancestors_len;
	if (l->exec_id != (u32)BPF_CORE_READ(leader, self_exec_id)) {
		e->flags |= PROCESS_LINEAGE_LOST; /* the rest is of another program */
		return;
	}
	e->exec_ns = l->exec_ns;
	e->exec_argv_len = l->argv_len;
	if (l->argv_truncated)
		e->flags |= PROCESS_EXEC_ARGV_TRUNCATED;
	if (l->exe_inode && (l->exe_inode != e->exe_inode || l->exe_dev != e->exe_dev))
		e->flags |= PROCESS_EXE_SWAPPED;
	if (cwd_moved(l, task_self()))
		e->flags |= PROCESS_CWD_MOVED;
}

/* on_exit forgets a process with its last thread. */
static __always_inline void on_exit(struct task_struct *task)
{
	struct lineage_key key;

	if (BPF_CORE_READ(task, signal, live.counter))
		return;
	key = lineage_key(BPF_CORE_READ(task, group_leader));
	bpf_map_delete_elem(&lineages, &key);
}

#endif
