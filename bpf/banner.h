/* The first words of a connection: held back until there is a verdict, then told to the agent. */
#ifndef BANNER_H
#define BANNER_H

#include "payload.h"
#include "smtp/greeting.h"

/* show_held shows first words that waited. Those that are lost, for there is no record or they made
 * room for others, leave a gap of unknown size: what follows is not taken for them.
 */
static __always_inline void show_held(struct conn *c, struct banner *b, const int dir)
{
	struct payload_event *e = 0;

	if (b)
		e = payload_reserve(c, dir);
	else
		count(lost_payload);
	if (!e) {
		stream_of(c, dir)->lost += b ? b->len : 1;
		return;
	}
	if (!dir) { /* what did not fit comes after it; of a greeting it stood in front */
		c->smtp.client.before = e->before;
		e->before = 0;
	}
	bpf_probe_read_kernel(e->data, BANNER_SIZE, b->data);
	e->data_len = e->segments[0].shown = b->len;
	payload_submit(c, e);
}

/* banner_make makes an empty entry, from a blank one: a stack is too small. */
static __always_inline void banner_make(void *map, u64 key)
{
	u32 zero = 0;
	struct blank *blank = bpf_map_lookup_elem(&blanks, &zero);

	if (blank)
		bpf_map_update_elem(map, &key, &blank->banner, BPF_ANY);
}

#define BANNER_REPLIES(id) (~(id)) /* the key of the replies behind the greeting */

/* show_banner shows the greeting that waited, or the replies behind it. */
static __always_inline void show_banner(struct conn *c, u64 key, enum greeting_part part)
{
	struct banner *b = bpf_map_lookup_elem(&banners, &key);

	if (!(c->banners_made & (1 << part)))
		return;
	if (b)
		c->smtp.server_judged -= b->len;
	show_held(c, b, DIR_SERVER);
	bpf_map_delete_elem(&banners, &key);
}

/* show_marks shows a mark for each line that the client said before the verdict. */
static __always_inline void show_marks(struct conn *c)
{
	struct payload_event *e;
	u32 n = c->smtp.marks;

	if (!n)
		return;
	e = payload_reserve(c, DIR_CLIENT);
	if (!e) {
		c->client.lost += 3 * n;
		return;
	}
	c->smtp.client.before = e->before;
	e->before = 0;
	for (u32 i = 0; i < PATIENT_LINES; i++) {
		e->data[3 * i] = '?';
		e->data[3 * i + 1] = '\r';
		e->data[3 * i + 2] = '\n';
	}
	e->data_len = e->segments[0].shown = 3 * n;
	payload_submit(c, e);
}

/* show_head shows the first octets of a TLS record that were looked at one by one. */
static __always_inline void show_head(struct conn *c)
{
	struct smtp_side *s = &c->smtp.client;
	struct payload_event *e;

	if (!s->tls_held)
		return;
	e = payload_reserve(c, DIR_CLIENT);
	if (!e) {
		c->client.lost += TLS_HEAD - 1;
		return;
	}
	for (u32 i = 0; i < TLS_HEAD - 1; i++)
		e->data[i] = s->tls_head >> i * 8;
	e->raw = 1;
	e->data_len = e->segments[0].shown = TLS_HEAD - 1;
	line_reset(s);
	payload_submit(c, e);
}

/* show_greeted shows what both sides said before the verdict, in an order in which it can have
 * passed. What is not shown of it says nothing.
 */
static __always_inline void show_greeted(struct conn *c)
{
	bool early = c->smtp.early;

	if (early)
		show_marks(c);
	if (c->smtp.banner_220 && !c->smtp.mail_port) {
		show_banner(c, c->id, GREETING_TEXT);
		if (!early)
			show_marks(c);
		show_banner(c, BANNER_REPLIES(c->id), GREETING_REPLY);
		c->server_skipped += c->smtp.server_judged;
	} else if (!early) {
		show_marks(c);
	}
}

/* show_preamble shows what the client said to a proxy, as if nothing had come before it. What is
 * not shown of all that was judged, and will not be, says nothing.
 */
static __always_inline void show_preamble(struct conn *c)
{
	struct banner *b = c->smtp.proxy ? bpf_map_lookup_elem(&preambles, &c->id) : 0;
	u32 told = c->smtp.client.before + held_letters(&c->smtp.client) + (b ? b->len : 0) +
		   3 * c->smtp.marks + c->smtp.client.tls_held;

	c->client_skipped += c->smtp.judged - told;
	if (c->smtp.proxy) {
		show_held(c, b, DIR_CLIENT);
		bpf_map_delete_elem(&preambles, &c->id);
	}
	if (c->smtp.blanks) /* behind it; who answers them, and who does not? */
		c->client.lost++;
}

/* announce tells the agent of a connection that has been judged, and shows the greeting that
 * waited.
 */
__noinline int announce(struct __sk_buff *skb)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	conn_announce(c, skb_sock(skb), true);
	if (c->smtp.state == STATE_SMTP || c->smtp.state == STATE_TLS)
		show_preamble(c);
	if (c->smtp.state == STATE_SMTP)
		show_greeted(c);
	if (c->smtp.state == STATE_TLS)
		show_head(c);
	return 0;
}

/* hold_preamble keeps the client's words to a proxy, as far as they may be shown. */
static __always_inline void hold_preamble(struct conn *c, struct smtp_out *o)
{
	struct banner *b;

	if (o->fresh)
		banner_make(&preambles, c->id);
	b = bpf_map_lookup_elem(&preambles, &c->id);
	if (!b)
		return;
	for (u32 i = 0; i < 5; i++)
		if (i < o->len && b->len < BANNER_SIZE)
			b->data[b->len++ & (BANNER_SIZE - 1)] = o->bytes >> i * 8;
}

/* judge_client_byte takes one byte of an unjudged client, true when the verdict stands. */
static __always_inline bool judge_client_byte(struct conn *c, u8 ch)
{
	struct smtp_out *o = &c->client.out;

	if (client_judged(&c->smtp, o, ch))
		return true;
	if (o->len)
		hold_preamble(c, o);
	return false;
}

__noinline int judge_client_step(struct __sk_buff *skb, u32 ch)
{
	struct conn *c = conn_of(skb);

	return c && judge_client_byte(c, ch);
}

/* hold_banner keeps what a server says, on a port that is not a mail port, until the client has
 * been judged.
 */
static __always_inline void hold_banner(struct conn *c, u8 ch)
{
	struct smtp_out *o = &c->server.out;
	u32 part = greeting_byte(&c->smtp, o, ch);
	struct banner *b;
	u64 key = part == GREETING_TEXT ? c->id : BANNER_REPLIES(c->id);

	c->smtp.server_judged++;
	if (part == GREETING_NONE)
		return;
	if (!(c->banners_made & (1 << part)))
		banner_make(&banners, key);
	c->banners_made |= 1 << part;
	b = bpf_map_lookup_elem(&banners, &key);
	if (!b || b->len > BANNER_SIZE - 4) {
		c->server.lost += o->len;
		return;
	}
	for (u32 i = 0; i < 4; i++)
		if (i < o->len)
			b->data[b->len++ & (BANNER_SIZE - 1)] = o->bytes >> i * 8;
}

/* judge_server_step takes one byte of an unjudged server, 1 when the verdict stands. */
__noinline int judge_server_step(struct __sk_buff *skb, u32 ch)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	if (!c->smtp.banner_220) {
		if (!server_verdict(&c->smtp, ch))
			return 0;
		if (c->smtp.state != STATE_NEW || !c->smtp.banner_220)
			return 1;
		c->smtp.server_judged = 3;
	}
	hold_banner(c, ch);
	return c->smtp.state != STATE_NEW;
}

/* line_passes is true where no more is looked for in the client's line than its end. */
static __always_inline bool line_passes(struct smtp_state *c)
{
	return c->proxy == PROXY_HTTP_HEADERS ? c->proxy_left : c->client.show && !c->old;
}

/* judge looks at the first bytes of either side until there is a verdict. The byte that decided is
 * left to the next step.
 */
static __always_inline u32 judge(struct __sk_buff *skb, u32 off, u32 end, const int dir)
{
	struct conn *c = conn_of(skb);
	u64 word;
	int ch;

	if (!c)
		return end;
	/* Byte by byte, where most words would not do: below 5.12 a stack cannot be indexed. */
	for (u32 i = 0; i < JUDGE_SIZE && off < end; i++, off++) {
		if (!dir && !(off & STASHED) && end - off >= 8 && line_passes(&c->smtp) &&
		    !bpf_skb_load_bytes(skb, off, &word, 8) && !has_newline(word)) {
			c->smtp.judged += 8;
			off += 7;
			continue;
		}
		ch = packet_octet(skb, off);
		if (ch < 0)
			return end;
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
