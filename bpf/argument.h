/* The words behind a verb: what may be shown of them, and what they say of what follows. */
#ifndef ARGUMENT_H
#define ARGUMENT_H

#include "judge.h"

#define MECHANISM_MAX 20 /* RFC 4422, 3.1 */

enum show {
	SHOW_NONE,
	SHOW_ALL,
	SHOW_DOT, /* a dot: shown on if nothing but the line's end follows */
};

/* is_mechanism is true for the characters of a SASL mechanism's name (RFC 4422, 3.1), and those
 * that follow it. A secret in its place ends at its first small letter.
 */
static __always_inline bool is_mechanism(u8 ch)
{
	return (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_' ||
	       is_blank(ch);
}

#define HELD_MAX 5
#define HELD_NO_MORE 255
#define SMALL 0x2020202020ULL /* what small letters have and capitals have not */

/* names_mechanism is true for letters that are a mechanism in small letters too, as .NET has it. */
static __always_inline bool names_mechanism(u64 letters)
{
	letters &= ~SMALL;
	return letters == 0x4c4f47494e || letters == 0x504c41494e; /* LOGIN, PLAIN */
}

/* mechanism_held holds the first letters of AUTH's mechanism until it is known whether they may be
 * shown; false for a byte behind them.
 */
static __always_inline bool mechanism_held(struct stream *s, u8 ch)
{
	u8 held = s->held;

	if (held == HELD_NO_MORE || s->field != 1)
		return false;
	if (held < HELD_MAX && is_letter(ch)) {
		s->chunk = s->chunk << 8 | ch;
		s->held++;
		s->line++;
		return true;
	}
	s->held = HELD_NO_MORE;
	if (!(s->chunk & SMALL) ||
	    ((is_blank(ch) || ch == '\r' || ch == '\n') && names_mechanism(s->chunk))) {
		s->out = __builtin_bswap64(s->chunk << (64 - held * 8 & 63));
		s->out_len = held;
	} else {
		s->out_cut = held;
		s->show = SHOW_NONE;
	}
	return false;
}

/* client_argument follows the words behind a verb: BDAT's length, AUTH's mechanism and no
 * further. True where the byte is held.
 */
static __always_inline bool client_argument(struct stream *s, u8 ch)
{
	bool end = ch == '\r' || ch == '\n';

	if (s->blank && !is_blank(ch) && ++s->field == 1)
		s->chunk = 0;
	s->blank = is_blank(ch);
	if (s->verb == VERB('A', 'U', 'T', 'H')) {
		if (mechanism_held(s, ch))
			return true;
		if (!end && (s->field > 1 || s->line > MECHANISM_MAX + 2 ||
			     (s->field && !is_mechanism(ch))))
			s->show = SHOW_NONE;
	} else if (s->verb == VERB('B', 'D', 'A', 'T')) {
		if (end || s->blank)
			return false;
		if (s->field > 1)
			s->tail = s->tail << 8 | upper(ch);
		else if (s->field == 1 && ch >= '0' && ch <= '9' && s->chunk < 1ULL << 40)
			s->chunk = s->chunk * 10 + ch - '0';
		else
			s->bad = s->field;
	}
	return false;
}

#endif
