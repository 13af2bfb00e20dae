/* The verdict on a connection whose beginning was before us. */
#ifndef OLD_H
#define OLD_H

#include "proxy.h"
#include "tls.h"
#include "verbs.h"

enum old_step {
	OLD_YES = 1,
	OLD_GIVEN_UP, /* it is not judged any more, and stays unknown */
};

enum old_run {
	OLD_COMMANDS = 1,
	OLD_STARTTLS, /* and that is the last one */
};

enum old_line {
	OLD_TLS = 1, /* its first octet is the type of a TLS record */
	OLD_HELD,    /* it looks like a command, and is held */
};

#define OLD_MAX (1 << 20) /* octets of an old connection that are looked at without a verdict */

/* old_unknown forgets the commands that waited for a reply: another line came behind them. */
static __always_inline void old_unknown(struct smtp_state *c)
{
	c->old_run = 0;
	c->proxy = PROXY_NONE;
	c->client.letters = 0;
	c->client.old_line = 0;
}

/* old_holds begins to hold a line that looks like a command; more of them may be held already. */
static __always_inline void old_holds(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	struct smtp_side *s = &c->client;

	if (!c->old_run)
		c->proxy = PROXY_NONE;
	proxy_start(c, o, PROXY_DONE, s->verb, 4);
	out_show(o, ch);
	c->old_run = s->verb == VERB_STARTTLS ? OLD_STARTTLS : OLD_COMMANDS;
	s->letters = 0;
	s->old_line = OLD_HELD;
	if (ch == '\n')
		line_reset(s);
}

/* old_verdict is client_verdict for a connection whose beginning was before us. The client may be
 * in a body, so that no line of it decides anything: what looks like commands is held until a reply
 * comes to it. TLS is known by the begin of a record.
 */
static __always_inline bool old_verdict(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	struct smtp_side *s = &c->client;

	if (c->judged >= OLD_MAX) {
		old_unknown(c);
		c->old = OLD_GIVEN_UP;
		return true;
	}
	c->old_turn = 1;
	if (s->letters == LINE_JUDGED) { /* some of it is lost */
		old_unknown(c);
		s->show = 1;
	}
	if (s->old_line == OLD_TLS && ch == 3) { /* the version (RFC 8446, 5.1) */
		if (c->mail_port)
			state_to_tls(c);
		else
			c->state = STATE_OTHER;
		return true;
	}
	if (s->old_line == OLD_HELD) {
		out_show(o, ch);
		if (ch == '\n')
			line_reset(s);
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
		if (!s->letters && !s->old_line && tls_type(ch)) {
			s->old_line = OLD_TLS;
			return false;
		}
	} else if (!s->show && verb_ends(s->verb, ch) && verb_rank(s->verb) &&
		   s->verb != VERB_AUTH) {
		old_holds(c, o, ch);
		return false;
	}
	if (!s->show)
		old_unknown(c);
	s->show = 1; /* the rest of the line is passed over */
	if (ch == '\n')
		line_reset(s);
	return false;
}

static __always_inline bool is_reply(const u8 *first)
{
	return first[0] >= '2' && first[0] <= '5' && first[1] >= '0' && first[1] <= '9' &&
	       first[2] >= '0' && first[2] <= '9' &&
	       (is_blank(first[3]) || first[3] == '-' || first[3] == '\r' || first[3] == '\n' ||
		!first[3]);
}

/* old_server looks at the server's packet on an old connection: its first octets (0 where it is
 * shorter) and its last. It is an answer if the client has spoken since the packet before and that
 * one ended a line. A reply code to what looks like commands is SMTP; anything else, except on a
 * mail port, is not.
 */
static __always_inline void old_server(struct smtp_state *c, const u8 *first, u8 last)
{
	bool begins = c->old_turn && !c->old_mid_line, mid_line;

	c->old_turn = 0;
	c->old_mid_line = last != '\n';
	if (!begins)
		return;
	if (is_reply(first) && c->old_run) {
		c->state = STATE_SMTP;
		c->asked = 1;
		if (c->old_run == OLD_STARTTLS)
			c->await_tls = TLS_SAID;
		mid_line = c->client.old_line || c->client.show;
		line_reset(&c->client);
		if (mid_line)
			c->client.letters = LINE_JUDGED; /* the rest of the line is no line */
	} else if (!is_reply(first) && !c->mail_port) {
		c->state = STATE_OTHER;
	}
}

#endif
