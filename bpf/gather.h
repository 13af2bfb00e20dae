/* What was sent, read from user memory at sendmsg: for a host where no packet hook can be had.
 * It does not see the answers, nor what is sent from other memory, nor a page that is not there
 * yet.
 */
#ifndef GATHER_H
#define GATHER_H

#include "banner.h"

/* The state of connections is in the hash here: a global function finds it by the socket's
 * address.
 */

__noinline int gather_judge_step(u64 key, u32 ch)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);

	return c && judge_client_byte(c, ch);
}

/* gather_judge takes bytes of an unjudged client, gives how many, and tells of the verdict.
 * The byte that brought it is left: it is shown with what follows.
 */
__noinline u32 gather_judge(u64 key, u64 base, u32 len)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);
	u8 ch;

	if (!c)
		return len;
	for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
		if (i >= len)
			return len;
		if (bpf_probe_read_user(&ch, 1, (void *)base + i)) {
			count(unreadable);
			return len;
		}
		if (gather_judge_step(key, ch)) {
			if (c->smtp.state == STATE_SMTP || c->smtp.state == STATE_TLS) {
				conn_announce(c, (void *)key, true);
				show_preamble(c);
				if (c->smtp.state == STATE_SMTP)
					show_marks(c);
				else
					show_head(c);
			}
			return i;
		}
	}
	return PAYLOAD_SIZE;
}

/* gather_step takes the byte at an address of user memory. */
__noinline int gather_step(u64 key, u64 at)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);
	u8 ch;

	if (!c)
		return 0;
	out_clear(&c->client.out);
	if (bpf_probe_read_user(&ch, 1, (void *)at)) {
		count(unreadable);
		return 0;
	}
	if (c->smtp.state == STATE_SMTP && c->smtp.client.mode == MODE_CHUNK) {
		c->client.out.cut = chunk_take(&c->smtp, 1);
		c->smtp.client.before--;
	} else if (c->smtp.state == STATE_SMTP)
		client_byte(&c->smtp, &c->client.out, ch);
	else if (c->smtp.state == STATE_TLS) /* the ClientHello, as it is */
		out_show(&c->client.out, ch);
	out_segment(&c->client);
	return 0;
}

/* gather_lose goes on behind bytes that were not followed: a body may have begun among them, so
 * nothing is shown before one ends.
 */
static __always_inline void gather_lose(struct conn *c, u32 n)
{
	struct smtp_side *s = &c->smtp.client;

	c->client.lost += n;
	if (c->smtp.state != STATE_SMTP)
		return;
	line_reset(s);
	s->letters = LINE_JUDGED;
	s->mode = MODE_LINES;
	c->smtp.desynced = 1;
	c->smtp.blind = 1; /* no answer is seen here */
}

/* gather_chunk takes up to PAYLOAD_SIZE bytes of user memory, and gives how many it took. */
__noinline u32 gather_chunk(u64 key, u64 base, u32 len)
{
	struct conn *c = bpf_map_lookup_elem(&conns_hash, &key);
	u32 n = chunk_len(0, len, PAYLOAD_SIZE - PAYLOAD_SLACK);
	struct payload_event *e;
	u8 ch;

	if (!c || !n || c->smtp.state == STATE_OTHER)
		return len;
	if (c->smtp.state == STATE_NEW)
		return gather_judge(key, base, len);
	if (c->smtp.await_tls && c->smtp.state == STATE_SMTP &&
	    !bpf_probe_read_user(&ch, 1, (void *)base) && tls_begins(&c->smtp, ch))
		state_to_tls(&c->smtp);
	e = payload_reserve(c, DIR_CLIENT);
	if (!e) {
		gather_lose(c, n);
		return n;
	}
	for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
		if (i >= n)
			break;
		gather_step(key, base + i);
		payload_put(&c->client, e);
		barrier();
	}
	e->raw = c->smtp.state == STATE_TLS;
	payload_finish(c, e, DIR_CLIENT);
	return n;
}

#define GATHER_SEGMENTS 8
#define GATHER_CHUNKS 16

static __always_inline void on_send_payload(struct sock *sk, struct msghdr *msg)
{
	struct iovec segment;
	struct conn *c;
	u64 key;

	/* A number for the verifier too: 5.10 passes no typed pointer for one to a global
	 * function.
	 */
	if (bpf_probe_read_kernel(&key, sizeof(key), &sk))
		return;
	c = bpf_map_lookup_elem(&conns_hash, &key);
	if (!c || c->closed || c->smtp.state == STATE_OTHER || c->smtp.state == STATE_TLS ||
	    c->smtp.old == OLD_GIVEN_UP)
		return;
	for (u32 i = 0; i < GATHER_SEGMENTS; i++) {
		u32 done = 0, len;

		if (!msg_segment(msg, i, &segment))
			return;
		len = segment.iov_len;
		for (u32 chunk = 0; chunk < GATHER_CHUNKS && done < len; chunk++)
			done += gather_chunk(key, (u64)segment.iov_base + done, len - done);
		if (done < len)
			gather_lose(c, len - done);
	}
}

#endif
