/* How a record of what was said is filled, byte by byte: plain C, compiled natively too. */
#ifndef RECORD_H
#define RECORD_H

#include "event.h"
#include "smtp/reply.h"

#define BANNER_SIZE 256 /* first words that wait for a verdict */

/* stream is where one direction stands, and the record of it that is being filled. */
struct stream {
	u64 lost;    /* bytes never seen and not yet reported */
	u32 seq;     /* next sequence number not yet seen */
	u32 acked;   /* up to which the other side has it, as far as packets with payload said so */
	u8 seq_seen; /* seq is valid */
	u8 acked_seen;
	u8 segment; /* of the record being filled */
	u8 unaligned;
	u32 segment_cut; /* bytes cut in that segment */
	u32 done;	 /* octets of the packet that went into the record */
	u32 pad;
	struct smtp_out out; /* what becomes of the byte at hand */
};

/* out_segment chooses the segment that takes the byte: a new one where bytes are shown after a
 * cut.
 */
static __always_inline void out_segment(struct stream *s)
{
	if (s->out.len && s->segment_cut) {
		if (s->segment < SEGMENTS - 1) {
			s->segment++;
			s->segment_cut = 0;
		} else { /* no room for one more stretch */
			s->unaligned = 1;
			s->out.cut += s->out.len;
			s->out.len = 0;
		}
	}
	s->segment_cut += s->out.cut;
}

/* payload_put moves what a byte brought about into the record. It has no branch: it stands in a
 * loop, where each would multiply what the verifier has to follow.
 */
static __always_inline void payload_put(struct stream *s, struct payload_event *e)
{
	u32 at = e->data_len & (PAYLOAD_SIZE - 1);
	struct segment *segment = &e->segments[s->segment & (SEGMENTS - 1)];

	segment->shown += s->out.len;
	segment->cut += s->out.cut;
	/* All eight at once, wherever they begin: what is too many is written over by the next. */
	*(u64 *)(e->data + at) = s->out.bytes;
	e->data_len += s->out.len;
}

/* payload_defer_cut leaves a cut that has not reached the end of its line to the next record. */
static __always_inline void payload_defer_cut(struct stream *s, struct smtp_side *side,
					      struct payload_event *e)
{
	u32 last = s->segment & (SEGMENTS - 1);

	if (side->letters != LINE_JUDGED || side->show)
		return;
	side->before = e->segments[last].cut;
	e->segments[last].cut = 0;
	if (!last && !e->segments[0].shown) {
		side->before += e->before;
		e->before = 0;
	}
}

/* lines_end is true where cut_lines must stop: the stream is no lines any more, or the record
 * has no room for another line.
 */
static __always_inline bool lines_end(struct smtp_state *c, struct stream *s,
				      struct smtp_side *side)
{
	return c->state != STATE_SMTP || side->mode != MODE_LINES ||
	       (!side->letters && s->segment == SEGMENTS - 1 && s->segment_cut);
}

#endif
