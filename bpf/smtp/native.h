/* What the hooks do around the pure part, over memory: see native.c. */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../record.h"
#include "greeting.h"

#define NATIVE_MAIL_PORT 1
#define NATIVE_OLD 2

struct held {
	u32 len;
	bool there;
	u8 data[BANNER_SIZE];
};

static struct smtp_state smtp;
static struct stream streams[2];
static struct held banner, replies, preamble;
static u32 skipped[2];
static bool announced;
static const u8 *packet;

static void put(const void *data, size_t len)
{
	if (fwrite(data, 1, len, stdout) != len)
		exit(1);
}

static void put_u8(u8 value)
{
	put(&value, 1);
}

static void put_u32(u32 value)
{
	u8 octets[4] = {value, value >> 8, value >> 16, value >> 24};

	put(octets, sizeof(octets));
}

static void told(char what, u8 dir, u32 len)
{
	put_u8(what);
	put_u8(dir);
	put_u32(len);
}

static void cut(u8 dir, u32 len, bool aligned)
{
	told('C', dir, len);
	put_u8(aligned);
}

static struct smtp_side *side_of(u8 dir)
{
	return dir ? &smtp.server : &smtp.client;
}

/* reserve is payload_reserve, submit what event.Payload.Parts yields. */
static void reserve(struct payload_event *e, u8 dir)
{
	struct stream *s = &streams[dir];

	memset(e, 0, sizeof(*e));
	e->dir = dir;
	e->segments_len = 1;
	e->before = side_of(dir)->before;
	e->lost = s->lost;
	side_of(dir)->before = 0;
	s->lost = 0;
	s->segment = 0;
	s->segment_cut = 0;
	s->unaligned = 0;
}

static void submit(const struct payload_event *e)
{
	u32 waits = e->before, at = 0;

	if (e->lost)
		told('L', e->dir, e->lost);
	for (u32 i = 0; i < e->segments_len; i++) {
		u32 shown = e->segments[i].shown;

		if (shown) {
			if (waits)
				cut(e->dir, waits, true);
			told('D', e->dir, shown);
			put(e->data + at, shown);
			at += shown;
			waits = 0;
		}
		waits += e->segments[i].cut;
	}
	if (waits)
		cut(e->dir, waits, !e->unaligned);
}

/* Of banner.h. */

static void show_held(struct held *h, u8 dir)
{
	struct payload_event e;

	reserve(&e, dir);
	if (!dir) {
		smtp.client.before = e.before;
		e.before = 0;
	}
	memcpy(e.data, h->data, h->len);
	e.data_len = e.segments[0].shown = h->len;
	submit(&e);
	h->there = false;
}

static void show_text(u8 dir, const void *data, u32 len)
{
	struct held h = {.len = len};

	memcpy(h.data, data, len);
	show_held(&h, dir);
}

static void show_marks(void)
{
	static const char marks[] = "?\r\n?\r\n?\r\n?\r\n?\r\n?\r\n?\r\n?\r\n?\r\n?\r\n?\r\n?\r\n";

	if (smtp.marks)
		show_text(DIR_CLIENT, marks, 3 * smtp.marks);
}

static void show_banner(struct held *h)
{
	if (!h->there)
		return;
	smtp.server_judged -= h->len;
	show_held(h, DIR_SERVER);
}

static void show_greeted(void)
{
	if (smtp.early)
		show_marks();
	if (smtp.banner_220 && !smtp.mail_port) {
		show_banner(&banner);
		if (!smtp.early)
			show_marks();
		show_banner(&replies);
		skipped[1] += smtp.server_judged;
	} else if (!smtp.early) {
		show_marks();
	}
}

static void announce(void)
{
	put_u8('V');
	put_u8(smtp.state);
	put_u8(smtp.banner_smtp);
	announced = true;
	if (smtp.state == STATE_SMTP || smtp.state == STATE_TLS) {
		bool held = smtp.proxy && preamble.there;

		skipped[0] += smtp.judged - smtp.client.before - held_letters(&smtp.client) -
			      3 * smtp.marks - smtp.client.tls_held - (held ? preamble.len : 0);
		if (held)
			show_held(&preamble, DIR_CLIENT);
		streams[0].lost += smtp.blanks;
	}
	if (smtp.state == STATE_SMTP)
		show_greeted();
	if (smtp.state == STATE_TLS && smtp.client.tls_held) {
		show_text(DIR_CLIENT, &smtp.client.tls_head, TLS_HEAD - 1);
		line_reset(&smtp.client);
	}
}

static void hold(struct held *h, u8 ch)
{
	if (h->len < BANNER_SIZE)
		h->data[h->len++] = ch;
}

static bool judge_client_step(u8 ch)
{
	struct smtp_out *o = &streams[0].out;
	if (client_judged(&smtp, o, ch))
		return true;
	if (o->fresh)
		preamble = (struct held){.there = true};
	for (u32 i = 0; i < o->len; i++)
		hold(&preamble, o->bytes >> i * 8);
	return false;
}

static bool judge_server_step(u8 ch)
{
	struct smtp_out *o = &streams[1].out;
	u32 part;

	if (!smtp.banner_220) {
		if (!server_verdict(&smtp, ch))
			return false;
		if (smtp.state != STATE_NEW || !smtp.banner_220)
			return true;
		smtp.server_judged = 3;
	}
	part = greeting_byte(&smtp, o, ch);
	smtp.server_judged++;
	if (part != GREETING_NONE) {
		struct held *h = part == GREETING_TEXT ? &banner : &replies;

		h->there = true;
		if (h->len > BANNER_SIZE - 4)
			streams[1].lost += o->len;
		else
			for (u32 i = 0; i < o->len; i++)
				hold(h, o->bytes >> i * 8);
	}
	return smtp.state != STATE_NEW;
}

static u32 judge(u32 off, u32 end, u8 dir)
{
	for (u32 i = 0; i < JUDGE_SIZE && off < end; i++, off++)
		if (dir ? judge_server_step(packet[off]) : judge_client_step(packet[off]))
			break;
	return off;
}

/* Of payload.h and body.h. */

static u32 cut_lines(u32 off, u32 end, u8 dir)
{
	u32 n = end - off, done = 0;
	struct stream *s = &streams[dir];
	struct payload_event e;

	if (n > PAYLOAD_SIZE - PAYLOAD_SLACK)
		n = PAYLOAD_SIZE - PAYLOAD_SLACK;
	reserve(&e, dir);
	for (; done < n && !lines_end(&smtp, s, side_of(dir)); done++) {
		if (dir)
			server_byte(&smtp, &s->out, packet[off + done]);
		else
			client_byte(&smtp, &s->out, packet[off + done]);
		out_segment(s);
		payload_put(s, &e);
	}
	payload_defer_cut(s, side_of(dir), &e);
	e.segments_len = s->segment + 1;
	e.unaligned = s->unaligned;
	submit(&e);
	return done ? off + done : end;
}

static u32 show_hello(u32 off, u32 end)
{
	u32 n = end - off;

	if (!smtp.hello_left) {
		if (!smtp.tls_sure) {
			streams[0].lost += end - off;
			smtp.tls_passed += end - off;
		}
		return end;
	}
	if (n > PAYLOAD_SIZE)
		n = PAYLOAD_SIZE;
	if (n > smtp.hello_octets)
		n = smtp.hello_octets;
	smtp.hello_octets -= n;
	smtp.hello_left = smtp.hello_octets ? smtp.hello_left - 1 : 0;
	put_u8('H');
	put_u32(n);
	put(packet + off, n);
	return off + n;
}

#endif
