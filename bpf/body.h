/* Message bodies: counted to their end, never copied. */
#ifndef BODY_H
#define BODY_H

#include "payload.h"

#define BODY_WORDS 128

/* body_bytes follows up to eight bytes of a message body, and gives how many it took. */
__noinline u32 body_bytes(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u32 n = chunk_len(off, end, 8), at;
	u64 word = 0;

	if (!c)
		return 8;
	n = ((n - 1) & 7) + 1;
	if (packet_load(skb, c, off, &word, n)) {
		count(unreadable);
		return n;
	}
	for (at = 0; at < 8; at++) {
		if (at >= n || c->smtp.client.body >= BODY_END_LF)
			break;
		c->smtp.client.body =
			body_next(c->smtp.client.body, word >> at * 8, c->smtp.client.strict);
		barrier();
	}
	return at;
}

/* body_end leaves a body that has ended, and shows the dot. */
__noinline int body_end(struct __sk_buff *skb)
{
	struct conn *c = conn_of(skb);
	struct payload_event *e;
	bool bare;

	if (!c)
		return 0;
	bare = data_end(&c->smtp);
	e = payload_reserve(c, DIR_CLIENT);
	if (!e) {
		c->client.lost += c->smtp.client.before + 3 - bare;
		c->smtp.client.before = 0;
		return 0;
	}
	e->data[0] = '.';
	e->data[1] = bare ? '\n' : '\r';
	e->data[2] = '\n';
	e->data_len = e->segments[0].shown = 3 - bare;
	payload_submit(c, e);
	return 0;
}

/* skip_body counts the lines of a message up to the one that ends it (RFC 5321, 4.1.1.4), a word
 * at a time: below 5.12 a stack cannot be indexed, and most words hold no end of a line.
 */
__noinline u32 skip_body(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u32 start = off;

	if (!c)
		return end;
	if (c->smtp.body_over) {
		body_end(skb);
		return off;
	}
	for (u32 i = 0; i < BODY_WORDS && off < end && c->smtp.client.body < BODY_END_LF; i++) {
		u64 word;

		if (c->smtp.client.body == BODY_MID_LINE && end - off >= 8 && !(off & STASHED) &&
		    !bpf_skb_load_bytes(skb, off, &word, 8) && !has_newline(word) &&
		    word >> 56 != '\r')
			off += 8;
		else
			off += body_bytes(skb, off, end);
		barrier();
	}
	c->smtp.client.before += off - start;
	if (c->smtp.client.body >= BODY_END_LF)
		body_end(skb);
	return off;
}

static __always_inline u32 skip_chunk(struct conn *c, u32 off, u32 end)
{
	return off + chunk_take(&c->smtp, end - off);
}

#endif
