/* What was sent and what was answered, as it passes the network layer. */
#ifndef WIRE_H
#define WIRE_H

#include "body.h"
#include "dns.h"
#include "greet.h"

struct packet {
	u32 seq;
	u32 off; /* of the first payload byte */
	u32 end;
	u32 urgent; /* where the urgent byte is (RFC 6093), or behind the end; 0: there is none */
	bool syn;
};

/* packet_read finds the payload of a TCP packet; false for what is not TCP or cannot be read. */
static __always_inline bool packet_read(struct __sk_buff *skb, struct packet *p)
{
	u8 head[40] = {}, tcp[20] = {};
	u32 tcp_off;

	p->end = skb->len;
	if (bpf_skb_load_bytes(skb, 0, head, 20))
		return false;
	if (head[0] >> 4 == 4) {
		tcp_off = (head[0] & 15) * 4;
		if (head[9] != IPPROTO_TCP)
			return false;
	} else {
		tcp_off = 40;
		if (head[6] == 0) { /* hop-by-hop: the jumbo option of BIG TCP (RFC 2675) */
			if (bpf_skb_load_bytes(skb, 40, head, 8))
				return false;
			tcp_off += 8 + head[1] * 8;
			head[6] = head[0];
		}
		if (head[6] != IPPROTO_TCP)
			return false;
	}
	if (bpf_skb_load_bytes(skb, tcp_off, tcp, sizeof(tcp)))
		return false;
	p->seq = (u32)tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7];
	p->off = tcp_off + (tcp[12] >> 4) * 4;
	p->syn = tcp[13] & 2;
	/* The pointer is to the byte behind it, as Linux has it (tcp_check_urg). */
	p->urgent = tcp[13] & 32 ? p->off + (tcp[18] << 8 | tcp[19]) - 1 : 0;
	return p->off <= p->end;
}

/* stream_advance drops what was seen before (a retransmission) and counts what never was; false
 * where nothing new is left.
 */
static __always_inline bool stream_advance(struct stream *s, struct packet *p)
{
	u32 len = p->end - p->off;
	s32 ahead;

	if (p->syn) {
		p->seq++;
		if (!s->seq_seen) /* a repeated SYN may come after its data (TCP Fast Open) */
			s->seq = p->seq;
		s->seq_seen = 1;
	}
	if (!len)
		return false;
	if (!s->seq_seen)
		s->seq = p->seq;
	s->seq_seen = 1;
	ahead = p->seq - s->seq;
	if (ahead < 0) {
		if (len <= (u32)-ahead)
			return false;
		p->off += -ahead;
		len -= -ahead;
	} else if (ahead > 1 << 20) {
		count(unreadable);
		return false;
	} else if (ahead) { /* where the next byte stands in its line is not known */
		s->lost += ahead;
		stream_reset_line(s);
		s->letters = LINE_JUDGED;
	}
	s->seq = p->seq + (ahead < 0 ? -ahead : 0) + len;
	return true;
}

#define CLAIMS 128 /* some 10 us: a packet of replies takes less */

/* stream_claim is false where another CPU takes a packet of the same stream and does not come to
 * its end. The packet is then left out, and the next one finds it missing. Of two that come at once
 * at most one finds itself alone: 5.10 has no atomic that gives the value before. It is below
 * that where the state's memory was given to another connection while a packet was taken.
 */
static __always_inline bool stream_claim(struct stream *s)
{
	for (int i = 0; i < CLAIMS; i++) {
		__sync_fetch_and_add(&s->inside, 1);
		if (*(volatile s32 *)&s->inside <= 1)
			return true;
		__sync_fetch_and_add(&s->inside, -1);
	}
	count(unreadable);
	return false;
}

/* first_word looks whether the client begins with TLS where the server greeted in the clear. */
static __always_inline void first_word(struct __sk_buff *skb, struct conn *c, u32 off)
{
	u8 ch;

	c->spoken = 1;
	if (c->mail_port && c->state == STATE_SMTP && !bpf_skb_load_bytes(skb, off, &ch, 1) &&
	    ch == TLS_HANDSHAKE)
		conn_to_tls(c);
}

/* tls_word looks whether TLS begins behind STARTTLS. Where bytes are lost behind its 220 it may
 * have, and what follows is nobody's business.
 */
static __always_inline void tls_word(struct __sk_buff *skb, struct conn *c, struct stream *s,
				     u32 off)
{
	u8 ch;

	if (s->lost && c->await_tls == TLS_ACCEPTED) {
		conn_to_tls(c);
		c->hello_left = 0;
	} else if (!bpf_skb_load_bytes(skb, off, &ch, 1) && tls_begins(c, s, ch)) {
		conn_to_tls(c);
	}
}

/* judge_old_server looks at the first octets of a packet, where a reply begins there: the client
 * has spoken since the packet before, and that one has ended a line. What comes before the verdict
 * says nothing.
 */
__noinline u32 judge_old_server(struct __sk_buff *skb, u32 off, u32 end)
{
	struct conn *c = conn_of(skb);
	u8 first[4] = {}, last = 0;
	bool begins;

	if (!c || off >= end)
		return 0;
	begins = c->old_turn && (!c->old_mid_line);
	c->old_turn = 0;
	if (bpf_skb_load_bytes(skb, off, first, 3) || bpf_skb_load_bytes(skb, end - 1, &last, 1))
		begins = false;
	if (end - off > 3)
		bpf_skb_load_bytes(skb, off + 3, &first[3], 1);
	c->old_mid_line = last != '\n';
	if (begins)
		old_server(c, first);
	if (c->state == STATE_SMTP) {
		announce(skb);
		return off;
	}
	c->server_skipped += end - off;
	if (c->state == STATE_OTHER && c->announced)
		announce(skb);
	return 0;
}

/* packet_step takes some of a packet, and gives what offset is next; 0: nothing more. */
static __always_inline u32 packet_step(struct __sk_buff *skb, u32 off, u32 end, const int dir)
{
	struct conn *c = conn_of(skb);

	if (!c || c->state == STATE_OTHER)
		return 0;
	if (c->state == STATE_NEW && c->old && dir)
		return judge_old_server(skb, off, end);
	if (c->state == STATE_NEW) {
		off = dir ? judge_server(skb, off, end) : judge_client(skb, off, end);
		if (c->state == STATE_SMTP || c->state == STATE_TLS ||
		    (c->state == STATE_OTHER && (c->announced || c->banner_smtp)))
			announce(skb);
		else if (dir && !c->banner_220)
			return 0; /* whatever greets there, the client decides */
		return off;
	}
	if (c->state == STATE_TLS)
		return dir ? end : show_hello(skb, off, end);
	if (dir)
		return cut_server(skb, off, end);
	if (c->client.mode == MODE_BODY)
		return skip_body(skb, off, end);
	if (c->client.mode == MODE_CHUNK)
		return skip_chunk(c, off, end);
	return cut_client(skb, off, end);
}

/* Global functions: the verifier looks at them once, and not once a step. */
__noinline u32 client_packet_step(struct __sk_buff *skb, u32 off, u32 end)
{
	return packet_step(skb, off, end, DIR_CLIENT);
}

__noinline u32 server_packet_step(struct __sk_buff *skb, u32 off, u32 end)
{
	return packet_step(skb, off, end, DIR_SERVER);
}

/* Enough for a packet of 64 KiB of commands, 248 bytes a step; of a body it is 1 KiB a step. */
#define STEPS 272

/* packet_pass_urgent passes over the urgent byte: who reads the stream does not get it. */
static __always_inline void packet_pass_urgent(struct conn *c, struct packet *p, const int dir)
{
	p->off++;
	if (dir)
		c->server_skipped++;
	else
		c->client_skipped++;
}

/* take_packet takes what is new in a packet. */
static __always_inline void take_packet(struct __sk_buff *skb, struct conn *c, struct stream *s,
					struct packet *p, const int dir)
{
	if (!stream_advance(s, p))
		return;
	if (p->off == p->urgent) {
		packet_pass_urgent(c, p, dir);
		if (p->off == p->end)
			return;
	}
	if (dir && s->lost) /* replies were missed: how many is not known */
		c->answered = c->asked;
	if (!dir) {
		sender_by_lock(c, skb_sock(skb));
		if (!c->spoken)
			first_word(skb, c, p->off);
	}
	if (c->await_tls && c->state == STATE_SMTP)
		tls_word(skb, c, s, p->off);
	for (int i = 0; i < STEPS && p->off < p->end; i++) {
		u32 end = p->urgent > p->off && p->urgent < p->end ? p->urgent : p->end;

		if (p->off == p->urgent) {
			packet_pass_urgent(c, p, dir);
			continue;
		}
		p->off = dir ? server_packet_step(skb, p->off, end)
			     : client_packet_step(skb, p->off, end);
		if (!p->off)
			return;
	}
	if (p->off < p->end) {
		s->lost += p->end - p->off;
		if (c->state == STATE_NEW && c->old) { /* a long text: its lines are passed over */
			old_unknown(c, s);
			s->show = 1;
		} else {
			count(unreadable);
		}
	}
	if (!dir && c->old && !c->announced && c->state == STATE_NEW)
		announce(skb);
}

static __always_inline void on_packet(struct __sk_buff *skb, const int dir)
{
	struct conn *c = conn_of(skb);
	struct packet p = {};
	struct stream *s;

	if (!c) {
		if (dns_socket(skb))
			on_dns(skb, dir);
		return;
	}
	if (c->dns)
		on_dns(skb, dir);
	if (c->closed || c->state == STATE_OTHER)
		return;
	if (!c->id || c->old == OLD_GIVEN_UP) /* it is just being adopted, or not judged any more */
		return;
	if (c->state == STATE_TLS && (dir || !c->hello_left))
		return;
	if (!packet_read(skb, &p)) {
		count(unreadable);
		return;
	}
	if (p.syn && !dir)
		c->syn_left = 1;
	s = dir ? &c->server : &c->client;
	if (p.off == p.end && !p.syn) /* nothing is said, and nothing missed by passing over it */
		return;
	if (!stream_claim(s))
		return;
	take_packet(skb, c, s, &p, dir);
	__sync_fetch_and_add(&s->inside, -1);
}

#endif
