/* A TCP packet: where its payload is, and what of it is new. */
#ifndef PACKET_H
#define PACKET_H

#include "send.h"

struct packet { /* a TCP packet, or a piece of one */
	u32 seq;
	u32 ack; /* what the sender of the packet has received of the other direction */
	u32 off; /* of the first payload byte */
	u32 end;
	u32 urgent; /* where the urgent byte is (RFC 6093), maybe past the end; 0: none */
	u16 sport, dport;
	bool syn, fin, rst;
};

/* packet_read finds the payload of a TCP packet; false for what is not TCP or cannot be read. Not
 * inline: its stack would count for all that is called behind it.
 */
static __noinline bool packet_read(struct __sk_buff *skb, struct packet *p)
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
	p->sport = tcp[0] << 8 | tcp[1];
	p->dport = tcp[2] << 8 | tcp[3];
	p->seq = (u32)tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7];
	p->ack = (u32)tcp[8] << 24 | tcp[9] << 16 | tcp[10] << 8 | tcp[11];
	p->off = tcp_off + (tcp[12] >> 4) * 4;
	p->syn = tcp[13] & 2;
	p->fin = tcp[13] & 1;
	p->rst = tcp[13] & 4;
	if (p->off > p->end)
		return false;
	/* A receiver reads no octet of a reset, nor of a segment that acknowledges nothing
	 * (RFC 9293, 3.10.7).
	 */
	if (p->rst || !(tcp[13] & 18))
		p->end = p->off;
	/* The pointer is to the byte behind it, as Linux has it (tcp_check_urg). */
	p->urgent = tcp[13] & 32 ? p->off + (tcp[18] << 8 | tcp[19]) - 1 : 0;
	return true;
}

/* stream_acked notes how much of a stream its receiver has. */
static __always_inline void stream_acked(struct stream *s, u32 ack)
{
	if (!s->acked_seen || (s32)(ack - s->acked) > 0)
		s->acked = ack;
	s->acked_seen = 1;
}

/* stream_had is true for a packet whose octets were all taken before. */
static __always_inline bool stream_had(struct stream *s, struct packet *p)
{
	return s->seq_seen && !p->syn && (s32)(p->seq + (p->end - p->off) - s->seq) <= 0;
}

/* stream_next is true for what can be taken now: nothing is missing before it, or (gap) what is
 * missing has passed by unseen, for its receiver has it.
 */
static __always_inline bool stream_next(struct stream *s, u32 seq, bool gap)
{
	return !s->seq_seen || (s32)(seq - s->seq) <= 0 ||
	       (gap && s->acked_seen && (s32)(s->acked - seq) >= 0);
}

/* stream_advance drops what was seen before (a retransmission) and counts what never was; false
 * where nothing new is left.
 */
static __always_inline bool stream_advance(struct stream *s, struct smtp_side *side,
					   struct packet *p)
{
	u32 len = p->end - p->off;
	s32 ahead;

	if (p->syn) {
		if (s->seq_seen && len) /* a repetition, or data that the receiver drops */
			return false;
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
		line_reset(side);
		side->letters = LINE_JUDGED;
	}
	s->seq = p->seq + (ahead < 0 ? -ahead : 0) + len;
	return true;
}

#endif
