/* Who connects, and where to. */
#ifndef CONNECT_H
#define CONNECT_H

#include "conn.h"

/* conn_create makes the state of a socket, all zero; a socket may connect again after a failure. */
#define conn_create(typed, sk)                                                               \
	({                                                                                   \
		struct conn *made = 0, *none = blank_conn();                                 \
		u64 key = (u64)(sk);                                                         \
		if (conn_in_storage) {                                                       \
			made = bpf_sk_storage_get(&conns_storage, typed, 0,                  \
						  BPF_SK_STORAGE_GET_F_CREATE);              \
			if (made)                                                            \
				__builtin_memset(made, 0, sizeof(*made));                    \
		} else if (none && !bpf_map_update_elem(&conns_hash, &key, none, BPF_ANY)) { \
			made = bpf_map_lookup_elem(&conns_hash, &key);                       \
		}                                                                            \
		if (!made)                                                                   \
			count(conn_full);                                                    \
		made;                                                                        \
	})

#define conn_open(typed, sk, tuple, caught)                              \
	do {                                                             \
		u32 netns = sock_netns(sk);                              \
		if (filter_admits(netns)) {                              \
			struct conn *c = conn_create(typed, sk);         \
			if (c)                                           \
				conn_start(c, sk, tuple, netns, caught); \
			else if (!(caught))                              \
				conn_unwatched(tuple, netns);            \
		}                                                        \
	} while (0)

#define on_connect(typed, sk, caught)             \
	do {                                      \
		struct tuple t = {};              \
		tuple_read(&t, sk);               \
		conn_open(typed, sk, &t, caught); \
	} while (0)

/* The socket of a cgroup connect hook has no destination yet: it stands in the context. */
static __always_inline void on_cgroup_connect(struct bpf_sock_addr *ctx, u16 family)
{
	struct sock *sk = sock_addr_sock(ctx);
	struct tuple t = {};
	struct conn *c;

	if (ctx->type != SOCK_STREAM || ctx->protocol != IPPROTO_TCP || !ctx->sk)
		return;
	t.family = family;
	t.dport = bpf_ntohs(ctx->user_port);
	if (family == AF_INET) {
		*(u32 *)t.daddr = ctx->user_ip4;
	} else {
		u32 *daddr = (u32 *)t.daddr;

		daddr[0] = ctx->user_ip6[0];
		daddr[1] = ctx->user_ip6[1];
		daddr[2] = ctx->user_ip6[2];
		daddr[3] = ctx->user_ip6[3];
	}
	c = conn_get(ctx->sk, sk);
	if (c && !c->closed) { /* it failed before there was a packet, and is tried again */
		c->closed = 1;
		if (c->announced)
			conn_emit(c, sk, CONN_FAILED, 0);
	}
	conn_open(ctx->sk, sk, &t, false);
}

#endif
