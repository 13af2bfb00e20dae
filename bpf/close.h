/* How a connect turned out, and how a connection ended. */
#ifndef CLOSE_H
#define CLOSE_H

#include "adopt.h"

/* on_state runs twice for each change where both hooks are attached: the second finds it done. */
static __always_inline void on_state(struct conn *c, struct sock *sk, int old, int new)
{
	u64 key = (u64)sk;

	if (!c || c->closed)
		return;
	if (new == TCP_ESTABLISHED && !c->established_ns) {
		c->established_ns = bpf_ktime_get_boot_ns();
		if (c->announced)
			conn_emit(c, sk, CONN_ESTABLISHED, 0);
	} else if (new == TCP_CLOSE) {
		c->closed = 1;
		/* What was said behind an SMTP greeting, or from before us, and is not known. */
		if (!c->announced && c->smtp.state == STATE_NEW &&
		    (c->smtp.banner_smtp || c->smtp.old) && bytes_sent(sk) > c->sent_before)
			conn_announce(c, sk, false);
		if (c->announced)
			conn_emit(c, sk, old == TCP_SYN_SENT ? CONN_FAILED : CONN_CLOSED,
				  BPF_CORE_READ(sk, sk_err));
		if (c->announced && !c->told && !c->heard)
			count(lost_conn);
		if (c->stashed)
			stash_clear(c);
		if (!conn_in_storage)
			bpf_map_delete_elem(&conns_hash, &key);
	}
}

/* on_sock_ops follows a connection where tracepoints are refused, and catches what they miss: a
 * tracing program does not run where it interrupts itself on the same CPU, a sockops program does.
 * It must ask for the state changes of each socket that is watched, and keep what others asked for.
 */
static __always_inline void on_sock_ops(struct bpf_sock_ops *ctx)
{
	struct sock *sk = sock_ops_sock(ctx);
	struct bpf_sock *typed = ctx->sk;
	struct conn *c;

	if (!typed)
		return;
	if (ctx->op == BPF_SOCK_OPS_STATE_CB) {
		on_state(conn_get(typed, sk), sk, ctx->args[0], ctx->args[1]);
	} else if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
		c = conn_get(typed, sk);
		if (c && !c->closed) {
			tuple_read(&c->tuple, sk); /* a tracepoint comes before the source port */
		} else {
			on_connect(typed, sk, true);
			c = conn_get(typed, sk);
		}
		if (c)
			bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags |
							       BPF_SOCK_OPS_STATE_CB_FLAG);
	}
}

/* on_release ends a connect that failed before tcp_connect, which no other cgroup hook sees. */
static __always_inline void on_release(struct bpf_sock *ctx)
{
	struct sock *sk =
		(struct sock *)ctx; /* at run time (net/core/filter.c: cg_sock_verifier_ops) */
	struct conn *c = conn_get(ctx, sk);

	if (c && !c->established_ns && !BPF_CORE_READ((struct tcp_sock *)sk, segs_out))
		on_state(c, sk, TCP_SYN_SENT, TCP_CLOSE);
}

#endif
