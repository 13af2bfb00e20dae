/* Where TLS begins, and where what looks like it is none. */
#ifndef TLS_H
#define TLS_H

#include "state.h"

#define TLS_HANDSHAKE 22 /* record type (RFC 8446, 5.1) */
#define HELLO_RECORDS 12 /* 3 KiB: a ClientHello with a post-quantum key share is 1.8 */

static __always_inline void state_to_tls(struct smtp_state *c)
{
	c->state = STATE_TLS;
	c->hello_left = 0;
	c->tls_passed = 0;
	c->tls_line = c->server.letters || c->server.line;
}

/* hello_begins begins TLS with a record that shall be shown: so many octets of it are to come. */
static __always_inline void hello_begins(struct smtp_state *c, u32 octets)
{
	state_to_tls(c);
	c->hello_left = HELLO_RECORDS;
	c->hello_octets = octets;
}

#define TLS_HEAD 5

/* tls_head takes a byte at its place in the head of a record that begins a handshake, with a length
 * that such a record can have (RFC 8446, 5.1); false where it is none.
 */
static __always_inline bool tls_head(struct smtp_side *s, u8 ch)
{
	bool fits = s->tls_held == 0   ? ch == TLS_HANDSHAKE
		    : s->tls_held == 1 ? ch == 3
		    : s->tls_held == 2 ? ch <= 4
		    : s->tls_held == 3 ? ch <= 0x40
				       : ch || s->tls_head >> 24;

	if (!fits)
		return false;
	s->tls_head |= (u64)ch << (s->tls_held * 8 & 63);
	s->tls_held++;
	return true;
}

/* Types of TLS records (RFC 8446, 5.1) */
static __always_inline bool tls_type(u8 ch)
{
	return ch >= 20 && ch <= 23;
}

#define TLS_ANSWER 128 /* octets of a packet that are looked at for that */

/* tls_answered takes a byte of the server where the client seems to speak TLS: one that complains
 * in text has had text. False while neither is known.
 */
static __always_inline bool tls_answered(struct smtp_state *c, u8 ch)
{
	bool begins = !c->tls_line;

	c->tls_line = ch != '\n';
	if (begins && tls_type(ch)) {
		c->tls_sure = 1;
	} else if (begins && ch == '5') {
		c->state = STATE_SMTP;
		c->hello_left = 0;
		c->await_tls = 0;
		c->greeted = 1;
		/* More than a line's end, in which a body may have begun; or replies are due that
		 * nobody can tell from the complaint.
		 */
		if (c->tls_passed > 2 || c->answered != c->asked) {
			c->desynced = 1;
			c->blind = BLIND_UNKNOWN;
		}
		c->answered = c->asked;
		c->tls_passed = 0;
		line_reset(&c->client);
		line_reset(&c->server);
	}
	return c->tls_sure || c->state == STATE_SMTP;
}

#endif
