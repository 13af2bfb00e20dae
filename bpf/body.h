/* Message bodies: counted to their end, never copied. */
#ifndef BODY_H
#define BODY_H

#include "payload.h"

#define BODY_WORDS 128

/* has_newline is true where some byte of the word may be LF: never missed, seldom mistaken. */
static __always_inline bool has_newline(u64 word)
{
	word ^= 0x0a0a0a0a0a0a0a0aULL;
	return (word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL;
}

/* body_bytes follows up to eight bytes of a message body, and gives how many it took. */
__noinline u32 body_bytes(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u32 n = chunk_len(off, end, 8), at;
	u64 word = 0;

	if (!c)
		return 8;
	n = ((n - 1) & 7) + 1;
	if (bpf_skb_load_bytes(skb, off, &word, n)) {
		count(unreadable);
		return 8;
	}
	for (at = 0; at < 8; at++) {
		if (at >= n || c->client.body >= BODY_END_LF)
			break;
		c->client.body = body_next(c->client.body, word >> at * 8, c->client.strict);
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
	bare = c->client.body == BODY_END_LF;
	c->client.mode = MODE_LINES;
	stream_reset_line(&c->client);
	c->client.crlf = !bare;
	c->client.cr = 0;
	if (!c->body_over) /* else it is answered already */
		c->asked++;
	c->body_over = 0;
	c->await_data = 0;
	if (c->client.before >= 3)
		c->client.before -= 3 - bare;
	e = payload_reserve(c, &c->client, DIR_CLIENT);
	if (!e) {
		c->client.lost += c->client.before + 3 - bare;
		c->client.before = 0;
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
	if (c->body_over) {
		body_end(skb);
		return off;
	}
	for (u32 i = 0; i < BODY_WORDS && off < end && c->client.body < BODY_END_LF; i++) {
		u64 word;

		if (c->client.body == BODY_MID_LINE && end - off >= 8 &&
		    !bpf_skb_load_bytes(skb, off, &word, 8) && !has_newline(word) &&
		    word >> 56 != '\r')
			off += 8;
		else
			off += body_bytes(skb, off, end);
		barrier();
	}
	c->client.before += off - start;
	if (c->client.body >= BODY_END_LF)
		body_end(skb);
	return off;
}

static __always_inline u32 skip_chunk(struct conn *c, u32 off, u32 end)
{
	u32 n = end - off;

	if (n > c->client.chunk)
		n = c->client.chunk;
	c->client.chunk -= n;
	c->client.begun = 1;
	c->client.before += n;
	if (!c->client.chunk)
		c->client.mode = MODE_LINES;
	return off + n;
}

#endif
