/* Tunnels: what a client says to a proxy before the dialogue proper. It is held until what follows
 * is judged, and without its secrets: of HTTP the request line alone, of SOCKS no password.
 */
#ifndef TUNNEL_H
#define TUNNEL_H

#include "send.h"

enum pre_step {
	PRE_NONE,
	PRE_DONE, /* it is over: all is judged anew */
	PRE_HTTP_LINE,
	PRE_HTTP_HEADERS,
	PRE_PROXY_LINE,	  /* PROXY version 1 (proxy-protocol.txt, 2.1) */
	PRE_PROXY_HEADER, /* the rest of version 2's signature, and its header (2.2) */
	PRE_PROXY_REST,	  /* its addresses */
	PRE_SOCKS5_COUNT, /* of the methods (RFC 1928, 3) */
	PRE_SOCKS5_METHODS,
	PRE_SOCKS5_NEXT, /* 1: user and password, 5: the request */
	PRE_SOCKS5_USER, /* a length, then so many bytes (RFC 1929, 2) */
	PRE_SOCKS5_PASSWORD,
	PRE_SOCKS5_REQUEST, /* command, reserved, address type (RFC 1928, 4) */
	PRE_SOCKS5_NAME,    /* a length, then the name and the port */
	PRE_SOCKS5_ADDRESS,
	PRE_SOCKS4_REQUEST, /* command, port, address (SOCKS4.protocol) */
	PRE_SOCKS4_USER,
	PRE_SOCKS4_HOST, /* SOCKS4A.protocol */
};

static __always_inline void pre_hold(struct conn *c, u8 ch)
{
	struct banner *b = bpf_map_lookup_elem(&preambles, &c->id);

	if (b && b->len < BANNER_SIZE)
		b->data[b->len++ & (BANNER_SIZE - 1)] = ch;
}

/* pre_start begins a preamble with what was said of it so far, up to four bytes. */
static __always_inline void pre_start(struct conn *c, enum pre_step step, u32 said, u32 n)
{
	u32 zero = 0;
	struct blank *blank = bpf_map_lookup_elem(&blanks, &zero); /* a stack is too small */

	if (c->pre == PRE_NONE && blank)
		bpf_map_update_elem(&preambles, &c->id, &blank->banner, BPF_ANY);
	for (u32 i = 4; i > 0; i--)
		if (i <= n)
			pre_hold(c, said >> (i - 1) * 8);
	c->pre = step;
	c->pre_left = 0;
	c->pre_last = 0;
}

static __always_inline void pre_end(struct conn *c)
{
	c->pre = PRE_DONE;
	c->client.letters = 0;
	c->client.verb = 0;
	c->client.line = 0;
}

/* pre_go takes the next step, which has so many bytes. */
static __always_inline void pre_go(struct conn *c, enum pre_step step, u32 left)
{
	c->pre = step;
	c->pre_left = left;
}

/* pre_lines follows the preambles that are text; false for what is none. */
static __always_inline bool pre_lines(struct conn *c, u8 ch)
{
	bool headers = c->pre == PRE_HTTP_HEADERS;

	if (!headers)
		pre_hold(c, ch);
	if (ch == '\n') {
		if (c->pre == PRE_PROXY_LINE) {
			pre_end(c);
		} else if (headers && !c->pre_left) { /* an empty line */
			pre_hold(c, '\r');
			pre_hold(c, '\n');
			pre_end(c);
		} else {
			pre_go(c, PRE_HTTP_HEADERS, 0);
		}
	} else if (ch != '\r') {
		c->pre_left++;
	}
	return c->pre_left < 16384; /* as long as a proxy would read */
}

static __always_inline u32 socks5_address(u8 type)
{
	return type == 1 ? 4 : type == 4 ? 16 : 0;
}

/* pre_fields follows the binary ones, at the last byte of a field. */
static __always_inline bool pre_fields(struct conn *c, u8 ch)
{
	u32 length = c->pre_last << 8 | ch;

	switch (c->pre) {
	case PRE_PROXY_HEADER:
		pre_go(c, PRE_PROXY_REST, length);
		if (!length)
			pre_end(c);
		return true;
	case PRE_SOCKS5_COUNT:
		pre_go(c, PRE_SOCKS5_METHODS, ch);
		return ch;
	case PRE_SOCKS5_METHODS:
	case PRE_SOCKS5_PASSWORD:
		pre_go(c, PRE_SOCKS5_NEXT, 1);
		return true;
	case PRE_SOCKS5_NEXT:
		pre_go(c, ch == 1 ? PRE_SOCKS5_USER : PRE_SOCKS5_REQUEST, ch == 1 ? 0 : 3);
		return ch == 1 || ch == 5;
	case PRE_SOCKS5_USER:
		pre_go(c, PRE_SOCKS5_PASSWORD, 0);
		return true;
	case PRE_SOCKS5_REQUEST:
		if (ch == 3)
			pre_go(c, PRE_SOCKS5_NAME, 1);
		else
			pre_go(c, PRE_SOCKS5_ADDRESS, socks5_address(ch) + 2);
		return ch == 3 || socks5_address(ch);
	case PRE_SOCKS5_NAME:
		pre_go(c, PRE_SOCKS5_ADDRESS, ch + 2);
		return ch;
	case PRE_SOCKS4_REQUEST:
		pre_go(c, PRE_SOCKS4_USER, 0);
		return true;
	}
	pre_end(c); /* an address */
	return true;
}

/* pre_byte follows a preamble; false for what is none. */
static __always_inline bool pre_byte(struct conn *c, u8 ch)
{
	bool goes_on;

	if (c->pre == PRE_HTTP_LINE || c->pre == PRE_HTTP_HEADERS || c->pre == PRE_PROXY_LINE)
		return pre_lines(c, ch);
	if (c->pre == PRE_SOCKS5_USER || c->pre == PRE_SOCKS5_PASSWORD) {
		if (!c->pre_last) { /* its length: held as none */
			pre_hold(c, 0);
			c->pre_last = 1;
			c->pre_left = ch;
		} else {
			c->pre_left--;
		}
		if (c->pre_left)
			return true;
		c->pre_last = 0;
		return pre_fields(c, ch);
	}
	pre_hold(c, ch);
	if (c->pre == PRE_SOCKS4_USER || c->pre == PRE_SOCKS4_HOST) {
		if (ch)
			return ++c->pre_left < 512;
		if (c->pre == PRE_SOCKS4_USER && c->pre_name)
			pre_go(c, PRE_SOCKS4_HOST, 0);
		else
			pre_end(c);
		return true;
	}
	if (c->pre == PRE_SOCKS4_REQUEST) { /* 0.0.0.x: a name follows; x is the last byte */
		if (c->pre_left == 7)
			c->pre_name = ch == 1;
		else if (c->pre_left <= 4 && c->pre_left > 1 && ch)
			c->pre_name = 0;
		else if (c->pre_left == 1 && !ch)
			c->pre_name = 0;
	}
	if (c->pre_left > 1) {
		c->pre_left--;
		c->pre_last = ch;
		return true;
	}
	goes_on = pre_fields(c, ch);
	c->pre_last = 0;
	return goes_on;
}

/* pre_begins is true for a byte that begins a preamble, or tells that four letters did. */
static __always_inline bool pre_begins(struct conn *c, struct stream *s, u8 ch)
{
	if (s->letters == 4 && s->verb == 0x434f4e4e && ch == 'E') { /* CONNECT (RFC 9110, 9.3.6) */
		pre_start(c, PRE_HTTP_LINE, s->verb, 4);
		pre_hold(c, ch);
		return true;
	}
	if (s->letters == 4 && s->verb == 0x50524f58 && ch == 'Y') {
		pre_start(c, PRE_PROXY_LINE, s->verb, 4);
		pre_hold(c, ch);
		return true;
	}
	if (s->letters)
		return false;
	if (ch == 0 && s->line == 4) { /* behind CR LF CR LF */
		pre_start(c, PRE_PROXY_HEADER, 0x0d0a0d0a, 4);
		pre_hold(c, ch);
		c->pre_left = 11;
		return true;
	}
	if (s->line || (ch != 4 && ch != 5))
		return false;
	pre_start(c, ch == 5 ? PRE_SOCKS5_COUNT : PRE_SOCKS4_REQUEST, ch, 1);
	c->pre_left = ch == 5 ? 1 : 7;
	return true;
}

#endif
