/* Where TLS begins, and how text that looks like TLS is told from it. */
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
	c->hello_left = octets ? HELLO_RECORDS : 0;
	c->hello_octets = octets;
}

#define TLS_RECORD 5 /* octets in front of a record's content */
#define TLS_HEAD 8   /* and of the message in it, that are looked at */

/* tls_record is the length of the record whose head is held. */
static __always_inline u32 tls_record(struct smtp_side *s)
{
	return (s->tls_head >> 24 & 0xff) << 8 | (s->tls_head >> 32 & 0xff);
}

/* tls_fits is true for a byte at its place in the head of a record that begins with a ClientHello:
 * its type, version and length (RFC 8446, 5.1), then the type and length of the message (4), which
 * may go on in the next record.
 */
static __always_inline bool tls_fits(struct smtp_side *s, u8 ch)
{
	u32 record = tls_record(s);

	switch (s->tls_held) {
	case 0:
		return ch == TLS_HANDSHAKE;
	case 1:
		return ch == 3;
	case 2:
		return ch <= 4;
	case 3:
		return ch <= 0x40;
	case 4:
		return ch || s->tls_head >> 24;
	case 5:
		return ch == 1;
	case 6:
		return record == 1 ? ch == TLS_HANDSHAKE : !ch;
	}
	return record == 1 ? ch == 3 : record == 2 ? ch == TLS_HANDSHAKE : ch <= 0x40;
}

/* tls_rest is how much of the record is behind the first n octets of its head and message. */
static __always_inline u32 tls_rest(struct smtp_side *s, u32 n)
{
	u32 all = TLS_RECORD + tls_record(s);

	return all > n ? all - n : 0;
}

/* tls_head holds a byte of the head; false if the byte does not fit there. */
static __always_inline bool tls_head(struct smtp_side *s, u8 ch)
{
	if (!tls_fits(s, ch))
		return false;
	s->tls_head |= (u64)ch << (s->tls_held * 8 & 63);
	s->tls_held++;
	return true;
}

/* tls_head_line is the length of a line, with its LF, in what is held; 0 without one. An LF can
 * only stand where a head has its length.
 */
static __always_inline u32 tls_head_line(struct smtp_side *s)
{
	if (s->tls_held > 3 && (s->tls_head >> 24 & 0xff) == '\n')
		return 4;
	return s->tls_held > 4 && (s->tls_head >> 32 & 0xff) == '\n' ? 5 : 0;
}

/* tls_no_head takes what is held for text, since a reply came to it. */
static __always_inline void tls_no_head(struct smtp_state *c)
{
	struct smtp_side *s = &c->client;
	u32 held = s->tls_held;
	bool ended = (s->tls_head >> ((held - 1) * 8 & 63) & 0xff) == '\n';

	s->before += held;
	line_reset(s);
	if (ended) {
		line_asks(c);
	} else {
		s->letters = LINE_JUDGED;
		s->line = held;
	}
}

/* Types of TLS records (RFC 8446, 5.1) */
static __always_inline bool tls_type(u8 ch)
{
	return ch >= 20 && ch <= 23;
}

#define TLS_ANSWER 32 /* octets that are looked at for that in a step */

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
		 * cannot be told from the complaint.
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
