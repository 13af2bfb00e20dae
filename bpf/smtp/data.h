/* The end of a message body, and where its lines begin. */
#ifndef DATA_H
#define DATA_H

#include "state.h"

enum body_state {
	BODY_MID_LINE,
	BODY_CR,
	BODY_LINE_START,
	BODY_DOT,
	BODY_DOT_CR,
	BODY_LF_START, /* the same behind a bare LF */
	BODY_LF_DOT,
	BODY_LF_DOT_CR,
	BODY_END_LF, /* a bare LF stands in front of the dot, or behind it */
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
		if (!strict &&
		    (state == BODY_DOT || state == BODY_LF_DOT || state == BODY_LF_DOT_CR))
			return BODY_END_LF;
		return state == BODY_CR ? BODY_LINE_START : BODY_LF_START;
	}
	if (ch == '\r' && state == BODY_LF_DOT)
		return BODY_LF_DOT_CR;
	if (ch == '\r')
		return state == BODY_DOT ? BODY_DOT_CR : BODY_CR;
	if (ch == '.' && state == BODY_LF_START && !strict)
		return BODY_LF_DOT;
	return ch == '.' && state == BODY_LINE_START ? BODY_DOT : BODY_MID_LINE;
}

/* has_newline is true where some byte of the word may be LF: never missed, seldom mistaken. */
static __always_inline bool has_newline(u64 word)
{
	word ^= 0x0a0a0a0a0a0a0a0aULL;
	return (word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL;
}

/* data_end leaves a body that has ended; true where a bare LF ended it. */
static __always_inline bool data_end(struct smtp_state *c)
{
	struct smtp_side *s = &c->client;
	bool bare = s->body == BODY_END_LF;

	s->mode = MODE_LINES;
	line_reset(s);
	s->crlf = !bare;
	s->cr = 0;
	if (!c->body_over) /* else it is answered already */
		line_asks(c);
	c->body_over = 0;
	c->await_data = 0;
	if (bare) { /* what follows may still be the body, if the server is strict */
		c->desynced = 1;
		c->blind = 1; /* the dot's own reply */
	}
	if (s->before >= 3)
		s->before -= 3 - bare;
	return bare;
}

/* chunk_take passes over up to n octets of a chunk, and gives how many. */
static __always_inline u32 chunk_take(struct smtp_state *c, u32 n)
{
	struct smtp_side *s = &c->client;

	if (n > s->bdat_left)
		n = s->bdat_left;
	s->bdat_left -= n;
	s->bdat_begun = 1;
	s->before += n;
	if (!s->bdat_left)
		s->mode = MODE_LINES;
	return n;
}

#endif
