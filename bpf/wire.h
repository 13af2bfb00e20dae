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

/* run_next is true if a run can be taken now: nothing is missing before it, or (gap) its receiver
 * has what is missing, so we did not see it pass.
 */
static __always_inline bool run_next(struct conn *c, struct run *r, bool gap)
{
	return conn_done(c) || stream_next(r->dir ? &c->server : &c->client, r->seq, gap);
}

/* replay_order is the order of a piece whose turn it is, counted from 1; 0 if it has to wait. */
__noinline u32 replay_order(struct __sk_buff *skb, u32 piece)
{
	struct conn *c = conn_of(skb);
	struct piece *p;

	if (!c)
		return 0;
	p = stash_piece(c, piece & (STASH_PIECES - 1));
	if (!p)
		return 0;
	if (!p->ready || !run_next(c, &p->run[p->taken & (STASH_RUNS - 1)], piece & REPLAY_GAP)) {
		c->waiting++;
		return 0;
	}
	return p->order + 1;
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

/* replay_one takes the runs of the piece that is next, up to the first run that has to wait. It
 * returns 0 if no piece is next or another program is adding to it. It looks the piece up again for
 * each run, because the end of the connection deletes it.
 */
__noinline int replay_one(struct __sk_buff *skb)
{
	struct conn *c = conn_of(skb);
	u32 turn = replay_next(skb, 0), off, end, urgent;
	struct piece_key key = {};
	struct piece *p;
	struct run *r;

	if (!turn)
		turn = replay_next(skb, REPLAY_GAP);
	if (!c || !turn)
		return 0;
	key.conn = c->id;
	key.piece = (turn - 1) & (STASH_PIECES - 1);
	p = bpf_map_lookup_elem(&stash, &key);
	if (!p)
		return 0;
	if (!alone(&c->keeping)) {
		c->waiting++;
		return 0;
	}
	p->open = 0;
	leave(c, key.conn, &c->keeping);
	for (u32 i = 0; i < STASH_RUNS; i++) {
		p = bpf_map_lookup_elem(&stash, &key);
		if (!p || !p->ready || p->open) /* deleted, and maybe made anew */
			return 1;
		if (p->taken >= p->runs)
			break;
		r = &p->run[p->taken & (STASH_RUNS - 1)];
		/* An older piece that was waiting may be next now. */
		if (i && (c->waiting || !run_next(c, r, false)))
			return 1;
		off = STASH_OFF(key.piece) + r->off;
		end = off + r->len;
		urgent = p->urgent ? off + p->urgent - 1 : 0;
		p->taken++;
		if (r->dir)
			take_server_packet(skb, off, end, r->seq, urgent);
		else
			take_client_packet(skb, off, end, r->seq, urgent);
		barrier();
	}
	bpf_map_delete_elem(&stash, &key);
	return 1;
}

/* replay_all goes on until nothing that waits has its turn. */
static __always_inline void replay_all(struct __sk_buff *skb)
{
	for (u32 i = 0; i < 2 * STASH_PIECES; i++) {
		if (!replay_one(skb))
			break;
	}
}

#define REPLAYS 4

/* packet_turn takes a packet whose turn it is, or keeps it, and then those that were kept. */
static __always_inline void packet_turn(struct __sk_buff *skb, struct conn *c, struct packet *p,
					int dir)
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
		replay_all(skb); /* what came before */
	if (mine && (p->syn || stream_next(s, p->seq, true))) {
		if (dir)
			take_server_packet(skb, p->off, p->end, p->seq, urgent);
		else
			take_client_packet(skb, p->off, p->end, p->seq, urgent);
	} else {
		stash_packet(skb, c, p, dir);
	}
	for (int i = 0; i < REPLAYS; i++) {
		if (!mine && !alone(&c->inside) && !turn_wait(skb, TURNS))
			return; /* whoever has the turn finds what was kept */
		if (c->waiting || c->arrived != *(volatile u32 *)&c->arrivals)
			replay_all(skb);
		leave(c, id, &c->inside);
		mine = false;
		if (c->arrived == *(volatile u32 *)&c->arrivals)
			return;
	}
}

/* packet_dir tells the two hooks apart: only an incoming packet has an incoming device. It is
 * computed without a branch: if it were one of two constants, the verifier of 6.1 would drop the
 * code for one of them as dead.
 */
static __always_inline int packet_dir(struct __sk_buff *skb)
{
	u32 dir = -skb->ingress_ifindex >> 31; /* DIR_SERVER: 1 */

	barrier_var(dir);
	return dir;
}

/* packet_answers is true if the packet's ports are those of a packet from the server. */
static __always_inline bool packet_answers(struct conn *c, struct packet *p)
{
	return p->sport == c->tuple.dport && p->dport == c->tuple.sport && p->sport != p->dport;
}

static __always_inline void on_packet(struct __sk_buff *skb)
{
	struct conn *c = conn_of(skb);
	struct packet p; /* packet_read fills it */
	int dir;

	if (!c) {
		if (dns_socket(skb))
			on_dns(skb, packet_dir(skb));
		return;
	}
	dir = packet_dir(skb);
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
	/* An xfrm interface clears the incoming device (xfrmi_scrub_packet). */
	if (!dir && packet_answers(c, &p))
		dir = DIR_SERVER;
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
