/* The words behind a verb: what may be shown of them, and what they say of what follows. */
#ifndef AUTH_BDAT_H
#define AUTH_BDAT_H

#include "state.h"
#include "verbs.h"

enum show {
	SHOW_NONE,
	SHOW_ALL,
	SHOW_DOT,    /* a dot: shown on if nothing but the line's end follows */
	SHOW_STATUS, /* no more than an enhanced status code (RFC 3463) */
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

/* is_ftp_tls is true for TLS and SSL, which FTP has in a mechanism's place (RFC 4217, 2). */
static __always_inline bool is_ftp_tls(u64 letters)
{
	letters &= ~SMALL;
	return letters == 0x544c53 || letters == 0x53534c;
}

/* names_mechanism is true for letters that are a mechanism in small letters too, as .NET has it. */
static __always_inline bool names_mechanism(u64 letters)
{
	letters &= ~SMALL;
	return letters == 0x4c4f47494e || letters == 0x504c41494e || /* LOGIN, PLAIN */
	       is_ftp_tls(letters);
}

/* mechanism_held holds the first letters of AUTH's mechanism until it is known whether they may be
 * shown; false for a byte behind them.
 */
static __always_inline bool mechanism_held(struct smtp_side *s, struct smtp_out *o, u8 ch)
{
	u8 held = s->auth_held;

	if (held == HELD_NO_MORE || s->field != 1)
		return false;
	if (held < HELD_MAX && is_letter(ch)) {
		s->auth_letters = s->auth_letters << 8 | ch;
		s->auth_held++;
		s->line++;
		return true;
	}
	s->auth_held = HELD_NO_MORE;
	if (!(s->auth_letters & SMALL) ||
	    ((is_blank(ch) || ch == '\r' || ch == '\n') && names_mechanism(s->auth_letters))) {
		o->bytes = __builtin_bswap64(s->auth_letters << ((64 - held * 8) & 63));
		o->len = held;
	} else {
		o->cut = held;
		s->show = SHOW_NONE;
	}
	return false;
}

/* client_argument follows the words behind a verb: BDAT's length, AUTH's mechanism and no
 * further. True where the byte is held.
 */
static __always_inline bool client_argument(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	struct smtp_side *s = &c->client;
	bool end = ch == '\r' || ch == '\n';

	if (s->blank && !is_blank(ch) && !end)
		s->field++;
	s->blank = is_blank(ch);
	if (s->verb == VERB_AUTH) {
		if (mechanism_held(s, o, ch))
			return true;
		if (o->len && is_ftp_tls(s->auth_letters) && c->asked == c->marks && !c->mail_port)
			c->ftp = 1;
		if (!end && (s->field > 1 || s->line > MECHANISM_MAX + 2 ||
			     (s->field && !is_mechanism(ch))))
			s->show = SHOW_NONE;
	} else if (s->verb == VERB_BDAT) {
		if (end || s->blank)
			return false;
		if (s->field > 1)
			s->tail = s->tail << 8 | upper(ch);
		else if (s->field == 1 && ch >= '0' && ch <= '9' && s->bdat_octets < 1ULL << 40)
			s->bdat_octets = s->bdat_octets * 10 + ch - '0';
		else
			s->bad = s->field;
	}
	return false;
}

#endif
