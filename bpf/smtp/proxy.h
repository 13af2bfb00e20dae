/* What a client says to a proxy before the dialogue proper. The caller holds what is shown of it
 * until what follows is judged, and without its secrets: of HTTP the request line alone, of SOCKS
 * no password.
 */
#ifndef PROXY_H
#define PROXY_H

#include "state.h"
#include "verb.h"

enum proxy_step {
	PROXY_NONE,
	PROXY_DONE, /* it is over: all is judged anew */
	PROXY_HTTP_LINE,
	PROXY_HTTP_HEADERS,
	PROXY_V_LINE,	    /* PROXY version 1 (proxy-protocol.txt, 2.1) */
	PROXY_V_HEADER,	    /* the rest of version 2's signature, and its header (2.2) */
	PROXY_V_REST,	    /* its addresses */
	PROXY_SOCKS5_COUNT, /* of the methods (RFC 1928, 3) */
	PROXY_SOCKS5_METHODS,
	PROXY_SOCKS5_NEXT, /* 1: user and password, 5: the request */
	PROXY_SOCKS5_USER, /* a length, then so many bytes (RFC 1929, 2) */
	PROXY_SOCKS5_PASSWORD,
	PROXY_SOCKS5_REQUEST, /* command, reserved, address type (RFC 1928, 4) */
	PROXY_SOCKS5_NAME,    /* a length, then the name and the port */
	PROXY_SOCKS5_ADDRESS,
	PROXY_SOCKS4_REQUEST, /* command, port, address (SOCKS4.protocol) */
	PROXY_SOCKS4_USER,
	PROXY_SOCKS4_HOST, /* SOCKS4A.protocol */
};

/* proxy_start begins a preamble with what was said of it so far, up to four bytes. */
static __always_inline void proxy_start(struct smtp_state *c, struct smtp_out *o,
					enum proxy_step step, u32 said, u32 n)
{
	o->fresh = c->proxy == PROXY_NONE;
	for (u32 i = 4; i > 0; i--)
		if (i <= n)
			out_show(o, said >> (i - 1) * 8);
	c->proxy = step;
	c->proxy_left = 0;
	c->proxy_last = 0;
}

static __always_inline void proxy_end(struct smtp_state *c)
{
	c->proxy = PROXY_DONE;
	c->http = 0;
	c->unknown = 0;
	c->blanks = 0;
	c->client.letters = 0;
	c->client.verb = 0;
	c->client.line = 0;
}

/* proxy_go takes the next step, which has so many bytes. */
static __always_inline void proxy_go(struct smtp_state *c, enum proxy_step step, u32 left)
{
	c->proxy = step;
	c->proxy_left = left;
}

/* proxy_lines follows preambles made of lines; false if this is not a preamble. */
static __always_inline bool proxy_lines(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	bool headers = c->proxy == PROXY_HTTP_HEADERS;

	if (!headers)
		out_show(o, ch);
	if (ch == '\n') {
		if (c->proxy == PROXY_V_LINE) {
			proxy_end(c);
		} else if (headers && !c->proxy_left) { /* an empty line */
			out_show(o, '\r');
			out_show(o, '\n');
			proxy_end(c);
		} else {
			proxy_go(c, PROXY_HTTP_HEADERS, 0);
		}
	} else if (ch != '\r') {
		c->proxy_left++;
	}
	return headers || c->proxy_left < 16384; /* as long as a proxy would read */
}

static __always_inline u32 socks5_address(u8 type)
{
	return type == 1 ? 4 : type == 4 ? 16 : 0;
}

/* proxy_fields follows the binary ones, at the last byte of a field. */
static __always_inline bool proxy_fields(struct smtp_state *c, u8 ch)
{
	u32 length = c->proxy_last << 8 | ch;

	switch (c->proxy) {
	case PROXY_V_HEADER:
		proxy_go(c, PROXY_V_REST, length);
		if (!length)
			proxy_end(c);
		return true;
	case PROXY_SOCKS5_COUNT:
		proxy_go(c, PROXY_SOCKS5_METHODS, ch);
		return ch;
	case PROXY_SOCKS5_METHODS:
	case PROXY_SOCKS5_PASSWORD:
		proxy_go(c, PROXY_SOCKS5_NEXT, 1);
		return true;
	case PROXY_SOCKS5_NEXT:
		proxy_go(c, ch == 1 ? PROXY_SOCKS5_USER : PROXY_SOCKS5_REQUEST, ch == 1 ? 0 : 3);
		return ch == 1 || ch == 5;
	case PROXY_SOCKS5_USER:
		proxy_go(c, PROXY_SOCKS5_PASSWORD, 0);
		return true;
	case PROXY_SOCKS5_REQUEST:
		if (ch == 3)
			proxy_go(c, PROXY_SOCKS5_NAME, 1);
		else
			proxy_go(c, PROXY_SOCKS5_ADDRESS, socks5_address(ch) + 2);
		return ch == 3 || socks5_address(ch);
	case PROXY_SOCKS5_NAME:
		proxy_go(c, PROXY_SOCKS5_ADDRESS, ch + 2);
		return ch;
	case PROXY_SOCKS4_REQUEST:
		proxy_go(c, PROXY_SOCKS4_USER, 0);
		return true;
	}
	proxy_end(c); /* an address */
	return true;
}

/* proxy_byte follows a preamble; false if this is not one. */
static __always_inline bool proxy_byte(struct smtp_state *c, struct smtp_out *o, u8 ch)
{
	bool goes_on;

	if (c->proxy == PROXY_HTTP_LINE || c->proxy == PROXY_HTTP_HEADERS ||
	    c->proxy == PROXY_V_LINE)
		return proxy_lines(c, o, ch);
	if (c->proxy == PROXY_SOCKS5_USER || c->proxy == PROXY_SOCKS5_PASSWORD) {
		if (!c->proxy_last) { /* its length: held as none */
			out_show(o, 0);
			c->proxy_last = 1;
			c->proxy_left = ch;
		} else {
			c->proxy_left--;
		}
		if (c->proxy_left)
			return true;
		c->proxy_last = 0;
		return proxy_fields(c, ch);
	}
	out_show(o, ch);
	if (c->proxy == PROXY_SOCKS4_USER || c->proxy == PROXY_SOCKS4_HOST) {
		if (ch)
			return ++c->proxy_left < 512;
		if (c->proxy == PROXY_SOCKS4_USER && c->proxy_name)
			proxy_go(c, PROXY_SOCKS4_HOST, 0);
		else
			proxy_end(c);
		return true;
	}
	if (c->proxy == PROXY_SOCKS4_REQUEST) { /* 0.0.0.x: a name follows; x is the last byte */
		if (c->proxy_left == 7)
			c->proxy_name = ch == 1;
		else if (c->proxy_left <= 4 && c->proxy_left > 1 && ch)
			c->proxy_name = 0;
		else if (c->proxy_left == 1 && !ch)
			c->proxy_name = 0;
	}
	if (c->proxy_left > 1) {
		c->proxy_left--;
		c->proxy_last = ch;
		return true;
	}
	goes_on = proxy_fields(c, ch);
	c->proxy_last = 0;
	return goes_on;
}

/* proxy_begins is true for a byte that begins a preamble, or tells that four letters did. */
static __always_inline bool proxy_begins(struct smtp_state *c, struct smtp_side *s,
					 struct smtp_out *o, u8 ch)
{
	if (s->letters == 4 && s->verb == 0x434f4e4e &&
	    upper(ch) == 'E') { /* CONNECT (RFC 9110, 9.3.6) */
		proxy_start(c, o, PROXY_HTTP_LINE, s->verb, 4);
		out_show(o, ch);
		return true;
	}
	if (s->letters == 4 && s->verb == 0x50524f58 && ch == 'Y') {
		proxy_start(c, o, PROXY_V_LINE, s->verb, 4);
		out_show(o, ch);
		return true;
	}
	if (s->letters)
		return false;
	if (ch == 0 && s->line == 4) { /* behind CR LF CR LF */
		c->blanks = 0;
		proxy_start(c, o, PROXY_V_HEADER, 0x0d0a0d0a, 4);
		out_show(o, ch);
		c->proxy_left = 11;
		return true;
	}
	if (s->line || c->marks || c->http || (ch != 4 && ch != 5))
		return false;
	proxy_start(c, o, ch == 5 ? PROXY_SOCKS5_COUNT : PROXY_SOCKS4_REQUEST, ch, 1);
	c->proxy_left = ch == 5 ? 1 : 7;
	return true;
}

#endif
