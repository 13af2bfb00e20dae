/* The few kernel structs that the programs read, and the kernel-change shims, each once.
 *
 * Field offsets are relocated at load time (CO-RE), so only the names and the nesting count.
 * Where a kernel renamed a field there is a flavour (___suffix) with the version next to it.
 */
#ifndef KERNEL_H
#define KERNEL_H

#define __VMLINUX_H__ /* libbpf's PT_REGS macros then use the kernel's register names */

#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef _Bool bool;
#define true 1
#define false 0

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define SOCK_STREAM 1
#define PF_KTHREAD 0x00200000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, cx, r8, ax, sp, ip;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31], sp, pc, pstate;
};
#endif

struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	u16 skc_dport; /* network order */
	u16 skc_num;   /* host order */
	u32 skc_daddr, skc_rcv_saddr;
	struct {
		struct net *net;
	} skc_net;
	struct {
		u8 in6_u[16];
	} skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	struct {
		int owned;
	} sk_lock;
	int sk_err;
	u16 sk_protocol;
};
struct tcp_sock {
	u64 bytes_sent, bytes_retrans, bytes_received; /* payload octets; 4.19+ */
};
struct sk_buff {
	struct sock *sk;
};

struct bpf_sock_addr_kern {
	struct sock *sk;
};
struct bpf_sock_ops_kern {
	struct sock *sk;
};

struct qstr {
	const unsigned char *name;
};
struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};
struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};
struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
	long long i_size;
	unsigned int i_nlink;
	unsigned short i_mode;
	long long i_ctime_sec; /* 6.11+ */
	u32 i_ctime_nsec;
};
struct inode___v6_6 { /* 6.6 to 6.10 */
	struct timespec64 __i_ctime;
};
struct inode___v5_10 { /* up to 6.5 */
	struct timespec64 i_ctime;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
};
struct fs_struct {
	struct path pwd;
};
struct mm_struct {
	unsigned long arg_start, arg_end;
	struct file *exe_file;
};
struct mnt_namespace {
	struct ns_common ns;
};
struct pid_namespace {
	struct ns_common ns;
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	unsigned int level;
	struct upid numbers[];
};
struct kernfs_node {
	const char *name;
	u64 id;
	struct kernfs_node *__parent; /* 6.15+ */
};
struct kernfs_node___v5_10 { /* up to 6.14 */
	struct kernfs_node *parent;
};
struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[]; /* 6.1+ */
};
struct cgroup___v5_10 { /* up to 6.0 */
	u64 ancestor_ids[0];
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};
struct kuid {
	unsigned int val;
};
struct cred {
	struct kuid uid, gid, euid;
};
struct task_struct {
	unsigned int flags;
	int pid, tgid;
	u64 start_boottime;
	u64 self_exec_id;
	char comm[16];
	struct task_struct *group_leader, *real_parent;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct pid *thread_pid;
	struct css_set *cgroups;
	const struct cred *cred;
	struct kuid loginuid;
};

#pragma clang attribute pop

/* Only the names count: the ordinals come from the running kernel. */
enum cgroup_subsys_id {
	memory_cgrp_id = 1,
	pids_cgrp_id = 2,
};

/* task_self is the current task as a pointer that only probe reads follow. Its fields serve in
 * every program type; 5.10 has no bpf_get_current_pid_tgid for packet programs.
 */
static __always_inline struct task_struct *task_self(void)
{
	return (void *)bpf_get_current_task();
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
