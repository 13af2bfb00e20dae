/* How a command word is kept, and the characters that lines are made of. */
#ifndef VERB_H
#define VERB_H

#include "types.h"

#define VERB(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

enum verb_rank {
	RANK_UNKNOWN,
	RANK_WEAK, /* other protocols say it too */
	RANK_STRONG,
};

static __always_inline u8 upper(u8 ch)
{
	return ch >= 'a' && ch <= 'z' ? ch - 32 : ch;
}

static __always_inline bool is_letter(u8 ch)
{
	ch = upper(ch);
	return ch >= 'A' && ch <= 'Z';
}

static __always_inline bool is_blank(u8 ch)
{
	return ch == ' ' || ch == '\t';
}

/* is_space is true for what some servers pass over in front of a command, and C's isspace has. */
static __always_inline bool is_space(u8 ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r' && ch != '\n');
}

/* is_text is true for what may stand in a line. */
static __always_inline bool is_text(u8 ch)
{
	return (ch >= ' ' && ch != 0x7f) || is_blank(ch) || ch == '\r' || ch == '\n';
}

#endif
