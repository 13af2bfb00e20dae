package smtptest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Mail is a message that the server took over.
type Mail struct {
	From  string
	Rcpts []string // those that the server took
	LMTP  bool     // so that Rcpts are those that it delivered to
}

// server is what a server does with the octets of a client, line by line.
type server struct {
	*Choices
	lmtp    bool
	in      []byte
	state   serverState
	chunk   int
	discard bool // of the chunk
	last    bool
	from    *string
	rcpts   []string
	codes   []int // of the replies so far
	closed  bool

	blanks    bool // empty lines are answered
	chunks    bool // BDAT is known
	lenient   bool // 354 whatever became of the recipients
	severe    int  // it refuses once in so many
	mails     []Mail
	senders   []string // that were taken, whatever became of them
	hellos    []string
	processed int // octets of the client
}

type serverState uint8

const (
	commands serverState = iota
	body
	chunk
	secret
	secondSecret
)

func newServer(c *Choices) *server {
	return &server{
		Choices: c, lmtp: c.One(8), blanks: c.One(2), chunks: !c.One(4), lenient: c.One(3),
		severe: Of(c, 1000, 1000, 20, 4),
	}
}

// step takes one line or chunk, and gives the reply; false: there is none complete.
func (s *server) step() (reply string, ok bool) {
	if s.closed {
		return "", false
	}
	if s.state == chunk {
		n := min(s.chunk, len(s.in))
		s.chunk -= n
		s.take(n)
		if s.chunk > 0 {
			return "", false
		}
		s.state = commands
		return s.endChunk(), true
	}
	i := bytes.IndexByte(s.in, '\n')
	if i < 0 {
		return "", false
	}
	line := strings.TrimRight(string(s.in[:i]), "\r")
	strict := string(s.in[max(i-1, 0):i+1]) == "\r\n"
	s.take(i + 1)
	switch s.state {
	case body:
		if line != "." || !strict {
			return "", true
		}
		s.state = commands
		return s.deliver(), true
	case secret, secondSecret:
		return s.login(line), true
	}
	return s.command(line), true
}

func (s *server) take(n int) {
	s.in = s.in[n:]
	s.processed += n
}

// say makes a reply, of several lines now and then.
func (s *server) say(code int, text string) string {
	s.codes = append(s.codes, code)
	if s.One(12) && code != 334 {
		return fmt.Sprintf("%d-%s\r\n%d more\r\n", code, text, code)
	}
	return fmt.Sprintf("%d %s\r\n", code, text)
}

func (s *server) refuses() bool { return s.One(s.severe) }

func (s *server) reset() { s.from, s.rcpts = nil, nil }

// command takes a command line.
func (s *server) command(line string) string {
	if line == "" {
		if s.blanks {
			return s.say(500, "what")
		}
		return ""
	}
	verb, rest, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	rest = strings.TrimSpace(rest)
	if s.One(200) {
		s.closed = true
		return s.say(421, "enough")
	}
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO", "LHLO":
		s.lmtp = strings.EqualFold(verb, "LHLO")
		s.reset()
		s.hellos = append(s.hellos, rest)
		return s.say(250, "mx.example")
	case "MAIL":
		if s.from != nil {
			return s.say(503, "nested")
		}
		from, ok := path(rest)
		switch {
		case !ok:
			return s.say(501, "syntax")
		case s.refuses():
			return s.say(Of(s.Choices, 450, 553, 550), "no")
		}
		s.from = &from
		s.senders = append(s.senders, from)
		return s.say(250, "sender")
	case "RCPT":
		to, ok := path(rest)
		switch {
		case s.from == nil:
			return s.say(503, "MAIL first")
		case !ok:
			return s.say(501, "syntax")
		case s.refuses():
			return s.say(Of(s.Choices, 450, 550, 452), "no")
		}
		s.rcpts = append(s.rcpts, to)
		return s.say(Of(s.Choices, 250, 250, 251), "recipient")
	case "DATA":
		switch {
		case s.from == nil || len(s.rcpts) == 0 && !s.lenient:
			return s.say(Of(s.Choices, 503, 554), "recipients first")
		case s.refuses():
			return s.say(451, "wait")
		}
		s.state = body
		return s.say(354, "go ahead")
	case "BDAT":
		return s.bdat(rest)
	case "RSET":
		s.reset()
		return s.say(250, "reset")
	case "QUIT":
		s.closed = true
		return s.say(221, "bye")
	case "NOOP":
		return s.say(250, "ok")
	case "HELP":
		return s.say(214, "none")
	case "VRFY":
		return s.say(252, "maybe")
	case "AUTH":
		return s.auth(rest)
	case "STARTTLS":
		return s.say(Of(s.Choices, 454, 502), "no")
	}
	return s.say(Of(s.Choices, 500, 502), "what: "+verb)
}

func path(rest string) (mailbox string, ok bool) {
	_, mailbox, _ = strings.Cut(rest, ":<")
	mailbox, _, ok = strings.Cut(mailbox, ">")
	return mailbox, ok && !strings.ContainsAny(mailbox, " <")
}

func (s *server) deliver() string {
	from, rcpts := s.from, s.rcpts
	s.reset()
	if s.lmtp {
		var b strings.Builder
		var took []string
		for _, r := range rcpts {
			if s.refuses() {
				b.WriteString(s.say(452, "full"))
			} else {
				b.WriteString(s.say(250, "delivered"))
				took = append(took, r)
			}
		}
		if len(rcpts) == 0 {
			return s.say(503, "recipients first")
		}
		if len(took) > 0 {
			s.mails = append(s.mails, Mail{From: *from, Rcpts: took, LMTP: true})
		}
		return b.String()
	}
	if len(rcpts) == 0 || s.refuses() {
		return s.say(554, "no")
	}
	s.mails = append(s.mails, Mail{From: *from, Rcpts: slices.Clone(rcpts)})
	return s.say(250, "queued")
}

// bdat takes BDAT. A server that does not know it takes the octets for lines; others read them, whatever they
// answer (RFC 3030 section 2).
func (s *server) bdat(rest string) string {
	if !s.chunks {
		return s.say(502, "what")
	}
	size, more, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 || more != "" && !strings.EqualFold(more, "LAST") {
		return s.say(501, "syntax")
	}
	s.chunk, s.last = n, more != ""
	s.discard = s.from == nil || len(s.rcpts) == 0
	if n == 0 {
		return s.endChunk()
	}
	s.state = chunk
	return ""
}

func (s *server) endChunk() string {
	switch {
	case s.discard:
		if s.last {
			s.reset()
		}
		return s.say(503, "recipients first")
	case s.last:
		return s.deliver()
	}
	return s.say(250, "octets")
}

func (s *server) auth(rest string) string {
	mechanism, initial, _ := strings.Cut(rest, " ")
	switch {
	case initial != "":
		return s.say(Of(s.Choices, 235, 535), "auth")
	case strings.EqualFold(mechanism, "LOGIN"):
		s.state = secret
		return s.say(334, "VXNlcm5hbWU6")
	case strings.EqualFold(mechanism, "PLAIN"), strings.EqualFold(mechanism, "CRAM-MD5"):
		s.state = secondSecret
		return s.say(334, "x")
	}
	return s.say(504, "mechanism")
}

func (s *server) login(line string) string {
	switch {
	case line == "*":
		s.state = commands
		return s.say(501, "cancelled")
	case s.state == secret:
		s.state = secondSecret
		return s.say(334, "UGFzc3dvcmQ6")
	}
	s.state = commands
	return s.say(Of(s.Choices, 235, 535), "auth")
}
