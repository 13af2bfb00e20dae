package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

// Kind is what sort of dialogue is made up.
type Kind int

// The kinds.
const (
	Valid  Kind = iota // SMTP by the book: how much mail it is, is known
	Broken             // anything that a client or a server may say
)

// Dialogue is made up at random. The same seed makes the same one.
type Dialogue struct {
	Turns      []Turn
	Mails      uint64 // that the server takes, of a Valid one,
	Recipients uint64 // and to how many recipients in all
	Early      bool   // the client does not wait for what the server says
	Reset      bool   // the client breaks the connection off, and does not end it
	Pieces     bool   // each side says its turns in pieces
	HangUp     int    // the client ends behind so many turns; 0: behind the last
}

// Name is how the client of a Valid dialogue names itself in HELO.
func (d *Dialogue) Name(seed uint64) string {
	return fmt.Sprintf("m%dr%d.s%d.example.org", d.Mails, d.Recipients, seed)
}

// MakeUp makes up a dialogue.
func MakeUp(seed uint64, kind Kind) *Dialogue {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(kind))), d: &Dialogue{}}
	if kind == Valid {
		g.valid(seed)
	} else {
		g.broken()
	}
	return g.d
}

// generator makes up what both sides say.
type generator struct {
	*rand.Rand
	d              *Dialogue
	client, server strings.Builder // said since the last turn
}

// turn lets the server answer all that was said.
func (g *generator) turn() {
	for i, b := range []*strings.Builder{&g.client, &g.server} {
		if b.Len() > 0 {
			g.d.Turns = append(g.d.Turns, Turn{i == 1, []byte(b.String())})
			b.Reset()
		}
	}
}

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) octets(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return string(b)
}

// say says a command and its reply. Where the next one goes with it, the reply waits.
func (g *generator) say(command, reply string) {
	if g.IntN(8) == 0 {
		verb, rest, _ := strings.Cut(command, " ")
		command = strings.TrimSpace(strings.ToLower(verb) + " " + rest)
	}
	g.client.WriteString(command + "\r\n")
	if text := reply[4:]; g.IntN(8) == 0 {
		g.server.WriteString(reply[:3] + "-first " + text + "\r\n")
	}
	g.server.WriteString(reply + "\r\n")
	if g.IntN(2) == 0 {
		g.turn()
	}
}

// body is a message, with lines that look like commands.
func (g *generator) body() string {
	var b strings.Builder
	b.WriteString("Subject: x\r\n\r\n")
	for range g.IntN(8) {
		b.WriteString(g.one("", "text", "MAIL FROM:<no@example.org>", "DATA", "QUIT", "..", "..no", "RSET", "250 ok", "STARTTLS",
			"BDAT 900 LAST", "EHLO no.example.org", strings.Repeat("x", 900), strings.Repeat("long ", 150)) + "\r\n")
	}
	return b.String()
}

func (g *generator) valid(seed uint64) {
	mails := g.IntN(5)
	if g.IntN(40) == 0 {
		mails = 30 + g.IntN(40)
	}
	mail := make([]func(), mails)
	for i := range mail {
		mail[i] = g.mail(i)
	}
	g.server.WriteString("220 mx.example.net ESMTP\r\n")
	g.turn()
	g.client.WriteString(g.one("EHLO ", "HELO ") + g.d.Name(seed) + "\r\n")
	g.server.WriteString("250 mx.example.net\r\n")
	g.turn()
	for _, m := range mail {
		g.idle()
		m()
	}
	g.say("QUIT", "221 bye")
	g.turn()
	g.d.Pieces, g.d.Early = g.IntN(6) == 0, g.IntN(6) == 0
}

// mail decides what becomes of a mail, and gives what says it.
func (g *generator) mail(n int) func() {
	from := fmt.Sprintf("<a%d@example.org>", n)
	if g.IntN(3) == 0 {
		from = "<>"
	}
	taken, refused, chunked, late := 1+g.IntN(3), g.IntN(3), g.IntN(3) == 0, g.IntN(6) == 0
	if !late {
		g.d.Mails++
		g.d.Recipients += uint64(taken)
	}
	return func() {
		g.say("MAIL FROM:"+from, "250 ok")
		for i := range taken {
			g.say(fmt.Sprintf("RCPT TO:<b%d@example.net>", i), "250 ok")
		}
		for i := range refused {
			g.say(fmt.Sprintf("RCPT TO:<c%d@example.net>", i), "550 5.1.1 no")
		}
		reply := "250 2.0.0 Ok: queued"
		if late {
			reply = "554 5.7.1 spam"
		}
		body := g.body()
		if chunked {
			at := g.IntN(len(body) + 1)
			g.chunk(body[:at], "", "250 ok")
			g.chunk(body[at:], " LAST", reply)
			return
		}
		g.say("DATA", "354 go")
		g.turn()
		g.client.WriteString(body)
		g.say(".", reply)
	}
}

func (g *generator) chunk(text, last, reply string) {
	fmt.Fprintf(&g.client, "BDAT %d%s\r\n%s", len(text), last, text)
	g.server.WriteString(reply + "\r\n")
	if g.IntN(2) == 0 {
		g.turn()
	}
}

// idle says what changes nothing.
func (g *generator) idle() {
	switch g.IntN(8) {
	case 0:
		g.say("NOOP", "250 ok")
	case 1:
		g.say("RSET", "250 ok")
	case 2:
		g.say("VRFY postmaster", "252 maybe")
	case 3:
		g.say("MAIL FROM:<no@example.org>", "550 no")
	}
}

// patience is how long a side of a dialogue waits for the other one, which may have gone astray.
const patience = 20 * time.Second

// Hold holds one side of a dialogue, and ends the connection. In order, each turn waits for the other side's before it;
// else one side says all it has, while it reads.
func (d *Dialogue) Hold(conn *net.TCPConn, server bool) error {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	turns := d.Turns
	if d.HangUp > 0 && !server {
		turns = turns[:d.HangUp]
	}
	read := make(chan error, 1)
	if d.Early && !server {
		go func() {
			_, err := io.Copy(io.Discard, conn)
			read <- err
		}()
	}
	for _, turn := range turns {
		var err error
		switch {
		case turn.Server == server:
			err = d.write(conn, turn.Data)
		case !d.Early || server:
			_, err = io.ReadFull(conn, make([]byte, len(turn.Data)))
		}
		if err != nil {
			return fmt.Errorf("a dialogue: %w", err)
		}
	}
	if !server && d.Reset {
		return errors.Join(conn.SetLinger(0), conn.Close())
	}
	if err := conn.CloseWrite(); err != nil {
		return fmt.Errorf("end a dialogue: %w", err)
	}
	if d.Early && !server {
		return <-read
	}
	_, err := io.Copy(io.Discard, conn)
	return err
}

func (d *Dialogue) write(conn *net.TCPConn, data []byte) error {
	step := len(data)
	if d.Pieces { // the same on both sides, which do not tell each other
		step = 1 + int(binary.BigEndian.Uint16(append(data, 0, 0))%97)
	}
	for len(data) > 0 {
		n := min(step, len(data))
		if _, err := conn.Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
