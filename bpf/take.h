/* What becomes of a packet whose turn it is: judged, cut or passed over. */
#ifndef TAKE_H
#define TAKE_H

#include "banner.h"
#include "body.h"
#include "packet.h"

/* tls_word looks whether TLS begins behind STARTTLS. Where bytes are lost behind its 220 it may
 * have, and what follows is nobody's business.
 */
static __always_inline void tls_word(struct __sk_buff *skb, struct conn *c, struct stream *s,
				     u32 off)
{
	u8 ch;

	if ((s->lost && c->smtp.await_tls == TLS_ACCEPTED) ||
	    (!packet_load(skb, c, off, &ch, 1) && tls_begins(&c->smtp, ch)))
		state_to_tls(&c->smtp);
}

/* judge_old_server looks at the first octets of a packet, where a reply begins there: the client
 * has spoken since the packet before, and that one has ended a line. What comes before the verdict
 * says nothing.
 */
__noinline u32 judge_old_server(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u8 first[4] = {}, last = 0;

	if (!c || off >= end)
		return end;
	if (packet_load(skb, c, off, first, 3) || packet_load(skb, c, end - 1, &last, 1))
		first[0] = 0;
	if (end - off > 3)
		packet_load(skb, c, off + 3, &first[3], 1);
	old_server(&c->smtp, first, last);
	if (c->smtp.state == STATE_SMTP) {
		announce(skb);
		return off;
	}
	c->server_skipped += end - off;
	if (c->smtp.state == STATE_OTHER && c->announced)
		announce(skb);
	return end;
}

/* answer_tls looks whether the server goes on with TLS too, and gives where it complains in text.
 */
__noinline u32 answer_tls(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	int ch;

	if (!c)
		return end;
	for (u32 i = 0; i < TLS_ANSWER && off + i < end; i++) {
		ch = packet_octet(skb, off + i);
		if (ch < 0)
			return end;
		if (!tls_answered(&c->smtp, ch))
			continue;
		if (c->smtp.state != STATE_SMTP)
			return end;
		c->server.lost += i;
		return off + i;
	}
	return off + chunk_len(off, end, TLS_ANSWER);
}

/* pass_urgent passes over the urgent byte: who reads the stream does not get it. */
static __always_inline u32 pass_urgent(struct conn *c, u32 off, const int dir)
{
	if (dir)
		c->server_skipped++;
	else
		c->client_skipped++;
	return off + 1;
}

/* packet_step takes some of a packet, and gives what offset is next. */
static __always_inline u32 packet_step(struct __sk_buff *skb, u32 off, u32 end, u32 urgent,
				       const int dir)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return end;
	if (off == urgent)
		return pass_urgent(c, off, dir);
	if (c->smtp.state == STATE_OTHER)
		return end;
	if (urgent > off && urgent < end)
		end = urgent;
	if (c->smtp.state == STATE_NEW && c->smtp.old && dir)
		return judge_old_server(skb, off, end);
	if (c->smtp.state == STATE_NEW) {
		off = dir ? judge_server(skb, off, end) : judge_client(skb, off, end);
		if (c->smtp.state == STATE_SMTP || c->smtp.state == STATE_TLS ||
		    (c->smtp.state == STATE_OTHER && (c->announced || c->smtp.banner_smtp)))
			announce(skb);
		else if (c->smtp.given_up && !dir)
			return end;
		else if (dir && !server_goes_on(&c->smtp)) {
			if (c->smtp.http)
				c->server_skipped += end - off;
			return end; /* the client's words decide */
		}
		return off;
	}
	if (c->smtp.state == STATE_TLS)
		return dir ? answer_tls(skb, off, end) : show_hello(skb, off, end);
	if (dir)
		return cut_server(skb, off, end);
	if (c->smtp.client.mode == MODE_BODY)
		return skip_body(skb, off, end);
	if (c->smtp.client.mode == MODE_CHUNK)
		return skip_chunk(c, off, end);
	return cut_client(skb, off, end);
}

/* Global functions: the verifier looks at them once, and not once a step. */
__noinline u32 client_packet_step(struct __sk_buff *skb, u32 off, u32 end, u32 urgent)
{
	return packet_step(skb, off, end, urgent, DIR_CLIENT);
}

__noinline u32 server_packet_step(struct __sk_buff *skb, u32 off, u32 end, u32 urgent)
{
	return packet_step(skb, off, end, urgent, DIR_SERVER);
}

/* Enough for a packet of 64 KiB of commands, 248 bytes a step; of a body it is 1 KiB a step. */
#define STEPS 272

/* take_packet takes what is new in a packet, or a piece of one. */
static __always_inline void take_packet(struct __sk_buff *skb, struct packet *p, const int dir)
{
	struct conn *c = conn_of(skb);
	struct stream *s;

	if (!c || c->smtp.state == STATE_OTHER)
		return;
	s = stream_of(c, dir);
	if (!stream_advance(s, side_of(c, dir), p))
		return;
	if (p->off == p->urgent) {
		p->off = pass_urgent(c, p->off, dir);
		if (p->off == p->end)
			return;
	}
	if (dir && s->lost) /* replies were missed: how many is not known */
		c->smtp.answered = c->smtp.asked;
	if (dir)
		c->smtp.server_spoke = 1;
	else
		c->smtp.spoken = 1;
	if (!dir && c->smtp.given_up)
		return;
	if (dir && !reply_affords(&c->smtp, p->end - p->off)) {
		s->lost += p->end - p->off;
		return;
	}
	if (c->smtp.await_tls && c->smtp.state == STATE_SMTP)
		tls_word(skb, c, s, p->off);
	for (int i = 0; i < STEPS && p->off < p->end; i++)
		p->off = dir ? server_packet_step(skb, p->off, p->end, p->urgent)
			     : client_packet_step(skb, p->off, p->end, p->urgent);
	if (p->off < p->end) {
		s->lost += p->end - p->off;
		if (c->smtp.state == STATE_NEW && c->smtp.old) { /* a long text */
			old_unknown(&c->smtp);
			side_of(c, dir)->show = 1; /* the line that goes on is passed over */
		} else {
			count(unreadable);
		}
	}
	if (dir && c->smtp.state == STATE_NEW) {
		server_first(&c->smtp);
		if (c->smtp.state == STATE_OTHER && c->smtp.banner_smtp)
			announce(skb);
	}
	/* Not judged yet, and told all the same: it may stay like that until the tracer ends. */
	if (!c->announced && c->smtp.state == STATE_NEW &&
	    (c->smtp.old ? !dir : c->smtp.banner_smtp && c->smtp.spoken))
		announce(skb);
}

#endif
