package smtp

import (
	"strings"
	"testing"
)

// checkInterim takes an interim summary, and fails where its sums are not those of what it tells.
func checkInterim(t testing.TB, p *Parser, told *totals) Session {
	t.Helper()
	s := p.Interim()
	if p.Finished() > 0 && s.State != Undecided && s.State != Tunnel && s.State != Other {
		t.Errorf("%d finished transactions are left", p.Finished())
	}
	told.add(t, &s)
	return s
}

// totals are the sums of the transactions told so far.
type totals struct {
	offered, accepted, recipients, omitted uint64
	transactions                           int
}

// add takes a summary, and fails where its sums are not those of the transactions told so far.
func (x *totals) add(t testing.TB, s *Session) {
	t.Helper()
	for i := range s.Transactions {
		m := &s.Transactions[i]
		x.transactions++
		if m.Offered {
			x.offered++
		}
		if m.Outcome == Accepted {
			x.accepted++
			x.recipients += m.Delivered
		}
	}
	x.omitted += s.TransactionsOmitted
	if x.omitted > 0 {
		return
	}
	if s.Offered != x.offered || s.Accepted != x.accepted || s.Recipients != x.recipients {
		t.Errorf("offered %d, accepted %d, recipients %d; the transactions told so far have %d, %d, %d",
			s.Offered, s.Accepted, s.Recipients, x.offered, x.accepted, x.recipients)
	}
}

// Bounces as Postfix sends and answers them: the next envelope is pipelined behind the dot, and one
// packet answers all.
func TestInterimOfBounces(t *testing.T) {
	p := greetedParser()
	var told totals
	p.Feed(Client, []byte("MAIL FROM:<>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"))
	p.Feed(Server, []byte("250 ok\r\n250 ok\r\n354 go ahead\r\n"))
	for range 100 {
		p.Feed(Client, []byte("text\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"))
		p.Feed(Server, []byte("250 queued\r\n250 ok\r\n250 ok\r\n354 go ahead\r\n"))
		if p.Finished() >= 20 {
			checkInterim(t, p, &told)
		}
		if s := p.Session(); !s.Transactions[len(s.Transactions)-1].NullSender() {
			t.Fatalf("%+v", s.Transactions)
		}
	}
	p.End()
	s := p.Session()
	told.add(t, &s)
	if told.accepted != 100 || told.transactions != 101 {
		t.Errorf("%+v", told)
	}
}

// 200 mails in one go, which are answered later: what is not answered is left to a later summary.
func TestInterimOfPipelined(t *testing.T) {
	p := greetedParser()
	var told totals
	for range 200 {
		p.Feed(Client, []byte("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\ntext\r\n.\r\n"))
	}
	for range 200 {
		p.Feed(Server, []byte("250 ok\r\n250 ok\r\n354 go ahead\r\n250 queued\r\n"))
		if p.Finished() >= 20 {
			for _, m := range checkInterim(t, p, &told).Transactions {
				if m.Outcome != Accepted {
					t.Fatalf("%+v", m)
				}
			}
		}
	}
	p.End()
	s := p.Session()
	told.add(t, &s)
	if told.accepted != 200 || told.transactions != 200 {
		t.Errorf("%+v", told)
	}
}

// In LMTP a message is taken over by the first 2yz, and its transaction goes on: the sums wait for it.
func TestInterimWithinDelivery(t *testing.T) {
	p := New(onPort25)
	var told totals
	p.Feed(Server, []byte("220 mx LMTP\r\n"))
	p.Feed(Client, []byte("LHLO client.example\r\n"))
	p.Feed(Server, []byte("250 mx\r\n"))
	for range 3 {
		p.Feed(Client, []byte("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nDATA\r\n"))
		p.Feed(Server, []byte("250 ok\r\n250 ok\r\n250 ok\r\n354 go ahead\r\n"))
		p.Feed(Client, []byte(".\r\n"))
		p.Feed(Server, []byte("250 for b\r\n"))
		checkInterim(t, p, &told)
		p.Feed(Server, []byte("250 for c\r\n"))
		checkInterim(t, p, &told)
	}
	if told.accepted != 3 || told.recipients != 6 {
		t.Errorf("%+v", told)
	}
}

// What was said and is not answered yet is told of the session, and not of its transactions.
func TestInterimUnanswered(t *testing.T) {
	p := New(onPort25)
	feed(p, Server, "220 mx ESMTP")
	feed(p, Client, "EHLO client.example")
	if s := p.Interim(); len(s.Hellos) != 1 || s.Hellos[0].Name != "client.example" || s.Hellos[0].Code != 0 {
		t.Errorf("%+v", s.Hellos)
	}
	feed(p, Server, "250 mx")
	feed(p, Client, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>")
	feed(p, Server, "250 ok\r\n250 ok")
	feed(p, Client, "RSET")
	if s := p.Interim(); len(s.Transactions) != 0 || s.RcptProbe {
		t.Errorf("%+v", s)
	}
	feed(p, Server, "250 ok")
	if s := p.Interim(); len(s.Transactions) != 1 || !s.RcptProbe {
		t.Errorf("%+v", s)
	}
}

// The texts of the open transaction stay what they are, whatever of it is empty.
func TestDrainEmptyTexts(t *testing.T) {
	for _, open := range []string{
		"MAIL FROM:<>", "MAIL FROM:<>|RCPT TO:<>", "MAIL FROM:<>|RCPT TO:<>|RCPT TO:<b@y.example>",
		"MAIL FROM:<>|RCPT TO:<b@y.example>|RCPT TO:<>", "RCPT TO:<>|RCPT TO:<b@y.example>",
		"MAIL FROM:<a@x.example>|RCPT TO:<>|RCPT TO:<b@y.example>",
	} {
		p := greetedParser()
		for n := range 20 {
			message(p, n)
		}
		for line := range strings.SplitSeq(open, "|") {
			feed(p, Client, "%s", line)
			feed(p, Server, "250 ok")
		}
		want := describe(&Session{Transactions: p.Session().Transactions[20:]})
		for range 3 {
			p.Interim()
			if got := describe(&Session{Transactions: p.Session().Transactions}); got != want {
				t.Errorf("%s:\n%s\nwant:\n%s", open, got, want)
			}
		}
	}
}
