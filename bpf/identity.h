/* Who the current process is, read from its task at the moment of the act. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "lineage.h"

#define PATH_DEPTH 40
#define CGROUP_DEPTH 24
#define CONTAINER_ID 64 /* hex digits */

static __always_inline struct process_key process_current(void)
{
	struct task_struct *leader = BPF_CORE_READ(task_self(), group_leader);
	struct process_key key = {};

	key.pid = BPF_CORE_READ(leader, pid);
	key.start_ns = BPF_CORE_READ(leader, start_boottime);
	key.exec_id = BPF_CORE_READ(leader, self_exec_id);
	return key;
}

static __always_inline bool same_process(struct process_key *a, struct process_key *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && a->exec_id == b->exec_id;
}

/* append_name adds a NUL-terminated name to buf; false when it is full. The length is kept in the
 * record: in a register the verifier would follow each of its values through the loops below.
 */
static __always_inline bool append_name(struct process_event *e, u8 *buf, u32 size,
					const void *name)
{
	u32 len;
	long n;

	barrier();
	len = e->cursor;
	if (len > size - NAME_SIZE)
		return false;
	n = bpf_probe_read_kernel_str(buf + len, NAME_SIZE, name);
	if (n <= 0)
		return false;
	e->cursor = len + n;
	barrier();
	return true;
}

/* path_up returns the mount that holds the parent of a dentry: the dentry's own mount, or, at the
 * root of a mount, the mount it is mounted on. 0: the path ends here. It is a global function so
 * that the verifier does not follow each result through the rest of the walk; such a function takes
 * numbers only.
 */
__noinline u64 path_up(u64 dentry_at, u64 mount_at)
{
	struct dentry *dentry = (void *)dentry_at;
	struct mount *mnt = (void *)mount_at, *up;

	if (dentry != BPF_CORE_READ(mnt, mnt.mnt_root))
		return dentry == BPF_CORE_READ(dentry, d_parent) ? 0 : mount_at;
	up = BPF_CORE_READ(mnt, mnt_parent);
	return up == mnt ? 0 : (u64)up;
}

/* walk_path writes the components of a path from the leaf up to the root of the mount namespace,
 * across mount points (as fs/d_path.c does), and gives the length in bytes.
 */
static __always_inline u32 walk_path(struct process_event *e, u8 *buf, u32 size, struct path *path,
				     u32 truncated)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry);
	struct vfsmount *vfs = BPF_CORE_READ(path, mnt);
	struct mount *mnt = (void *)vfs - bpf_core_field_offset(struct mount, mnt), *up;

	e->cursor = 0;
	/* A file of no file system, such as a memfd, has a name and no root. */
	if (dentry == BPF_CORE_READ(dentry, d_parent) && dentry != BPF_CORE_READ(vfs, mnt_root))
		append_name(e, buf, size, BPF_CORE_READ(dentry, d_name.name));
	for (int i = 0; i < PATH_DEPTH; i++) {
		up = (void *)path_up((u64)dentry, (u64)mnt);
		if (!up)
			return e->cursor;
		if (up != mnt) {
			dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
			mnt = up;
			continue;
		}
		if (!append_name(e, buf, size, BPF_CORE_READ(dentry, d_name.name)))
			break;
		dentry = BPF_CORE_READ(dentry, d_parent);
	}
	e->flags |= truncated;
	return e->cursor;
}

static __always_inline void read_exe(struct process_event *e, struct mm_struct *mm)
{
	struct file *exe = BPF_CORE_READ(mm, exe_file);
	struct inode *inode = BPF_CORE_READ(exe, f_inode);

	if (!inode)
		return;
	e->exe_len = walk_path(e, e->exe, EXE_SIZE, &exe->f_path, PROCESS_EXE_TRUNCATED);
	e->exe_inode = BPF_CORE_READ(inode, i_ino);
	e->exe_size = BPF_CORE_READ(inode, i_size);
	e->exe_nlink = BPF_CORE_READ(inode, i_nlink);
	e->exe_mode = BPF_CORE_READ(inode, i_mode);
	e->exe_ctime_ns = inode_ctime_ns(inode);
	e->exe_dev = BPF_CORE_READ(inode, i_sb, s_dev);
	e->exe_magic = BPF_CORE_READ(inode, i_sb, s_magic);
}

static __always_inline void read_argv(struct process_event *e, struct mm_struct *mm)
{
	u64 start = BPF_CORE_READ(mm, arg_start);
	u64 len = BPF_CORE_READ(mm, arg_end) - start;

	if (len > ARGV_SIZE) {
		len = ARGV_SIZE;
		e->flags |= PROCESS_ARGV_TRUNCATED;
	}
	if (!len)
		return;
	/* The mask is for the verifier of 5.10, which loses the bound above. */
	len = ((len - 1) & (ARGV_SIZE - 1)) + 1;
	if (bpf_probe_read_user(e->argv, len, (void *)start))
		e->flags |= PROCESS_ARGV_UNREADABLE;
	else
		e->argv_len = len;
}

/* cgroup_v1 is a task's place below a controller's root, where that has a hierarchy of its own. */
static __always_inline struct kernfs_node *cgroup_v1(struct css_set *css, u32 controller)
{
	void *table = (void *)css + bpf_core_field_offset(css->subsys);
	struct cgroup_subsys_state *state = 0;

	bpf_probe_read_kernel(&state, sizeof(state), table + controller * sizeof(void *));
	if (!BPF_CORE_READ(state, cgroup, level) ||
	    BPF_CORE_READ(state, cgroup, root) == BPF_CORE_READ(css, dfl_cgrp, root))
		return 0;
	return BPF_CORE_READ(state, cgroup, kn);
}

/* names_container is true for a name that is long enough to hold a container's id. */
static __always_inline bool names_container(struct process_event *e, struct kernfs_node *kn)
{
	return bpf_probe_read_kernel_str(e->cgroup, NAME_SIZE, BPF_CORE_READ(kn, name)) >
	       CONTAINER_ID;
}

/* read_cgroup takes the v2 cgroup. On a hybrid host it takes the path in the v1 memory or pids
 * hierarchy where all tasks sit in the v2 root, or where that path alone ends in a container:
 * Docker makes it there only, and in v2 all containers are in containerd.service.
 */
static __always_inline void read_cgroup(struct process_event *e, struct task_struct *task)
{
	struct css_set *css = BPF_CORE_READ(task, cgroups);
	struct kernfs_node *kn = BPF_CORE_READ(css, dfl_cgrp, kn), *v1 = 0;

	e->cgroup_id = BPF_CORE_READ(kn, id);
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		v1 = cgroup_v1(css, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (!v1 && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		v1 = cgroup_v1(css, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	if (v1 && (!BPF_CORE_READ(css, dfl_cgrp, level) ||
		   (names_container(e, v1) && !names_container(e, kn)))) {
		e->cgroup_v1_id = BPF_CORE_READ(v1, id);
		e->flags |= PROCESS_CGROUP_V1;
		kn = v1;
	}
	e->cursor = 0;
	for (int i = 0; i < CGROUP_DEPTH; i++) {
		struct kernfs_node *parent = kernfs_parent(kn);

		if (!parent) {
			e->cgroup_len = e->cursor;
			return;
		}
		if (!append_name(e, e->cgroup, CGROUP_SIZE, BPF_CORE_READ(kn, name)))
			break;
		kn = parent;
	}
	e->cgroup_len = e->cursor;
	e->flags |= PROCESS_CGROUP_TRUNCATED;
}

static __always_inline u32 task_pidns(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      level * bpf_core_type_size(struct upid));
	return BPF_CORE_READ(upid.ns, ns.inum);
}

/* process_read fills e with the current process. */
static __always_inline void process_read(struct process_event *e, struct process_key *key)
{
	struct task_struct *task = BPF_CORE_READ(task_self(), group_leader);
	struct mm_struct *mm = BPF_CORE_READ(task_self(), mm);
	struct fs_struct *fs = BPF_CORE_READ(task_self(), fs);
	u32 flags = BPF_CORE_READ(task, flags);

	e->exe_inode = e->exe_size = e->exe_ctime_ns = e->cgroup_v1_id = e->exec_ns = 0;
	e->exe_dev = e->exe_nlink = e->exe_magic = e->exe_mode = 0;
	e->exe_len = e->cwd_len = e->argv_len = e->exec_argv_len = e->ancestors_len = e->pad = 0;
	e->flags = (flags & PF_KTHREAD ? PROCESS_KTHREAD : 0) |
		   (flags & PF_FORKNOEXEC ? PROCESS_FORKED : 0);
	e->key = *key;
	e->ts_ns = bpf_ktime_get_boot_ns();
	e->tid = BPF_CORE_READ(task_self(), pid);
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = BPF_CORE_READ(task_self(), cred, uid.val);
	e->gid = BPF_CORE_READ(task_self(), cred, gid.val);
	e->euid = BPF_CORE_READ(task_self(), cred, euid.val);
	e->loginuid =
		bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : -1;
	e->mntns = BPF_CORE_READ(task_self(), nsproxy, mnt_ns, ns.inum);
	e->pidns = task_pidns(task);
	BPF_CORE_READ_INTO(&e->comm, task, comm);
	if (mm) {
		read_exe(e, mm);
		read_argv(e, mm);
	}
	if (fs)
		e->cwd_len = walk_path(e, e->cwd, CWD_SIZE, &fs->pwd, PROCESS_CWD_TRUNCATED);
	read_cgroup(e, task);
	read_lineage(e, task);
	barrier();
	e->kind = EVENT_PROCESS; /* it is whole */
}

/* process_known is true where the current process is remembered as what it is now, or another of
 * its threads is just noting that: an entry that is written to is not taken away.
 */
static __always_inline bool process_known(struct process_key *key)
{
	struct process_event *e = bpf_map_lookup_elem(&processes, key);
	struct task_struct *task = task_self();
	const struct cred *cred = BPF_CORE_READ(task, cred);

	if (!e)
		return false;
	return e->kind != EVENT_PROCESS ||
	       (e->uid == BPF_CORE_READ(cred, uid.val) &&
		e->euid == BPF_CORE_READ(cred, euid.val) &&
		e->gid == BPF_CORE_READ(cred, gid.val) &&
		e->cgroup_id == BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id));
}

/* process_note remembers the current process; show also sends it to the agent, read anew, since
 * it may have renamed itself meanwhile. What is shown is read into a record, which is private:
 * neither a per-CPU scratch nor a map's value is, where programs are preempted. The map's value
 * is filled once, by whoever made it. A global function: the verifier looks at it once.
 */
__noinline int process_note(u32 show)
{
	struct process_key key = process_current();
	struct process_event *e;
	struct blank *blank;
	u32 zero = 0;

	if (show) {
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (!e) {
			count(lost_process);
		} else {
			process_read(e, &key);
			bpf_ringbuf_submit(e, 0);
		}
	}
	if (process_known(&key))
		return 0;
	bpf_map_delete_elem(&processes,
			    &key); /* it has changed: what was read is not written over */
	blank = bpf_map_lookup_elem(&blanks, &zero);
	if (!blank || bpf_map_update_elem(&processes, &key, &blank->process, BPF_NOEXIST))
		return 0;
	e = bpf_map_lookup_elem(&processes, &key);
	if (!e) /* evicted meanwhile: it is asked for anew, or looked up in /proc */
		return 0;
	process_read(e, &key);
	if (e->flags & PROCESS_LINEAGE_LOST)
		count(lineage_missing);
	return 0;
}

/* process_show sends a remembered process to the agent. If it was evicted, or another thread is
 * still reading it, and it is the current process, it is read again (anew). anew is false at the
 * end of a connection, where the process may be half gone. Otherwise the agent looks for the
 * process, and counts it if it is not found.
 */
static __always_inline void process_show(struct process_key *key, const bool anew)
{
	struct process_event *e = bpf_map_lookup_elem(&processes, key);
	struct process_key current;

	if (e && e->kind == EVENT_PROCESS) {
		if (bpf_ringbuf_output(&events, e, sizeof(*e), 0))
			count(lost_process);
		return;
	}
	if (!anew)
		return;
	current = process_current();
	if (same_process(key, &current))
		process_note(true);
}

#endif
