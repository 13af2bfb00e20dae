/* Connections from before the start: those that the agent has listed are followed from here on. */
#ifndef ADOPT_H
#define ADOPT_H

#include "connect.h"

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

struct bpf_iter__tcp { /* kernel/trace/bpf_trace.c's context for iter/tcp (5.9+) */
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	u32 uid;
};

/* conn_adopt fills the state of an old connection. Who has it is known when it sends. One on which
 * nothing was said yet is as good as new.
 */
static __always_inline void conn_adopt(struct conn *c, struct sock *sk, struct adoption_key *key,
				       u8 state)
{
	u64 now = bpf_ktime_get_boot_ns();

	c->netns = key->netns;
	c->tuple = key->tuple;
	c->syn_left = 1;
	c->smtp.server_spoke = !packets_watched;
	c->smtp.mail_port = mail_port(key->tuple.dport);
	c->dns = key->tuple.dport == DNS_PORT;
	c->sent_before = bytes_sent(sk);
	c->received_before = bytes_received(sk);
	if (state != TCP_SYN_SENT)
		c->established_ns = now;
	if (state != TCP_SYN_SENT && (c->sent_before || c->received_before))
		c->smtp.old = c->smtp.greeted = 1;
	c->announced = announce_all || c->smtp.mail_port;
	barrier(); /* until now packets pass it by: see on_packet */
	c->id = conn_id(now);
	if (c->announced)
		conn_emit(c, sk, CONN_ADOPTED, 0);
}

/* on_refresh tells how a connection stands that the agent knows. */
#define on_refresh(typed)                               \
	do {                                            \
		struct sock *sk = (void *)(typed);      \
		struct conn *c = conn_get(typed, sk);   \
		if (c && c->announced && !c->closed)    \
			conn_emit(c, sk, CONN_OPEN, 0); \
	} while (0)

/* on_adopt looks at one socket of the reader's network namespace. typed is the pointer that the
 * verifier knows.
 */
#define on_adopt(typed)                                                                    \
	do {                                                                               \
		struct sock *sk = (void *)(typed);                                         \
		u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);                       \
		struct adoption_key key = {};                                              \
		struct conn *c;                                                            \
		u64 *id;                                                                   \
                                                                                           \
		if (state == TCP_LISTEN || state == TCP_TIME_WAIT || state == TCP_CLOSE || \
		    state == TCP_NEW_SYN_RECV)                                             \
			break;                                                             \
		tuple_read(&key.tuple, sk);                                                \
		key.netns = sock_netns(sk);                                                \
		id = bpf_map_lookup_elem(&adoptions, &key);                                \
		if (!id)                                                                   \
			break;                                                             \
		c = conn_get(typed, sk);                                                   \
		if (!c) {                                                                  \
			c = conn_create(typed, sk);                                        \
			if (c)                                                             \
				conn_adopt(c, sk, &key, state);                            \
		}                                                                          \
		if (c)                                                                     \
			*id = c->id;                                                       \
	} while (0)

#endif
