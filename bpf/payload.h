/* The steps over a packet's payload. Each is a global function, so that the verifier looks at it
 * once and not at every call; 5.10 lets such a function take the context and numbers only, so each
 * finds the connection again. A step gives the offset at which the next one goes on.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "reply.h"

/* payload_reserve starts a record of what a stream has to report. */
static __always_inline struct payload_event *payload_reserve(struct conn *c, struct stream *s,
							     int dir)
{
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
	e->before = s->before;
	e->lost = s->lost;
	e->data_len = 0;
	e->done = 0;
	__builtin_memset(e->segments, 0, sizeof(e->segments));
	s->before = 0;
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

/* payload_defer_cut leaves a cut that has not reached the end of its line to the next record. */
static __always_inline void payload_defer_cut(struct stream *s, struct payload_event *e)
{
	u32 last = s->segment & (SEGMENTS - 1);

	if (s->letters != LINE_JUDGED || s->show)
		return;
	s->before = e->segments[last].cut;
	e->segments[last].cut = 0;
	if (!last && !e->segments[0].shown) {
		s->before += e->before;
		e->before = 0;
	}
}

/* payload_finish sends a record that has something to say. */
static __always_inline void payload_finish(struct conn *c, struct stream *s,
					   struct payload_event *e)
{
	payload_defer_cut(s, e);
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
 * fields. A byte that is cut is never in a record, not even for a moment: the ring is user memory.
 */
__noinline int client_step(struct __sk_buff *skb, u32 off)
{
	struct conn *c = conn_of(skb);
	u8 ch;

	if (!c)
		return 0;
	if (bpf_skb_load_bytes(skb, off, &ch, 1)) {
		count(unreadable);
		return 0;
	}
	client_byte(c, &c->client, ch);
	out_segment(&c->client);
	return 0;
}

__noinline int server_step(struct __sk_buff *skb, u32 off)
{
	struct conn *c = conn_of(skb);
	u8 ch;

	if (!c)
		return 0;
	if (bpf_skb_load_bytes(skb, off, &ch, 1)) {
		count(unreadable);
		return 0;
	}
	server_byte(c, &c->server, ch);
	out_segment(&c->server);
	return 0;
}

/* lines_end is true where cut_lines must stop: the stream is no lines any more, or the record
 * has no room for another line.
 */
static __always_inline bool lines_end(struct conn *c, struct stream *s)
{
	return c->state != STATE_SMTP || s->mode != MODE_LINES ||
	       (!s->letters && s->segment == SEGMENTS - 1 && s->segment_cut);
}

static __always_inline u32 cut_lines(struct __sk_buff *skb, u32 off, u32 end, const int dir)
{
	struct conn *c = conn_of(skb);
	u32 n = chunk_len(off, end, PAYLOAD_SIZE - PAYLOAD_SLACK), done = 0;
	struct payload_event *e;
	struct stream *s;

	if (!c)
		return end;
	s = dir ? &c->server : &c->client;
	e = payload_reserve(c, s, dir);
	if (!e) { /* nothing can be shown; the state goes on, or a body would pass for commands */
		for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
			if (i >= n || c->state != STATE_SMTP || s->mode != MODE_LINES)
				break;
			if (dir)
				server_step(skb, off + i);
			else
				client_step(skb, off + i);
			done = i + 1;
			barrier();
		}
		s->lost += done;
		return done ? off + done : end;
	}
	for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
		if (i >= n || lines_end(c, s))
			break;
		if (dir)
			server_step(skb, off + i);
		else
			client_step(skb, off + i);
		payload_put(s, e);
		e->done = i + 1; /* in a register each would be a state of its own to verify */
		barrier();
	}
	done = e->done;
	c = conn_of(skb);
	if (!c || c->id != e->conn) { /* it was closed meanwhile, and its memory may be another's */
		bpf_ringbuf_discard(e, 0);
		return end;
	}
	payload_finish(c, s, e);
	return done ? off + done : end;
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
	u8 type;

	if (!c || !c->hello_left)
		return end;
	if (c->hello_left == HELLO_RECORDS &&
	    (bpf_skb_load_bytes(skb, off, &type, 1) || type != TLS_HANDSHAKE)) {
		c->hello_left = 0;
		return end;
	}
	c->hello_left--;
	e = payload_reserve(c, &c->client, DIR_CLIENT);
	if (!e) {
		c->client.lost += end - off;
		return end;
	}
	n = ((n - 1) & (PAYLOAD_SIZE - 1)) + 1;
	if (bpf_skb_load_bytes(skb, off, e->data, n)) {
		count(unreadable);
		n = 0;
	}
	e->raw = 1;
	e->data_len = e->segments[0].shown = n;
	payload_submit(c, e);
	return off + n;
}

#endif
