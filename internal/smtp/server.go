package smtp

import "bytes"

// serverMode says what the next bytes of the server are.
type serverMode uint8

const (
	serverSniff    serverMode = iota // the first byte, perhaps of a proxy's answer
	serverLines                      // reply lines
	serverHeaders                    // HTTP header lines
	serverRefusal                    // the body of an HTTP refusal
	serverPreamble                   // a SOCKS proxy's answers
	serverOpaque                     // nothing that is looked at
)

// serverStream cuts the server's bytes into replies.
type serverStream struct {
	mode     serverMode
	started  bool // bytes were seen since the last preamble
	held     [maxReplyLine]byte
	n        int
	dropping bool
	multi    bool // within a reply of several lines
	first    [maxReplyLine]byte
	firstLen int
	pre      preamble
	ok       bool // HTTP: the status is 2yz
	crypted  bool // a line was TLS
}

func (s *serverStream) reset() { *s = serverStream{} }

func (p *Parser) feedServer(data []byte) {
	s := &p.server
	for len(data) > 0 {
		switch s.mode {
		case serverOpaque:
			p.unreadServer(uint64(len(data)))
			return
		case serverSniff:
			p.sniffServer(data[0])
		case serverPreamble:
			data = p.serverPreamble(data)
		default:
			data = p.readReplyLine(data)
		}
	}
}

// sniffServer looks at the first byte. SOCKS answers begin with 5 or 0, all else is lines.
func (p *Parser) sniffServer(b byte) {
	s := &p.server
	switch b {
	case 5:
		s.mode = serverPreamble
		s.pre.start(socks5Method, 2)
	case 0:
		s.mode = serverPreamble
		s.pre.start(socks4Reply, 8)
	default:
		s.mode = serverLines
	}
}

func (p *Parser) readReplyLine(data []byte) []byte {
	s := &p.server
	if s.n == 0 && !s.dropping && s.mode == serverLines && isRecord(data[0]) {
		p.sawForeignServer()
		s.mode, s.crypted = serverOpaque, true
		return nil
	}
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		s.hold(data)
		if s.dropping {
			p.early.greet() // longer than a greeting can be
		}
		return nil
	}
	line := data[:i]
	if s.n > 0 || s.dropping {
		s.hold(line)
		line = s.held[:s.n]
	}
	p.endReplyLine(line[:min(len(line), maxReplyLine)])
	return data[i+1:]
}

// hold keeps a part of an incomplete line, to a bound.
func (s *serverStream) hold(part []byte) {
	n := copy(s.held[s.n:], part)
	s.n += n
	s.dropping = s.dropping || n < len(part)
}

// isRecord says whether a byte at the start of a reply line is the type of a TLS record.
func isRecord(b byte) bool { return b >= 0x14 && b <= 0x17 }

// endReplyLine takes a complete line.
func (p *Parser) endReplyLine(line []byte) {
	s := &p.server
	s.n, s.dropping = 0, false
	for n := len(line); n > 0 && line[n-1] == '\r'; n-- {
		line = line[:n-1]
	}
	switch {
	case s.mode == serverHeaders:
		if len(line) == 0 {
			p.endHeaders()
		}
		return
	case s.mode == serverRefusal || !s.started && !s.multi:
		if p.statusLine(line) {
			return
		}
		if s.mode == serverRefusal {
			return
		}
	}
	code, final, ok := parseReplyLine(line)
	if !ok {
		p.sawServerText(line)
		return
	}
	s.started = true
	if s.multi && line[0] != s.first[0] {
		// The last line of the reply is missing: this one answers something else.
		p.d.miss(0)
		s.multi = false
		p.endReply(int(s.first[0]-'0')*100+int(s.first[1]-'0')*10+int(s.first[2]-'0'), s.first[:s.firstLen], nil)
	}
	p.said.sawReplyLine(line)
	switch {
	case !final && !s.multi:
		s.multi, s.firstLen = true, copy(s.first[:], line)
	case !final:
	case s.multi:
		s.multi = false
		p.endReply(code, s.first[:s.firstLen], line)
	default:
		p.endReply(code, line, nil)
	}
}

// endReply takes a complete reply. Without a last line it has one line. The text of a 334 is a
// challenge, of which with the answer a password can be guessed.
func (p *Parser) endReply(code int, first, last []byte) {
	if code == 334 {
		first, last = first[:3], nil
	}
	if !p.replies.push(code, first, last) {
		p.overflow = true
		p.d.miss(uint64(len(first) + len(last)))
	}
	p.notTLS(code)
	p.said.sawReply(code)
	p.early.greet()
	p.judgeState()
	p.advance()
	if p.answersNothing() && !farewell(code) {
		p.d.miss(0)
	}
}

// endServer takes a last line without line end for a line.
func (p *Parser) endServer() {
	s := &p.server
	if s.n > 0 && s.mode == serverLines {
		p.endReplyLine(s.held[:s.n])
	}
}

// sawServerText takes a line that is no reply: within one it is ignored, at the start it may show
// another protocol, and elsewhere nobody knows what it is.
func (p *Parser) sawServerText(line []byte) {
	s := &p.server
	switch {
	case len(line) == 0:
	case p.said.replied && !s.multi:
		p.d.miss(uint64(len(line)))
	case s.started:
	case foreignServer(line):
		p.sawForeignServer()
		s.mode = serverOpaque
	}
}
