package smtp

import (
	"slices"
	"strings"
	"testing"
)

func TestHeloFacts(t *testing.T) {
	for _, x := range []struct{ hello, flags string }{
		{"EHLO mail.example.com", ""},
		{"EHLO [192.0.2.1]", "helo_default:python-smtplib"},
		{"HELO [192.0.2.1]", ""},
		{"EHLO [IPv6:2001:db8::1]", ""},
		{"HELO [0.0.0.0]", ""},
		{"EHLO [0.0.0.0]", ""},
		{"HELO [127.0.0.1]", "helo_loopback helo_default:symfony helo_default:swiftmailer helo_default:nodemailer helo_default:lettre helo_default:codeigniter"},
		{"EHLO [127.0.1.1]", "helo_loopback helo_default:python-smtplib"},
		{"EHLO [IPv6:::1]", "helo_loopback"},
		{"EHLO localhost", "helo_loopback helo_bare helo_default:go-net-smtp helo_default:go-smtp helo_default:ruby-net-smtp helo_default:pear-net-smtp helo_default:laminas-mail"},
		{"EHLO LOCALHOST.localdomain", "helo_loopback helo_default:perl-net-smtp helo_default:phpmailer helo_default:ruby-mail"},
		{"EHLO box.localdomain", "helo_loopback"},
		{"EHLO localhost.example.com", "helo_loopback"},
		{"EHLO localhosting.example.com", ""},
		{"EHLO 127.0.0.1", "helo_loopback helo_bare"},
		{"EHLO 192.0.2.1", "helo_bare"},
		{"EHLO 2001:db8::1", "helo_bare"},
		{"EHLO WIN-1234", "helo_bare"},
		{"EHLO win.", "helo_bare"},
		{"EHLO", "helo_bare"},
		{"HELO a b", "helo_bare"},
	} {
		s := checkReplays(t, onPort25, parseDialogue(t, "S: 220 mx ESMTP\nC: "+x.hello+"\nS: 250 mx"))
		if got := strings.Join(s.Flags(), " "); got != x.flags {
			t.Errorf("%s: flags %q, want %q", x.hello, got, x.flags)
		}
	}
}

func TestSessionFacts(t *testing.T) {
	mail := "C: MAIL FROM:<a@x.example>\nS: 250 ok\n"
	rcpt := mail + "C: RCPT TO:<b@y.example>\nS: 250 ok\n"
	refused := mail + "C: RCPT TO:<b@y.example>\nS: 550 no\n"
	quit := "C: QUIT\nS: 221 bye\n"
	data := "C: DATA\nS: 354 go ahead\nC: .\nS: 250 queued\n"
	for _, x := range []struct {
		name     string
		options  Options
		dialogue string
		flags    string
	}{
		{"MAIL before HELO", onPort25, "S: 220 mx ESMTP\n" + mail, "no_helo"},
		{"MAIL before HELO, refused, then HELO", onPort25, "S: 220 mx ESMTP\nC: MAIL FROM:<>\nS: 503 say HELO\nC: HELO x.example\nS: 250 mx", "no_helo"},
		{"RSET before HELO", onPort25, "S: 220 mx ESMTP\nC: RSET\nS: 250 ok\nC: HELO x.example\nS: 250 mx\n" + mail, ""},
		{"QUIT alone", onPort25, "S: 220 mx ESMTP\n" + quit, ""},
		{"MAIL first in the middle of a session", Options{MailPort: true, Midstream: true}, mail, ""},
		{"probe, then QUIT", onPort25, greeted + rcpt + quit, "rcpt_probe"},
		{"probe, then RSET", onPort25, greeted + rcpt + "C: RSET\nS: 250 ok", "rcpt_probe"},
		{"probe, then gone", onPort25, greeted + rcpt, "rcpt_probe"},
		{"probe, after STARTTLS was refused", onPort25, greeted + "C: STARTTLS\nS: 454 no\n" + rcpt + quit, "rcpt_probe"},
		{"no probe: BURL, which is not seen from the kernel", onPort25, greeted + rcpt + "C: ?\nS: 250 queued\n" + quit, ""},
		{"probe, and what the server does not know", onPort25, greeted + rcpt + "C: ?\nS: 500 what\n" + quit, "rcpt_probe"},
		{"perhaps no probe: TLS hides the rest", onPort25, greeted + rcpt + "C: STARTTLS\nS: 220 go ahead", ""},
		{"the recipient was refused", onPort25, greeted + refused + quit, ""},
		{"no recipient", onPort25, greeted + mail + quit, ""},
		{"a message in the end", onPort25, greeted + rcpt + "C: RSET\nS: 250 ok\n" + rcpt + data + quit, ""},
		{"DATA refused", onPort25, greeted + rcpt + "C: DATA\nS: 451 wait\n" + quit, ""},
		{"talks before the greeting", onPort25, "C: EHLO x.example\nS: 220 mx ESMTP\nS: 250 mx", "early_talker"},
		{"talks within the greeting", onPort25, "S: 220-mx ESMTP\nC: EHLO x.example\nS: 220 mx ESMTP\nS: 250 mx", "early_talker"},
		{"an empty line before the greeting", onPort25, "C:\nS: 220 mx ESMTP\nS: 500 what\nC: EHLO x.example\nS: 250 mx", "early_talker"},
		{"the order is not known", Options{MailPort: true}, "C: EHLO x.example\nS: 220 mx ESMTP\nS: 250 mx", ""},
		{"the start is not known", Options{MailPort: true, Midstream: true, Ordered: true}, "C: EHLO x.example\nS: 220 mx ESMTP\nS: 250 mx", ""},
		{"a server that never speaks", onPort25, "C: EHLO x.example", ""},
		{"a refusal in place of a greeting", onPort25, "C: EHLO x.example\nS: 554 no", "early_talker"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := checkReplays(t, x.options, parseDialogue(t, x.dialogue))
			if got := strings.Join(s.Flags(), " "); got != x.flags {
				t.Errorf("flags %q, want %q", got, x.flags)
			}
		})
	}
}

// What the server said first was lost: nobody knows whether the client waited for it.
func TestEarlyTalkerLost(t *testing.T) {
	s := replay(onPort25, parseDialogue(t, "C: EHLO x.example\nS- 20\nS: 250 mx"))
	if s.EarlyTalker || s.Hellos[0].Code != 250 {
		t.Errorf("early talker %v, EHLO answered %d", s.EarlyTalker, s.Hellos[0].Code)
	}
}

// Of more names than are kept, the last is: the mail goes out under it.
func TestManyHellos(t *testing.T) {
	dialogue := "S: 220 mx ESMTP\n"
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		dialogue += "C: HELO " + name + "\nS: 250 mx\n"
	}
	s := replay(onPort25, parseDialogue(t, dialogue))
	var names string
	for _, h := range s.Hellos {
		names += h.Name
	}
	if names != "abcf" || s.HellosOmitted != 2 {
		t.Errorf("names %s, %d omitted", names, s.HellosOmitted)
	}
}

func TestDomains(t *testing.T) {
	x := Transaction{Rcpts: []Rcpt{{Address: "a@Y.example"}, {Address: "b@y.example"}, {Address: "postmaster"},
		{Address: `"x@y"@z.example.`}, {Address: "c@cut.exa", Cut: true}}}
	if got := x.Domains(); !slices.Equal(got, []string{"y.example", "z.example"}) {
		t.Error(got)
	}
}
