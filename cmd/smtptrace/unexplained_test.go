package main

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
)

// told is a connection, and what may be answered from what the log tells of it.
type told struct {
	name    string
	before  []live.Turn // what is said before the tracer starts
	during  []live.Turn // and while it runs
	hangs   bool        // the client keeps the connection to the end of the run
	preface bool        // it is from before the start
	port    int         // of the server; 0: 25

	question []string // nil: a HELO that nobody has said where it can be seen
	answers  []string // that are right; nil: unsure
	because  string   // the code of a reason that must be among those given, with the server's address in its text
	addr     string
}

var (
	nobody   = []string{"--helo", "nobody.example.org"}
	victim   = []string{"--helo", "victim.example.org"}
	toVictim = []string{"--rcpt", "victim@example.net"}

	cleared = []string{"cleared"}
	found   = []string{"found"}
	either  = []string{"found", "unsure"}
)

// A mail, turn by turn: two for each command.
var (
	wholeMail = live.Say("C: EHLO victim.example.org", helloed, "C: MAIL FROM:<a@example.org>", "S: 250 ok",
		"C: RCPT TO:<victim@example.net>", "S: 250 ok", "C: DATA", "S: 354 go", "c: Subject: x\r\n\r\nhello\r\n.\r\n", "S: 250 queued",
		"C: QUIT", "S: 221 bye")
	greeted   = live.Say(greeting)
	junk      = live.Say("c: \x00\x17junk\xffof a protocol\x01\x02 that nobody knows\r\n\xfe")
	words     = live.Say("C: hello there")
	unheardOf = live.Say("S: 500 what?")
)

// A mail in one go, and its replies.
const hasty = "EHLO victim.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n"

var toHasty = live.Say("s: 250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n")

// fillers have more in front of a mail than is looked at of one packet.
func fillers() []*told {
	return []*told{
		{name: "a mail behind more blank lines than are looked at", port: 2526, question: victim, answers: either,
			during: slices.Concat(live.Say("S: 220 mx ready", "c: "+strings.Repeat("\r\n", 9000)+hasty), toHasty)},
		{name: "a mail behind a long NOOP", port: 2526, question: victim, answers: either,
			during: slices.Concat(live.Say("S: 220 mx ready", "c: NOOP "+strings.Repeat("x", 18000)+"\r\n"+hasty), toHasty)},
		{name: "a mail behind blank lines before the greeting", question: victim, answers: either,
			during: slices.Concat(live.Say("c: "+strings.Repeat("\r\n", 9000)+hasty), greeted, toHasty)},
	}
}

// young are connections that begin while the tracer runs.
func young() []*told {
	rcptOf := func(line string) []live.Turn {
		return slices.Concat(greeted, wholeMail[:4], live.Say("C: "+line, "S: 250 ok"), wholeMail[6:])
	}
	return []*told{
		{name: "junk to a server that does not greet", during: junk, because: "connect_unexplained"},
		{name: "words to a server that does not greet", during: words, because: "connect_unexplained"},
		{name: "junk to a server that does not greet, and it hangs", during: junk, hangs: true, because: "connect_unexplained"},
		{name: "three octets, and it hangs", during: live.Say("c: \x01\x02\x03"), hangs: true, because: "connect_unexplained"},
		{name: "half a verb, and it hangs", during: slices.Concat(greeted, live.Say("c: EHL")), hangs: true},
		{name: "junk to a server that greets", during: slices.Concat(greeted, junk, unheardOf), answers: []string{"cleared", "unsure"}},
		{name: "junk to the submission port", port: 587, during: slices.Concat(greeted, junk), because: "session_unseen"},
		{name: "junk where TLS belongs", port: 465, during: junk, because: "connect_unexplained"},
		{name: "junk behind an SMTP greeting elsewhere", port: 2526, during: slices.Concat(greeted, junk), because: "connect_unexplained"},
		{name: "words behind an SMTP greeting elsewhere, and it hangs", port: 2526, during: slices.Concat(greeted, words, unheardOf), hangs: true,
			because: "connect_unexplained"},
		{name: "a recipient too long to be seen", question: toVictim,
			during: rcptOf("RCPT TO:<" + strings.Repeat("x", 1200) + "@example.net>")},
		{name: "a recipient with a long argument", question: toVictim, answers: either,
			during: rcptOf("RCPT TO:<victim@example.net> NOTIFY=" + strings.Repeat("x", 2000))},

		{name: "nothing but a greeting", during: greeted, answers: cleared},
		{name: "nothing, and it hangs", hangs: true, answers: cleared},
		{name: "junk elsewhere", port: 3306, during: junk, answers: cleared},
		{name: "QUIT", during: slices.Concat(greeted, wholeMail[10:]), answers: cleared},
		{name: "a mail of somebody else", during: slices.Concat(greeted, wholeMail), answers: cleared},
		{name: "a mail that is asked for", during: slices.Concat(greeted, wholeMail), question: victim, answers: found},
		{name: "a mail that is asked for by its recipient", during: slices.Concat(greeted, wholeMail), question: toVictim, answers: found},
	}
}

// preface are connections from before the start, to the mail port and to another one.
func preface() (list []*told) {
	end := live.Say("c: .\r\n", "S: 250 queued")
	for _, port := range []int{25, 2526} {
		list = append(list,
			&told{name: "a whole mail after the start", port: port, before: greeted, during: wholeMail, question: victim, answers: either},
			&told{name: "all after the start", port: port, during: slices.Concat(greeted, wholeMail), question: victim, answers: either},
			&told{name: "all after the start, by its recipient", port: port, during: slices.Concat(greeted, wholeMail), question: toVictim, answers: either},
			&told{name: "EHLO before, the mail after the start", port: port, before: slices.Concat(greeted, wholeMail[:2]), during: wholeMail[2:]},
			&told{name: "EHLO before, the mail after the start, and it hangs", port: port, before: slices.Concat(greeted, wholeMail[:2]),
				during: wholeMail[2:10], hangs: true},
			&told{name: "one mail before, one after the start", port: port, before: slices.Concat(greeted, wholeMail[:10]), during: wholeMail[2:]},
			&told{name: "the recipient before, DATA after the start", port: port, before: slices.Concat(greeted, wholeMail[:6]), during: wholeMail[6:],
				question: toVictim},
			&told{name: "begun amid a body", port: port, before: slices.Concat(greeted, wholeMail[:8], live.Say("C: Subject: x")),
				during: slices.Concat(live.Say("C: hello"), end, wholeMail[2:])},
			&told{name: "no more than the end of a body", port: port, before: slices.Concat(greeted, wholeMail[:8], live.Say("C: Subject: x")),
				during: slices.Concat(live.Say("C: hello"), end, wholeMail[10:])},
		)
	}
	mid := slices.Concat(greeted, wholeMail[:8], live.Say("C: Subject: x"))
	for _, x := range []*told{
		{name: "a line of a body that begins with a control character",
			before: mid, during: slices.Concat(live.Say("c: \x1b$B%\x1b(B\r\n"), end, wholeMail[2:])},
		{name: "a reply without a text", before: slices.Concat(greeted, wholeMail[:2]), during: slices.Concat(live.Say("C: RSET", "S: 250"), wholeMail[2:])},
		{name: "a reply in two packets", before: slices.Concat(greeted, wholeMail[:2]),
			during: slices.Concat(live.Say("C: NOOP", "s: 250-a\r\n250-", "s: b\r\n250 ok\r\n"), wholeMail[2:])},
		{name: "more of a body than is looked at", before: mid, during: slices.Concat(longBody(), end, wholeMail[2:])},
		{name: "blank lines, and a mail in one go", before: slices.Concat(greeted, wholeMail[:2]),
			during: slices.Concat(live.Say("c: "+strings.Repeat("\r\n", 9000)+hasty), toHasty)},
		{name: "prose that looks like commands, amid a body", port: 25, before: mid, question: []string{"--helo", "quoted.example"},
			during: slices.Concat(live.Say("c: Help me\r\nMail me\r\nMAIL FROM:<ceo@bank.example>\r\nEHLO quoted.example\r\n"), end, wholeMail[2:])},
	} {
		if x.port == 0 {
			x.port = 2526
		}
		list = append(list, x)
	}
	for _, x := range list {
		x.preface = true
	}
	return list
}

// TestUnexplained: no answer clears beside a connection of which it is not known what was said.
func TestUnexplained(t *testing.T) {
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) { checkTold(t, f, young()) })
	}
}

// TestFillers: a mail that hides behind more than is looked at is found, or what was not looked at is counted as lost.
func TestFillers(t *testing.T) {
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) { checkTold(t, f, fillers()) })
	}
}

// TestOlder: nor beside one that was open before the start; and a mail on one is found, or nothing is certain.
func TestOlder(t *testing.T) {
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) { checkTold(t, f, preface()) })
	}
}

// checkTold holds all of them in one run. Each is judged by a log that has no other one's records.
func checkTold(t *testing.T, f probe.Family, list []*told) {
	cell := live.NewCell(t)
	actor := cell.NewActor()
	lines, peers := make([]*live.Line, len(list)), make([]net.Conn, len(list))
	listeners := make([]<-chan net.Conn, len(list))
	for i, x := range list {
		x.addr = fmt.Sprintf("127.5.%d.1:%d", i, cmp.Or(x.port, 25))
		listeners[i] = cell.Listen(x.addr)
	}
	connect := func(i int) {
		lines[i] = actor.Dial(list[i].addr)
		peers[i] = <-listeners[i]
	}
	for i, x := range list {
		if x.preface {
			connect(i)
			lines[i].With(peers[i], x.before...)
		}
	}
	tr := start(t, cell, f, "--privacy", "full")
	for i, x := range list {
		if !x.preface {
			connect(i)
		}
		lines[i].With(peers[i], x.during...)
		if !x.hangs {
			lines[i].Close()
			peers[i].Close()
		}
	}
	records := tr.survive()
	for i := range records { // a message that the server has taken was for somebody
		if r := &records[i]; r.SMTP.Messages > 0 && r.SMTP.Recipients == 0 && r.SMTP.Unseen == 0 {
			t.Errorf("to %v: %d messages to nobody, and nothing unseen", r.Destination.AddrPort(), r.SMTP.Messages)
		}
	}
	for _, x := range list {
		question := x.question
		if question == nil {
			question = nobody
		}
		name := fmt.Sprintf("%s, at %s", x.name, x.addr)
		log := tr.unfiltered(x.addr)
		if x.check(t, name, tr.ask(log, question...)) {
			x.check(t, name+", in the run's window", tr.ask(log, append(during(records), question...)...))
		}
	}
}

// longBody is a bit more than a megabyte of a text.
func longBody() (turns []live.Turn) {
	for range 70 {
		turns = append(turns, live.Turn{Data: []byte(strings.Repeat(strings.Repeat("x", 62)+"\r\n", 256))})
	}
	return turns
}

func (x *told) check(t *testing.T, name string, a *asked) (ok bool) {
	t.Helper()
	answers := x.answers
	if answers == nil {
		answers = []string{"unsure"}
	}
	switch {
	case a.cleared() && !slices.Contains(answers, "cleared"):
		t.Errorf("%s: cleared: %v", name, a)
	case !slices.Contains(answers, a.Answer):
		t.Errorf("%s: the answer is not %s: %v", name, strings.Join(answers, " or "), a)
	case a.Answer == "unsure" && x.because != "" && !a.says(x.because, x.addr):
		t.Errorf("%s: no reason %s that names the server: %v", name, x.because, a)
	case (len(a.Reasons) > 0) != (a.Answer == "unsure"):
		t.Errorf("%s: reasons: %v", name, a)
	default:
		return true
	}
	return false
}
