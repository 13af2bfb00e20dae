/* What leaves the kernel of a server's replies, and what they say of the client's next bytes. */
#ifndef REPLY_H
#define REPLY_H

#include "cut.h"

/* server_data follows the replies around a message body. */
static __always_inline void server_data(struct conn *c, u32 code)
{
	bool success = code >= 200 && code < 300;

	if (c->client.mode == MODE_BODY) {
		if (success) {
			c->body_over = 1;
			return;
		}
		/* A server that refuses in the middle of a body has given up on it. */
		c->client.crlf = c->client.body == BODY_LINE_START;
		if (!c->client.crlf)
			c->client.letters = LINE_JUDGED; /* the rest of the line is no line */
		c->client.mode = MODE_LINES;
		c->adrift = 1;
	} else if (c->client.mode == MODE_CHUNK && !c->client.begun && code >= 500 && code <= 504 &&
		   c->answered == c->asked) {
		/* A server without BDAT reads no octets, and a client that waited sends none. */
		c->client.mode = MODE_LINES;
		c->data_refused = 1;
	} else if (c->await_data && (s16)(c->answered - c->data_at) <= 0) {
		return; /* it answers what was said before DATA */
	} else if (c->await_data && code >= 400) {
		c->adrift = c->await_data == DATA_BODY;
		c->data_refused = !c->adrift;
		c->await_data = 0;
	} else if (success) {
		c->adrift = 0;
	}
}

/* body_start is where in a line the client is when its DATA is accepted: not at the beginning if it
 * has not waited for that.
 */
static __always_inline u32 body_start(struct stream *s)
{
	if (s->cr)
		return BODY_CR;
	return s->letters || s->line || s->blank ? BODY_MID_LINE : BODY_LINE_START;
}

/* server_line acts on the last line of a reply. */
static __always_inline void server_line(struct conn *c, struct stream *s)
{
	u32 code = s->verb;
	bool of_tls;

	if (!c->greeted) {
		c->greeted = 1;
		return;
	}
	if (c->answered != c->asked)
		c->answered++;
	if (c->await_tls == TLS_ACCEPTED)
		c->await_tls = 0; /* there was no TLS: it is answered in the clear */
	of_tls = c->await_tls && (s16)(c->answered - c->tls_at) > 0;
	if (code == 354) {
		if (c->dots) { /* it is of a body that is over: the client may be in a later one */
			c->dots--;
			return;
		}
		c->client.mode = MODE_BODY;
		c->client.body = body_start(&c->client);
		c->body_over = 0;
		c->await_data = 0;
		c->adrift = 0;
		return;
	}
	server_data(c, code);
	if (code == 220 && of_tls) {
		c->await_tls = TLS_ACCEPTED;
	} else if (code == 334 && c->await_auth) {
		c->secret = 1;
	} else if (code >= 400 || code == 235) {
		if (of_tls)
			c->await_tls = 0;
		c->await_auth = 0;
		c->secret = 0;
	}
}

static __always_inline void server_byte(struct conn *c, struct stream *s, u8 ch)
{
	s->out = s->out_len = s->out_cut = 0;
	if (s->letters < 3 && ch >= '0' && ch <= '9') {
		s->verb = s->verb * 10 + ch - '0';
		s->letters++;
		return;
	}
	if (s->letters != LINE_JUDGED) {
		if (s->letters == 3 && (is_blank(ch) || ch == '-' || ch == '\r' || ch == '\n')) {
			out_show(s, '0' + s->verb / 100 % 10);
			out_show(s, '0' + s->verb / 10 % 10);
			out_show(s, '0' + s->verb % 10);
			s->known = ch != '-';
			/* A challenge can hold what the answer is made from. */
			s->show = s->verb == 334 ? SHOW_NONE : SHOW_ALL;
		} else {
			s->out_cut = s->letters;
		}
		s->letters = LINE_JUDGED;
	}
	line_byte(s, ch);
	if (ch != '\n')
		return;
	if (s->known)
		server_line(c, s);
	stream_reset_line(s);
}

#endif
