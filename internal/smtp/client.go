package smtp

import "bytes"

// clientMode says what the next bytes of the client are.
type clientMode uint8

const (
	clientSniff    clientMode = iota // the first bytes, perhaps binary
	clientLines                      // lines
	clientHeaders                    // HTTP header lines behind CONNECT
	clientPreamble                   // a binary proxy preamble
	clientTLSHello                   // a ClientHello
	clientOpaque                     // nothing that is looked at
)

// clientStream cuts the client's bytes into lines.
type clientStream struct {
	mode     clientMode
	off      uint64 // stream offset of the next byte
	start    uint64 // stream offset of the line being read
	held     [maxLine]byte
	n        int   // bytes of the line held
	dropping bool  // the rest of the line is not kept
	long     bool  // the line is longer than is kept
	judged   bool  // the first word is known: the line is kept, or dropping
	split    bool  // the line begins where an assumed chunk ends
	dotted   uint8 // if so, octets of a dot in front of it, and of nothing else of its line
	unread   bool  // a chunk was given up, and what follows it shall be a command
	tls      bool  // STARTTLS was said: a line may be TLS, until mail is said
	crypted  bool  // it was
	rcpts    int   // RCPT lines since the last MAIL

	chunk     uint64 // octets left of a BDAT chunk
	chunkEnd  uint64 // where an assumed BDAT chunk ends, while maybeBody
	body      bool   // lines are body
	bodyLost  bool   // bytes of this body were lost
	maybeBody bool   // lines are body if the last DATA was accepted

	pre preamble
}

func (c *clientStream) reset() { *c = clientStream{} }

// newLine starts a line at the present offset.
func (c *clientStream) newLine() {
	c.start = c.off
	c.n, c.dropping, c.long, c.judged, c.split = 0, false, false, false, false
}

// enterBody takes lines as body from here on.
func (c *clientStream) enterBody() {
	if !c.body {
		c.body, c.maybeBody, c.chunkEnd, c.bodyLost = true, false, 0, false
	}
}

// leaveMaybeBody takes lines as commands from here on.
func (p *Parser) leaveMaybeBody() {
	c := &p.client
	if p.tape.has(verbBdat) { // what came behind it was taken for its chunk
		p.d.miss(0)
	}
	c.maybeBody = false
	if c.chunkEnd > c.off {
		c.chunk = c.chunkEnd - c.off
	}
	c.chunkEnd = 0
}

func (p *Parser) feedClient(data []byte) {
	c := &p.client
	for len(data) > 0 {
		switch {
		case c.chunk > 0 && !p.unreadChunk():
			n := min(c.chunk, uint64(len(data)))
			c.chunk -= n
			c.off += n
			data = data[n:]
			c.newLine()
			if c.chunk == 0 {
				p.advance()
			}
		case c.mode == clientOpaque:
			c.off += uint64(len(data))
			p.unreadClient(uint64(len(data)))
			return
		case c.mode == clientSniff:
			data = p.sniff(data)
		case c.mode == clientPreamble:
			data = p.clientPreamble(data)
		case c.mode == clientTLSHello:
			p.hello.feed(data)
			c.off += uint64(len(data))
			return
		default:
			data = p.readLine(data)
		}
	}
}

// readLine takes bytes through the next line end, or all.
func (p *Parser) readLine(data []byte) []byte {
	c := &p.client
	if c.tls && c.off == c.start && isRecord(data[0]) && data[0] != recordHandshake {
		c.crypted, c.mode = true, clientOpaque
		return data
	}
	if data = p.tlsHead(data); len(data) == 0 || c.mode == clientTLSHello {
		return data
	}
	part := data
	assumed := c.maybeBody && c.chunkEnd > c.off && uint64(len(data)) >= c.chunkEnd-c.off
	if assumed {
		part = data[:c.chunkEnd-c.off]
	}
	if i := bytes.IndexByte(part, '\n'); i >= 0 {
		line := part[:i]
		if c.n > 0 || c.dropping {
			p.hold(line)
			line = c.held[:c.n]
		} else if len(line) > maxLine {
			line, c.long = line[:maxLine], true
		}
		c.off += uint64(i + 1)
		p.endLine(line)
		return data[i+1:]
	}
	p.hold(part)
	c.off += uint64(len(part))
	if assumed {
		p.breakLine()
	}
	return data[len(part):]
}

// hold keeps part of a line that is not complete, as much of it as can matter.
func (p *Parser) hold(part []byte) {
	c := &p.client
	if c.dropping {
		return
	}
	n := copy(c.held[c.n:], part)
	c.n += n
	if n < len(part) {
		c.dropping, c.long = true, true
	}
	if c.body && !c.bodyLost && c.n > len(".\r") {
		c.dropping = true
	}
	if !c.judged {
		p.judge()
	}
}

// judge looks at the first word of an incomplete line: the rest of a line that is no command, and
// of AUTH behind the mechanism, is not even held.
func (p *Parser) judge() {
	c := &p.client
	line := c.held[:c.n]
	word, rest := firstWord(line)
	if word != nil && len(rest) == 0 || c.n <= len(".\r") {
		return // the word, or the end of a body, may go on
	}
	v := verbUnknown
	if word != nil {
		v = verbOf(word)
	}
	switch v {
	case verbUnknown:
		c.judged, c.dropping = true, true
		if !c.body && c.mode == clientLines {
			p.sawUnknown(line)
		}
	case verbAuth:
		arg := trimLeft(rest)
		if end := len(firstArg(arg)); end < len(arg) || end > maxMechanism {
			c.judged, c.dropping = true, true
			c.n -= len(arg) - min(end, maxMechanism+1)
		}
	default:
		c.judged = true
	}
}

// endLine takes the line that ended at the present offset.
func (p *Parser) endLine(line []byte) {
	c := &p.client
	if c.body && !c.bodyLost && len(line) > len(".\r") {
		c.newLine()
		return
	}
	e := entry{at: c.start, next: c.off, run: 1, split: c.split, cut: c.long, long: c.long}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if c.split && len(line) == 0 {
		e.dotted = c.dotted
	}
	c.newLine()
	switch {
	case c.mode == clientHeaders:
		if len(line) == 0 {
			p.enterTunnel()
		}
	case c.body:
		p.bodyLine(e, line)
	default:
		p.commandLine(e, line)
	}
}

// bodyLine looks for the "." which ends a body (RFC 5321 section 4.1.1.4). A bare LF before and
// behind it counts, as it does with most servers.
func (p *Parser) bodyLine(e entry, line []byte) {
	if len(line) == 1 && line[0] == '.' && !e.split || e.dotted > 0 {
		e.verb = verbDot
		p.push(e, nil)
		return
	}
	if p.client.bodyLost && p.replies.len() > 0 && parseCommand(line).strong {
		// The "." was among the lost bytes: the server has answered it.
		p.push(entry{at: e.at, next: e.at, run: 1, verb: verbDot}, nil)
		p.commandLine(e, line)
	}
}

// commandLine takes a line that is a command, as far as is known.
func (p *Parser) commandLine(e entry, line []byte) {
	c := &p.client
	cmd := parseCommand(line)
	e.verb, e.size, e.found, e.utf8, e.last, e.bad = cmd.verb, cmd.size, cmd.found, cmd.utf8, cmd.last, cmd.bad
	if c.maybeBody {
		e.pending = cmd.strong
	} else if p.sawCommand(&cmd, line) {
		return // a proxy preamble
	}
	if c.unread {
		if c.unread = false; e.verb == verbUnknown { // the chunk came all the same
			p.missLine(&e)
		}
	}
	text := cmd.arg
	switch e.verb {
	case verbUnknown, verbConnect, verbProxy:
		e.verb, e.long, e.cut, text = verbUnknown, false, false, nil
	case verbAuth:
		e.long, e.cut = false, false
	case verbHelo, verbEhlo, verbLhlo:
		text, e.cut = bounded(text, MaxHelo, e.cut)
	case verbMail:
		c.rcpts = 0
		text, e.cut = bounded(text, maxAddress, e.cut)
	case verbRcpt:
		text, e.cut = bounded(text, maxAddress, e.cut)
		c.rcpts++
	case verbDot:
		if c.maybeBody && !e.split {
			c.maybeBody, c.chunkEnd = false, 0
		}
	case verbData:
		c.maybeBody, c.tls = true, false
	case verbStartTLS:
		c.tls = !c.maybeBody
	case verbBdat:
		c.tls = false
		e.next += e.size
		if !c.maybeBody {
			c.chunk = e.size
		} else if c.chunkEnd <= e.at {
			c.chunkEnd = e.next
		}
	}
	e.partial = e.cut
	if e.verb == verbRcpt && c.rcpts > maxRcpts {
		text, e.cut = nil, true // not kept anyway: it takes no room while it waits
	}
	p.push(e, text)
}

func bounded(text []byte, limit int, cut bool) ([]byte, bool) {
	if len(text) > limit {
		return text[:limit], true
	}
	return text, cut
}
