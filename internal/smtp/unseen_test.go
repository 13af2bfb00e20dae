package smtp

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/smtp/smtptest"
)

// In dialogues as they are, whole and healthy, nothing is unseen.
func TestNothingUnseen(t *testing.T) {
	data := "C: DATA\nS: 354 go ahead\nC: text\nC: .\nS: 250 queued\n"
	quit := "C: QUIT\nS: 221 bye"
	for _, x := range []struct{ name, dialogue string }{
		{"nothing said", ""},
		{"a greeting alone", "S: 220 mx ESMTP"},
		{"a refusal in place of a greeting", "S: 554 no"},
		{"a refusal in place of a greeting, and QUIT", "S: 554 no\n" + quit},
		{"503 in place of a greeting, and nothing said", "S: 503 no"},
		{"a client that says nothing but QUIT", "S: 220 mx ESMTP\n" + quit},
		{"a client that talks first", "C: EHLO x.example\nS: 220 mx ESMTP\nS: 250 mx\n" + quit},
		{"a message", greeted + envelope2 + data + quit},
		{"QUIT, and gone", greeted + envelope2 + data + "C: QUIT"},
		{"the end, QUIT, and gone", greeted + envelope2 + "C: DATA\nS: 354 go ahead\nC: .\\r\\nQUIT"},
		{"gone within a message", greeted + envelope2 + "C: DATA\nS: 354 go ahead\nC: text"},
		{"the server had enough", greeted + "S: 421 timeout"},
		{"the server had enough of waiting, as qmail says it", greeted + envelope2 + "S: 451 timeout"},
		{"the server had enough within a message", greeted + envelope2 + "C: DATA\nS: 354 go ahead\nC: text\nS: 421 timeout"},
		{"the server had enough of a message", greeted + envelope2 + "C: DATA\nS: 354 go ahead\nC: text\nS: 552 too much"},
		{"everything refused, and gone", greeted + "C: MAIL FROM:<a@x.example>\nS: 550 no"},
		{"refused, and closed", greeted + "C: MAIL FROM:<a@x.example>\\r\\nRCPT TO:<b@y.example>\\r\\nDATA\nS: 421 no"},
		{"pipelined", greeted + "C: MAIL FROM:<a@x.example>\\r\\nRCPT TO:<b@y.example>\\r\\nDATA\nS: 250 ok\\r\\n250 ok\\r\\n354 go ahead\nC: .\\r\\nQUIT\nS: 250 ok\\r\\n221 bye"},
		{"pipelined, all refused", greeted + "C: MAIL FROM:<a@x.example>\\r\\nRCPT TO:<b@y.example>\\r\\nDATA\nS: 250 ok\\r\\n550 no\\r\\n554 no valid recipients\nC: RSET\\r\\nQUIT\nS: 250 ok\\r\\n221 bye"},
		{"pipelined, all refused, and 354 all the same", greeted + "C: MAIL FROM:<a@x.example>\\r\\nRCPT TO:<b@y.example>\\r\\nDATA\nS: 250 ok\\r\\n550 no\\r\\n354 go ahead\nC: .\\r\\nQUIT\nS: 554 no valid recipients\\r\\n221 bye"},
		{"BDAT", greeted + envelope2 + "C: BDAT 3\\r\\nabcBDAT 2 LAST\\r\\n\\r\\n\\\nS: 250 ok\nS: 250 queued\n" + quit},
		{"BDAT refused to one who waits", greeted + envelope2 + "C: BDAT 300 LAST\nS: 502 what\nC: RSET\nS: 250 ok\n" + quit},
		{"LMTP", "S: 220 mx LMTP\nC: LHLO x.example\nS: 250 mx\n" + envelope2 + "C: DATA\nS: 354 go ahead\nC: .\nS: 250 ok\nS: 452 full\n" + quit},
		{"PRDR", greeted + envelope2 + "C: DATA\nS: 354 go ahead\nC: .\nS: 353 one by one\nS: 250 ok\nS: 550 no\nS: 250 queued\n" + quit},
		{"AUTH PLAIN", greeted + "C: AUTH PLAIN AGEAYg==\nS: 235 ok\n" + quit},
		{"AUTH LOGIN", greeted + "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YQ==\nS: 334 UGFzc3dvcmQ6\nC: Yg==\nS: 235 ok\n" + quit},
		{"AUTH LOGIN, not waited for", greeted + "C: AUTH LOGIN\\r\\nYQ==\\r\\nYg==\nS: 334 x\\r\\n334 x\\r\\n235 ok\n" + quit},
		{"AUTH refused", greeted + "C: AUTH PLAIN AGEAYg==\nS: 535 no\nC: AUTH CRAM-MD5\nS: 334 x\nC: x\nS: 535 no\n" + quit},
		{"AUTH cancelled", greeted + "C: AUTH LOGIN\nS: 334 x\nC: *\nS: 501 cancelled\n" + quit},
		{"AUTH with an empty answer", greeted + "C: AUTH EXTERNAL\nS: 334\nC:\nS: 235 ok\n" + quit},
		{"AUTH not understood", greeted + "C: AUTH GSSAPI x\nS: 504 no\n" + quit},
		{"STARTTLS refused", greeted + "C: STARTTLS\nS: 454 no\n" + envelope2 + data + quit},
		{"STARTTLS unused", greeted + "C: STARTTLS\nS: 220 go ahead\nC: EHLO client.example\nS: 250 mx\n" + envelope2 + data + quit},
		{"STARTTLS used", greeted + "C: STARTTLS\nS: 220 go ahead\nC: \\x16\\x03\\x01\\x00\\x06\\x01\\x00\\x00\\x02\\x03\\x03\\\nS: \\x16\\x03\\x01\\x00\\x02\\x02\\x00\\"},
		{"XCLIENT", greeted + "C: XCLIENT NAME=x.example ADDR=192.0.2.1\nS: 220 mx ESMTP\nC: EHLO x.example\nS: 250 mx\n" + envelope2 + data + quit},
		{"XFORWARD", greeted + "C: XFORWARD NAME=x.example ADDR=192.0.2.1\nS: 250 ok\n" + envelope2 + data + quit},
		{"unknown commands", greeted + "C: XYZZY\nS: 500 what\nC: TURN\nS: 502 no\nC: XEXCH50 1 2\nS: 504 no\n" + envelope2 + data + quit},
		{"HTTP, turned away as Postfix does", "S: 220 mx ESMTP\nC: BREW / HTTP/1.1\nS: 221 I can break rules, too"},
		{"HELP, VRFY, EXPN, NOOP, ETRN", greeted + "C: HELP\nS: 214 no\nC: VRFY b\nS: 252 maybe\nC: EXPN b\nS: 550 no\nC: NOOP\nS: 250 ok\nC: ETRN x\nS: 250 ok\n" + quit},
		{"blank lines, unanswered", greeted + "C:\nC: MAIL FROM:<a@x.example>\nS: 250 ok\nC:\nC: RCPT TO:<b@y.example>\nS: 250 ok\n" + data + quit},
		{"blank lines, answered", greeted + "C:\nS: 500 what\nC: MAIL FROM:<a@x.example>\nS: 250 ok\nC:\nS: 500 what\nC: RCPT TO:<b@y.example>\nS: 550 no"},
		{"a blank line behind the message, answered beside QUIT", greeted + envelope2 + "C: DATA\nS: 354 go ahead\nC: .\\r\\n\\r\\nQUIT\nS: 250 queued\nS: 500 what\nS: 221 bye"},
		{"a body that does not wait", greeted + envelope2 + "C: DATA\\r\\ntext\\r\\nMAIL FROM:<no@x.example>\\r\\n.\\r\\nQUIT\nS: 354 go ahead\\r\\n250 queued\\r\\n221 bye"},
		{"the recipient's server speaks of itself", "S: 220-mx\nS: 220-\nS: 220 mx ESMTP\nC: EHLO x.example\nS: 250-mx\nS: 250-SIZE\nS: 250 HELP\n" + quit},
	} {
		t.Run(x.name, func(t *testing.T) {
			segments := parseDialogue(t, x.dialogue)
			for how, list := range map[string][]segment{
				"as it is": segments, "byte by byte": byByte(segments),
				"from the kernel": kernelView(segments), "from the kernel, byte by byte": kernelView(byByte(segments)),
			} {
				if s := replay(onPort25, list); s.Unseen > 0 {
					t.Errorf("%s: %d octets unseen: %s", how, s.Unseen, describe(&s))
				}
			}
		})
	}
}

// What may be wrong or not whole says so.
func TestUnseen(t *testing.T) {
	long := strings.Repeat("x", 400)
	mail := "C: MAIL FROM:<a@x.example>\nS: 250 ok\n"
	rcpt := mail + "C: RCPT TO:<b@y.example>\nS: 250 ok\n"
	data := "C: DATA\nS: 354 go ahead\nC: text\nC: .\nS: 250 queued\n"
	for _, x := range []struct{ name, dialogue string }{
		{"octets of the client were lost", greeted + "C- 9\nC: QUIT\nS: 221 bye"},
		{"octets of the server were lost", greeted + "C: QUIT\nS- 9"},
		{"no greeting", "C: EHLO x.example\nS: 250 mx"},
		{"an answer to one who talks early in place of a greeting", "C: EHLO x.example\nS: 503 no\nC: QUIT\nS: 221 bye"},
		{"accepted, and no recipient was seen", greeted + mail + data},
		{"accepted, and no sender was seen", greeted + "C: RCPT TO:<b@y.example>\nS: 250 ok\n" + data},
		{"accepted, and the recipient was refused", greeted + mail + "C: RCPT TO:<b@y.example>\nS: 550 no\n" + data},
		{"a recipient accepted, and no sender was seen", greeted + "C: RCPT TO:<b@y.example>\nS: 250 ok"},
		{"a recipient accepted, and the sender was refused", greeted + "C: MAIL FROM:<a@x.example>\nS: 550 no\nC: RCPT TO:<b@y.example>\nS: 250 ok"},
		{"a body asked for, and no sender was seen", greeted + "C: DATA\nS: 354 go ahead"},
		{"a chunk accepted, and no sender was seen", greeted + "C: BDAT 1\\r\\nx\\\nS: 250 ok"},
		{"a dot without a body refused", greeted + "C: .\nS: 500 what\nC: QUIT\nS: 221 bye"},
		{"AUTH answered as other commands are", greeted + "C: AUTH PLAIN x\nS: 250 ok\nC: QUIT\nS: 221 bye"},
		{"a dot without a body accepted", greeted + "C: .\nS: 250 queued"},
		{"an unknown command accepted within a transaction: perhaps BURL", greeted + rcpt + "C: ?\nS: 250 queued\nC: QUIT\nS: 221 bye"},
		{"an unknown command that is given the go-ahead", greeted + rcpt + "C: ?\nS: 354 go ahead\nC: QUIT\nS: 221 bye"},
		{"lines of which nobody knows what they were", greeted + "C+ 40\nS: 250 ok\nC: QUIT\nS: 221 bye"},
		{"so, and unanswered", greeted + "C+ 40"},
		{"a reply that answers nothing", greeted + "S: 250 ok"},
		{"replies that answer nothing", greeted + "S: 421 timeout\nS: 421 timeout"},
		{"a reply too many", greeted + rcpt + "S: 250 ok\n" + data + "C: QUIT\nS: 221 bye"},
		{"a reply that never came", greeted + "C: NOOP\n" + rcpt + data + "C: QUIT\nS: 221 bye"},
		{"the goodbye answers something else", greeted + rcpt + "C: DATA\nS: 354 go ahead\nC: .\nS: 221 bye\nC: QUIT"},
		{"a reply without a code", greeted + rcpt + "C: DATA\nS: Ok, go ahead"},
		{"a server's line that was not shown", greeted + rcpt + "C: DATA\nS+ 14"},
		{"a reply whose last line is missing", greeted + "C: NOOP\nS: 250-ok\nC: XYZZY\nS: 500 what"},
		{"a code that SMTP has not", greeted + "C: NOOP\nS: 150 well"},
		{"a message that only the server saw end", greeted + rcpt + "C: DATA\nS: 354 go ahead\nC: text\nS: 250 queued"},
		{"a HELO longer than is kept", "S: 220 mx ESMTP\nC: EHLO " + long + "\nS: 250 mx"},
		{"a sender longer than is kept", greeted + "C: MAIL FROM:<" + long + "@x.example>\nS: 250 ok"},
		{"a recipient longer than is kept", greeted + mail + "C: RCPT TO:<" + long + "@x.example>\nS: 250 ok"},
		{"a blank line answered, or the command behind it", greeted + "C: \\r\\nMAIL FROM:<a@x.example>\nS: 503 no"},
		{"a chunk refused before it came, and it came", greeted + rcpt + "C: BDAT 300 LAST\nS: 503 no\nC: Subject: x\nS: 500 what"},
		{"a dot that goes on, and the lines behind it, of a body that was refused", greeted + rcpt + "C: DATA\\r\\n.\\\nC+ 30\nC: .\nS: 451 wait\nS: 500 what\nS: 500 what\nS: 500 what\nC: QUIT\nS: 221 bye"},
		{"a server without BDAT takes the chunk for lines", greeted + rcpt + "C: BDAT 6\\r\\nNOOP\\r\\n\\\nS: 502 what\nS: 250 ok\nC: QUIT\nS: 221 bye"},
		{"a chunk accepted, and the one in front of it was refused", greeted + rcpt + "C: BDAT 1\\r\\nxBDAT 1 LAST\\r\\nx\\\nS: 552 no\nS: 250 queued\nC: QUIT\nS: 221 bye"},
		{"an answer to AUTH that is a command", greeted + "C: AUTH LOGIN\nS: 334 x\nC: MAIL FROM:<a@x.example>\nS: 535 no\nC: QUIT\nS: 221 bye"},
		{"a message to one, where a blank line had two replies to choose from", greeted + "C: \\r\\nMAIL FROM:<a@x.example>\\r\\nRCPT TO:<b@y.example>\\r\\nBDAT 0 LAST\nS: 500 what\nS: 250 ok\nS: 250 ok\nS: 250 queued"},
		{"TLS where it was refused", greeted + "C: STARTTLS\nS: 454 no\nC: \\x16\\x03\\x01\\x00\\x06\\x01\\x00\\x00\\x02\\x03\\x03\\"},
		{"TLS of the server alone", greeted + "C: XTLS\nS: 220 go ahead\nS: \\x16\\x03\\x01\\x00\\x02\\x02\\x00\\"},
	} {
		t.Run(x.name, func(t *testing.T) {
			segments := parseDialogue(t, x.dialogue)
			for how, list := range map[string][]segment{"as it is": segments, "byte by byte": byByte(segments)} {
				if s := replay(onPort25, list); s.Unseen == 0 {
					t.Errorf("%s: nothing unseen: %s", how, describe(&s))
				}
			}
		})
	}
}

// Whoever does not wait for replies is not misunderstood, up to a bound, and beyond it that is said.
func TestUnseenBeyondBounds(t *testing.T) {
	for _, n := range []int{60, 200, 500} {
		for _, body := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d mails, bodies shown %v", n, body), func(t *testing.T) {
				p := greetedParser()
				var told totals
				for i := range n {
					feed(p, Client, "MAIL FROM:<sender-%d@x.example>\r\nRCPT TO:<recipient-%d@y.example>\r\nDATA", i, i)
					if body {
						feed(p, Client, "Subject: x\r\n\r\ntext")
					} else {
						p.Gap(Client, 500, true)
					}
					feed(p, Client, ".")
				}
				for range n {
					feed(p, Server, "250 ok\r\n250 ok\r\n354 go ahead\r\n250 queued")
					if p.Finished() >= 20 {
						checkInterim(t, p, &told)
					}
				}
				p.End()
				s := p.Session()
				if all := int(s.Accepted) == n; (n <= 60 || n <= 200 && !body) && !(all && s.Unseen == 0) || !all && s.Unseen == 0 {
					t.Errorf("%d accepted, %d unseen", s.Accepted, s.Unseen)
				}
			})
		}
	}
}

// Mails that are sent without waiting, as the kernel shows them, and their replies at every moment that
// is possible: all are told, or it is said that not all was seen.
func TestUnseenPipelined(t *testing.T) {
	const mails = 30
	whole := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 3))
		d := pipelined(r, mails)
		segments := kernelView(d.packets)
		s := replay(onPort25, segments)
		good := int(s.Accepted) == d.accepted && s.TransactionsOmitted == 0 && len(s.Transactions) == mails
		for i := range s.Transactions {
			good = good && s.Transactions[i].MailFrom == d.senders[i]
		}
		switch {
		case good && s.Unseen == 0:
			whole++
		case !good && s.Unseen == 0:
			t.Fatalf("seed %d: %d accepted, want %d; nothing unseen: %s", seed, s.Accepted, d.accepted, describe(&s))
		}
	}
	t.Logf("%d of 2000 dialogues are whole", whole)
}

// kernelView is what the parser is told of a dialogue on port 25.
func kernelView(segments []segment) []segment {
	_, list := viewOf(smtptest.Connection{MailPort: true}, segments)
	return list
}

// hasty is a client that does not wait, and what its server makes of it.
type hasty struct {
	packets  []segment
	senders  []string
	accepted int
}

// pipelined sends mails without waiting, in packets of any size; the replies come when they may.
func pipelined(r *rand.Rand, mails int) (d hasty) {
	type due struct {
		at   int // so much of the client has to be there first
		text string
	}
	var client []byte
	var replies []due
	say := func(line, reply string) {
		client = append(client, line+"\r\n"...)
		if reply != "" {
			replies = append(replies, due{len(client), reply + "\r\n"})
		}
	}
	say("EHLO client.example", "250 mx")
	refuse := r.IntN(3) == 0
	for i := range mails {
		sender := fmt.Sprintf("a%d@x.example", i)
		d.senders = append(d.senders, sender)
		say("MAIL FROM:<"+sender+">", "250 ok")
		say(fmt.Sprintf("RCPT TO:<b%d@y.example>", i), "250 ok")
		say("DATA", "354 go ahead")
		for range r.IntN(4) {
			say([]string{"text", "", "MAIL FROM:<no@x.example>", "..", "250 ok", "QUIT", "Subject: long enough"}[r.IntN(7)], "")
		}
		if refuse && r.IntN(5) == 0 {
			say(".", "554 spam")
		} else {
			say(".", "250 queued")
			d.accepted++
		}
	}
	say("QUIT", "221 bye")
	d.packets = []segment{{dir: Server, data: []byte("220 mx ESMTP\r\n")}}
	sent, slow, size := 0, r.IntN(4), 1+r.IntN(2000)
	for sent < len(client) || len(replies) > 0 {
		if len(replies) > 0 && replies[0].at <= sent && (r.IntN(1+slow*slow) == 0 || sent == len(client)) {
			n := 1 + r.IntN(3)
			var text []byte
			for ; n > 0 && len(replies) > 0 && replies[0].at <= sent; n-- {
				text = append(text, replies[0].text...)
				replies = replies[1:]
			}
			d.packets = append(d.packets, segment{dir: Server, data: text})
			continue
		}
		if sent < len(client) {
			n := min(1+r.IntN(size), len(client)-sent)
			d.packets = append(d.packets, segment{dir: Client, data: client[sent : sent+n]})
			sent += n
		}
	}
	return d
}

// In captures that are whole nothing is unseen, but for those that show what no server says.
func TestCorpusUnseen(t *testing.T) {
	strange := map[string]string{
		"smtp-bug-5989__input.pcap/0":                    "the server says kilobytes that are no replies, and answers nothing",
		"smtp-bug-6053__input.pcap/0":                    "the reply to EHLO has no end",
		"smtp-errors__smtperr.pcap/0":                    "the client says noise, and before the greeting",
		"smtp-errors__smtperr.pcap/1":                    "the reply to the message has no code",
		"smtp-long-command__input.pcap/0":                "a HELO longer than is kept",
		"smtp-pipelined-rset-data-replies__input.pcap/0": "a message without sender and recipient is accepted",
		"smtp-rset-starttls__input.pcap/0":               "there is no greeting",
	}
	for _, name := range []string{"suricata-verify", "zeek-lookalikes"} {
		for _, path := range capture.Files(t, name) {
			for i, f := range readCapture(t, path) {
				s := replay(f.options(true), f.segments)
				name := fmt.Sprintf("%s/%d", filepath.Base(path), i)
				whole := s.Client.Lost+s.Server.Lost == 0 && !f.midstream
				if why := strange[name]; whole && (s.Unseen > 0) != (why != "") {
					t.Errorf("%s: %d octets unseen, want %q: %s", name, s.Unseen, why, describe(&s))
				}
			}
		}
	}
}

// Every octet is counted once, whatever it is taken for.
func FuzzVolume(f *testing.F) {
	f.Fuzz(func(t *testing.T, flags byte, input []byte) {
		p := New(fuzzOptions(flags))
		var want [2]Volume
		for _, s := range unpackSegments(input) {
			v := &want[s.dir]
			n := uint64(len(s.data)) + s.lost + s.cut
			v.Bytes += n
			if s.data == nil {
				v.Cut, v.Lost, v.Gaps = v.Cut+s.cut, v.Lost+s.lost, v.Gaps+1
				p.Gap(s.dir, n, s.lost == 0)
			} else {
				p.Feed(s.dir, s.data)
			}
			if got := p.Session(); got.Client != want[Client] || got.Server != want[Server] {
				t.Fatalf("%v %v, want %v", got.Client, got.Server, want)
			}
		}
		p.End()
		if got := p.Interim(); got.Client != want[Client] || got.Server != want[Server] {
			t.Errorf("%v %v, want %v", got.Client, got.Server, want)
		}
	})
}
