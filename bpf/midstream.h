/* The judge of a connection whose beginning was before us: part of judge.h. */
#ifndef MIDSTREAM_H
#define MIDSTREAM_H

enum old_step {
	OLD_YES = 1,
	OLD_GIVEN_UP, /* it is not judged any more, and nobody knows what it is */
};

enum old_run {
	OLD_COMMANDS = 1,
	OLD_STARTTLS, /* and that is the last one */
};

enum old_field {	      /* stream.field of an old connection that is not judged yet */
		 OLD_TLS = 1, /* the type of a TLS record */
		 OLD_HELD,    /* the line is held */
};

#define OLD_MAX (1 << 20) /* octets of an old connection that are looked at without a verdict */

/* Types of TLS records (RFC 8446, 5.1) */
static __always_inline bool tls_type(u8 ch)
{
	return ch >= 20 && ch <= 23;
}

/* old_unknown forgets the commands that waited for a reply: another line came behind them. */
static __always_inline void old_unknown(struct conn *c, struct stream *s)
{
	c->old_run = 0;
	c->pre = PRE_NONE;
	s->letters = 0;
	s->field = 0;
}

/* old_verdict is client_verdict for a connection whose beginning was before us. The client may be
 * in a body, so that no line of it decides anything: what looks like commands is held until a reply
 * comes to it. TLS is known by the begin of a record.
 */
static __always_inline bool old_verdict(struct conn *c, struct stream *s, u8 ch)
{
	bool known;

	if (c->judged >= OLD_MAX) {
		old_unknown(c, s);
		c->old = OLD_GIVEN_UP;
		return true;
	}
	c->old_turn = 1;
	if (s->letters == LINE_JUDGED) { /* some of it is lost */
		old_unknown(c, s);
		s->show = 1;
	}
	if (s->field == OLD_TLS && ch == 3) { /* the version (RFC 8446, 5.1) */
		if (!c->mail_port) {
			c->state = STATE_OTHER;
			return true;
		}
		conn_to_tls(c);
		c->hello_left = 0;
		return true;
	}
	if (s->field == OLD_HELD) {
		pre_hold(c, ch);
		if (ch == '\n')
			stream_reset_line(s);
		return false;
	}
	if (!s->show && s->letters < 4) {
		if (is_letter(ch)) {
			s->verb = s->verb << 8 | upper(ch);
			s->letters++;
			return false;
		}
		if (!s->letters && is_blank(ch))
			return false;
		if (!s->letters && !s->field && tls_type(ch)) {
			s->field = OLD_TLS;
			return false;
		}
	} else if (!s->show) {
		known = verb_ends(s->verb, ch) && verb_rank(s->verb) &&
			s->verb != VERB('A', 'U', 'T', 'H');
		if (known) {
			if (!c->old_run)
				c->pre = PRE_NONE; /* pre_start makes room for them */
			pre_start(c, PRE_DONE, s->verb, 4);
			pre_hold(c, ch);
			c->old_run =
				s->verb == VERB('S', 'T', 'A', 'R') ? OLD_STARTTLS : OLD_COMMANDS;
			s->letters = 0;
			s->field = OLD_HELD;
			if (ch == '\n')
				stream_reset_line(s);
			return false;
		}
	}
	if (!s->show)
		old_unknown(c, s);
	s->show = 1; /* the rest of the line is passed over */
	if (ch == '\n')
		stream_reset_line(s);
	return false;
}

/* old_server is the server's word on an old connection, at the begin of what answers the client: a
 * reply code to what looks like commands is SMTP, and on another than a mail port whatever is no
 * reply code is not.
 */
static __always_inline void old_server(struct conn *c, const u8 *first)
{
	bool reply = first[0] >= '2' && first[0] <= '5' && first[1] >= '0' && first[1] <= '9' &&
		     first[2] >= '0' && first[2] <= '9' &&
		     (is_blank(first[3]) || first[3] == '-' || first[3] == '\r' ||
		      first[3] == '\n' || !first[3]);

	if (reply && c->old_run) {
		c->state = STATE_SMTP;
		c->asked = 1;
		if (c->old_run == OLD_STARTTLS)
			c->await_tls = TLS_SAID;
		if (c->client.field || c->client.show) {
			stream_reset_line(&c->client);
			c->client.letters = LINE_JUDGED; /* the rest of the line is no line */
		} else {
			stream_reset_line(&c->client);
		}
	} else if (!reply && !c->mail_port) {
		c->state = STATE_OTHER;
	}
}

#endif
