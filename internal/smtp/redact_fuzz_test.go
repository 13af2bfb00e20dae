package smtp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/smtp/smtptest"
)

// wildLines are what a client says that does not keep to the order of things, and how a server may answer.
var wildLines = map[string][]string{
	"EHLO x.example": {"250 mx", "250-mx\r\n250 more"}, "HELO": {"501 no", "250 mx"}, "RSET": {"250 ok"}, "NOOP": {"250 ok"}, " NOOP": {"250 ok"},
	"MAIL FROM:<a@x.example>": {"250 ok", "250 ok", "503 no", "550 no"}, "mail from:<c@x.example>": {"250 ok", "451 no"},
	"RCPT TO:<b@y.example>": {"250 ok", "250 ok", "550 no"}, "RCPT TO:<d@y.example>": {"250 ok", "503 no"}, "VRFY a": {"252 maybe"}, "HELP": {"214 no"},
	"DATA": {"354 go", "354 go", "503 no", "451 later"}, "text": {"500 what"}, "X": {"500 what", "502 what"}, "\x16": {"500 what"}, "*": {"500 what"},
	"\x16\x03\x01\x00\x06\x01\x00\x00\x02ab": {"500 what"}, "AUTH LOGIN": {"334 Y2FuYXJ5", "504 no"}, "AUTH PLAIN canary": {"235 canary", "535 5.7.8 canary"},
	"BDAT": {"501 no"}, "BDAT 0 LAST": {"250 ok", "503 no"}, "STARTTLS": {"454 no", "220 go"},
}

var wildVerbs = slices.Sorted(maps.Keys(wildLines))

// wild makes up a dialogue in which the client says what it likes, waits for replies or does not, and sends a body
// whether it was asked for or not.
func wild(c *smtptest.Choices) (list []segment) {
	say := func(dir Direction, text string) {
		if n := len(list); n > 0 && list[n-1].dir == dir && c.One(3) {
			list[n-1].data = append(list[n-1].data, text...)
			return
		}
		list = append(list, segment{dir: dir, data: []byte(text)})
	}
	say(Server, smtptest.Of(c, "220 mx ESMTP", "220-mx ESMTP\r\n220 more", "220 mx ESMTP "+strings.Repeat("x", 300))+"\r\n")
	var due []string
	answer := func(all bool) {
		for len(due) > 0 && (all || c.One(2)) {
			say(Server, due[0]+"\r\n")
			due = due[1:]
		}
	}
	lines := func(text string, replies ...string) string {
		reply := smtptest.Of(c, replies...)
		say(Client, text+"\r\n")
		due = append(due, reply)
		answer(!c.One(3))
		return reply
	}
	if c.One(4) {
		lines("X", "500 what")
	}
	lines("EHLO x.example", "250 mx") // what comes before it is told by marks alone
	for range 1 + c.N(24) {
		verb := smtptest.Of(c, wildVerbs...)
		reply := lines(verb, wildLines[verb]...)
		switch {
		case reply[:3] == "354":
			say(Client, smtptest.Of(c, "canary\r\n", "RCPT TO:<canary@y.example>\r\n", "")+".\r\n")
			due = append(due, smtptest.Of(c, "250 ok", "554 no"))
			answer(!c.One(3))
		case reply[:3] == "334":
			lines("canary", "235 ok", "535 canary")
		}
	}
	answer(true)
	return list
}

// envelopesOf is what is told of the mails of a session.
func envelopesOf(s *Session) (text string) {
	for _, x := range s.Transactions {
		if !x.FromKnown && len(x.Rcpts) == 0 && !x.Offered {
			continue // a command out of place, and no mail
		}
		text += fmt.Sprintf("%v from %q to %v: %d accepted, %d refused; ", x.Outcome, x.MailFrom, x.Rcpts, x.RcptAccepted, x.RcptRefused)
	}
	return fmt.Sprintf("%d offered, %d accepted, %d recipients: %s", s.Offered, s.Accepted, s.Recipients, text)
}

// checkRedacted: fed with what the kernel shows the parser tells the same mails as fed with every octet, or says that
// it has not seen all. No secret is shown.
func checkRedacted(t testing.TB, mailPort bool, segments []segment) (seen bool) {
	t.Helper()
	o := Options{MailPort: mailPort, Ordered: true}
	view, cut := viewOf(smtptest.Connection{MailPort: mailPort}, segments)
	for _, s := range cut {
		if strings.Contains(string(s.data), "canary") {
			t.Errorf("%q is shown", s.data)
		}
	}
	whole, got := replay(o, segments), replay(o, cut)
	if whole.State != SMTP && whole.State != LMTP {
		return false
	}
	if r := tell(mailPort, segments); !r.record { // nor is it told as a session without messages
		if !r.connect {
			t.Errorf("mail port %v: nothing is told of\n%s", mailPort, envelopesOf(&whole))
		}
		return false
	}
	if view.State == event.StateOther && (mailPort || view.Told) {
		return false // it is told that it was given up
	}
	if got.Unseen == 0 && envelopesOf(&got) != envelopesOf(&whole) {
		t.Errorf("mail port %v: with nothing unseen\n%s\nwant\n%s", mailPort, envelopesOf(&got), envelopesOf(&whole))
	}
	return got.Unseen == 0
}

// textOf writes a dialogue for people.
func textOf(segments []segment) (text string) {
	for _, s := range segments {
		text += fmt.Sprintf("\n%d %.300q", s.dir, s.data)
	}
	return text
}

// FuzzRedacted compares what the parser makes of whole dialogues, and of those that the kernel shows.
func FuzzRedacted(f *testing.F) {
	for seed := range byte(32) {
		f.Add([]byte{seed, seed * 17, seed * 31, 200 - seed, seed ^ 0x55})
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		if len(choices) > 1024 {
			return
		}
		c := smtptest.NewChoices(choices)
		mailPort := !c.One(3)
		segments := wild(c) // of those that smtptest.New makes up FuzzDialogue knows the truth
		if c.One(3) {
			segments = byByte(segments)
		}
		checkRedacted(t, mailPort, segments)
		if t.Failed() {
			t.Fatal(textOf(segments))
		}
	})
}

// A fourth of the dialogues is told with nothing unseen: what is compared above is not empty.
func TestRedactedWild(t *testing.T) {
	seen := 0
	for seed := range 3000 {
		c := smtptest.NewChoices([]byte{byte(seed), byte(seed >> 8), byte(seed * 7)})
		segments := wild(c)
		if checkRedacted(t, seed%3 > 0, segments) {
			seen++
		}
		if t.Failed() {
			t.Fatalf("seed %d:%s", seed, textOf(segments))
		}
	}
	if seen < 600 {
		t.Errorf("nothing unseen in %d of 3000", seen)
	}
}
