/* The steps over a packet's payload. Each is a global function, so that the verifier looks at it
 * once and not at every call; 5.10 lets such a function take the context and numbers only, so each
 * finds the connection again. A step gives the offset at which the next one goes on.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "stash.h"
#include "smtp/reply.h"

static __always_inline struct stream *stream_of(struct conn *c, const int dir)
{
	return dir ? &c->server : &c->client;
}

static __always_inline struct smtp_side *side_of(struct conn *c, const int dir)
{
	return dir ? &c->smtp.server : &c->smtp.client;
}

/* payload_reserve starts a record of what a stream has to report. */
static __always_inline struct payload_event *payload_reserve(struct conn *c, const int dir)
{
	struct smtp_side *side = side_of(c, dir);
	struct stream *s = stream_of(c, dir);
	struct payload_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		count(lost_payload);
		return 0;
	}
	e->kind = EVENT_PAYLOAD;
	e->dir = dir;
	e->segments_len = 1;
	e->raw = 0;
	e->unaligned = 0;
	e->conn = c->id;
	e->ts_ns = bpf_ktime_get_boot_ns();
	e->before = side->before;
	e->lost = s->lost;
	e->data_len = 0;
	e->pad = 0;
	__builtin_memset(e->segments, 0, sizeof(e->segments));
	side->before = 0;
	s->lost = 0;
	s->segment = 0;
	s->segment_cut = 0;
	s->unaligned = 0;
	return e;
}

static __always_inline void payload_submit(struct conn *c, struct payload_event *e)
{
	c->heard = 1;
	bpf_ringbuf_submit(e, 0);
	count(events);
}

/* payload_finish sends a record that has something to say. */
static __always_inline void payload_finish(struct conn *c, struct payload_event *e, const int dir)
{
	struct stream *s = stream_of(c, dir);

	payload_defer_cut(s, side_of(c, dir), e);
	e->segments_len = s->segment + 1;
	e->unaligned = s->unaligned;
	if (e->data_len || e->before || e->segments[0].cut || e->lost)
		payload_submit(c, e);
	else
		bpf_ringbuf_discard(e, 0);
}

static __always_inline u32 chunk_len(u32 off, u32 end, u32 max)
{
	return end - off > max ? max : end - off;
}

/* client_step and server_step take the byte at off; what becomes of it stands in the stream's out
 * fields. They are true where the record ends with it. A byte that is cut is never in a record, not
 * even for a moment: the ring is user memory.
 */
__noinline int client_step(struct __sk_buff *skb, u32 off)
{
	struct conn *c = conn_of(skb);
	u8 ch;

	if (!c)
		return 1;
	out_clear(&c->client.out);
	if (packet_load(skb, c, off, &ch, 1)) {
		count(unreadable);
		return 1;
	}
	client_byte(&c->smtp, &c->client.out, ch);
	out_segment(&c->client);
	return lines_end(&c->smtp, &c->client, &c->smtp.client);
}

__noinline int server_step(struct __sk_buff *skb, u32 off)
{
	struct conn *c = conn_of(skb);
	u8 ch;

	if (!c)
		return 1;
	out_clear(&c->server.out);
	if (packet_load(skb, c, off, &ch, 1)) {
		count(unreadable);
		return 1;
	}
	server_byte(&c->smtp, &c->server.out, ch);
	out_segment(&c->server);
	return lines_end(&c->smtp, &c->server, &c->smtp.server);
}

/* pass_lines follows lines that cannot be shown: else a body would pass for commands. It gives how
 * many octets.
 */
static __always_inline u32 pass_lines(struct __sk_buff *skb, u32 off, u32 n, const int dir)
{
	struct conn *c = conn_of(skb);
	u32 done = 0;

	if (!c)
		return n;
	for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
		if (i >= n)
			break;
		done = i + 1;
		if (dir ? server_step(skb, off + i) : client_step(skb, off + i))
			break;
		barrier();
	}
	stream_of(c, dir)->lost += done;
	return done;
}

__noinline u32 pass_client(struct __sk_buff *skb, u32 off, u32 n)
{
	return pass_lines(skb, off, n, DIR_CLIENT);
}

__noinline u32 pass_server(struct __sk_buff *skb, u32 off, u32 n)
{
	return pass_lines(skb, off, n, DIR_SERVER);
}

static __always_inline u32 cut_lines(struct __sk_buff *skb, u32 off, u32 end, const int dir)
{
	struct conn *c = conn_of(skb);
	u32 n = chunk_len(off, end, PAYLOAD_SIZE - PAYLOAD_SLACK);
	struct payload_event *e;
	struct stream *s;

	if (!c)
		return end;
	s = stream_of(c, dir);
	e = payload_reserve(c, dir);
	if (!e)
		return off + (dir ? pass_server(skb, off, n) : pass_client(skb, off, n));
	for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
		int ends;

		if (i >= n)
			break;
		ends = dir ? server_step(skb, off + i) : client_step(skb, off + i);
		payload_put(s, e);
		s->done = i + 1; /* in a register each would be a state of its own to verify */
		barrier();
		if (ends)
			break;
	}
	c = conn_of(skb);
	if (!c || c->id != e->conn) { /* it was closed meanwhile, and its memory may be another's */
		bpf_ringbuf_discard(e, 0);
		return end;
	}
	payload_finish(c, e, dir);
	return off + stream_of(c, dir)->done;
}

__noinline u32 cut_client(struct __sk_buff *skb, u32 off, u32 end)
{
	return cut_lines(skb, off, end, DIR_CLIENT);
}

__noinline u32 cut_server(struct __sk_buff *skb, u32 off, u32 end)
{
	return cut_lines(skb, off, end, DIR_SERVER);
}

/* show_hello shows the first packets of a TLS handshake as they are: the ClientHello. What does not
 * begin with one is nobody's business: the client may go on in the clear behind STARTTLS.
 */
__noinline u32 show_hello(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u32 n = chunk_len(off, end, PAYLOAD_SIZE);
	struct payload_event *e;

	if (!c)
		return end;
	if (!c->smtp.hello_left) {
		if (!c->smtp.tls_sure) { /* it may turn out to be text */
			c->client.lost += end - off;
			c->smtp.tls_passed += end - off;
		}
		return end;
	}
	if (n > c->smtp.hello_octets)
		n = c->smtp.hello_octets;
	c->smtp.hello_octets -= n;
	c->smtp.hello_left = c->smtp.hello_octets ? c->smtp.hello_left - 1 : 0;
	e = payload_reserve(c, DIR_CLIENT);
	if (!e) {
		c->client.lost += end - off;
		return end;
	}
	n = ((n - 1) & (PAYLOAD_SIZE - 1)) + 1;
	if (packet_load(skb, c, off, e->data, n)) {
		count(unreadable);
		n = 0;
	}
	e->raw = 1;
	e->data_len = e->segments[0].shown = n;
	payload_submit(c, e);
	return off + n;
}

#endif
