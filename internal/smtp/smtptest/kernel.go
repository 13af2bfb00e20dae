package smtptest

import "bytes"

// Piece is what the kernel says of a stretch of the stream: octets that are shown, or how many are cut through the end
// of a line.
type Piece struct {
	Server bool
	Data   []byte
	Cut    uint64
}

// kernel is what bpf/cut.h, reply.h, body.h and payload.h do with the packets of a connection to a mail
// port whose server greets first, byte by byte and with what they get wrong. What it sends is in out.
type kernel struct {
	out    []Piece
	client kernelStream
	server kernelStream

	awaitData, awaitTLS           int
	dataRefused, adrift, bodyOver bool
	awaitAuth, secret, greeted    bool
	tls                           bool
	dots                          uint8
	asked, answered, dataAt       uint16
	tlsAt                         uint16
}

const (
	kernelLines = iota
	kernelBody
	kernelChunk
)

const (
	bodyMidLine = iota
	bodyCR
	bodyLineStart
	bodyDot
	bodyDotCR
	bodyEndLF
	bodyEnd
)

const (
	showNone = iota
	showAll
	showDot
)

// kernelStream is struct stream.
type kernelStream struct {
	before, chunk              uint64
	verb, tail                 uint32
	letters, line, field, held int
	mode, body, show           int
	blank, known, begun, bad   bool
	cr, crlf, strict           bool
	show8                      []byte // out
	cut                        uint64 // out_cut
}

const (
	lineJudged = 9
	heldMax    = 5
	heldNoMore = 255
)

func (s *kernelStream) resetLine() {
	s.verb, s.letters, s.line, s.show, s.field, s.tail, s.held = 0, 0, 0, 0, 0, 0, 0
	s.known, s.blank, s.bad = false, false, false
}

func fourLetters(text string) (v uint32) {
	for _, c := range []byte(text) {
		v = v<<8 | uint32(c)
	}
	return v
}

// kernelVerbs are those of verb_rank, each with what may follow its four letters where that is a letter.
var kernelVerbs = map[uint32]byte{}

func init() {
	for _, v := range []string{"EHLO", "HELO", "LHLO", "MAIL", "RCPT", "VRFY", "EXPN", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "HELP", "AUTH", "ETRN"} {
		kernelVerbs[fourLetters(v)] = 0
	}
	kernelVerbs[fourLetters("XCLI")], kernelVerbs[fourLetters("XFOR")], kernelVerbs[fourLetters("STAR")] = 'E', 'W', 'T'
}

func kernelUpper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 32
	}
	return c
}

func kernelLetter(c byte) bool { c = kernelUpper(c); return 'A' <= c && c <= 'Z' }
func kernelBlank(c byte) bool  { return c == ' ' || c == '\t' }

// verbEnds is verb_ends and verb_rank.
func verbEnds(verb uint32, c byte) bool {
	next, known := kernelVerbs[verb]
	switch {
	case !known:
		return false
	case next > 0:
		return kernelUpper(c) == next
	case verb == fourLetters("MAIL"), verb == fourLetters("RCPT"):
		return kernelBlank(c) || c == ':'
	}
	return kernelBlank(c) || c == '\r' || c == '\n'
}

// packet takes a packet of one direction.
func (k *kernel) packet(server bool, data []byte) {
	for len(data) > 0 && !k.tls {
		switch {
		case server:
			data = k.lines(server, data)
		case k.awaitTLS > 0 && k.client.mode == kernelLines && k.client.letters+k.client.line == 0 && !k.client.blank &&
			k.awaitData == 0 && !k.adrift && data[0] == 22:
			k.tls = true
		case k.client.mode == kernelBody:
			data = k.skipBody(data)
		case k.client.mode == kernelChunk:
			c := &k.client
			n := min(c.chunk, uint64(len(data)))
			c.chunk -= n
			c.begun = true
			c.before += n
			data = data[n:]
			if c.chunk == 0 {
				c.mode = kernelLines
			}
		default:
			data = k.lines(server, data)
		}
	}
	if k.tls && !server {
		k.send(server, data, 0)
	}
}

// send sends octets that are shown or cut.
func (k *kernel) send(server bool, shown []byte, cut uint64) {
	switch n := len(k.out); {
	case len(shown) > 0:
		k.out = append(k.out, Piece{Server: server, Data: bytes.Clone(shown)})
	case cut > 0 && n > 0 && k.out[n-1].Server == server && k.out[n-1].Data == nil:
		k.out[n-1].Cut += cut
	case cut > 0:
		k.out = append(k.out, Piece{Server: server, Cut: cut})
	}
}

// lines is cut_lines.
func (k *kernel) lines(server bool, data []byte) []byte {
	s := &k.client
	if server {
		s = &k.server
	}
	cut := s.before
	s.before = 0
	for i := 0; i < len(data); i++ {
		if s.mode != kernelLines {
			k.send(server, nil, cut)
			return data[i:]
		}
		s.show8, s.cut = s.show8[:0], 0
		if !server {
			k.clientByte(data[i])
		} else {
			k.serverByte(data[i])
		}
		if len(s.show8) > 0 {
			k.send(server, nil, cut)
			k.send(server, s.show8, 0)
			cut = 0
		}
		cut += s.cut
	}
	if s.letters == lineJudged && s.show == showNone {
		s.before = cut // payload_defer_cut
	} else {
		k.send(server, nil, cut)
	}
	return nil
}

func (k *kernel) clientByte(c byte) {
	s := &k.client
	cr := s.cr
	s.cr = c == '\r'
	if s.letters < 4 && !k.secret {
		if kernelLetter(c) {
			s.verb = s.verb<<8 | uint32(kernelUpper(c))
			s.letters++
			return
		}
		if s.letters == 0 && kernelBlank(c) {
			s.blank = true
			if k.awaitData > 0 || k.adrift {
				s.cut = 1
			} else {
				s.show8 = append(s.show8, c)
			}
			return
		}
	}
	if s.letters != lineJudged {
		k.clientDecide(c)
	}
	if s.known && k.clientArgument(c) {
		return
	}
	s.lineByte(c)
	if c == '\n' {
		k.clientLine(cr)
	}
}

func (k *kernel) clientDecide(c byte) {
	s := &k.client
	held := s.letters
	known := held == 4 && verbEnds(s.verb, c)
	dot := held == 0 && c == '.' && !s.blank && (s.crlf || !s.strict)
	s.letters = lineJudged
	if k.dataRefused {
		k.adrift = !known && !dot
		k.dataRefused = false
	}
	if k.awaitData == 1 {
		k.awaitData = 2
	}
	switch {
	case k.secret || (k.awaitData > 0 || k.adrift) && !dot:
		s.cut = uint64(held)
	case known:
		s.show, s.known = showAll, true
		s.show8 = append(s.show8, byte(s.verb>>24), byte(s.verb>>16), byte(s.verb>>8), byte(s.verb))
	case held == 0 && c == '.':
		s.show = showDot
	case held == 0 && (c == '\r' || c == '\n'):
		s.show = showAll
	default: // the byte at hand is cut besides: one more is counted than there is
		s.cut = uint64(held)
		s.show8 = append(s.show8, '?')
	}
}

func (k *kernel) clientLine(cr bool) {
	s := &k.client
	switch {
	case k.secret:
		k.secret = false
		k.asked++
	case k.awaitData > 0 || k.adrift:
		if s.show == showDot && (cr || !s.strict) {
			if k.awaitData > 0 {
				k.dots++
			}
			k.asked++
			k.awaitData, k.adrift = 0, false
		}
	case s.known:
		switch s.verb {
		case fourLetters("DATA"):
			k.awaitData, k.dataAt, k.dots = 1, k.asked, 0
			s.strict = cr
		case fourLetters("STAR"):
			k.awaitTLS, k.tlsAt = 1, k.asked
		}
		k.asked++
		if s.verb == fourLetters("AUTH") {
			k.awaitAuth = true
		} else if s.verb == fourLetters("BDAT") && s.chunk > 0 && !s.bad && (s.tail == 0 || s.tail == fourLetters("LAST")) {
			s.mode, s.begun = kernelChunk, false
		}
	case s.show == showNone:
		k.asked++
	}
	s.resetLine()
	s.crlf = cr
}

func (k *kernel) clientArgument(c byte) bool {
	s := &k.client
	end := c == '\r' || c == '\n'
	if s.blank && !kernelBlank(c) {
		if s.field++; s.field == 1 {
			s.chunk = 0
		}
	}
	s.blank = kernelBlank(c)
	switch s.verb {
	case fourLetters("AUTH"):
		if s.field == 1 && s.held != heldNoMore {
			if s.held < heldMax && kernelLetter(c) {
				s.chunk = s.chunk<<8 | uint64(c)
				s.held++
				s.line++
				return true
			}
			held := s.held
			s.held = heldNoMore
			const small = 0x2020202020
			upper := s.chunk &^ small
			if s.chunk&small == 0 || (kernelBlank(c) || end) && (upper == 0x4c4f47494e || upper == 0x504c41494e) {
				for i := held - 1; i >= 0; i-- {
					s.show8 = append(s.show8, byte(s.chunk>>(8*i)))
				}
			} else {
				s.cut = uint64(held)
				s.show = showNone
			}
		}
		mechanism := 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || kernelBlank(c)
		if !end && (s.field > 1 || s.line > 22 || s.field > 0 && !mechanism) {
			s.show = showNone
		}
	case fourLetters("BDAT"):
		switch {
		case end || s.blank:
		case s.field > 1:
			s.tail = s.tail<<8 | uint32(kernelUpper(c))
		case s.field == 1 && '0' <= c && c <= '9' && s.chunk < 1<<40:
			s.chunk = s.chunk*10 + uint64(c-'0')
		default:
			s.bad = s.field > 0
		}
	}
	return false
}

func (s *kernelStream) lineByte(c byte) {
	if s.line <= 1000 {
		s.line++
	} else {
		s.show = showNone
	}
	if s.show == showDot && s.line > 1 && c != '\r' && c != '\n' {
		s.show = showNone
	}
	if s.show > 0 {
		s.show8 = append(s.show8, c)
	} else {
		s.cut++
	}
}

// bodyNext is body_next.
func bodyNext(state int, c byte, strict bool) int {
	switch {
	case c == '\n' && state == bodyDotCR:
		return bodyEnd
	case c == '\n' && strict && state == bodyCR:
		return bodyLineStart
	case c == '\n' && strict:
		return bodyMidLine
	case c == '\n' && state == bodyDot:
		return bodyEndLF
	case c == '\n':
		return bodyLineStart
	case c == '\r' && state == bodyDot:
		return bodyDotCR
	case c == '\r':
		return bodyCR
	case c == '.' && state == bodyLineStart:
		return bodyDot
	}
	return bodyMidLine
}

func (k *kernel) skipBody(data []byte) []byte {
	c := &k.client
	if k.bodyOver {
		k.bodyEnd()
		return data
	}
	for len(data) > 0 && c.body < bodyEndLF {
		c.body = bodyNext(c.body, data[0], c.strict)
		c.before++
		data = data[1:]
	}
	if c.body >= bodyEndLF {
		k.bodyEnd()
	}
	return data
}

func (k *kernel) bodyEnd() {
	c := &k.client
	end := ".\r\n"
	bare := c.body == bodyEndLF
	if bare {
		end = ".\n"
	}
	c.mode = kernelLines
	c.resetLine()
	c.crlf, c.cr = !bare, false
	if !k.bodyOver {
		k.asked++
	}
	k.bodyOver, k.awaitData = false, 0
	if c.before >= 3 {
		c.before -= uint64(len(end))
	}
	k.send(false, nil, c.before)
	k.send(false, []byte(end), 0)
	c.before = 0
}

func (k *kernel) serverByte(c byte) {
	s := &k.server
	if s.letters < 3 && '0' <= c && c <= '9' {
		s.verb = s.verb*10 + uint32(c-'0')
		s.letters++
		return
	}
	if s.letters != lineJudged {
		if s.letters == 3 && (kernelBlank(c) || c == '-' || c == '\r' || c == '\n') {
			s.show8 = append(s.show8, byte('0'+s.verb/100%10), byte('0'+s.verb/10%10), byte('0'+s.verb%10))
			s.known = c != '-'
			if s.show = showAll; s.verb == 334 {
				s.show = showNone
			}
		} else {
			s.cut = uint64(s.letters)
		}
		s.letters = lineJudged
	}
	s.lineByte(c)
	if c != '\n' {
		return
	}
	if s.known {
		k.serverLine(s.verb)
	}
	s.resetLine()
}

func (k *kernel) serverLine(code uint32) {
	if !k.greeted {
		k.greeted = true
		return
	}
	if k.answered != k.asked {
		k.answered++
	}
	if k.awaitTLS == 2 {
		k.awaitTLS = 0
	}
	ofTLS := k.awaitTLS > 0 && int16(k.answered-k.tlsAt) > 0
	if code == 354 {
		if k.dots > 0 {
			k.dots--
		} else {
			c := &k.client
			c.mode = kernelBody
			switch {
			case c.cr:
				c.body = bodyCR
			case c.letters+c.line > 0 || c.blank:
				c.body = bodyMidLine
			default:
				c.body = bodyLineStart
			}
			k.bodyOver = false
		}
		k.awaitData, k.adrift = 0, false
		return
	}
	k.serverData(code)
	switch {
	case code == 220 && ofTLS:
		k.awaitTLS = 2
	case code == 334 && k.awaitAuth:
		k.secret = true
	case code >= 400 || code == 235:
		if ofTLS {
			k.awaitTLS = 0
		}
		k.awaitAuth, k.secret = false, false
	}
}

func (k *kernel) serverData(code uint32) {
	c := &k.client
	success := code >= 200 && code < 300
	switch {
	case c.mode == kernelBody && success:
		k.bodyOver = true
	case c.mode == kernelBody:
		c.crlf = c.body == bodyLineStart
		if !c.crlf {
			c.letters = lineJudged
		}
		c.mode, k.adrift = kernelLines, true
	case c.mode == kernelChunk && !c.begun && code >= 500 && code <= 504 && k.answered == k.asked:
		c.mode, k.dataRefused = kernelLines, true
	case k.awaitData > 0 && int16(k.answered-k.dataAt) <= 0:
	case k.awaitData > 0 && code >= 400:
		k.adrift = k.awaitData == 2
		k.dataRefused = !k.adrift
		k.awaitData = 0
	case success:
		k.adrift = false
	}
}

// Kernel is what the kernel programs show of the packets. rest is what is cut and in no piece yet.
func Kernel(packets []Packet) (pieces []Piece, rest uint64) {
	k := &kernel{}
	for _, p := range packets {
		k.packet(p.Server, p.Data)
	}
	return k.out, k.client.before
}
