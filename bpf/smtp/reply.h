/* What leaves the kernel of a server's replies, and what they say of the client's next bytes. */
#ifndef REPLY_H
#define REPLY_H

#include "redact.h"

/* server_data follows the replies around a message body. */
static __always_inline void server_data(struct smtp_state *c, u32 code)
{
	bool success = code >= 200 && code < 300;

	if (c->client.mode == MODE_BODY) {
		if (success) {
			c->body_over = 1;
			return;
		}
		/* A server that refuses in the middle of a body has given up on it. */
		c->client.crlf = c->client.body == BODY_LINE_START;
		if (!c->client.crlf && c->client.body != BODY_LF_START)
			c->client.letters = LINE_JUDGED; /* the rest of the line is no line */
		c->client.mode = MODE_LINES;
		c->desynced = 1;
		c->blind = 1; /* it goes on until it has read that */
	} else if (c->client.mode == MODE_CHUNK && !c->client.bdat_begun && code >= 500 &&
		   code <= 504 && c->answered == c->asked) {
		/* A server without BDAT reads no octets, and a client that waited sends none. */
		c->client.mode = MODE_LINES;
		c->data_refused = 1;
	} else if (c->await_data && (s16)(c->answered - c->data_at) <= 0) {
		return; /* it answers what was said before DATA */
	} else if (c->await_data && code >= 400) {
		c->desynced = c->await_data == DATA_BODY || c->rude;
		c->data_refused = !c->desynced;
		if (c->rude) /* is it of DATA, or of a line of the body before? */
			c->blind = BLIND_UNKNOWN;
		else if (c->desynced && !c->blind)
			c->blind = 1;
		c->await_data = 0;
	} else if (success && (!c->blind || (c->odd_bdat && c->await_data))) {
		/* Else it may be of a line that was cut, and what the next ones are of is open. */
		if (c->odd_bdat && c->await_data) { /* what comes next begins a line */
			c->await_data = 0;
			c->client.before += held_letters(&c->client);
			line_reset(&c->client);
		}
		c->desynced = 0;
		c->blind = 0;
	}
}

/* body_start is where in a line the client is when its DATA is accepted: not at the beginning if it
 * has not waited for that.
 */
static __always_inline u32 body_start(struct smtp_side *s)
{
	if (s->cr)
		return BODY_CR;
	return s->letters || s->line || s->blank ? BODY_MID_LINE : BODY_LINE_START;
}

/* reply_affords is false for a packet of replies beyond what the client's lines are good for: a
 * server cannot make this host read on and on. What is passed over is lost, and where in a line the
 * next packet begins is not known.
 */
static __always_inline bool reply_affords(struct smtp_state *c, u32 octets)
{
	if (c->state != STATE_SMTP && !c->banner_220)
		return true;
	if (c->reply_used + (s32)octets <= REPLY_BUDGET) {
		c->reply_used += octets;
		return true;
	}
	line_reset(&c->server);
	c->server.letters = LINE_JUDGED;
	return false;
}

/* server_line acts on the last line of a reply. */
static __always_inline void server_line(struct smtp_state *c, struct smtp_side *s)
{
	u32 code = s->verb;
	bool of_tls;

	if (!c->greeted) {
		c->greeted = 1;
		return;
	}
	if (c->client.tls_held)
		tls_no_head(c);
	if (c->answered != c->asked)
		c->answered++;
	if (c->await_tls == TLS_ACCEPTED)
		c->await_tls = 0; /* there was no TLS: it is answered in the clear */
	of_tls = c->await_tls && (s16)(c->answered - c->tls_at) > 0;
	if (code == 354) {
		if (c->state == STATE_NEW) /* the body is told by marks: see client_verdict */
			return;
		/* It is of a body that is over, whose dot is not answered yet: the client may be in
		 * a later one.
		 */
		if (c->dots && !(c->rude && c->await_data) && c->answered != c->asked) {
			c->dots--;
			return;
		}
		c->client.mode = MODE_BODY;
		c->client.body = body_start(&c->client);
		c->body_over = 0;
		c->await_data = 0;
		c->desynced = 0;
		return;
	}
	if (c->desynced && c->blind && c->blind < BLIND_UNKNOWN)
		c->blind--;
	if (code >= 400 && (c->dots || c->await_data == DATA_BODY))
		c->rude = 1;
	server_data(c, code);
	if (code == 220 && of_tls) {
		c->await_tls = TLS_ACCEPTED;
	} else if (code == 334) {
		/* The next line is a secret, unless the client sent its answer ahead. It did not if
		 * all its lines are answered, or if it has said nothing since AUTH or since its
		 * answer to the challenge before.
		 */
		c->secret = c->answered == c->asked || c->asked == (u16)(c->auth_at + 1);
		c->auth_at += !c->secret;
	} else if (code >= 400 || code == 235) {
		if (of_tls)
			c->await_tls = 0;
		c->await_auth = 0;
		c->secret = 0;
	}
}

/* of_auth is true for a reply that answers AUTH, or what is said after it. */
static __always_inline bool of_auth(struct smtp_state *c, u32 code)
{
	return code == 235 || code == 535 ||
	       (c->await_auth && (s16)(c->answered + 1 - c->auth_at) > 0);
}

static __always_inline void server_byte(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	struct smtp_side *s = &c->server;

	out_clear(o);
	if (s->letters < 3 && ch >= '0' && ch <= '9') {
		s->verb = s->verb * 10 + ch - '0';
		s->letters++;
		return;
	}
	if (s->letters != LINE_JUDGED) {
		if (s->letters == 3 && (is_blank(ch) || ch == '-' || ch == '\r' || ch == '\n')) {
			out_show(o, '0' + s->verb / 100 % 10);
			out_show(o, '0' + s->verb / 10 % 10);
			out_show(o, '0' + s->verb % 10);
			s->known = ch != '-';
			/* A challenge can hold what the answer is made from; an answer to AUTH the
			 * secret itself.
			 */
			s->show = SHOW_ALL;
			if (s->verb == 334)
				s->show = SHOW_NONE;
			else if (of_auth(c, s->verb))
				s->show = SHOW_STATUS;
		} else {
			o->cut = s->letters;
		}
		s->letters = LINE_JUDGED;
	}
	line_byte(s, o, ch);
	if (ch != '\n')
		return;
	if (s->known)
		server_line(c, s);
	line_reset(s);
}

#endif
