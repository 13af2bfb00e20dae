package smtp

import (
	"strings"
	"testing"
)

// lines are a transaction without body, as commands and replies in turn.
var lines = []segment{
	{dir: Client, data: []byte("MAIL FROM:<bounces+12345@lists.client.example> SIZE=20480 BODY=8BITMIME\r\n")},
	{dir: Server, data: []byte("250 2.1.0 Ok\r\n")},
	{dir: Client, data: []byte("RCPT TO:<somebody@example.net>\r\n")},
	{dir: Server, data: []byte("250 2.1.5 Ok\r\n")},
	{dir: Client, data: []byte("RCPT TO:<somebody.else@example.net>\r\n")},
	{dir: Server, data: []byte("550 5.1.1 <somebody.else@example.net>: Recipient address rejected: User unknown\r\n")},
	{dir: Client, data: []byte("RSET\r\n")},
	{dir: Server, data: []byte("250 2.0.0 Ok\r\n")},
}

func greetedParser() *Parser {
	p := New(onPort25)
	p.Feed(Server, []byte("220 mx.example.net ESMTP\r\n"))
	p.Feed(Client, []byte("EHLO client.example\r\n"))
	p.Feed(Server, []byte("250-mx.example.net\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"))
	return p
}

// BenchmarkCommandLine is one command line with its reply.
func BenchmarkCommandLine(b *testing.B) {
	p := greetedParser()
	b.ReportAllocs()
	for i := 0; b.Loop(); i += 2 {
		say, answer := lines[i%len(lines)], lines[(i+1)%len(lines)]
		p.Feed(say.dir, say.data)
		p.Feed(answer.dir, answer.data)
		if p.Finished() >= 20 {
			p.Drain()
		}
	}
}

// BenchmarkPipelined is a transaction said and answered at once, in octets of dialogue.
func BenchmarkPipelined(b *testing.B) {
	p := greetedParser()
	var way [2][]byte
	for _, s := range lines {
		way[s.dir] = append(way[s.dir], s.data...)
	}
	b.SetBytes(int64(len(way[0]) + len(way[1])))
	b.ReportAllocs()
	for b.Loop() {
		p.Feed(Client, way[Client])
		p.Feed(Server, way[Server])
		if p.Finished() >= 20 {
			p.Drain()
		}
	}
}

// BenchmarkBody is a message body that is fed in full.
func BenchmarkBody(b *testing.B) {
	p := greetedParser()
	p.Feed(Client, []byte("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"))
	p.Feed(Server, []byte("250 ok\r\n250 ok\r\n354 go ahead\r\n"))
	body := []byte(strings.Repeat(strings.Repeat("x", 74)+"\r\n", 1000))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		p.Feed(Client, body)
	}
}

// BenchmarkSession is a whole connection with one message, on a parser used again, and its summary.
func BenchmarkSession(b *testing.B) {
	segments := parseDialogue(b, greeted+envelope2+"C: DATA\nS: 354 go ahead\nC: text\nC: .\nS: 250 queued\nC: QUIT\nS: 221 bye")
	p := New(onPort25)
	b.ReportAllocs()
	for b.Loop() {
		p.Reset(onPort25)
		replayTo(p, segments)
	}
}

// BenchmarkHostile is dialogue meant to be slow: the cost stays in proportion to its octets.
func BenchmarkHostile(b *testing.B) {
	for _, x := range []struct{ name, client, server string }{
		{"dots", ".\n", ""},
		{"empty lines", "\n", "250\n"},
		{"354 to everything", "NOOP\n", "354\n"},
		{"DATA unanswered", "DATA\n", ""},
		{"chunks after DATA", "DATA\nBDAT 3\nxx", ""},
		{"endless line", "MAIL FROM:<", ""},
		{"endless reply", "", "250-\n"},
	} {
		b.Run(x.name, func(b *testing.B) {
			p := greetedParser()
			client, server := []byte(strings.Repeat(x.client, 1000)), []byte(strings.Repeat(x.server, 1000))
			b.SetBytes(int64(len(client) + len(server)))
			for b.Loop() {
				p.Feed(Client, client)
				p.Feed(Server, server)
			}
		})
	}
}

// The steady state allocates nothing.
func TestAllocations(t *testing.T) {
	p := greetedParser()
	message(p, 1)
	if n := testing.AllocsPerRun(1000, func() {
		for _, s := range lines {
			p.Feed(s.dir, s.data)
		}
		if p.Finished() >= 20 {
			p.Drain()
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
