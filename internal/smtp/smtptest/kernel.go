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

// Kernel is what the kernel programs show of the packets. rest is what is cut and in no piece yet.
func Kernel(packets []Packet) (pieces []Piece, rest uint64) {
	k := &kernel{}
	for _, p := range packets {
		k.packet(p.Server, p.Data)
	}
	return k.out, k.client.before
}
