/* What leaves the kernel of a stream that is SMTP: command lines with a known verb, without the
 * secrets of AUTH, and reply lines. All else is counted and cut.
 *
 * The state lives in maps and in the reserved record, not in locals: the verifier then sees unknown
 * numbers and prunes, where it would follow every value of a local through the loop.
 */
#ifndef CUT_H
#define CUT_H

#include "argument.h"

#define LINE_MAX 1000 /* RFC 5321, 4.5.3.1.6, text line; commands are shorter */

enum stream_mode {
	MODE_LINES,
	MODE_BODY,  /* after 354 */
	MODE_CHUNK, /* inside BDAT */
};

enum await_data {
	DATA_SAID = 1,
	DATA_BODY, /* and the body begins without waiting for the reply */
};

enum body_state {
	BODY_MID_LINE,
	BODY_CR,
	BODY_LINE_START,
	BODY_DOT,
	BODY_DOT_CR,
	BODY_END_LF, /* the dot's line ended with bare LF */
	BODY_END,
};

/* body_next follows a message body to the line that ends it. A bare LF ends a line where it ended
 * that of DATA: elsewhere LF, dot, LF may stand in a body, and what follows it is no command. A
 * server that takes it for the end says so: see body_over.
 */
static __always_inline u32 body_next(u32 state, u8 ch, u8 strict)
{
	if (ch == '\n') {
		if (state == BODY_DOT_CR)
			return BODY_END;
		if (strict)
			return state == BODY_CR ? BODY_LINE_START : BODY_MID_LINE;
		return state == BODY_DOT ? BODY_END_LF : BODY_LINE_START;
	}
	if (ch == '\r')
		return state == BODY_DOT ? BODY_DOT_CR : BODY_CR;
	return ch == '.' && state == BODY_LINE_START ? BODY_DOT : BODY_MID_LINE;
}

/* out_show and out_cut say what becomes of the byte at hand and of the letters held before it. */
static __always_inline void out_show(struct stream *s, u8 ch)
{
	s->out |= (u64)ch << (s->out_len * 8 & 63);
	s->out_len++;
}

static __always_inline void out_verb(struct stream *s)
{
	s->out = bpf_htonl(s->verb);
	s->out_len = 4;
}

/* out_segment chooses the segment that takes the byte: a new one where bytes are shown after a
 * cut.
 */
static __always_inline void out_segment(struct stream *s)
{
	if (s->out_len && s->segment_cut) {
		if (s->segment < SEGMENTS - 1) {
			s->segment++;
			s->segment_cut = 0;
		} else { /* no room for one more stretch */
			s->unaligned = 1;
			s->out_cut += s->out_len;
			s->out_len = 0;
		}
	}
	s->segment_cut += s->out_cut;
}

/* payload_put moves what a byte brought about into the record. It has no branch: it stands in a
 * loop, where each would multiply what the verifier has to follow.
 */
static __always_inline void payload_put(struct stream *s, struct payload_event *e)
{
	u32 at = e->data_len & (PAYLOAD_SIZE - 1);
	struct segment *segment = &e->segments[s->segment & (SEGMENTS - 1)];

	segment->shown += s->out_len;
	segment->cut += s->out_cut;
	/* All six at once: what is too many is written over by the next. */
	e->data[at] = s->out;
	e->data[at + 1] = s->out >> 8;
	e->data[at + 2] = s->out >> 16;
	e->data[at + 3] = s->out >> 24;
	e->data[at + 4] = s->out >> 32;
	e->data[at + 5] = s->out >> 40;
	e->data_len += s->out_len;
}

/* client_decide judges a command line at the byte behind its verb. */
static __always_inline void client_decide(struct conn *c, struct stream *s, u8 ch)
{
	u8 held = s->letters;
	bool known = held == 4 && verb_rank(s->verb) && verb_ends(s->verb, ch);
	bool dot = !held && ch == '.' && !s->blank && (s->crlf || !s->strict);

	s->letters = LINE_JUDGED;
	if (c->data_refused) { /* a client that does not listen goes on with a header */
		c->adrift = !known && !dot;
		c->data_refused = 0;
	}
	if (c->await_data == DATA_SAID)
		c->await_data = DATA_BODY;
	if (c->secret || ((c->await_data || c->adrift) && !dot)) {
		/* A secret; or a body that does not wait for its 354, or goes on without one. */
		s->out_cut = held;
	} else if (known) {
		s->show = SHOW_ALL;
		s->known = 1;
		out_verb(s);
	} else if (!held && ch == '.') {
		s->show = SHOW_DOT;
	} else if (!held && (ch == '\r' || ch == '\n')) {
		s->show = SHOW_ALL;
	} else {
		/* An unknown command draws a reply: a mark keeps its place. */
		s->out_cut = held;
		out_show(s, '?');
		c->client_skipped--;
	}
}

/* client_line acts on a complete command line; cr: CR stands before its LF. */
static __always_inline void client_line(struct conn *c, struct stream *s, u8 cr)
{
	if (c->secret) {
		c->secret = 0;
		c->asked++;
	} else if (c->await_data || c->adrift) {
		if (s->show == SHOW_DOT && (cr || !s->strict)) {
			if (c->await_data && c->dots < 255)
				c->dots++;
			c->asked++;
			c->await_data = 0;
			c->adrift = 0;
		}
	} else if (s->known) {
		if (s->verb == VERB('D', 'A', 'T', 'A')) {
			c->await_data = DATA_SAID;
			c->data_at = c->asked;
			if (c->answered == c->asked) /* no reply to an earlier one is due */
				c->dots = 0;
			s->strict = cr;
		} else if (s->verb == VERB('S', 'T', 'A', 'R')) {
			c->await_tls = TLS_SAID;
			c->tls_at = c->asked;
		}
		c->asked++;
		if (s->verb == VERB('A', 'U', 'T', 'H'))
			c->await_auth = 1;
		else if (s->verb == VERB('B', 'D', 'A', 'T') && s->chunk && !s->bad &&
			 (!s->tail || s->tail == VERB('L', 'A', 'S', 'T'))) {
			s->mode = MODE_CHUNK;
			s->begun = 0;
		}
	} else if (!s->show) { /* no command, and answered as that */
		c->asked++;
	}
	stream_reset_line(s);
	s->crlf = cr;
}

static __always_inline void line_byte(struct stream *s, u8 ch)
{
	if (s->line <= LINE_MAX)
		s->line++;
	else
		s->show = SHOW_NONE;
	if (s->show == SHOW_DOT && s->line > 1 && ch != '\r' && ch != '\n')
		s->show = SHOW_NONE;
	if (s->show)
		out_show(s, ch);
	else
		s->out_cut++;
}

/* tls_begins is true for a byte that begins TLS where a line would begin: a handshake once STARTTLS
 * was said, whatever is no text once it was accepted.
 */
static __always_inline bool tls_begins(struct conn *c, struct stream *s, u8 ch)
{
	bool text = (ch >= ' ' && ch < 0x7f) || ch == '\r' || ch == '\n' || ch == '\t';

	if (s->mode != MODE_LINES || s->letters || s->line || s->blank || c->await_data ||
	    c->adrift)
		return false;
	return ch == TLS_HANDSHAKE || (c->await_tls == TLS_ACCEPTED && !text);
}

static __always_inline void client_byte(struct conn *c, struct stream *s, u8 ch)
{
	u8 cr = s->cr;

	s->out = s->out_len = s->out_cut = 0;
	s->cr = ch == '\r';
	if (s->letters < 4 && !c->secret) {
		if (is_letter(ch)) {
			s->verb = s->verb << 8 | upper(ch);
			s->letters++;
			return;
		}
		if (!s->letters && is_blank(ch)) {
			s->blank = 1;
			if (c->await_data || c->adrift)
				s->out_cut = 1;
			else
				out_show(s, ch);
			return;
		}
	}
	if (s->letters != LINE_JUDGED)
		client_decide(c, s, ch);
	if (s->known && client_argument(s, ch))
		return;
	line_byte(s, ch);
	if (ch == '\n')
		client_line(c, s, cr);
}

#endif
