package smtp

import "bytes"

// command is one client line, understood. Its texts point into the line.
type command struct {
	verb    verb
	arg     []byte // HELO name, mailbox, or AUTH mechanism; nothing else of a line is ever kept
	size    uint64 // SIZE= of MAIL, octets of BDAT
	strong  bool   // said by no protocol but SMTP
	found   bool   // MAIL, RCPT: a path is there
	utf8    bool   // MAIL: SMTPUTF8 (RFC 6531 section 3.4)
	last    bool   // BDAT: LAST
	bad     bool   // BDAT: not by the book, so that no octets follow, unless the server takes it
	foreign bool   // said by no SMTP client
}

// MaxHelo bounds a kept HELO name, in octets: a domain (RFC 5321 section 4.5.3.1.2).
const MaxHelo = 255

// maxChunk keeps stream offsets from overflowing; no BDAT chunk is as long.
const maxChunk = 1 << 62

// parseCommand understands a client line without its line end.
func parseCommand(line []byte) command {
	word, rest := firstWord(line)
	if word == nil {
		return command{}
	}
	if len(word) == 0 || len(bytes.TrimLeft(line, " \t\r\v\f")) == 0 { // VT and FF: some servers answer it as empty
		return command{verb: verbBlank}
	}
	if len(word) == 1 && word[0] == '.' && len(line) == 1 {
		return command{verb: verbDot}
	}
	c := command{verb: verbOf(word)}
	switch c.verb {
	case verbHelo, verbEhlo, verbLhlo:
		c.strong = true
		c.arg = trim(rest)
	case verbMail:
		c.parsePathCommand(rest, "FROM")
		if !c.strong && !equalFold(word, "MAIL") {
			c.verb = verbUnknown // SEND, SOML, SAML are too common words
		}
	case verbRcpt:
		c.parsePathCommand(rest, "TO")
	case verbBdat:
		c.parseBdat(rest, equalFold(word, "BURL"))
	case verbAuth:
		name := firstArg(rest)
		c.foreign = equalFold(name, "TLS") || equalFold(name, "SSL") // FTP, RFC 4217
		c.arg = mechanism(name)
	case verbVrfy, verbExpn:
		c.strong = len(trim(rest)) > 0
	case verbXclient, verbXforward:
		c.strong = bytes.IndexByte(rest, '=') > 0
	case verbConnect, verbProxy:
		c.arg = trim(rest)
	}
	return c
}

// parsePathCommand reads "FROM:<path> params" or "TO:<path> params". The colon may be missing or
// stand apart; only with it the line is strong evidence.
func (c *command) parsePathCommand(rest []byte, keyword string) {
	rest = trimLeft(rest)
	if hasPrefixFold(rest, keyword) {
		after := trimLeft(rest[len(keyword):])
		if len(after) > 0 && after[0] == ':' {
			c.strong = true
			rest = after[1:]
		} else if len(after) < len(rest)-len(keyword) || len(after) > 0 && after[0] == '<' {
			rest = after
		}
	}
	var params []byte
	c.arg, params, c.found = parsePath(rest)
	for len(params) > 0 {
		var p []byte
		p, params = firstArg(params), afterFirstArg(params)
		switch {
		case hasPrefixFold(p, "SIZE="):
			c.size, _ = number(p[len("SIZE="):])
		case equalFold(p, "SMTPUTF8"):
			c.utf8 = true
		}
	}
}

// parseBdat reads "BDAT size [LAST]" (RFC 3030 section 2) or "BURL uri [LAST]".
func (c *command) parseBdat(rest []byte, burl bool) {
	first, more := firstArg(rest), afterFirstArg(rest)
	tail := firstArg(more)
	c.last = equalFold(tail, "LAST")
	if burl {
		c.strong = bytes.IndexByte(first, ':') > 0
		return
	}
	var ok bool
	c.size, ok = number(first)
	c.bad = !ok || len(tail) > 0 && !c.last || len(trim(afterFirstArg(more))) > 0
	c.strong = true
	if c.bad {
		c.size = 0
	}
}

// firstArg returns the first blank-separated word of b.
func firstArg(b []byte) []byte {
	b = trimLeft(b)
	for i, c := range b {
		if isBlank(c) {
			return b[:i]
		}
	}
	return b
}

// afterFirstArg returns what follows firstArg(b).
func afterFirstArg(b []byte) []byte {
	b = trimLeft(b)
	for i, c := range b {
		if isBlank(c) {
			return b[i:]
		}
	}
	return nil
}

// number reads an unsigned decimal below maxChunk.
func number(b []byte) (uint64, bool) {
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' || n > maxChunk/10-1 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(b) > 0
}
