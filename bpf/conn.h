/* A connection: opened at connect, told to the agent in snapshots. */
#ifndef CONN_H
#define CONN_H

#include "identity.h"

#define DNS_PORT 53
#define SOCK_DONE 1 /* enum sock_flags of include/net/sock.h, which BTF lacks */

static __always_inline u32 sock_netns(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* tuple_read refreshes the addresses; before the kernel has chosen a source port there is none. */
static __always_inline void tuple_read(struct tuple *t, struct sock *sk)
{
	struct sock_common *common = &sk->__sk_common;
	u16 dport = BPF_CORE_READ(common, skc_dport), sport;

	if (!dport)
		return;
	t->dport = bpf_ntohs(dport);
	sport = BPF_CORE_READ(common, skc_num);
	if (sport) /* given back at close */
		t->sport = sport;
	t->family = BPF_CORE_READ(common, skc_family);
	if (t->family == AF_INET) {
		bpf_core_read(t->saddr, 4, &common->skc_rcv_saddr);
		bpf_core_read(t->daddr, 4, &common->skc_daddr);
	} else {
		bpf_core_read(t->saddr, 16, &common->skc_v6_rcv_saddr);
		bpf_core_read(t->daddr, 16, &common->skc_v6_daddr);
	}
}

/* bytes_sent counts the payload that a socket has sent, each octet once. */
static __always_inline u64 bytes_sent(struct sock *sk)
{
	struct tcp_sock *tp = (void *)sk;

	return BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans);
}

/* bytes_received counts the payload that a socket has received. The kernel counts the end of the
 * stream with it (tcp_queue_rcv), which SOCK_DONE tells (tcp_fin).
 */
static __always_inline u64 bytes_received(struct sock *sk)
{
	u64 done = BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;

	return BPF_CORE_READ((struct tcp_sock *)sk, bytes_received) - done;
}

static __always_inline void conn_emit(struct conn *c, struct sock *sk, u32 phase, u32 errno)
{
	struct conn_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	struct tcp_sock *tp = (void *)sk;

	if (!e) {
		count(lost_snapshot);
		return;
	}
	tuple_read(&c->tuple, sk);
	e->kind = EVENT_CONN;
	e->phase = phase;
	e->conn = c->id;
	e->ts_ns = bpf_ktime_get_boot_ns();
	e->connect_ns = c->connect_ns;
	e->established_ns = c->established_ns;
	e->connector = c->connector;
	e->sender = c->sender;
	e->connector_tid = c->connector_tid;
	e->sender_tid = c->sender_tid;
	e->tuple = c->tuple;
	e->bytes_sent = bytes_sent(sk) - c->sent_before;
	e->bytes_received = bytes_received(sk) - c->received_before;
	e->client_cut = c->smtp.client.before;
	e->server_cut = c->smtp.server.before;
	e->client_skipped = c->client_skipped;
	e->server_skipped = c->server_skipped;
	e->netns = c->netns;
	e->errno = errno;
	e->state = c->smtp.state;
	e->flags = (c->smtp.mail_port ? CONN_MAIL_PORT : 0) | (c->syn_left ? CONN_SYN_LEFT : 0) |
		   (c->sender_by_lock ? CONN_SENDER_BY_LOCK : 0) | (c->caught ? CONN_CAUGHT : 0) |
		   (c->told ? CONN_TOLD : 0) | (c->smtp.old ? CONN_OLD : 0) |
		   (c->smtp.banner_smtp ? CONN_GREETED : 0) |
		   (BPF_CORE_READ(tp, segs_out) ? CONN_TRIED : 0);
	c->told = 1;
	bpf_ringbuf_submit(e, 0);
	count(events);
}

/* conn_announce tells the agent of a connection that turns out to be mail: who, then what. */
static __always_inline void conn_announce(struct conn *c, struct sock *sk, const bool anew)
{
	if (!c->announced && c->connector.pid)
		process_show(&c->connector, anew);
	if (c->sender.pid && !same_process(&c->sender, &c->connector))
		process_show(&c->sender, anew);
	c->announced = 1;
	conn_emit(c, sk, CONN_SMTP, 0);
}

/* conn_of needs no bpf_sk_fullsock: where tracing programs have storage (5.11+), the look-up takes
 * any socket, and finds nothing of one that is not full.
 */
static __always_inline struct conn *conn_of(struct __sk_buff *skb)
{
	struct bpf_sock *sk = 0;

	if (conn_in_storage) {
		sk = skb->sk;
		if (!sk)
			return 0;
	}
	return conn_get(sk, skb_sock(skb));
}

/* Unique for 2 years of uptime: two connects in one nanosecond are on different CPUs. */
static __always_inline u64 conn_id(u64 connect_ns)
{
	return connect_ns << 8 | (bpf_get_smp_processor_id() & 0xff);
}

/* conn_unwatched tells who connects to a mail port where there is no room for the connection's
 * state: a program may fill its socket's memory for options on purpose.
 */
static __always_inline void conn_unwatched(struct tuple *t, u32 netns)
{
	struct conn_event *e;

	if (!announce_all && !mail_port(t->dport))
		return;
	process_note(true);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count(lost_conn);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = EVENT_CONN;
	e->phase = CONN_UNWATCHED;
	e->ts_ns = e->connect_ns = bpf_ktime_get_boot_ns();
	e->conn = conn_id(e->ts_ns);
	e->connector = process_current();
	e->connector_tid = BPF_CORE_READ(task_self(), pid);
	e->tuple = *t;
	e->netns = netns;
	e->flags = mail_port(t->dport) ? CONN_MAIL_PORT : 0;
	bpf_ringbuf_submit(e, 0);
	count(events);
}

/* stash_clear deletes what of a connection waits for its turn. */
static __always_inline void stash_clear(struct conn *c)
{
	struct piece_key key = {.conn = c->id};

	for (u32 i = 0; i < STASH_PIECES; i++) {
		key.piece = i;
		bpf_map_delete_elem(&stash, &key);
	}
}

/* conn_start fills the state of a new connection. */
static __always_inline void conn_start(struct conn *c, struct sock *sk, struct tuple *t, u32 netns,
				       bool caught)
{
	c->caught = caught;
	c->netns = netns;
	c->connect_ns = bpf_ktime_get_boot_ns();
	c->id = conn_id(c->connect_ns);
	c->connector = process_current();
	c->connector_tid = BPF_CORE_READ(task_self(), pid);
	c->tuple = *t;
	c->syn_left = !packets_watched;
	c->smtp.server_spoke = !packets_watched; /* it is not heard, so nothing waits for it */
	c->smtp.mail_port = mail_port(t->dport);
	c->dns = t->dport == DNS_PORT;
	c->announced = announce_all || c->smtp.mail_port;
	/* Most are of a process that is known: ask before all is read that names it. */
	if (c->announced || !process_known(&c->connector))
		process_note(c->announced);
	if (c->announced)
		conn_emit(c, sk, CONN_CONNECT, 0);
}

#endif
