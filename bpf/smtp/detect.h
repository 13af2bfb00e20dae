/* Whether what is said looks like SMTP. Until that is known nothing leaves the kernel. */
#ifndef DETECT_H
#define DETECT_H

#include "old.h"
#include "proxy.h"

#define JUDGE_SIZE 64
#define PATIENT_LINES 12     /* that say nothing, and a greeting or a command may follow */
#define PATIENT_OCTETS 4096  /* of such lines */
#define PATIENT_HTTP 16384   /* the same where CONNECT may follow another request, */
#define PATIENT_ANSWERS 16   /* and as many packets that answer it */
#define PROXY_OCTETS 1048576 /* of the header of a CONNECT */
#define CHATTER 512	     /* octets of text in front of a greeting */

/* A greeting, or a refusal in its place (RFC 5321, 4.3.2). */
static __always_inline bool greeting_code(u32 code)
{
	return code == 220 || code == 421 || code == 554;
}

enum http_place {
	HTTP_HEADER = 1,
	HTTP_BETWEEN, /* behind an empty line: another request may begin */
};

/* http_method is true for the first letters of a request that is no CONNECT (RFC 9110, 9). */
static __always_inline bool http_method(u32 verb, u8 letters)
{
	return verb == VERB('P', 'O', 'S', 'T') || verb == VERB('H', 'E', 'A', 'D') ||
	       verb == VERB('O', 'P', 'T', 'I') || verb == VERB('D', 'E', 'L', 'E') ||
	       (letters == 3 && (verb == 0x474554 || verb == 0x505554)); /* GET, PUT */
}

/* client_other ends the judging: it is not mail. Where the server has said nothing yet, its
 * greeting may still say otherwise: the client is not looked at any more, but the server's first
 * packet is. Behind a proxy, which has answered itself, the first CHATTER octets are.
 */
static __always_inline bool client_other(struct smtp_state *c)
{
	if (c->mail_port || (c->server_spoke && !c->proxy))
		c->state = STATE_OTHER;
	else
		c->given_up = 1;
	return true;
}

/* client_impatient is true where too much was said that says nothing. */
static __always_inline bool client_impatient(struct smtp_state *c)
{
	bool patient = c->http ? c->judged < PATIENT_HTTP && c->answers < PATIENT_ANSWERS
			       : c->judged < PATIENT_OCTETS && c->marks < PATIENT_LINES;

	return !patient && client_other(c);
}

/* client_passed ends a line that says nothing. It is answered, and so a mark tells of it. */
static __always_inline bool client_passed(struct smtp_state *c, struct smtp_side *s)
{
	line_reset(s);
	if (!c->http) {
		c->marks++;
		line_asks(c);
		if (!c->greeted)
			c->early = 1;
	}
	return client_impatient(c);
}

/* client_verdict takes the next byte of an unjudged client; false while more is needed. Until
 * there is a greeting, or something else from the server, any text may be followed by one.
 */
static __always_inline bool client_verdict(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	struct smtp_side *s = &c->client;
	bool mail = c->mail_port || c->banner_220;
	int rank = RANK_UNKNOWN;

	if (c->old)
		return old_verdict(c, o, ch);
	if (s->letters == LINE_JUDGED) { /* some of the line is lost */
		line_reset(s);
		s->show = 1;
	}
	if (c->proxy > PROXY_DONE) {
		if (c->judged < PROXY_OCTETS && proxy_byte(c, o, ch))
			return false;
		return client_other(c);
	}
	if (s->show) { /* the rest of a line that says nothing */
		if (!mail && !is_text(ch))
			return client_other(c);
		if (ch == '\n')
			return client_passed(c, s);
		return client_impatient(c);
	}
	if (!c->banner_220 && !s->tls_held && c->http != HTTP_HEADER && proxy_begins(c, s, o, ch))
		return false;
	if (mail && !s->letters && (s->tls_held || ch == TLS_HANDSHAKE)) {
		/* The last byte of the head is left to the next step. */
		if (s->tls_held < TLS_HEAD - 1 && tls_head(s, ch))
			return false;
		if (s->tls_held == TLS_HEAD - 1 && tls_fits(s, ch)) {
			if (!c->mail_port && !c->banner_smtp)
				return client_other(c);
			hello_begins(c, tls_rest(s, TLS_HEAD - 1));
			return true;
		}
	} else if (s->letters < 4) {
		if (!s->letters && (is_space(ch) || ch == '\n')) {
			if (s->line < 5)
				s->line++;
			if (c->http && ch == '\n')
				c->http = HTTP_BETWEEN;
			else if (ch == '\n')
				c->blanks = 1;
			return false;
		}
		if (is_letter(ch)) {
			s->verb = s->verb << 8 | upper(ch);
			s->letters++;
			return false;
		}
	} else if (verb_ends(s->verb, ch)) {
		rank = verb_rank(s->verb);
	}
	if ((rank == RANK_STRONG && (mail || !c->unknown)) ||
	    (rank == RANK_WEAK && (c->mail_port || c->banner_smtp))) {
		c->state = STATE_SMTP;
		return true;
	}
	if (!mail && !is_text(ch))
		return client_other(c);
	if (c->http || (!mail && http_method(s->verb, s->letters)))
		c->http = HTTP_HEADER;
	if (rank == RANK_UNKNOWN && !mail)
		c->unknown = 1;
	if (rank != RANK_UNKNOWN && (s->verb == VERB_DATA || s->verb == VERB_BDAT)) {
		/* A body may follow, whose lines are told by marks or taken for commands. */
		c->desynced = 1;
		c->blind = BLIND_UNKNOWN;
		c->blanks = 1;
	}
	if (tls_head_line(s))
		c->blanks = 1; /* a line ended in what may have been TLS, and this is another one */
	s->show = 1;
	s->tls_held = 0;
	return ch == '\n' && client_passed(c, s);
}

/* client_judged counts what was looked at: the byte that decides is left to the next step. */
static __always_inline bool client_judged(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	out_clear(o);
	if (client_verdict(c, o, ch))
		return true;
	c->judged++;
	return false;
}

/* server_verdict takes the next byte of a server that spoke first; false while more is needed. */
static __always_inline bool server_verdict(struct smtp_state *c, u8 ch)
{
	struct smtp_side *s = &c->server;

	if (s->letters == LINE_JUDGED) { /* some is lost: this is no greeting, nor another one */
		line_reset(s);
		return true;
	}
	if (s->letters < 3 && ch >= '0' && ch <= '9' && !s->show) {
		s->verb = s->verb * 10 + ch - '0';
		s->letters++;
		return false;
	}
	if (c->proxy && s->letters == 3 && ch >= '0' && ch <= '9') {
		s->verb = (s->verb * 10 + ch - '0') % 1000; /* the first was a proxy's */
		s->before++;
		return false;
	}
	if (s->letters == 3 && greeting_code(s->verb) &&
	    (is_blank(ch) || ch == '-' || ch == '\r' || ch == '\n')) {
		c->banner_220 = 1;
		if (c->mail_port)
			c->state = STATE_SMTP;
		return true;
	}
	s->before += s->letters;
	line_reset(s);
	if (c->proxy) { /* a proxy's answer: the greeting is behind it, and begins a line */
		if (c->given_up && c->chatter++ >= CHATTER) {
			c->state = STATE_OTHER;
			return true;
		}
		s->before++;
		s->show = ch >= ' ' && ch < 0x7f;
		return false;
	}
	if (c->http) { /* to a proxy it may say CONNECT */
		c->answers++;
		return true;
	}
	if (is_text(ch) && c->chatter < CHATTER) { /* the greeting may be behind it */
		c->chatter++;
		s->before++;
		s->show = ch != '\n';
		return false;
	}
	if (!c->mail_port) /* else the client may still speak SMTP to whatever this is */
		c->state = STATE_OTHER;
	return true;
}

/* server_goes_on is true where a greeting may still come in the packet. */
static __always_inline bool server_goes_on(struct smtp_state *c)
{
	return c->banner_220 || c->proxy || (c->chatter && c->chatter < CHATTER);
}

/* server_first ends what the server says first: a greeting has begun in it, or it does not come. */
static __always_inline void server_first(struct smtp_state *c)
{
	bool waits = c->banner_220 || c->mail_port || c->proxy || c->http || c->old;
	bool goes_on = c->banner_220 ? !c->greeted && c->server_judged < CHATTER
				     : c->server.letters || c->proxy;

	if (c->state != STATE_NEW)
		return;
	if (c->given_up ? c->banner_smtp || !goes_on : c->chatter && c->spoken && !waits)
		c->state = STATE_OTHER;
}

/* banner_byte looks whether a greeting that waits names SMTP. */
static __always_inline void banner_byte(struct smtp_state *c, u8 ch)
{
	struct smtp_side *s = &c->server;

	s->banner_window = s->banner_window << 8 | upper(ch);
	if (s->banner_window == VERB('S', 'M', 'T', 'P'))
		c->banner_smtp = 1;
}

#endif
