package smtp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// play makes up a session and its summary, as a client and a server that both know the protocol.
type play struct {
	*rand.Rand
	client, server strings.Builder // said since the last wait
	segments       []segment
	want           strings.Builder
	refusedData    bool // DATA was refused once: no BDAT from then on (see FuzzReplays)
}

// wait lets the server answer all that was said.
func (p *play) wait() {
	for dir, b := range []*strings.Builder{&p.client, &p.server} {
		if b.Len() > 0 {
			p.segments = append(p.segments, segment{dir: Direction(dir), data: []byte(b.String())})
			b.Reset()
		}
	}
}

// say says a command and its reply, pipelined or not.
func (p *play) say(command, reply string) {
	if verb, rest, _ := strings.Cut(command, " "); rest != "" && p.IntN(8) == 0 {
		command = strings.ToLower(verb) + " " + rest
	}
	p.client.WriteString(command + "\r\n")
	if text := reply[4:]; p.IntN(8) == 0 {
		p.server.WriteString(reply[:3] + "-first " + text + "\r\n" + reply[:3] + " last\r\n")
	} else {
		p.server.WriteString(reply + "\r\n")
	}
	if p.IntN(2) == 0 {
		p.wait()
	}
}

// chatter says what changes nothing.
func (p *play) chatter() {
	switch p.IntN(12) {
	case 0:
		p.say("NOOP", "250 ok")
	case 1:
		p.say("XYZZY", "502 what")
	case 2:
		p.say("VRFY postmaster", "252 maybe")
	case 3:
		p.say("HELP me", "214 no")
	case 4:
		p.say("MAIL FROM:<nested@x.example>", "503 bad sequence")
	}
}

// body makes up a message, with lines that look like commands.
func (p *play) body() string {
	var b strings.Builder
	for range p.IntN(8) {
		b.WriteString([]string{"", "text", "MAIL FROM:<no@x.example>", "DATA", "QUIT", "..", ".no", "RSET", "250 ok", strings.Repeat("x", 1500), "STARTTLS", "BDAT 900"}[p.IntN(12)] + "\r\n")
	}
	return b.String()
}

func (p *play) transaction(n int) {
	p.chatterOutside()
	if p.IntN(8) == 0 {
		p.say(fmt.Sprintf("MAIL FROM:<a%d@x.example>", n), "553 5.1.8 no")
		fmt.Fprintf(&p.want, "<a%d@x.example> ->: refused\n", n)
		p.say("RSET", "250 ok")
		return
	}
	p.say(fmt.Sprintf("MAIL FROM:<a%d@x.example> SIZE=7", n), "250 ok")
	accepted, refused := 0, 0
	fmt.Fprintf(&p.want, "<a%d@x.example> ->", n)
	for i := range p.IntN(5) {
		p.chatter()
		if p.IntN(4) == 0 {
			p.say(fmt.Sprintf("RCPT TO:<b%d@y.example>", i), "550 no")
			fmt.Fprintf(&p.want, " <b%d@y.example> 550", i)
			refused++
		} else {
			p.say(fmt.Sprintf("RCPT TO:<b%d@y.example>", i), "250 ok")
			fmt.Fprintf(&p.want, " <b%d@y.example> 250", i)
			accepted++
		}
	}
	p.chatter()
	switch k := p.IntN(8); {
	case k == 0 || accepted == 0:
		p.say("RSET", "250 ok")
		if refused > 0 && accepted == 0 {
			fmt.Fprint(&p.want, ": refused\n")
		} else {
			fmt.Fprint(&p.want, ": aborted\n")
		}
	case k == 1:
		p.say("DATA", "451 wait")
		p.refusedData = true
		p.wait()
		p.say("RSET", "250 ok")
		fmt.Fprint(&p.want, ": refused\n")
	case k < 5 && !p.refusedData:
		p.chunks()
	default:
		p.say("DATA", "354 go ahead")
		if p.IntN(3) > 0 {
			p.wait()
		}
		body := p.body()
		p.client.WriteString(body)
		p.end(".", len(body))
	}
}

// end says the last line of a message, and its reply.
func (p *play) end(last string, octets int) {
	if p.IntN(4) == 0 {
		p.say(last, "554 5.7.1 spam")
		fmt.Fprintf(&p.want, " %d octets: refused\n", octets)
	} else {
		p.say(last, "250 queued")
		fmt.Fprintf(&p.want, " %d octets: accepted\n", octets)
	}
}

func (p *play) chunks() {
	octets := 0
	for range p.IntN(3) {
		chunk := p.body()
		if len(chunk) > 0 {
			chunk = chunk[:p.IntN(len(chunk))]
		}
		octets += len(chunk)
		p.client.WriteString(fmt.Sprintf("BDAT %d\r\n%s", len(chunk), chunk))
		p.server.WriteString("250 ok\r\n")
	}
	chunk := p.body()
	octets += len(chunk)
	fmt.Fprint(&p.want, " chunked")
	last := fmt.Sprintf("BDAT %d LAST\r\n%s", len(chunk), chunk)
	p.end(strings.TrimSuffix(last, "\r\n"), octets)
}

// chatterOutside says what changes nothing between transactions.
func (p *play) chatterOutside() {
	switch p.IntN(10) {
	case 0:
		p.say("RSET", "250 ok")
	case 1:
		p.say("RCPT TO:<b@y.example>", "503 bad sequence")
	case 2:
		p.say("AUTH PLAIN eA==", "535 no")
	case 3:
		p.say("AUTH LOGIN", "334 x")
		p.wait()
		p.say("QUIT", "334 y")
		p.wait()
		p.say("eQ==", "235 ok")
	case 4:
		p.say("EHLO client.example", "250 mx")
	}
}

// Sessions made up at random are summarised as they were meant, however cut and interleaved.
func TestRandomSessions(t *testing.T) {
	for seed := range uint64(300) {
		p := &play{Rand: rand.New(rand.NewPCG(seed, 0))}
		p.server.WriteString("220 mx ESMTP\r\n")
		p.wait()
		p.say("EHLO client.example", "250 mx")
		for n := range p.IntN(6) {
			p.transaction(n)
		}
		p.say("QUIT", "221 bye")
		p.wait()
		s := checkReplays(t, onPort25, p.segments)
		checkCut(t, onPort25, p.segments)
		if s.Unseen > 0 {
			t.Errorf("seed %d: %d octets unseen", seed, s.Unseen)
		}
		var got strings.Builder
		for i := range s.Transactions {
			x := s.Transactions[i]
			x.SizeDeclared, x.Reply = 0, Reply{}
			line, _, _ := strings.Cut(describe(&Session{Transactions: []Transaction{x}})[len("undecided\n"):], "\n")
			got.WriteString(line + "\n")
		}
		if got.String() != p.want.String() {
			t.Errorf("seed %d: got:\n%swant:\n%s", seed, got.String(), p.want.String())
		}
		if t.Failed() {
			for _, x := range p.segments {
				t.Logf("%d %q", x.dir, x.data)
			}
			return
		}
	}
}
