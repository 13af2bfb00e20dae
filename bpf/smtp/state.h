/* What is known of a connection's dialogue, as far as it follows from the bytes that passed. */
#ifndef STATE_H
#define STATE_H

#include "types.h"

enum conn_state {
	STATE_NEW = 0, /* nothing said that could be judged */
	STATE_SMTP = 1,
	STATE_TLS = 2,	 /* after STARTTLS or on a mail port; text again if the server complains */
	STATE_OTHER = 3, /* final: not mail */
};

enum stream_mode {
	MODE_LINES,
	MODE_BODY,  /* after 354 */
	MODE_CHUNK, /* inside BDAT */
};

enum await_data {
	DATA_SAID = 1,
	DATA_BODY, /* and the body begins without waiting for the reply */
};

enum odd_bdat {
	BDAT_TAIL = 1, /* there are words too many: a server may read octets or a command */
	BDAT_SIZE,     /* its size is no number for all servers: they read octets if they take it */
};

enum await_tls {
	TLS_SAID = 1,
	TLS_ACCEPTED, /* and neither TLS nor another reply has come */
};

/* smtp_side is what is kept of one direction. What line_reset clears is of the line at hand, and of
 * no other.
 */
struct smtp_side {
	u64 before;	   /* bytes cut and not yet reported */
	u64 bdat_left;	   /* octets of the chunk still to come */
	u64 auth_letters;  /* AUTH: the first letters of the mechanism, while they are held */
	u64 bdat_octets;   /* BDAT: as announced on this line */
	u32 banner_window; /* the last four letters of a greeting that waits */
	u32 tail;	   /* BDAT: the last letters behind the length */
	u32 verb;      /* first letters of the line, upper case; server: the reply code so far */
	u16 line;      /* bytes of the line so far, saturating */
	u8 blank;      /* the last byte was a blank */
	u8 known;      /* the line's verb or code is one that we know */
	u8 letters;    /* of the verb, or digits of the code; LINE_JUDGED when decided */
	u8 show;       /* the rest of the line leaves the kernel */
	u8 field;      /* words of the line so far */
	u8 bad;	       /* BDAT: its size is not a plain number */
	u8 auth_held;  /* AUTH: how many letters of the mechanism are held; HELD_NO_MORE */
	u8 mode;       /* enum stream_mode */
	u8 body;       /* enum body_state */
	u8 bdat_begun; /* some of the chunk has passed */
	u8 cr;	       /* the last byte was CR */
	u8 crlf;       /* the line before this one ended with CRLF */
	u8 tls_held;   /* octets of what may be the head of a TLS record, so far */
	u8 strict;     /* a body ends with CRLF, dot, CRLF and with nothing less */
	u8 old_line;   /* enum old_line */
	u8 pad;
	u64 tls_head; /* these octets, the first in the lowest place */
};

/* smtp_state is a dialogue. Of the flags each has one writer at a time, and so a byte of its own.
 */
struct smtp_state {
	u8 mail_port;	 /* it goes to one */
	u8 old;		 /* its beginning was before us: enum old_step */
	u8 old_run;	 /* enum old_run: what the client said last looks like commands */
	u8 old_turn;	 /* it has spoken since the server has */
	u8 old_mid_line; /* the server's last packet did not end a line */
	u8 state;	 /* enum conn_state */
	u8 banner_220;	 /* the server has greeted as SMTP's do */
	u8 banner_smtp;	 /* and named SMTP */
	u8 marks;	 /* lines before the verdict that are told by a mark each */
	u8 early;	 /* some of them came before the greeting was complete */
	u8 http;	 /* the client began as one of HTTP does */
	u8 unknown;	 /* and a line of it is no command, without a greeting so far */
	u8 answers;	 /* to that: packets of the server */
	u8 reply_lines;	 /* of the reply at hand, before the verdict */
	u8 odd_bdat;	 /* await_data is of a BDAT that is not by the book: enum odd_bdat */
	u8 ftp;		 /* AUTH TLS or SSL before anything else (RFC 4217) */
	u8 tls_line;	 /* the server is in a line of text although the client speaks TLS */
	u8 tls_sure;	 /* the server has gone on with TLS records */
	u8 spoken;	 /* the client has sent something */
	u8 server_spoke; /* the server has */
	u8 given_up;	 /* the client is not looked at any more */
	u8 blanks;	 /* it has said empty lines or bodies before the verdict: no mark says so */
	u8 greeted;	 /* the greeting is complete: a later 220 answers STARTTLS */
	u8 await_data;	 /* DATA was said and its reply not yet seen: enum await_data */
	u8 await_tls;	 /* STARTTLS likewise: enum await_tls */
	u8 await_auth;	 /* AUTH likewise */
	u8 secret;	 /* the client's next line answers a 334 */
	u8 data_refused; /* DATA was refused, and the client has not gone on yet */
	u8 desynced;	 /* the server left a body that the client may still be in */
	u8 body_over;	 /* the server has accepted a body, and we have not seen its end */
	u8 dots;	 /* bodies that ended before the reply to their DATA came */
	u8 rude;	 /* one of these was refused: each of its lines may draw a reply */
	u8 hello_left;	 /* records of the TLS handshake still to show */
	u8 proxy;	 /* enum proxy_step: where the client is in a proxy's preamble */
	u8 proxy_last;	 /* the byte before, of a field */
	u8 proxy_name;	 /* SOCKS4: a host name follows */
	u16 asked;	 /* lines of the client that draw a reply; the client's packets write it */
	u16 answered;	 /* of these; the server's packets write it */
	u16 data_at;	 /* how many stood before DATA */
	u16 tls_at;	 /* before STARTTLS likewise */
	u16 blind;	 /* lines cut without knowing what they are, and not answered */
	u16 auth_at;	 /* lines that stood before AUTH */
	u16 chatter;	 /* octets of text in front of a greeting */
	s32 reply_used;	 /* octets of replies, less what the client's lines are good for */
	u32 hello_octets;  /* of the record that is shown, still to come */
	u32 tls_passed;	   /* octets of the client that passed as TLS, and were not shown */
	u32 server_judged; /* octets of the server that were looked at before the verdict */
	u32 proxy_left;	   /* bytes of the field still to come, or of the line so far */
	u32 judged;	   /* octets of the client that were looked at before the verdict */
	struct smtp_side client, server;
};

/* smtp_out is what becomes of the byte at hand and of those held before it: so many of bytes are
 * shown, the first in the lowest place, then so many cut. It is no state, and stands in memory for
 * the verifier alone, which then sees unknown numbers and prunes.
 */
struct smtp_out {
	u64 bytes;
	u32 cut;
	u8 len;
	u8 fresh; /* what was held before is not shown any more */
	u8 pad[2];
};

static __always_inline void out_clear(struct smtp_out *o)
{
	o->bytes = o->len = o->cut = o->fresh = 0;
}

static __always_inline void out_show(struct smtp_out *o, u8 ch)
{
	o->bytes |= (u64)ch << (o->len * 8 & 63);
	o->len++;
}

/* line_reset goes on at the start of a line. */
static __always_inline void line_reset(struct smtp_side *s)
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
	s->tls_held = 0;
	s->tls_head = 0;
	s->old_line = 0;
	s->auth_held = 0;
	s->auth_letters = 0;
	s->bdat_octets = 0;
}

#define BLIND_UNKNOWN 65535 /* smtp_state.blind: how many they are is not known */

#define REPLY_BUDGET 65536     /* octets of replies without a command of the client */
#define REPLY_REFILL 4096      /* further octets for each of its lines */
#define REPLY_CREDIT (1 << 24) /* most that can be saved up */

/* line_asks counts a line of the client that draws a reply. */
static __always_inline void line_asks(struct smtp_state *c)
{
	c->asked++;
	if (c->reply_used > -REPLY_CREDIT)
		c->reply_used -= REPLY_REFILL;
}

#define LINE_JUDGED 9 /* smtp_side.letters: it is decided what to do with this line */

/* held_letters is how many octets of the line are held until there is one behind them. */
static __always_inline u32 held_letters(struct smtp_side *s)
{
	return s->letters == LINE_JUDGED ? 0 : s->letters;
}

#endif
