/* The few kernel structs that the programs read.  Field offsets are relocated at load time (CO-
 * RE), so only the names and the nesting count. Where a kernel renamed a field there is a
 * flavour (___suffix) with the version next to it.
 */
#ifndef STRUCTS_H
#define STRUCTS_H

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
struct bpf_iter_meta;
struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	u16 skc_dport; /* network order */
	u16 skc_num;   /* host order */
	unsigned long skc_flags;
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
	u32 segs_out;
};
struct sk_buff {
	struct sock *sk;
};

struct iovec {
	void *iov_base;
	unsigned long iov_len;
};
struct iov_iter {
	u8 iter_type; /* 5.14+ */
	unsigned long iov_offset, count, nr_segs;
	const struct iovec *__iov; /* 6.4+ */
	void *ubuf;		   /* 6.0+ */
};
struct iov_iter___v6_1 { /* up to 6.3 */
	const struct iovec *iov;
};
struct iov_iter___v5_10 { /* up to 5.13 */
	unsigned int type;
};
struct msghdr {
	struct iov_iter msg_iter;
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
	struct inode *d_inode;
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
struct cgroup_root;
struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;   /* of its hierarchy */
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
struct signal_struct {
	struct {
		int counter;
	} live;
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
	struct signal_struct *signal;
	struct nsproxy *nsproxy;
	struct pid *thread_pid;
	struct css_set *cgroups;
	const struct cred *cred;
	struct kuid loginuid;
};

#pragma clang attribute pop

/* Only the names count: the ordinals come from the running kernel. */
enum iter_type {
	ITER_IOVEC = 0,
	ITER_UBUF = 5,
};
#define ITER_IOVEC_V5_10 4 /* a bit beside the direction's, up to 5.13 */

enum cgroup_subsys_id {
	memory_cgrp_id = 1,
	pids_cgrp_id = 2,
};

#endif
