/* What was sent, read from user memory at sendmsg: for a host where no packet hook can be had.
 * It does not see the answers, nor what is sent from other memory, nor a page that is not there
 * yet.
 */
#ifndef GATHER_H
#define GATHER_H

#include "greet.h"

/* The state of connections is in the hash here: a global function finds it by the socket's
 * address.
 */

__noinline int gather_judge(u64 key, u32 ch)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);

	return c && client_verdict(c, &c->client, ch);
}

__noinline int gather_step(u64 key, u32 ch)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);

	if (!c)
		return 0;
	client_byte(c, &c->client, ch);
	out_segment(&c->client);
	return 0;
}

/* gather_announce tells the agent of a connection that has been judged. */
__noinline int gather_announce(u64 key)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);

	if (c)
		conn_announce(c, (void *)key);
	return 0;
}

/* gather_chunk takes up to PAYLOAD_SIZE bytes of user memory, and gives how many it took. */
__noinline u32 gather_chunk(u64 key, u64 base, u32 len)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);
	u32 n = chunk_len(0, len, PAYLOAD_SIZE - PAYLOAD_SLACK);
	struct payload_event *e;
	struct stream *s;

	if (!c || !n)
		return len;
	s = &c->client;
	e = payload_reserve(c, s, DIR_CLIENT);
	if (!e) {
		s->lost += n;
		return n;
	}
	n = ((n - 1) & (PAYLOAD_SIZE - 1)) + 1;
	if (bpf_probe_read_user(e->data + PAYLOAD_SLACK, n, (void *)base)) {
		count(unreadable);
		e->lost += n;
		n = 0;
	}
	for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
		u8 ch;

		if (i >= n || c->state == STATE_OTHER)
			break;
		ch = e->data[PAYLOAD_SLACK + i];
		if (c->state == STATE_NEW) {
			if (!gather_judge(key, ch) || c->state == STATE_OTHER)
				continue;
			gather_announce(key);
		}
		if (c->state == STATE_TLS) { /* the ClientHello, as it is */
			e->raw = 1;
			s->out = ch;
			s->out_len = 1;
			s->out_cut = 0;
		} else {
			gather_step(key, ch);
		}
		payload_put(s, e);
		barrier();
	}
	payload_finish(s, e);
	return n ? n : len;
}

#define GATHER_SEGMENTS 8
#define GATHER_CHUNKS 16

static __always_inline void on_send_payload(struct sock *sk, struct msghdr *msg)
{
	u64 key = (u64)sk;
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);
	struct iovec segment;

	if (!c || c->state == STATE_OTHER || c->state == STATE_TLS)
		return;
	for (u32 i = 0; i < GATHER_SEGMENTS; i++) {
		u32 done = 0, len;

		if (!msg_segment(msg, i, &segment))
			return;
		len = segment.iov_len;
		for (u32 chunk = 0; chunk < GATHER_CHUNKS && done < len; chunk++)
			done += gather_chunk(key, (u64)segment.iov_base + done, len - done);
		if (done < len)
			c->client.lost += len - done;
	}
}

#endif
