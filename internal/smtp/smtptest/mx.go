package smtptest

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Habits are what mail servers differ in.
type Habits struct {
	Greeting  string // with its line ends
	Unknown   string // the reply to what is no command
	LFEnds    bool   // a dot on its own line ends a body, whatever ends the lines; else CRLF, dot, CRLF alone
	Blanks    bool   // empty lines are answered
	Controls  bool   // VT, FF and CR stand between words as blanks do
	Chunks    Chunks
	Multiline bool // replies of success have two lines
	Echoes    bool // a reply to AUTH repeats what it answers
	TLS       bool // STARTTLS is accepted
}

// Chunks is what a server makes of BDAT.
type Chunks uint8

const (
	ChunksByBook  Chunks = iota // RFC 3030 section 2, and nothing else
	ChunksLenient               // digits are a size, whatever stands around them, and words too many are passed over
	NoChunks                    // BDAT is no command
)

// Place is where a secret was said.
type Place uint8

const (
	InBody         Place = iota
	BehindDot            // in a body, behind a dot that others take for its end
	AheadUneven          // in a body that did not wait for its 354, where replies were uneven: see MX.uneven
	InOddChunk           // in a chunk that begins with a command, behind a BDAT with words too many
	InEndlessChunk       // in a chunk of gigabytes
	InAuth               // in AUTH, or in an answer to a challenge
	InAuthCommand        // in an answer that was sent ahead of its challenge, and is a command with its argument
	ToProxy              // in what was said to a proxy
)

// Secret is a token that the kernel must not show.
type Secret struct {
	Token string
	Where Place
}

// Token makes a token that no other one is part of. Only of tokens is it known who may see them.
func Token(n int) string { return fmt.Sprintf("canary%dz", n) }

var tokens = regexp.MustCompile(`canary[0-9]+z`)

// MX is a mail server that takes whatever is said, in whatever order, and knows what it took it for.
type MX struct {
	Habits
	In  []byte // said by the client, and not taken yet
	Out []byte // said by the server, and not fetched yet

	Mails      uint64 // that it took over
	Recipients uint64 // of these
	Secrets    []Secret
	Closed     bool // it listens no more
	TLSAwaited bool // STARTTLS was accepted, and nothing has come since
	Encrypted  bool

	luck      int // makes up the reply at hand
	sender    bool
	rcpts     uint64
	body      bool
	lineStart bool // of a body: CRLF was last, or there is nothing yet
	dotted    bool // of a body: it has had a line that is nothing but a dot
	chunk     int
	last      bool // of the chunk
	discard   bool // of the chunk
	oddTail   bool // of the chunk: there were words too many
	auth      int  // answers still to come
	ahead     int  // octets that were there when the challenge, or 354, was said
	// What draws a reply was not as most have it: an empty line did, or what may be TLS, or the lines of a body whose
	// DATA was refused, or behind a dot that is its end for some; or a BDAT was not taken for what it says.
	uneven bool
}

// Step takes one line, or what is there of a chunk, and replies as luck has it. It is false where there is none.
func (m *MX) Step(luck int) bool {
	m.luck = luck
	switch {
	case m.Closed || len(m.In) == 0:
		return false
	case m.Encrypted:
		m.In, m.Out = nil, append(m.Out, record(0x17, 40)...)
		return true
	case m.TLSAwaited:
		m.startTLS()
		return true
	case m.chunk > 0:
		m.takeChunk()
		return true
	}
	i := bytes.IndexByte(m.In, '\n')
	if i < 0 {
		return false
	}
	line := string(m.take(i + 1))
	switch text := strings.TrimRight(line, "\r\n"); {
	case m.body:
		m.bodyLine(line)
	case m.auth > 0:
		m.authLine(text)
	default:
		m.command(text)
	}
	return true
}

func (m *MX) take(n int) []byte {
	taken := m.In[:n]
	m.In = m.In[n:]
	m.ahead -= n
	return taken
}

// lucky is true once in n.
func (m *MX) lucky(n int) bool { return m.luck%n == 0 }

func (m *MX) pick(list ...string) string { return list[m.luck/4%len(list)] }

func (m *MX) say(reply string) {
	if m.Multiline && reply[0] == '2' {
		m.Out = append(m.Out, reply[:3]+"-more\r\n"...)
	}
	m.Out = append(m.Out, reply+"\r\n"...)
}

func (m *MX) hide(text string, where Place) {
	for _, token := range tokens.FindAllString(text, -1) {
		m.Secrets = append(m.Secrets, Secret{token, where})
	}
}

func (m *MX) reset() { m.sender, m.rcpts = false, 0 }

func (m *MX) words(line string) []string {
	blanks := " \t"
	if m.Controls {
		blanks = " \t\v\f\r"
	}
	return strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(blanks, c) })
}

func (m *MX) command(line string) {
	w := m.words(line)
	if len(w) == 0 {
		if m.Blanks {
			m.uneven = true
			m.say("500 5.5.2 bad syntax")
		}
		return
	}
	if m.lucky(61) {
		m.Closed = true
		m.say("421 enough")
		return
	}
	switch verb := strings.ToUpper(w[0]); verb {
	case "HELO", "EHLO":
		m.reset()
		m.say("250 mx")
	case "MAIL", "RCPT", "DATA":
		m.envelope(verb)
	case "BDAT":
		m.bdat(w[1:])
	case "RSET":
		m.reset()
		m.say("250 flushed")
	case "NOOP":
		m.say("250 ok")
	case "HELP":
		m.say("214 no help")
	case "VRFY":
		m.say("252 maybe")
	case "QUIT":
		m.Closed = true
		m.say("221 bye")
	case "STARTTLS":
		if m.TLS && len(w) == 1 {
			m.Out = append(m.Out, "220 go ahead\r\n"...)
			m.In, m.TLSAwaited = nil, true // what was said behind it is thrown away (RFC 3207 section 6)
			return
		}
		m.say("454 not now")
	case "AUTH":
		m.hide(line, InAuth)
		m.authenticate(w[1:], line)
	default:
		m.uneven = m.uneven || strings.Trim(line, " \t\v\f\r") == "" || line[0] == recordHandshake
		m.say(m.Unknown)
	}
}

func (m *MX) envelope(verb string) {
	switch {
	case verb == "MAIL" && m.sender:
		m.say("503 nested")
	case verb == "MAIL" && m.lucky(7):
		m.say(m.pick("550 no", "451 later"))
	case verb == "MAIL":
		m.sender = true
		m.say("250 ok")
	case !m.sender:
		m.uneven = m.uneven || verb == "DATA"
		m.say(m.pick("503 MAIL first", "503 bad sequence"))
	case verb == "RCPT" && m.lucky(4):
		m.say(m.pick("550 no", "451 later", "501 syntax"))
	case verb == "RCPT":
		m.rcpts++
		m.say("250 ok")
	case m.rcpts == 0:
		m.uneven = true
		m.say(m.pick("503 RCPT first", "554 no valid recipients"))
	case m.lucky(8):
		m.uneven = true
		m.say("451 not now")
	default:
		m.say("354 go ahead")
		m.body, m.lineStart, m.dotted, m.ahead = true, true, false, len(m.In)
	}
}
