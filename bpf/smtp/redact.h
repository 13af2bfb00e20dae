/* What leaves the kernel of a stream that is SMTP: command lines with a known verb, without the
 * secrets of AUTH, and reply lines. All else is counted and cut.
 *
 * The state lives in maps and in the reserved record, not in locals: the verifier then sees unknown
 * numbers and prunes, where it would follow every value of a local through the loop.
 */
#ifndef REDACT_H
#define REDACT_H

#include "auth_bdat.h"
#include "data.h"
#include "detect.h"

static __always_inline void out_verb(struct smtp_side *s, struct smtp_out *o)
{
	o->bytes = __builtin_bswap32(s->verb);
	o->len = 4;
}

/* client_decide judges a command line at the byte behind its verb. */
static __always_inline void client_decide(struct smtp_state *c, struct smtp_side *s,
					  struct smtp_out *o, u8 ch)
{
	u8 held = s->letters;
	bool known = held == 4 && verb_rank(s->verb) && verb_ends(s->verb, ch);
	bool dot = !held && ch == '.' && !s->blank && (s->crlf || !s->strict);

	s->letters = LINE_JUDGED;
	if (c->data_refused) { /* a client that does not listen goes on with a header */
		c->desynced |= !known && !dot;
		c->data_refused = 0;
	}
	if (known && !c->blind) /* each line before it was answered as a command is */
		c->desynced = 0;
	if (c->odd_bdat == BDAT_TAIL && c->await_data == DATA_SAID && known &&
	    s->verb != VERB_RCPT) { /* no octets follow: it is a command */
		c->await_data = 0;
		c->odd_bdat = 0;
	}
	if (c->await_data == DATA_SAID)
		c->await_data = DATA_BODY;
	if (c->secret || ((c->await_data || c->desynced) && !dot)) {
		/* A secret; or a body that does not wait for its 354, or goes on without one. */
		o->cut = held;
	} else if (known) {
		s->show = SHOW_ALL;
		s->known = 1;
		out_verb(s, o);
	} else if (!held && ch == '.') {
		s->show = SHOW_DOT;
	} else if (!held && ch == '\n') {
		s->show = SHOW_ALL;
	} else {
		/* An unknown command draws a reply: a mark keeps its place. */
		o->cut = held - 1; /* the mark is one of the octets */
		out_show(o, '?');
	}
}

/* client_bdat acts on a complete BDAT. Where it is not by the book it depends on the server whether
 * octets follow: what does is a body until there is a reply.
 */
static __always_inline void client_bdat(struct smtp_state *c, struct smtp_side *s)
{
	if (!s->field) /* without a size no octets follow */
		return;
	if (s->bad || s->field > 2 || (s->tail && s->tail != VERB('L', 'A', 'S', 'T'))) {
		c->await_data = DATA_SAID;
		c->data_at = c->asked - 1;
		c->odd_bdat = s->bad ? BDAT_SIZE : BDAT_TAIL;
		c->blind = 0;
	} else if (s->bdat_octets) {
		s->mode = MODE_CHUNK;
		s->bdat_left = s->bdat_octets;
		s->bdat_begun = 0;
	}
}

/* client_line acts on a complete command line; cr: CR stands before its LF. */
static __always_inline void client_line(struct smtp_state *c, struct smtp_side *s, u8 cr)
{
	if (c->secret) {
		c->secret = 0;
		c->auth_at = c->asked;
		line_asks(c);
	} else if (c->await_data || c->desynced) {
		if (s->show == SHOW_DOT && (cr || !s->strict)) {
			if (c->await_data && c->dots < 255)
				c->dots++;
			line_asks(c);
			c->await_data = 0;
			c->desynced = 0;
			c->blind = 0;
		} else if (s->verb || s->line > 1 + cr) {
			c->blind += c->blind < BLIND_UNKNOWN;
		}
	} else if (s->known) {
		if (s->verb == VERB_DATA) {
			c->await_data = DATA_SAID;
			c->data_at = c->asked;
			c->blind = 0;
			c->odd_bdat = 0;
			if (c->answered == c->asked) /* no reply to an earlier one is due */
				c->dots = 0;
			s->strict = cr;
		} else if (s->verb == VERB_STARTTLS) {
			c->await_tls = TLS_SAID;
			c->tls_at = c->asked;
		}
		line_asks(c);
		if (s->verb == VERB_AUTH) {
			c->await_auth = 1;
			c->auth_at = c->asked - 1;
			if (c->ftp)
				c->state = STATE_OTHER;
		} else if (s->verb == VERB_BDAT) {
			client_bdat(c, s);
		}
	} else if (s->show != SHOW_ALL) { /* no command, and answered as that */
		line_asks(c);
	}
	line_reset(s);
	s->crlf = cr;
}

/* status_byte is true for a byte that goes on with an enhanced status code, such as 5.7.8, at its
 * place behind the code and a blank, and for the line's end.
 */
static __always_inline bool status_byte(struct smtp_side *s, u8 ch)
{
	if (s->line <= 1 || ch == '\r' || ch == '\n')
		return true;
	if (s->line == 2)
		return ch == '0' + s->verb / 100 % 10;
	if (s->line == 3 || s->line > 9)
		return s->line == 3 && ch == '.';
	return ch == '.' || (ch >= '0' && ch <= '9');
}

static __always_inline void line_byte(struct smtp_side *s, struct smtp_out *o, u8 ch)
{
	if (s->line <= LINE_MAX)
		s->line++;
	else
		s->show = SHOW_NONE;
	if (s->show == SHOW_STATUS && !status_byte(s, ch))
		s->show = SHOW_NONE;
	if (s->show == SHOW_DOT && s->line > 1 && ch != '\r' && ch != '\n')
		s->show = SHOW_NONE;
	if (s->show)
		out_show(o, ch);
	else
		o->cut++;
}

/* line_starts is true where the client's next byte is the first of a line that is looked at. */
static __always_inline bool line_starts(struct smtp_state *c)
{
	struct smtp_side *s = &c->client;

	return s->mode == MODE_LINES && !s->letters && !s->line && !s->blank && !c->await_data &&
	       !c->desynced && !c->secret;
}

/* tls_begins is true for a byte that begins TLS without the head of a handshake record: once
 * STARTTLS was accepted, any octet that cannot stand in a line of text.
 */
static __always_inline bool tls_begins(struct smtp_state *c, u8 ch)
{
	return line_starts(c) && !c->client.tls_held && c->await_tls == TLS_ACCEPTED &&
	       ch != TLS_HANDSHAKE && (!is_text(ch) || ch >= 0x80);
}

/* head_to_text takes for text what was held as the head of a TLS record: a line like any other,
 * which may have ended in it.
 */
static __always_inline void head_to_text(struct smtp_state *c, struct smtp_out *o)
{
	struct smtp_side *s = &c->client;
	u64 head = s->tls_head;
	u32 held = s->tls_held, line = tls_head_line(s);

	if (!line) {
		line_reset(s);
		s->letters = LINE_JUDGED;
		s->line = held;
		o->cut = held - 1;
		out_show(o, '?');
		return;
	}
	for (u32 i = 1; i < 5; i++)
		if (i < line)
			out_show(o, '?');
	out_show(o, '\n');
	line_asks(c);
	line_reset(s);
	s->crlf = (head >> (line - 2) * 8 & 0xff) == '\r';
	if (held == line)
		return;
	head >>= line * 8;
	if (held == line + 1 && is_letter(head)) {
		s->verb = upper(head);
		s->letters = 1;
		return;
	}
	s->letters = LINE_JUDGED;
	s->line = held - line;
	o->cut = held - line - 1;
	out_show(o, '?');
}

static __always_inline void client_byte(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	struct smtp_side *s = &c->client;
	u8 cr = s->cr;

	out_clear(o);
	if (s->tls_held || (ch == TLS_HANDSHAKE && line_starts(c))) {
		if (tls_head(s, ch)) {
			if (s->tls_held == TLS_HEAD) {
				o->bytes = s->tls_head;
				o->len = TLS_HEAD;
				hello_begins(c, tls_rest(s, TLS_HEAD));
				line_reset(s);
			}
			return;
		}
		head_to_text(c, o);
	}
	s->cr = ch == '\r';
	if (s->letters < 4 && !c->secret) {
		if (is_letter(ch)) {
			s->verb = s->verb << 8 | upper(ch);
			s->letters++;
			return;
		}
		if (!s->letters && is_space(ch)) { /* a server may take what follows */
			s->blank = 1;
			if (c->await_data || c->desynced)
				o->cut = 1;
			else
				out_show(o, ch);
			return;
		}
	}
	if (s->letters != LINE_JUDGED)
		client_decide(c, s, o, ch);
	if (s->known && cr && ch != '\n' && ch != '\r')
		s->show = SHOW_NONE; /* a bare CR ends no line, and what follows is no argument */
	if (s->known && client_argument(c, o, ch))
		return;
	line_byte(s, o, ch);
	if (ch == '\n')
		client_line(c, s, cr);
}

#endif
