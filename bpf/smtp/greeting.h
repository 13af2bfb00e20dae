/* What is kept of a greeting, and of the replies behind it, until the client has been judged. */
#ifndef GREETING_H
#define GREETING_H

#include "reply.h"

#define GREETING_LINE 160 /* octets kept of a greeting's first line */
#define REPLY_LINE 1	  /* of another reply, behind its code */

enum greeting_part {
	GREETING_NONE, /* the byte is not kept */
	GREETING_TEXT,
	GREETING_REPLY, /* it belongs to a later reply */
};

/* greeting_code_of_ftp is true for what FTP answers to USER and PASS, and SMTP to nothing that is
 * said so early (RFC 959, 4.2).
 */
static __always_inline bool greeting_code_of_ftp(u32 code)
{
	return code == 331 || code == 230 || code == 332;
}

/* greeting_byte takes a byte of a server that has greeted, and says what becomes of what o shows.
 * Kept are the first line of a reply and its last: a reader knows from them where the reply ends.
 */
static __always_inline u32 greeting_byte(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	struct smtp_side *s = &c->server;
	u32 part = c->greeted ? GREETING_REPLY : GREETING_TEXT, code = s->verb;
	u16 limit = c->greeted || c->reply_lines ? REPLY_LINE : GREETING_LINE;
	bool final = s->known, kept;

	if (!c->greeted)
		banner_byte(c, ch);
	server_byte(c, o, ch);
	if (ch != '\n')
		final = s->known;
	kept = o->len && (final || !c->reply_lines) && (s->line <= limit || ch == '\n');
	if (ch == '\n' && !o->len && code) { /* the end of a line whose text was cut */
		out_show(o, ch);
		o->cut = 0;
		kept = final || !c->reply_lines;
	}
	if (ch == '\n') {
		if (final)
			c->reply_lines = 0;
		else if (c->reply_lines < 255)
			c->reply_lines++;
		if (final && part == GREETING_REPLY && greeting_code_of_ftp(code) && !c->mail_port)
			c->state = STATE_OTHER;
	}
	return kept ? part : GREETING_NONE;
}

#endif
