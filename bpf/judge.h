/* Whether what is said looks like SMTP. Until that is known nothing leaves the kernel. */
#ifndef JUDGE_H
#define JUDGE_H

#include "tunnel.h"

#define JUDGE_SIZE 64
#define LINE_JUDGED 9 /* stream.letters: it is decided what to do with this line */
#define WEAK_LINES 3

#define VERB(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

enum await_tls {
	TLS_SAID = 1,
	TLS_ACCEPTED, /* and neither TLS nor another reply has come */
};

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

/* A greeting, or a refusal in its place (RFC 5321, 4.3.2). */
static __always_inline bool greeting_code(u32 code)
{
	return code == 220 || code == 421 || code == 554;
}

static __always_inline void stream_reset_line(struct stream *s)
{
	s->verb = 0;
	s->letters = 0;
	s->line = 0;
	s->show = 0;
	s->known = 0;
	s->field = 0;
	s->blank = 0;
	s->bad = 0;
	s->tail = 0;
	s->held = 0;
}

#define TLS_HANDSHAKE 22 /* record type (RFC 8446, 5.1) */
#define HELLO_RECORDS 12 /* 3 KiB: a ClientHello with a post-quantum key share is 1.8 */

static __always_inline void conn_to_tls(struct conn *c)
{
	c->state = STATE_TLS;
	c->hello_left = HELLO_RECORDS;
}

#include "midstream.h"

/* client_verdict takes the next byte of an unjudged client; false while more is needed. */
static __always_inline bool client_verdict(struct conn *c, struct stream *s, u8 ch)
{
	bool named;
	int rank;

	if (c->old)
		return old_verdict(c, s, ch);
	if (s->letters == LINE_JUDGED) { /* some of the line is lost */
		stream_reset_line(s);
		s->show = 1;
	}
	if (c->pre > PRE_DONE) {
		if (pre_byte(c, ch))
			return false;
		c->state = STATE_OTHER;
		return true;
	}
	if (s->show) { /* the rest of a weak line */
		s->before++;
		if (ch == '\n')
			stream_reset_line(s);
		return false;
	}
	if (!c->weak && pre_begins(c, s, ch))
		return false;
	if (s->letters < 4) {
		if (!s->letters && (is_blank(ch) || ch == '\r' || ch == '\n')) {
			if (s->line < 5)
				s->line++;
			return false;
		}
		if (is_letter(ch)) {
			s->verb = s->verb << 8 | upper(ch);
			s->letters++;
			return false;
		}
		if (!s->letters && ch == TLS_HANDSHAKE && c->mail_port)
			conn_to_tls(c);
		else
			c->state = STATE_OTHER;
		return true;
	}
	rank = verb_ends(s->verb, ch) ? verb_rank(s->verb) : VERB_UNKNOWN;
	/* AUTH begins no session of SMTP (RFC 4954, 4); with TLS for a mechanism it is FTP's
	 * (RFC 4217).
	 */
	named = c->mail_port || (c->banner_smtp && s->verb != VERB('A', 'U', 'T', 'H'));
	if (rank == VERB_STRONG || (rank == VERB_WEAK && named)) {
		c->state = STATE_SMTP;
		return true;
	}
	if (rank == VERB_WEAK && c->weak < WEAK_LINES) {
		c->weak++;
		s->show = 1;
		s->before += 5;
		if (ch == '\n')
			stream_reset_line(s);
		return false;
	}
	c->state = STATE_OTHER;
	return true;
}

/* client_judged counts what was looked at: the byte that decides is left to the next step. */
static __always_inline bool client_judged(struct conn *c, struct stream *s, u8 ch)
{
	if (client_verdict(c, s, ch))
		return true;
	c->judged++;
	return false;
}

/* server_verdict takes the next byte of a server that spoke first; false while more is needed. */
static __always_inline bool server_verdict(struct conn *c, struct stream *s, u8 ch)
{
	if (s->letters ==
	    LINE_JUDGED) { /* some of it is lost: this is no greeting, and no other one */
		stream_reset_line(s);
		return true;
	}
	if (s->letters < 3 && ch >= '0' && ch <= '9' && !s->show) {
		s->verb = s->verb * 10 + ch - '0';
		s->letters++;
		return false;
	}
	if (c->pre && s->letters == 3 && ch >= '0' && ch <= '9') {
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
	stream_reset_line(s);
	if (c->pre) { /* a proxy's answer: the greeting is behind it, and begins a line */
		s->before++;
		s->show = ch >= ' ' && ch < 0x7f;
		return false;
	}
	/* On a mail port the client may still speak SMTP to whatever this is. */
	if (!c->mail_port)
		c->state = STATE_OTHER;
	return true;
}

#endif
