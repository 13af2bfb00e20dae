/* What was sent and what was answered, as it passes the network layer: whose turn it is. */
#ifndef WIRE_H
#define WIRE_H

#include "dns.h"
#include "take.h"

/* conn_done is true where nothing is looked at any more. */
static __always_inline bool conn_done(struct conn *c)
{
	return c->smtp.state == STATE_OTHER || c->smtp.old == OLD_GIVEN_UP ||
	       (c->smtp.state == STATE_TLS && c->smtp.tls_sure && !c->smtp.hello_left);
}

#define PACKET_SYN (1U << 31) /* beside the place of the urgent byte */

__noinline int take_client_packet(struct __sk_buff *skb, u32 off, u32 end, u32 seq, u32 urgent)
{
	struct packet p = {.off = off, .end = end, .seq = seq};

	p.urgent = urgent & ~PACKET_SYN;
	p.syn = urgent & PACKET_SYN;
	take_packet(skb, &p, DIR_CLIENT);
	return 0;
}

__noinline int take_server_packet(struct __sk_buff *skb, u32 off, u32 end, u32 seq, u32 urgent)
{
	struct packet p = {.off = off, .end = end, .seq = seq};

	p.urgent = urgent & ~PACKET_SYN;
	p.syn = urgent & PACKET_SYN;
	take_packet(skb, &p, DIR_SERVER);
	return 0;
}

#define REPLAY_GAP STASH_PIECES /* beside the number of a piece */

/* replay_order is the order of a piece whose turn it is, counted from 1: nothing is missing before
 * it, or (with REPLAY_GAP) what is missing has arrived and was not seen. 0 if it has to wait.
 */
__noinline u32 replay_order(struct __sk_buff *skb, u32 piece)
{
	struct conn *c = conn_of(skb);
	struct piece *p;
	struct stream *s;

	if (!c)
		return 0;
	p = stash_piece(c, piece & (STASH_PIECES - 1));
	if (!p)
		return 0;
	s = p->dir ? &c->server : &c->client;
	if (!p->ready || !(conn_done(c) || stream_next(s, p->seq, piece & REPLAY_GAP))) {
		c->waiting++;
		return 0;
	}
	return p->order + 1;
}

/* replay_piece takes a piece; 0 where it is just being added to. */
__noinline int replay_piece(struct __sk_buff *skb, u32 piece)
{
	struct conn *c = conn_of(skb);
	struct piece_key key = {};
	u32 off = STASH_OFF(piece & (STASH_PIECES - 1)), end, urgent;
	struct piece *p;

	if (!c)
		return 0;
	key.conn = c->id;
	key.piece = piece & (STASH_PIECES - 1);
	p = bpf_map_lookup_elem(&stash, &key);
	if (!p)
		return 0;
	if (!alone(&c->keeping)) {
		c->waiting++;
		return 0;
	}
	p->ready = 0;
	leave(&c->keeping);
	end = off + p->len;
	urgent = p->urgent ? off + p->urgent - 1 : 0;
	if (p->dir)
		take_server_packet(skb, off, end, p->seq, urgent);
	else
		take_client_packet(skb, off, end, p->seq, urgent);
	bpf_map_delete_elem(&stash, &key);
	return 1;
}

/* replay_next is the number of the piece whose turn it is, counted from 1: of several, the one that
 * came first.
 */
__noinline int replay_next(struct __sk_buff *skb, u32 gap)
{
	struct conn *c = conn_of(skb);
	u32 first = 0, best = 0, order;

	if (!c)
		return 0;
	c->arrived = *(volatile u32 *)&c->arrivals;
	c->waiting = 0;
	for (u32 i = 0; i < STASH_PIECES; i++) {
		order = replay_order(skb, i | gap);
		if (order && (!first || (s32)(order - first) < 0)) {
			first = order;
			best = i;
		}
	}
	return first ? best + 1 : 0;
}

/* replay_all goes on until nothing that waits has its turn. */
static __always_inline void replay_all(struct __sk_buff *skb, struct conn *c)
{
	for (u32 i = 0; i < 2 * STASH_PIECES; i++) {
		int piece = replay_next(skb, 0);

		if (!piece)
			piece = replay_next(skb, REPLAY_GAP);
		if (!piece || !replay_piece(skb, piece - 1))
			break;
	}
}

#define REPLAYS 4

/* packet_turn takes a packet whose turn it is, or keeps it, and then those that were kept. */
static __always_inline void packet_turn(struct __sk_buff *skb, struct conn *c, struct packet *p,
					const int dir)
{
	u32 urgent = p->urgent | (p->syn ? PACKET_SYN : 0);
	struct stream *s = stream_of(c, dir), *other = stream_of(c, !dir);
	/* What is too large to be kept waits longer. */
	u32 tries = p->end - p->off > STASH_PIECES * STASH_SIZE ? PATIENT_TURNS : TURNS;
	bool mine = alone(&c->inside) || turn_wait(skb, tries);
	u64 id = c->id;

	if (!mine && stream_had(s, p)) /* it comes again */
		return;
	if (mine && !p->syn)
		stream_acked(other, p->ack);
	if (mine && c->arrived != *(volatile u32 *)&c->arrivals)
		replay_all(skb, c); /* what came before */
	if (mine && (p->syn || stream_next(s, p->seq, true))) {
		if (dir)
			take_server_packet(skb, p->off, p->end, p->seq, urgent);
		else
			take_client_packet(skb, p->off, p->end, p->seq, urgent);
	} else if (p->urgent || p->syn || !stash_append(skb, p->off, p->end, p->seq, dir)) {
		stash_packet(skb, c, p->off, p->end, p->seq + p->syn, p->urgent, dir);
	}
	for (int i = 0; i < REPLAYS; i++) {
		if (!mine && !alone(&c->inside) && !turn_wait(skb, TURNS))
			return; /* whoever has the turn finds what was kept */
		if (c->waiting || c->arrived != *(volatile u32 *)&c->arrivals)
			replay_all(skb, c);
		turn_leave(c, id);
		mine = false;
		if (c->arrived == *(volatile u32 *)&c->arrivals)
			return;
	}
}

static __always_inline void on_packet(struct __sk_buff *skb, const int dir)
{
	struct conn *c = conn_of(skb);
	struct packet p; /* packet_read fills it */

	if (!c) {
		if (dns_socket(skb))
			on_dns(skb, dir);
		return;
	}
	if (c->dns)
		on_dns(skb, dir);
	if (c->smtp.state == STATE_OTHER || (!dir && c->smtp.given_up)) /* first of all: most are */
		return;
	if (!c->id || c->closed) /* it is just being adopted, or over */
		return;
	if (conn_done(c) || (dir && c->smtp.state == STATE_TLS && c->smtp.tls_sure))
		return;
	if (!packet_read(skb, &p)) {
		count(unreadable);
		return;
	}
	if (p.syn && !dir)
		c->syn_left = 1;
	if (p.rst && c->stashed)
		stash_clear(c);
	/* Without payload there is nothing to take. */
	if (p.off == p.end && !p.syn && !(p.fin && (c->waiting || c->arrived != c->arrivals)))
		return;
	/* A retransmission, and the SYN, does not come from a program that writes. */
	if (!dir && p.off < p.end &&
	    (!c->client.seq_seen || (s32)(p.seq + (p.end - p.off) - c->client.seq) > 0))
		sender_by_lock(c, skb_sock(skb));
	packet_turn(skb, c, &p, dir);
}

#endif
