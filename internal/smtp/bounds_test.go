package smtp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// feed gives whole lines to a parser.
func feed(p *Parser, dir Direction, format string, args ...any) {
	p.Feed(dir, fmt.Appendf(nil, format+"\r\n", args...))
}

// A message to 1000 recipients, all pipelined: all are counted, the first 100 kept.
func TestManyRecipients(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	feed(p, Client, "EHLO client.example")
	feed(p, Server, "250 mx")
	feed(p, Client, "MAIL FROM:<a@x.example>")
	for i := range 1000 {
		feed(p, Client, "RCPT TO:<recipient-number-%d@y.example>", i)
	}
	feed(p, Client, "DATA")
	feed(p, Server, "250 ok")
	for i := range 1000 {
		if i%10 == 9 {
			feed(p, Server, "550 no")
		} else {
			feed(p, Server, "250 ok")
		}
	}
	feed(p, Server, "354 go ahead")
	feed(p, Client, "text\r\n.\r\nQUIT")
	feed(p, Server, "250 queued\r\n221 bye")
	s := p.Session()
	x := s.Transactions[0]
	if x.RcptAccepted != 900 || x.RcptRefused != 100 || len(x.Rcpts) != 100 || x.RcptsOmitted != 900 || x.Outcome != Accepted || s.Recipients != 900 {
		t.Errorf("accepted %d refused %d kept %d omitted %d, %v, in all %d", x.RcptAccepted, x.RcptRefused, len(x.Rcpts), x.RcptsOmitted, x.Outcome, s.Recipients)
	}
	if got := x.Rcpts[99]; got != (Rcpt{Address: "recipient-number-99@y.example", Code: 550}) {
		t.Error(got)
	}
	if s.Overflow {
		t.Error("overflow")
	}
}

// message says a whole message; n makes its addresses.
func message(p *Parser, n int) {
	feed(p, Client, "MAIL FROM:<a%d@x.example>", n)
	feed(p, Server, "250 ok")
	feed(p, Client, "RCPT TO:<b%d@y.example>", n)
	feed(p, Server, "250 ok")
	feed(p, Client, "DATA")
	feed(p, Server, "354 go ahead")
	feed(p, Client, "text\r\n.")
	feed(p, Server, "250 queued as %d", n)
}

// A long session is drained; the sums go on, and the open transaction stays.
func TestDrain(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	feed(p, Client, "EHLO client.example")
	feed(p, Server, "250 mx")
	for n := range 50 {
		message(p, n)
		if p.Finished() == 20 {
			feed(p, Client, "MAIL FROM:<open@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>")
			feed(p, Server, "250 ok\r\n250 ok")
			before := p.Session().Transactions[20]
			p.Drain()
			s := p.Session()
			if len(s.Transactions) != 1 || !reflect.DeepEqual(s.Transactions[0], before) {
				t.Fatalf("%+v, want %+v", s.Transactions, before)
			}
			if before.MailFrom != "open@x.example" || before.Rcpts[0].Address != "b@y.example" || before.RcptUnanswered != 1 {
				t.Fatalf("%+v", before)
			}
			feed(p, Server, "250 ok")
			feed(p, Client, "RSET")
			feed(p, Server, "250 ok")
			p.Drain()
		}
	}
	s := p.Session()
	if s.Accepted != 50 || s.Offered != 50 || s.Recipients != 50 || len(s.Transactions) != 10 || s.TransactionsOmitted != 0 {
		t.Errorf("accepted %d, offered %d, recipients %d, kept %d, omitted %d", s.Accepted, s.Offered, s.Recipients, len(s.Transactions), s.TransactionsOmitted)
	}
	if got := s.Transactions[9].Reply.First; got != "250 queued as 49" {
		t.Error(got)
	}
}

// Where nobody drains, the oldest transactions go and are counted.
func TestUndrained(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	for n := range 1000 {
		message(p, n)
	}
	s := p.Session()
	if s.Accepted != 1000 || int(s.TransactionsOmitted)+len(s.Transactions) != 1000 || len(s.Transactions) > maxTransactions {
		t.Errorf("accepted %d, kept %d, omitted %d", s.Accepted, len(s.Transactions), s.TransactionsOmitted)
	}
}

// Addresses are kept until there is no more room, then counted.
func TestFull(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	feed(p, Client, "EHLO client.example")
	feed(p, Server, "250 mx")
	for n := 0; !p.Full(); n++ {
		if n > 100 {
			t.Fatal("never full")
		}
		feed(p, Client, "MAIL FROM:<a@x.example>")
		feed(p, Server, "250 ok")
		feed(p, Client, "RCPT TO:<%s@y.example>", strings.Repeat("b", 300))
		feed(p, Server, "250 ok")
		feed(p, Client, "RSET")
		feed(p, Server, "250 ok")
	}
	p.Drain()
	if p.Full() {
		t.Error("full after Drain")
	}
}

// A client that never gets a reply, or a server that answers nothing, fills nothing without bound.
func TestOneSideAlone(t *testing.T) {
	p := New(onPort25)
	for n := range 10000 {
		feed(p, Client, "EHLO client.example\r\nMAIL FROM:<a%d@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\ntext\r\n.", n)
	}
	s := p.Session()
	if s.Offered != 10000 || !s.Overflow || len(s.Transactions) > 2*maxTransactions {
		t.Errorf("offered %d, overflow %v, kept %d", s.Offered, s.Overflow, len(s.Transactions))
	}
	if n := p.footprint(); n > 128<<10 {
		t.Errorf("%d bytes", n)
	}
	p.Reset(onPort25)
	for range 10000 {
		feed(p, Server, "250-%s\r\n250 %s", strings.Repeat("x", 400), strings.Repeat("y", 400))
	}
	if n := p.footprint(); n > 128<<10 || !p.overflow {
		t.Errorf("%d bytes", n)
	}
}

// Neither do empty addresses, which take no room of their own.
func TestEmptyAddresses(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	for range 64 {
		feed(p, Client, "MAIL FROM:<>")
		feed(p, Server, "250 ok")
		for range 200 {
			feed(p, Client, "RCPT TO:<>")
			feed(p, Server, "250 ok")
		}
	}
	if n := p.footprint(); n > 128<<10 || !p.Full() {
		t.Errorf("%d bytes, full %v", n, p.Full())
	}
}

// footprint is the memory a parser holds, in bytes.
func (p *Parser) footprint() int {
	n := int(reflect.TypeFor[Parser]().Size())
	n += cap(p.tape.ring)*int(reflect.TypeFor[entry]().Size()) + cap(p.tape.text)
	n += cap(p.replies.queue)*int(reflect.TypeFor[answer]().Size()) + cap(p.replies.text)
	n += cap(p.d.mails)*int(reflect.TypeFor[mail]().Size()) + cap(p.d.rcpts)*int(reflect.TypeFor[rcpt]().Size()) + cap(p.d.arena)
	for _, t := range []replyText{p.d.first, p.d.last, p.d.decided} {
		n += cap(t.first) + cap(t.last)
	}
	for _, h := range p.d.hellos {
		n += cap(h.name)
	}
	return n + cap(p.d.banner) + cap(p.d.mech)
}

// A session as most are takes a few KB.
func TestFootprint(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	feed(p, Client, "EHLO client.example")
	feed(p, Server, "250-mx\r\n250 SIZE")
	message(p, 1)
	if n := p.footprint(); n > 10<<10 {
		t.Errorf("%d bytes", n)
	} else {
		t.Logf("%d bytes", n)
	}
}

// A parser used again behaves as a new one.
func TestReset(t *testing.T) {
	first := parseDialogue(t, `
		C: \x05\x01\x00\
		C: \x05\x01\x00\x03\x0amx.example\x00\x19\
		S: \x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00\
		C: EHLO x\r\nAUTH PLAIN x\r\nMAIL FROM:<a@x.example>\r\nDATA\r\nx`)
	second := parseDialogue(t, greeted+envelope2+"C: STARTTLS\nS: 454 no")
	p := New(onPort25)
	for range 3 {
		replayTo(p, first)
		p.Reset(onPort25)
		if got, want := replayTo(p, second), replay(onPort25, second); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
		p.Reset(Options{})
	}
	var zero Parser
	if got, want := replayTo(&zero, second), replay(Options{}, second); !reflect.DeepEqual(got, want) {
		t.Errorf("zero parser: got %+v\nwant %+v", got, want)
	}
}

// A session can be read at any time, and reading changes nothing.
func TestSessionAtAnyTime(t *testing.T) {
	segments := byByte(parseDialogue(t, greeted+envelope2+`
		C: AUTH LOGIN
		S: 334 x
		C: x
		S: 235 ok
		C: BDAT 3\r\nabcDATA
		S: 250 ok\r\n354 go ahead
		C: text\r\n.
		S: 250 queued`))
	want := replay(onPort25, segments)
	p := New(onPort25)
	for _, s := range segments {
		p.Feed(s.dir, s.data)
		p.Session()
	}
	p.End()
	p.End()
	if got := p.Session(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// What was said and not answered yet is in the summary.
func TestSessionUnanswered(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	feed(p, Client, "EHLO client.example")
	if s := p.Session(); s.State != SMTP || len(s.Hellos) != 1 || s.Hellos[0].Name != "client.example" {
		t.Errorf("%+v", s)
	}
	feed(p, Server, "250 mx")
	feed(p, Client, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>")
	s := p.Session()
	if len(s.Transactions) != 1 || s.Transactions[0].MailFrom != "a@x.example" || s.Transactions[0].RcptUnanswered != 1 || s.Transactions[0].Outcome != Open {
		t.Errorf("%+v", s.Transactions)
	}
	feed(p, Server, "550 no")
	if s := p.Session(); s.Transactions[0].Outcome != Refused || s.Transactions[0].Reply.First != "550 no" {
		t.Errorf("%+v", s.Transactions)
	}
}
