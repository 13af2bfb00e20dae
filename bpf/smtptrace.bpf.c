//go:build ignore

/* The hooks: a table of contents. Each question (who connects, who sends, what was said, how it
 * ended) has a list of hooks; internal/probe attaches the first of each that works.
 */
#include "kernel.h"
#include "connect.h"
#include "send.h"
#include "wire.h"
#include "gather.h"
#include "close.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* who connects, where to */

SEC("fentry/tcp_connect")
int BPF_PROG(connect_fentry, struct sock *sk)
{
	on_connect(sk, sk, false);
	return 0;
}

SEC("kprobe/tcp_connect")
int BPF_KPROBE(connect_kprobe, struct sock *sk)
{
	on_connect(0, sk, false);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(connect_tracepoint, struct sock *sk, int old, int new)
{
	if (new == TCP_SYN_SENT && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		on_connect(sk, sk, false);
	return 0;
}

/* A connect hook that returned anything but 1 would refuse the machine's connects. */
SEC("cgroup/connect4")
int connect_cgroup4(struct bpf_sock_addr *ctx)
{
	on_cgroup_connect(ctx, AF_INET);
	return 1;
}

SEC("cgroup/connect6")
int connect_cgroup6(struct bpf_sock_addr *ctx)
{
	on_cgroup_connect(ctx, AF_INET6);
	return 1;
}

SEC("cgroup/sock_release")
int connect_release(struct bpf_sock *ctx)
{
	on_release(ctx);
	return 1;
}

/* whose child, and with what arguments */

SEC("tp_btf/sched_process_fork")
int BPF_PROG(lineage_fork, struct task_struct *parent, struct task_struct *child)
{
	on_fork(child);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(lineage_exec, struct task_struct *task)
{
	on_exec(task);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(lineage_exit, struct task_struct *task)
{
	on_exit(task);
	return 0;
}

/* who sends */

SEC("fentry/tcp_sendmsg")
int BPF_PROG(send_fentry, struct sock *sk)
{
	on_send(conn_get(sk, sk), sk);
	return 0;
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(send_kprobe, struct sock *sk)
{
	on_send(conn_get(0, sk), sk);
	return 0;
}

SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(send_tracepoint, struct sock *sk)
{
	on_send(conn_get(sk, sk), sk);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(send_length_tracepoint, struct sock *sk)
{
	on_send(conn_get(sk, sk), sk);
	return 0;
}

/* What was sent, what was answered. Any verdict but 1 would drop the machine's packets. The program
 * is attached to egress too; the kernel allows that if the verdict is below 2 (check_return_code,
 * enforce_expected_attach_type). One program handles both directions because a packet of one side
 * can be taken while the other side's is at hand, and loading it twice would double the start.
 */
SEC("cgroup_skb/ingress")
int wire(struct __sk_buff *skb)
{
	on_packet(skb);
	return 1;
}

/* the same where no packet hook can be had: the sender's half, from its memory */

SEC("fentry/tcp_sendmsg")
int BPF_PROG(gather_fentry, struct sock *sk, struct msghdr *msg)
{
	on_send_payload(sk, msg);
	return 0;
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(gather_kprobe, struct sock *sk, struct msghdr *msg)
{
	on_send_payload(sk, msg);
	return 0;
}

/* what was there before */

SEC("iter/tcp")
int adopt_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common; /* 6.1 takes one read for another */

	if (common)
		on_adopt(common);
	return 0;
}

/* what there is */

SEC("iter/tcp")
int refresh_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common; /* 6.1 takes one read for another */

	if (common)
		on_refresh(common);
	return 0;
}

/* how it turned out */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_tracepoint, struct sock *sk, int old, int new)
{
	on_state(conn_get(sk, sk), sk, old, new);
	return 0;
}

SEC("sockops")
int state_sockops(struct bpf_sock_ops *ctx)
{
	on_sock_ops(ctx);
	return 1;
}
