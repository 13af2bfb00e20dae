package smtp

import (
	"strings"
	"testing"
)

// What real clients write in place of RFC 5321's grammar.
func TestPaths(t *testing.T) {
	for _, x := range []struct{ line, mailbox string }{
		{`MAIL FROM:<a@x.example>`, `a@x.example`},
		{`MAIL FROM: <a@x.example>`, `a@x.example`},
		{`mail from : < a@x.example > size=7`, `a@x.example`},
		{`Mail From:a@x.example SIZE=7`, `a@x.example`},
		{`MAIL FROM <a@x.example>`, `a@x.example`},
		{`MAIL FROM a@x.example`, `a@x.example`},
		{`MAIL <a@x.example>`, `a@x.example`},
		{`MAIL FROM:<a@x.example SIZE=7`, `a@x.example`},
		{`MAIL FROM:<<a@x.example>>`, `a@x.example`},
		{`MAIL FROM:"A. Person" <a@x.example>`, `a@x.example`},
		{`MAIL FROM:A. Person <a@x.example> SIZE=7`, `a@x.example`},
		{`MAIL FROM:<"a b"@x.example> SIZE=7`, `"a b"@x.example`},
		{`MAIL FROM:<"a>b"@x.example> SIZE=7`, `"a>b"@x.example`},
		{`MAIL FROM:<"a\\"> b"@x.example>`, `"a\"> b"@x.example`},
		{`MAIL FROM:<"a@x.example> SIZE=7`, `"a@x.example`},
		{`MAIL FROM:"a b"@x.example SIZE=7`, `"a b"@x.example`},
		{`MAIL FROM:<@r1.example,@r2.example:a@x.example>`, `a@x.example`},
		{`MAIL FROM:<>`, ``},
		{`MAIL FROM:<> SIZE=7`, ``},
		{`MAIL FROM:< >`, ``},
		{`MAIL FROM:<a\xff\x00b@x.example>`, "a\xff\x00b@x.example"},
		{`MAIL FROM:<ü@x.example> SMTPUTF8`, `ü@x.example`},
		{`MAIL FROM:<a@[IPv6:2001:db8::1]>`, `a@[IPv6:2001:db8::1]`},
		{`MAIL FROM:<a@x.example>\r`, `a@x.example`},
		{`  \tMAIL\tFROM:\t<a@x.example>\t`, `a@x.example`},
	} {
		for _, command := range []string{x.line, strings.NewReplacer("MAIL FROM", "RCPT TO", "mail from", "rcpt to", "Mail From", "Rcpt To", "MAIL <", "RCPT <", "MAIL\\tFROM", "RCPT\\tTO").Replace(x.line)} {
			dialogue := "S: 220 mx ESMTP\nC: EHLO x.example\nS: 250 mx\n"
			if command != x.line {
				dialogue += "C: MAIL FROM:<a@x.example>\nS: 250 ok\n"
			}
			s := checkReplays(t, onPort25, parseDialogue(t, dialogue+"C: "+command+"\nS: 250 ok\nC: QUIT\nS: 221 bye"))
			if len(s.Transactions) != 1 {
				t.Errorf("%s: %d transactions", command, len(s.Transactions))
				continue
			}
			m := s.Transactions[0]
			got := m.MailFrom
			if command != x.line {
				if len(m.Rcpts) != 1 {
					t.Errorf("%s: recipients %v", command, m.Rcpts)
					continue
				}
				got = m.Rcpts[0].Address
			} else if !m.FromKnown || m.NullSender() != (x.mailbox == "") {
				t.Errorf("%s: known %v, null sender %v", command, m.FromKnown, m.NullSender())
			}
			if got != x.mailbox {
				t.Errorf("%s: %q, want %q", command, got, x.mailbox)
			}
		}
	}
}

func TestSloppiness(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for _, x := range []dialogueTest{
		{"any case, blanks in front and behind, CR CR LF", onPort25, `
			S: 220 mx ESMTP
			C:   eHlO \tclient.example \r\r\n\
			S: 250 mx
			C: \tRsEt \r\n\
			S: 250 ok
			C: quit\t
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			last "221 bye"`},
		{"empty lines, some answered and some not", onPort25, greeted + `
			C: \r\n\
			S: 500 what
			C: \r\nMAIL FROM:<a@x.example>
			S: 250 ok
			C: \r\nRCPT TO:<b@y.example>
			S: 502 what
			S: 250 ok`, `
			smtp, EHLO "client.example" 250, rcpt_probe, unseen
			<a@x.example> -> <b@y.example> 250: aborted
			last "250 ok"`},
		{"unknown commands are answered too", onPort25, greeted + `
			C: XYZZY now\r\nFOO\r\nMAIL FROM:<a@x.example>
			S: 500 what\r\n502 what\r\n250 ok
			C: help
			S: 214-none\r\n214 at all
			C: VRFY b
			S: 252 maybe
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> ->: aborted
			last "221 bye"`},
		{"overlong lines are cut", onPort25, `
			S: 220 mx ESMTP
			C: EHLO ` + long + `
			S: 250 mx
			C: MAIL FROM:<` + long + `@x.example> SIZE=7
			S: 500 line too long
			C: MAIL FROM:<a@x.example> SIZE=7
			S: 250 ok
			C: RCPT TO:<` + long[:400] + `@y.example>
			S: 250 ok
			C: NOOP ` + long + `
			S: 250 ok
			C: QUIT
			S: 221-` + long + `
			S: 221 bye`, `
			smtp, EHLO "` + long[:255] + `" 250, helo_bare, rcpt_probe, overlong, unseen
			<` + long[:320] + `... ->: refused "500 line too long"
			<a@x.example> -> <` + long[:320] + `> 250 cut size 7: aborted
			last "221 bye"`},
		{"replies without text, or short of it", onPort25, `
			S: 220
			C: EHLO client.example
			S: 250-
			S: 250
			C: NOOP
			S: 250\
			S: \r\n\
			C: QUIT
			S: 221`, `
			smtp, EHLO "client.example" 250
			last "221"`},
		{"a reply whose last line is missing", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250-mx
			C: AUTH LOGIN
			S: 334 VXNlcm5hbWU6
			C: Y2FuYXJ5
			S: 235 ok`, `
			smtp, EHLO "client.example" 250, auth LOGIN success, unseen
			last "235"`},
		{"a stray reply sets nothing off for long", onPort25, greeted + `
			S: 250 what was that again
			C: MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>
			S: 250 ok\r\n250 ok
			C: DATA
			S: 354 go ahead
			C: .
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250, unseen
			<a@x.example> -> <b@y.example> 250 0 octets: accepted "250 queued"
			last "221 bye"`},
		{"a reply that never came sets nothing off for long", onPort25, greeted + `
			C: NOOP
			C: MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			S: 250 ok\r\n250 ok\r\n354 go ahead
			C: .
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250, unseen
			<a@x.example> -> <b@y.example> 0 0 octets: accepted "250 queued"
			last "221 bye"`},
		{"the reply to a message never came", onPort25, greeted + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: .
			C: MAIL FROM:<d@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250, unseen
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 0 octets: open
			<d@x.example> -> <b@y.example> 0 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"the server's last line has no end", onPort25, `
			S: 554 go away\`, `
			smtp
			last "554 go away"`},
	} {
		x.run(t)
	}
}

func TestMidstream(t *testing.T) {
	mid := Options{MailPort: true, Midstream: true, Ordered: true}
	for _, x := range []dialogueTest{
		{"from RCPT on", mid, `
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, unseen
			? -> <b@y.example> 250 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"from a refused RCPT on", mid, `
			C: RCPT TO:<b@y.example>
			S: 550 no`, `
			smtp
			? -> <b@y.example> 550: refused "550 no"
			last "550 no"`},
		{"from DATA on", mid, `
			C: DATA
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, unseen
			? -> 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"from within a message on", mid, `
			C: half a line
			C: and text
			C: .
			S: 250 queued
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: QUIT
			S: 221 bye`, `
			smtp, unseen
			<a@x.example> ->: aborted
			last "221 bye"`},
		{"from STARTTLS on: its 220 is no greeting", mid, `
			C: STARTTLS
			S: 220 go ahead`, `
			smtp, tls starttls
			last "220 go ahead"`},
		{"from the greeting on, after all", mid, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx`, `
			smtp, EHLO "client.example" 250
			last "250 mx"`},
	} {
		x.run(t)
	}
}
