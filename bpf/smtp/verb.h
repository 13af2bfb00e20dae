/* Command words, and the characters that lines are made of. */
#ifndef VERB_H
#define VERB_H

#include "types.h"

#define VERB(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

enum verb_rank {
	VERB_UNKNOWN,
	VERB_WEAK, /* other protocols say it too */
	VERB_STRONG,
};

static __always_inline int verb_rank(u32 verb)
{
	switch (verb) {
	case VERB('E', 'H', 'L', 'O'):
	case VERB('H', 'E', 'L', 'O'):
	case VERB('L', 'H', 'L', 'O'):
	case VERB('M', 'A', 'I', 'L'):
	case VERB('R', 'C', 'P', 'T'):
	case VERB('V', 'R', 'F', 'Y'):
	case VERB('E', 'X', 'P', 'N'):
	case VERB('X', 'C', 'L', 'I'): /* XCLIENT */
	case VERB('X', 'F', 'O', 'R'): /* XFORWARD */
		return VERB_STRONG;
	case VERB('D', 'A', 'T', 'A'):
	case VERB('B', 'D', 'A', 'T'):
	case VERB('R', 'S', 'E', 'T'):
	case VERB('N', 'O', 'O', 'P'):
	case VERB('Q', 'U', 'I', 'T'):
	case VERB('H', 'E', 'L', 'P'):
	case VERB('A', 'U', 'T', 'H'):
	case VERB('E', 'T', 'R', 'N'):
	case VERB('S', 'T', 'A', 'R'): /* STARTTLS */
		return VERB_WEAK;
	}
	return VERB_UNKNOWN;
}

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

/* verb_ends is true where ch may follow the four letters. */
static __always_inline bool verb_ends(u32 verb, u8 ch)
{
	switch (verb) {
	case VERB('X', 'C', 'L', 'I'):
		return upper(ch) == 'E';
	case VERB('X', 'F', 'O', 'R'):
		return upper(ch) == 'W';
	case VERB('S', 'T', 'A', 'R'):
		return upper(ch) == 'T';
	case VERB('M', 'A', 'I', 'L'):
	case VERB('R', 'C', 'P', 'T'):
		return is_blank(ch) || ch == ':';
	}
	return is_blank(ch) || ch == '\r' || ch == '\n';
}

/* is_text is true for what may stand in a line. */
static __always_inline bool is_text(u8 ch)
{
	return (ch >= ' ' && ch != 0x7f) || is_blank(ch) || ch == '\r' || ch == '\n';
}

#endif
