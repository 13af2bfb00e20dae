/* The steps over a packet's payload. Each is a global function, so that the verifier looks at it
 * once and not at every call; 5.10 lets such a function take the context and numbers only, so each
 * finds the connection again. A step gives the offset at which the next one goes on.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "cut.h"

/* payload_reserve starts a record of what a stream has to report. */
static __always_inline struct payload_event *payload_reserve(struct conn *c, struct stream *s, int dir)
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
	e->pad = 0;
	__builtin_memset(e->segments, 0, sizeof(e->segments));
	s->before = 0;
	s->lost = 0;
	s->segment = 0;
	s->segment_cut = 0;
	s->unaligned = 0;
	return e;
}

static __always_inline void payload_submit(struct payload_event *e)
{
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

static __always_inline u32 chunk_len(u32 off, u32 end, u32 max)
{
	return end - off > max ? max : end - off;
}

/* client_step and server_step take one byte; what becomes of it stands in the stream's out fields. */
__noinline int client_step(struct __sk_buff *skb, u32 ch)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	client_byte(c, &c->client, ch);
	out_segment(&c->client);
	return 0;
}

__noinline int server_step(struct __sk_buff *skb, u32 ch)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	server_byte(c, &c->server, ch);
	out_segment(&c->server);
	return 0;
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
	if (!e) {
		s->lost += n;
		stream_reset_line(s);
		s->letters = LINE_JUDGED;
		return off + n;
	}
	n = ((n - 1) & (PAYLOAD_SIZE - 1)) + 1;
	if (bpf_skb_load_bytes(skb, off, e->data + PAYLOAD_SLACK, n)) {
		count(unreadable);
		n = 0;
	}
	for (u32 i = 0; i < PAYLOAD_SIZE; i++) {
		if (i >= n || c->state != STATE_SMTP || s->mode != MODE_LINES)
			break;
		if (dir)
			server_step(skb, e->data[PAYLOAD_SLACK + i]);
		else
			client_step(skb, e->data[PAYLOAD_SLACK + i]);
		payload_put(s, e);
		done = i + 1;
		barrier();
	}
	payload_defer_cut(s, e);
	e->segments_len = s->segment + 1;
	e->unaligned = s->unaligned;
	if (e->data_len || e->before || e->segments[0].cut || e->lost)
		payload_submit(e);
	else
		bpf_ringbuf_discard(e, 0);
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
		if (at >= n || c->client.body == BODY_END)
			break;
		c->client.body = body_next(c->client.body, word >> at * 8);
		barrier();
	}
	return at;
}

/* body_end leaves a body that has ended, and shows the dot. */
__noinline int body_end(struct __sk_buff *skb)
{
	struct conn *c = conn_of(skb);
	struct payload_event *e;

	if (!c)
		return 0;
	c->client.mode = MODE_LINES;
	stream_reset_line(&c->client);
	if (c->client.before >= 3)
		c->client.before -= 3;
	e = payload_reserve(c, &c->client, DIR_CLIENT);
	if (!e) {
		c->client.lost += c->client.before + 3;
		c->client.before = 0;
		return 0;
	}
	e->data[0] = '.';
	e->data[1] = '\r';
	e->data[2] = '\n';
	e->data_len = e->segments[0].shown = 3;
	payload_submit(e);
	return 0;
}

/* skip_body counts the lines of a message up to the one that ends it (RFC 5321, 4.1.1.4), a word at a
 * time: below 5.12 a stack cannot be indexed, and most words hold no end of a line.
 */
__noinline u32 skip_body(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u32 start = off;

	if (!c)
		return end;
	for (u32 i = 0; i < BODY_WORDS && off < end && c->client.body != BODY_END; i++) {
		u64 word;

		if (c->client.body == BODY_MID_LINE && end - off >= 8 &&
		    !bpf_skb_load_bytes(skb, off, &word, 8) && !has_newline(word))
			off += 8;
		else
			off += body_bytes(skb, off, end);
		barrier();
	}
	c->client.before += off - start;
	if (c->client.body == BODY_END)
		body_end(skb);
	return off;
}

static __always_inline u32 skip_chunk(struct conn *c, u32 off, u32 end)
{
	u32 n = end - off;

	if (n > c->client.chunk)
		n = c->client.chunk;
	c->client.chunk -= n;
	c->client.before += n;
	if (!c->client.chunk)
		c->client.mode = MODE_LINES;
	return off + n;
}

/* show_hello shows the first packets of a TLS handshake as they are: the ClientHello. */
__noinline u32 show_hello(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u32 n = chunk_len(off, end, PAYLOAD_SIZE);
	struct payload_event *e;

	if (!c || !c->hello_left)
		return end;
	c->hello_left--;
	e = payload_reserve(c, &c->client, DIR_CLIENT);
	if (!e)
		return end;
	n = ((n - 1) & (PAYLOAD_SIZE - 1)) + 1;
	if (bpf_skb_load_bytes(skb, off, e->data, n)) {
		count(unreadable);
		n = 0;
	}
	e->raw = 1;
	e->data_len = e->segments[0].shown = n;
	payload_submit(e);
	return end;
}

/* show_banner shows the greeting that waited. The server's next byte starts a line. */
static __always_inline void show_banner(struct conn *c)
{
	struct banner *b = bpf_map_lookup_elem(&banners, &c->id);
	struct payload_event *e;

	if (!b)
		return;
	e = payload_reserve(c, &c->server, DIR_SERVER);
	if (e) {
		c->server.before = e->before; /* what did not fit comes after it */
		e->before = 0;
		bpf_probe_read_kernel(e->data, BANNER_SIZE, b->data);
		e->data_len = e->segments[0].shown = b->len;
		payload_submit(e);
	}
	c->greeted = 1;
	stream_reset_line(&c->server);
	bpf_map_delete_elem(&banners, &c->id);
}

/* announce tells the agent of a connection that has been judged, and shows the greeting that waited. */
__noinline int announce(struct __sk_buff *skb)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	conn_announce(c, skb_sock(skb));
	if (c->state == STATE_SMTP && c->flags & CONN_BANNER_220)
		show_banner(c);
	return 0;
}

/* judge_client_step takes one byte of an unjudged client, 1 when the verdict stands. */
__noinline int judge_client_step(struct __sk_buff *skb, u32 ch)
{
	struct conn *c = conn_of(skb);

	return c && client_verdict(c, &c->client, ch);
}

/* hold_banner keeps the greeting of a server on a port that is not a mail port. */
static __always_inline void hold_banner(struct conn *c, struct stream *s, u8 ch)
{
	struct banner *b = bpf_map_lookup_elem(&banners, &c->id);

	if (!b || b->len >= BANNER_SIZE) {
		s->before++;
		return;
	}
	b->data[b->len++ & (BANNER_SIZE - 1)] = ch;
	s->chunk = s->chunk << 8 | upper(ch);
	if ((u32)s->chunk == VERB('S', 'M', 'T', 'P'))
		c->flags |= CONN_BANNER_SMTP;
}

static __always_inline void start_banner(struct conn *c, struct stream *s)
{
	struct banner b = {.conn = c->id, .len = 3};

	b.data[0] = '0' + s->verb / 100 % 10;
	b.data[1] = '0' + s->verb / 10 % 10;
	b.data[2] = '0' + s->verb % 10;
	bpf_map_update_elem(&banners, &c->id, &b, BPF_ANY);
}

/* judge_server_step takes one byte of an unjudged server, 1 when the verdict stands. */
__noinline int judge_server_step(struct __sk_buff *skb, u32 ch)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	if (!(c->flags & CONN_BANNER_220)) {
		if (!server_verdict(c, &c->server, ch))
			return 0;
		if (c->state != STATE_NEW || !(c->flags & CONN_BANNER_220))
			return 1;
		start_banner(c, &c->server);
	}
	hold_banner(c, &c->server, ch);
	return 0;
}

/* judge looks at the first bytes of either side until there is a verdict. The byte that decided is
 * left to the next step.
 */
static __always_inline u32 judge(struct __sk_buff *skb, u32 off, u32 end, const int dir)
{
	u8 ch;

	/* Byte by byte: the verdict falls within five, and below 5.12 a stack cannot be indexed. */
	for (u32 i = 0; i < JUDGE_SIZE && off < end; i++, off++) {
		if (bpf_skb_load_bytes(skb, off, &ch, 1)) {
			count(unreadable);
			return end;
		}
		if (dir ? judge_server_step(skb, ch) : judge_client_step(skb, ch))
			return off;
	}
	return off;
}

__noinline u32 judge_client(struct __sk_buff *skb, u32 off, u32 end)
{
	return judge(skb, off, end, DIR_CLIENT);
}

__noinline u32 judge_server(struct __sk_buff *skb, u32 off, u32 end)
{
	return judge(skb, off, end, DIR_SERVER);
}

#endif
