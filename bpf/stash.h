/* Packets that come out of turn: before another one that was sent earlier, or while one of the same
 * connection is being taken. They wait here in pieces: a packet hook can neither wait nor hold a
 * packet back.
 */
#ifndef STASH_H
#define STASH_H

#include "packet.h"

/* alone is false where another program is inside already. Of two that come at once at most one
 * finds itself alone: 5.10 has no atomic that gives the value before. The count is below that where
 * the state's memory was given to another connection meanwhile.
 */
static __always_inline bool alone(s32 *inside)
{
	__sync_fetch_and_add(inside, 1);
	if (*(volatile s32 *)inside <= 1)
		return true;
	__sync_fetch_and_add(inside, -1);
	return false;
}

/* leave ends what began with alone, unless the state has become another connection's. */
static __always_inline void leave(struct conn *c, u64 id, s32 *inside)
{
	if (c->id == id)
		__sync_fetch_and_add(inside, -1);
}

#define TURNS 64 /* some 5 us: a packet of replies takes less */
#define PATIENT_TURNS 256

/* turn_wait tries so often: another CPU comes to the end of its packet, an interrupted program on
 * this one does not.
 */
__noinline int turn_wait(struct __sk_buff *skb, u32 tries)
{
	struct conn *c = conn_of(skb);

	if (!c)
		return 0;
	for (u32 i = 0; i < PATIENT_TURNS; i++) {
		if (i >= tries)
			break;
		if (alone(&c->inside))
			return 1;
		barrier();
	}
	return 0;
}

#define STASHED (1U << 30) /* an offset in a piece, not in the packet at hand */
#define STASH_OFF(piece) (STASHED | (piece) << 16)

static __always_inline struct piece *stash_piece(struct conn *c, u32 piece)
{
	struct piece_key key = {.conn = c->id, .piece = piece};

	return bpf_map_lookup_elem(&stash, &key);
}

/* stash_load reads from a piece. */
static __always_inline long stash_load(struct conn *c, u32 off, void *to, u32 n)
{
	struct piece *p = stash_piece(c, off >> 16 & (STASH_PIECES - 1));

	if (!p)
		return -1;
	return bpf_probe_read_kernel(to, n, p->data + (off & (STASH_SIZE - 1)));
}

/* packet_load reads from where the bytes at hand are: 0 if it has. */
#define packet_load(skb, c, off, to, n) \
	((off) & STASHED ? stash_load(c, off, to, n) : bpf_skb_load_bytes(skb, off, to, n))

/* packet_octet is the byte at off; negative where it cannot be read. */
__noinline int packet_octet(struct __sk_buff *skb, u32 off)
{
	struct conn *c = conn_of(skb);
	u8 ch;

	if (!c)
		return -1;
	if (packet_load(skb, c, off, &ch, 1)) {
		count(unreadable);
		return -1;
	}
	return ch;
}

/* stash_follows is true if seq continues what was taken or kept of its side. */
static __always_inline bool stash_follows(struct conn *c, u32 seq, const u32 dir)
{
	return seq == (dir ? &c->server : &c->client)->seq || seq == c->kept[dir];
}

/* stash_put keeps up to STASH_SIZE octets in a piece of their own, and gives how many; 0 where
 * there is no room. urgent is where the urgent byte is. Whoever finds the piece first has it: the
 * map decides.
 */
static __always_inline u32 stash_put(struct __sk_buff *skb, u32 off, u32 end, u32 seq, u32 urgent,
				     const int dir)
{
	struct conn *c = conn_of(skb);
	struct piece_key key = {};
	struct blank *blank;
	struct piece *p = 0;
	u32 n = end - off, zero = 0;

	blank = bpf_map_lookup_elem(&blanks, &zero);
	if (!c || c->closed || !blank || !n || off >= end)
		return 0;
	if (n > STASH_SIZE)
		n = STASH_SIZE;
	key.conn = c->id;
	c->stashed = 1;
	for (u32 i = 0; i < STASH_PIECES; i++) {
		key.piece = i;
		if (bpf_map_update_elem(&stash, &key, &blank->piece, BPF_NOEXIST))
			continue;
		p = bpf_map_lookup_elem(&stash, &key);
		break;
	}
	if (!p)
		return 0;
	n = ((n - 1) & (STASH_SIZE - 1)) + 1;
	if (*(volatile u8 *)&c->closed || bpf_skb_load_bytes(skb, off, p->data, n)) {
		bpf_map_delete_elem(&stash, &key);
		return 0;
	}
	p->len = n;
	p->runs = 1;
	p->run[0].seq = seq;
	p->run[0].len = n;
	p->run[0].dir = dir;
	p->urgent = urgent >= off ? urgent - off + 1 : 0;
	p->order = *(volatile u32 *)&c->arrivals;
	p->early = !stash_follows(c, seq, dir);
	if (!p->early)
		c->kept[dir] = seq + n;
	p->open = !p->urgent;
	c->newest = key.piece;
	barrier();
	p->ready = 1;
	__sync_fetch_and_add(&c->arrivals, 1);
	return n;
}

__noinline u32 stash_put_client(struct __sk_buff *skb, u32 off, u32 end, u32 seq, u32 urgent)
{
	return stash_put(skb, off, end, seq, urgent, DIR_CLIENT);
}

__noinline u32 stash_put_server(struct __sk_buff *skb, u32 off, u32 end, u32 seq, u32 urgent)
{
	return stash_put(skb, off, end, seq, urgent, DIR_SERVER);
}

/* piece_run returns the run to add octets to: the last one if they continue it, else a new one; 0
 * if neither is possible. Octets that could be taken at once are not put behind a run that may have
 * to wait.
 */
static __always_inline struct run *piece_run(struct conn *c, struct piece *p, u32 seq,
					     const u32 dir)
{
	struct run *r = &p->run[(p->runs - 1) & (STASH_RUNS - 1)];

	if (r->dir == dir && r->seq + r->len == seq)
		return r;
	if (p->early || p->runs >= STASH_RUNS || !stash_follows(c, seq, dir))
		return 0;
	r = &p->run[p->runs & (STASH_RUNS - 1)];
	r->seq = seq;
	r->off = p->len;
	r->len = 0;
	r->dir = dir;
	return r;
}

/* stash_append adds a small packet to the newest piece: both sides may go on for long while a
 * program that has the turn is interrupted.
 */
static __always_inline int stash_append(struct __sk_buff *skb, u32 off, u32 end, u32 seq,
					const u32 dir)
{
	struct conn *c = conn_of(skb);
	struct piece *p;
	struct run *r;
	u32 n = end - off;
	int appended = 0;
	u64 id;

	if (!c || !n || n > PAYLOAD_SIZE)
		return 0;
	id = c->id;
	n = ((n - 1) & (PAYLOAD_SIZE - 1)) + 1;
	if (!alone(&c->keeping))
		return 0;
	/* Not to an older one: what came between must not be taken behind it. */
	p = stash_piece(c, c->newest & (STASH_PIECES - 1));
	if (p && p->ready && p->open && p->len + n <= STASH_SIZE) {
		r = piece_run(c, p, seq, dir);
		if (r && !bpf_skb_load_bytes(skb, off, p->data + (p->len & (STASH_SIZE - 1)), n)) {
			p->runs += !r->len;
			r->len += n;
			p->len += n;
			if (!p->early)
				c->kept[dir] = seq + n;
			appended = 1;
		}
	}
	leave(c, id, &c->keeping);
	if (appended)
		__sync_fetch_and_add(&c->arrivals, 1);
	return appended;
}

/* One for each side: the verifiers of 5.10 and 6.1 refuse a side that is not known. */
__noinline int stash_append_client(struct __sk_buff *skb, u32 off, u32 end, u32 seq)
{
	return stash_append(skb, off, end, seq, DIR_CLIENT);
}

__noinline int stash_append_server(struct __sk_buff *skb, u32 off, u32 end, u32 seq)
{
	return stash_append(skb, off, end, seq, DIR_SERVER);
}

/* stash_packet keeps a packet; what there is no room for is missing for the next one. */
static __always_inline void stash_packet(struct __sk_buff *skb, struct conn *c, struct packet *p,
					 int dir)
{
	u32 off = p->off, seq = p->seq + p->syn, n;

	if (!p->urgent && !p->syn &&
	    (dir ? stash_append_server(skb, off, p->end, seq)
		 : stash_append_client(skb, off, p->end, seq)))
		return;
	for (u32 i = 0; i < STASH_PIECES && off < p->end; i++) {
		n = dir ? stash_put_server(skb, off, p->end, seq, p->urgent)
			: stash_put_client(skb, off, p->end, seq, p->urgent);
		if (!n)
			break;
		off += n;
		seq += n;
	}
	if (off < p->end && !c->closed)
		count(unreadable);
}

#endif
