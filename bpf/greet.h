/* The first words of a connection: held back until there is a verdict, then told to the agent. */
#ifndef GREET_H
#define GREET_H

#include "payload.h"

/* show_held shows first words that waited. Those that are lost, for there is no record or they made
 * room for others, leave a gap of unknown size: what follows is not taken for them.
 */
static __always_inline void show_held(struct conn *c, struct stream *s, struct banner *b, int dir)
{
	struct payload_event *e = 0;

	if (b)
		e = payload_reserve(c, s, dir);
	else
		count(lost_payload);
	if (!e) {
		s->lost += b ? b->len : 1;
		return;
	}
	s->before = e->before; /* what did not fit comes after it */
	e->before = 0;
	bpf_probe_read_kernel(e->data, BANNER_SIZE, b->data);
	e->data_len = e->segments[0].shown = b->len;
	payload_submit(c, e);
}

/* show_banner shows the greeting that waited. The server's next byte starts a line. */
static __always_inline void show_banner(struct conn *c)
{
	show_held(c, &c->server, bpf_map_lookup_elem(&banners, &c->id), DIR_SERVER);
	c->greeted = 1;
	stream_reset_line(&c->server);
	bpf_map_delete_elem(&banners, &c->id);
}

/* show_preamble shows what the client said to a proxy, as if nothing had come before it. What is
 * not shown of all that was judged, and will not be, says nothing.
 */
static __always_inline void show_preamble(struct conn *c)
{
	struct banner *b = bpf_map_lookup_elem(&preambles, &c->id);
	u32 told = c->client.before + (c->client.letters & 7) + (b ? b->len : 0);

	if (c->judged > told)
		c->client_skipped += c->judged - told;
	if (!c->pre)
		return;
	show_held(c, &c->client, b, DIR_CLIENT);
	bpf_map_delete_elem(&preambles, &c->id);
}

/* announce tells the agent of a connection that has been judged, and shows the greeting that
 * waited.
 */
__noinline int announce(struct __sk_buff *skb)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	conn_announce(c, skb_sock(skb));
	if (c->state == STATE_SMTP || c->state == STATE_TLS)
		show_preamble(c);
	if (c->state == STATE_SMTP && c->banner_220 && !c->mail_port)
		show_banner(c);
	return 0;
}

/* judge_client_step takes one byte of an unjudged client, 1 when the verdict stands. */
__noinline int judge_client_step(struct __sk_buff *skb, u32 ch)
{
	struct conn *c = conn_of(skb);

	return c && client_judged(c, &c->client, ch);
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
		c->banner_smtp = 1;
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
	if (!c->banner_220) {
		if (!server_verdict(c, &c->server, ch))
			return 0;
		if (c->state != STATE_NEW || !c->banner_220)
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
