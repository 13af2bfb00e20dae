package smtptest

import (
	"fmt"
	"strings"
)

// Packet is some of what one side said. The order is one in which packets can pass.
type Packet struct {
	Server bool
	Data   []byte
	Lost   uint64 // there is no such packet, and so many octets of it
}

// Dialogue is what two sides said, and what it came to.
type Dialogue struct {
	Packets []Packet
	Hellos  []string // that were answered
	Senders []string // of MAIL FROM that the server took
	Mails   []Mail   // that the server took over
	Sent    uint64   // octets
	Got     uint64
	Ended   bool // with QUIT and its answer
}

// client is a client that waits for replies, or does not.
type client struct {
	*Choices
	s       *server
	d       *Dialogue
	pending []byte
	hasty   int // it waits once in so many lines
	name    int
}

// New makes up a dialogue. Bodies are shown in it, and secrets.
func New(c *Choices) *Dialogue {
	d := &Dialogue{}
	s := newServer(c)
	cl := &client{Choices: c, s: s, d: d, hasty: Of(c, 1, 2, 8, 1000)}
	cl.answer("220 mx.example ESMTP\r\n")
	hello := "EHLO"
	if s.lmtp {
		hello = "LHLO"
	}
	cl.line(hello + " client.example")
	for range c.N(7) {
		if s.closed {
			break
		}
		cl.mail()
	}
	if !c.One(6) {
		cl.line("QUIT")
	}
	cl.flush()
	if !c.One(8) {
		cl.drain()
	}
	d.Hellos, d.Senders, d.Mails = s.hellos, s.senders, s.mails
	d.Ended = s.closed && len(s.codes) > 0 && s.codes[len(s.codes)-1] == 221
	return d
}

// answer passes a reply.
func (c *client) answer(text string) {
	if text == "" {
		return
	}
	c.d.Got += uint64(len(text))
	if n := len(c.d.Packets); n > 0 && c.d.Packets[n-1].Server && c.One(3) {
		c.d.Packets[n-1].Data = append(c.d.Packets[n-1].Data, text...)
		return
	}
	c.d.Packets = append(c.d.Packets, Packet{Server: true, Data: []byte(text)})
}

// flush passes what the client has said.
func (c *client) flush() {
	for len(c.pending) > 0 {
		n := len(c.pending)
		if c.One(3) {
			n = 1 + c.N(n)
		}
		c.d.Packets = append(c.d.Packets, Packet{Data: c.pending[:n:n]})
		c.d.Sent += uint64(n)
		c.s.in = append(c.s.in, c.pending[:n]...)
		c.pending = c.pending[n:]
		for c.One(4) {
			if !c.step() {
				break
			}
		}
	}
	c.pending = nil
}

func (c *client) step() bool {
	reply, ok := c.s.step()
	c.answer(reply)
	return ok
}

// drain lets the server answer all that was said.
func (c *client) drain() {
	for c.step() {
	}
}

// wait says what is pending, and waits for the replies; the code of the last is returned.
func (c *client) wait() int {
	c.flush()
	c.drain()
	if n := len(c.s.codes); n > 0 {
		return c.s.codes[n-1]
	}
	return 0
}

// line says a line; the code is that of its reply where it was waited for, otherwise 0.
func (c *client) line(text string) int {
	c.pending = append(c.pending, text+"\r\n"...)
	if c.One(c.hasty) {
		return c.wait()
	}
	if c.One(4) {
		c.flush()
	}
	return 0
}

// chatter says what belongs to no mail.
func (c *client) chatter() {
	switch c.N(40) {
	case 0:
		c.line("NOOP")
	case 1:
		c.line("XYZZY now")
	case 2:
		c.line("VRFY postmaster")
	case 3:
		c.line("HELP")
	case 4:
		c.line("")
	case 5:
		c.line("MAIL FROM:<nested@x.example>")
	case 6:
		c.line("STARTTLS")
	case 7:
		c.line("foo")
	case 8:
		c.line("rset")
	}
}

func (c *client) login() {
	switch c.N(20) {
	case 0:
		c.line("AUTH PLAIN AGEAYg==")
	case 1:
		if c.line("AUTH LOGIN") == 334 && c.wait() == 334 {
			c.line("bWFpbCBmcm9t")
			c.wait()
			c.line("MAIL FROM:<secret>")
			c.wait()
		} else {
			c.line("YQ==")
			c.line("Yg==")
		}
	case 2:
		if c.line("auth login"); c.wait() == 334 {
			c.line("*")
			c.wait()
		}
	case 3:
		c.line("AUTH GSSAPI x")
	case 4:
		c.line("EHLO other.example")
	}
}

// mail tries to hand in a mail.
func (c *client) mail() {
	c.login()
	c.chatter()
	c.name++
	from := fmt.Sprintf("a%d@x.example", c.name)
	if c.One(4) {
		from = "" // a bounce
	}
	c.line("MAIL FROM:<" + from + ">" + Of(c.Choices, "", "", " SIZE=100"))
	c.chatter()
	for i := range c.N(4) {
		c.line(fmt.Sprintf("RCPT TO:<b%d.%d@y.example>", c.name, i))
		c.chatter()
	}
	switch c.N(12) {
	case 0:
		c.line("RSET")
	case 1:
		return
	case 2, 3:
		c.chunks()
	default:
		c.data()
	}
}

func (c *client) data() {
	switch code := c.line("DATA"); {
	case code == 354, code == 0 && !c.One(4):
	case code == 0:
		if c.wait() != 354 {
			c.line("RSET")
			return
		}
	default:
		c.line("RSET")
		return
	}
	c.pending = append(c.pending, c.text()...)
	c.line(".")
}

// text makes up a body, with lines that look like commands.
func (c *client) text() string {
	var b strings.Builder
	for range c.N(7) {
		b.WriteString(Of(c.Choices, "", "text", "MAIL FROM:<no@x.example>", "RCPT TO:<no@y.example>", "DATA", "QUIT", "..", ".no",
			"RSET", "250 ok", strings.Repeat("x", 700), "STARTTLS", "BDAT 9", "EHLO no.example", "Subject: x") + "\r\n")
	}
	return b.String()
}

func (c *client) chunks() {
	for range c.N(3) {
		text := c.text()
		if len(text) > 0 {
			text = text[:c.N(len(text))]
		}
		c.pending = append(c.pending, fmt.Sprintf("BDAT %d\r\n%s", len(text), text)...)
	}
	text := c.text()
	c.line(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text), text) + "NOOP")
}
