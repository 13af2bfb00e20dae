package smtptest

import (
	"fmt"
	"strconv"
	"strings"
)

// maker makes up an Odd.
type maker struct {
	*Choices
	*Odd
	hasty  int // the client waits once in so many units
	tokens int
}

// NewOdd makes up a dialogue.
func NewOdd(c *Choices) *Odd {
	m := &maker{Choices: c, Odd: &Odd{}, hasty: 1 + c.N(3)}
	m.Habits = Habits{
		Greeting: Of(c, "220 mx ESMTP\r\n", "220 mx ESMTP\r\n", "220-mx ESMTP\r\n220 more\r\n", "220 mx ready\r\n",
			"220 mx ESMTP "+strings.Repeat("x", 300)+"\r\n", "220-mx ESMTP\r\n"+strings.Repeat("220-no spam here, please\r\n", 9)+"220 more\r\n"),
		Unknown: Of(c, "500 what", "502 what"),
		LFEnds:  c.One(3), Blanks: c.One(2), Controls: c.One(4), Multiline: c.One(6), Echoes: c.One(2), TLS: c.One(2),
		Chunks: Of(c, ChunksByBook, ChunksLenient, NoChunks),
	}
	m.MailPort = c.One(2)
	m.Late = Of(c, 0, 0, 0, 0, 1, 2, 5, 1000)
	m.Joined = c.One(2)
	m.Pieces = Of(c, 0, 0, 0, 1, 7, -1)
	if c.One(6) {
		m.Proxy = m.proxy()
	}
	for range c.N(3) {
		m.chatter()
	}
	m.line("EHLO x")
	for range 1 + c.N(3) {
		m.mail()
	}
	if c.One(2) {
		m.line("QUIT")
	}
	return m.Odd
}

// token fills in tokens, each of which stands in one place alone.
func (m *maker) token(text string) string {
	for strings.Contains(text, "TOKEN") {
		m.tokens++
		text = strings.Replace(text, "TOKEN", Token(m.tokens), 1)
	}
	return text
}

// say adds a unit.
func (m *maker) say(text string) {
	m.Units = append(m.Units, Unit{
		Say: m.token(text), Waits: m.hasty == 1 || m.One(m.hasty), Steps: max(0, m.N(9)-5), Luck: 1 + m.N(500),
	})
}

// line says a line.
func (m *maker) line(text string) { m.say(text + m.newline()) }

func (m *maker) newline() string {
	if m.One(8) {
		return "\n"
	}
	return "\r\n"
}

// chatter says what belongs to no mail, or nothing.
func (m *maker) chatter() {
	switch m.N(16) {
	case 0:
		m.line(Of(m.Choices, "", "", " ", "\r", "\f"))
	case 1:
		m.line(Of(m.Choices, "X", "*", ".", ". x", "QUITX", "\x16", "X TOKEN"))
	case 2:
		m.line(Of(m.Choices, "NOOP", "NOOP TOKEN", "\fNOOP", "\rNOOP", " NOOP", "NOOP\v", "VRFY x", "HELP"))
	case 3:
		m.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	case 4:
		m.line(Of(m.Choices, "RSET", "EHLO x", "HELO y", "DATA", "RCPT TO:<TOKEN@z>", "MAIL FROM:<TOKEN@y>", "\fRCPT TO:<TOKEN@z>",
			"\vMAIL FROM:<y@y>", "RCPT\vTO:<z@z>"))
	case 5:
		m.line(Of(m.Choices, "BDAT", "BDAT 0", "BDAT 0 LAST", "BDAT x", "BDAT 9999999999 LAST"))
	case 6, 7:
		m.login()
	case 8:
		m.line(strings.Repeat("y", Of(m.Choices, 5, 100, 600, 1100, 2100, 5000)))
	case 9:
		m.line(Of(m.Choices, "\x16\x03\x01\x00\x05hello", "\x16\x03\x01\x02\x00\x01", "\x16\x03\x03", "\x16\x03\x01\x00\x05", "\x15\x03\x01"))
	case 10:
		m.line("STARTTLS")
		last := &m.Units[len(m.Units)-1]
		last.TLS = !m.One(3)
	case 11:
		if m.One(4) { // nobody has asked for it
			m.say(string(ClientHello("mx.example")))
		}
	}
}

// login says AUTH, and what may belong to it.
func (m *maker) login() {
	m.line(Of(m.Choices, "AUTH LOGIN", "AUTH LOGIN", "auth login", "AUTH LOGIN TOKEN", "AUTH PLAIN", "AUTH PLAIN TOKEN", "auth plain TOKEN",
		"AUTH\tPLAIN\tTOKEN", "AUTH  PLAIN TOKEN", "\rAUTH PLAIN TOKEN", "AUTH CRAM-MD5", "AUTH XOAUTH2 TOKEN", "AUTH FOO TOKEN", "AUTH TOKEN",
		"AUTH PLAIN =", "AUTH", "AUTH TLS"))
	for range m.N(3) {
		m.line(Of(m.Choices, "TOKEN", "TOKEN", "TOKEN", "*", "", "NOOP TOKEN", " TOKEN", "MAIL TOKEN", "=", "DATATOKEN", "TOKEN TOKEN"))
	}
}

func (m *maker) mail() {
	if m.One(2) {
		m.chatter()
	}
	m.line(Of(m.Choices, "MAIL FROM:<a@b>", "MAIL FROM:<TOKEN@b>", "mail from:<a@b>", " MAIL FROM:<a@b>"))
	for range 1 + m.N(3) {
		if m.One(3) {
			m.chatter()
		}
		m.line(Of(m.Choices, "RCPT TO:<b@c>", "RCPT TO:<TOKEN@c>", "rcpt to: <d@e>"))
	}
	if m.One(4) {
		m.chatter()
	}
	if m.One(3) {
		m.chunks()
	} else {
		m.data()
	}
	if m.One(4) {
		m.chatter()
	}
}

func (m *maker) data() {
	m.line("DATA")
	if m.One(3) {
		m.Units[len(m.Units)-1].Waits = true
	}
	body := Of(m.Choices, "", "hi", "NOOP TOKEN", "TOKEN", "RSET\r\nHELP TOKEN", "..", "a\n.\nTOKEN", "a\n.\r\nTOKEN", "x\r", "TOKEN\r\n.\nTOKEN",
		"MAIL FROM:<TOKEN@q>\r\nRCPT TO:<TOKEN@q>", "\nRCPT TO:<TOKEN@q>\nDATA\nTOKEN", "AUTH PLAIN TOKEN", strings.Repeat("text ", 300)+"TOKEN")
	if body != "" {
		body += m.newline()
	}
	m.say(body + Of(m.Choices, ".\r\n", ".\r\n", ".\r\n", ".\r\n", ".\n"))
}

func (m *maker) chunks() {
	for n := m.N(3); n >= 0; n-- {
		text := m.token(Of(m.Choices, "hello", "TOKEN", "NOOP TOKEN\r\n", "RCPT TO:<TOKEN@q>\r\n", ".\r\n", "hello\r\nTOKEN\r\n"))
		size := strconv.Itoa(len(text))
		if m.One(8) {
			size = fmt.Sprintf(Of(m.Choices, "+%d", "0%d", "%dx", "-%d", " %d"), len(text))
		}
		last := ""
		if n == 0 {
			last = Of(m.Choices, " LAST", " LAST", " LAST", " LAST", " last", " XLAST", " LAST x", "  LAST ", "")
		}
		m.say("BDAT " + size + last + m.newline() + text)
	}
}
