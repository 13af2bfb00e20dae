package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/record"
)

// doubtful are the dialogues whose record may be marked uncertain: no server gives such replies to such commands, or a
// line is longer than the parser reads.
var doubtful = map[string]bool{
	"smtp-bug-6053__input/0": true, "smtp-bug-5989__input/0": true, "smtp-errors__smtperr/0": true, "smtp-errors__smtperr/1": true, "smtp-long-command__input/0": true,
	"smtp-pipelined-rset-data-replies__input/0": true, "smtp-rset-starttls__input/0": true,
	"a 220 to EHLO": true, "a 220 to EHLO, and one to STARTTLS": true,
}

// checkEnvelope compares the records of a flow with its lines of envelopes.txt.
func checkEnvelope(t *testing.T, r *replayed, got []*record.Record, want []string) {
	t.Helper()
	if want == nil {
		if len(got) > 0 {
			t.Errorf("%s (%s): a record: %+v", r.name, r.how, got[0].SMTP)
		}
		return
	}
	if n := len(got); n == 0 || got[n-1].Event.Action != record.ActionSession || n > 2 {
		t.Errorf("%s (%s): %d records", r.name, r.how, n)
		return
	}
	last := got[len(got)-1]
	if last.SMTP.Unseen > 0 && !doubtful[r.name] || last.SMTP.TransactionsOmitted > 0 {
		t.Errorf("%s (%s): %d octets unseen, %d mails omitted", r.name, r.how, last.SMTP.Unseen, last.SMTP.TransactionsOmitted)
	}
	g, w := capture.Printable(strings.Join(recordLines(last), "\n")), strings.Join(expectedLines(want), "\n")
	if g != w {
		t.Errorf("%s (%s)\n%s\nwant\n%s", r.name, r.how, g, w)
	}
}

// recordLines writes a record in the notation of envelopes.txt, but for what it does not say: the verbs of
// later hellos, and how many recipients had an answer.
func recordLines(r *record.Record) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	helos := r.SMTP.HELOs
	if helos == nil && r.SMTP.Verb != "" {
		helos = []string{r.SMTP.HELO}
	}
	for i, name := range helos {
		add("%s %.80s", []string{r.SMTP.Verb, "HELO"}[min(i, 1)], name)
	}
	for _, x := range r.SMTP.Transactions {
		if x.MailFrom == "" {
			add("from unknown")
		} else {
			add("from <%s>", strings.Trim(x.MailFrom, "<>"))
		}
		for _, rcpt := range x.RcptTo {
			add("rcpt <%s>", rcpt)
		}
		add("%s, %d octets, %d recipients: %.60s", x.Outcome, x.Size, x.RcptCount, x.Reply)
	}
	if r.SMTP.LastReply != "" {
		add("last %.80s", r.SMTP.LastReply)
	}
	state := r.Network.Protocol
	switch {
	case r.SMTP.StartTLS == "accepted":
		state += ", tls starttls"
	case r.SMTP.StartTLS != "":
		state += ", tls starttls_" + r.SMTP.StartTLS
	case r.SMTP.TLS:
		state = "tls, tls implicit"
	}
	if r.SMTP.Auth.Outcome != "" {
		state += fmt.Sprintf(", auth %s %s", r.SMTP.Auth.Mechanism, r.SMTP.Auth.Outcome)
	}
	for _, flag := range r.Flags {
		if ofDialogue.MatchString(flag) {
			state += ", " + flag
		}
	}
	return append(list, state)
}

// ofDialogue are the flags of a record that follow from the dialogue alone.
var ofDialogue = regexp.MustCompile("^(helo_.*|no_helo|early_talker|rcpt_probe)$")

// expectedLines are the lines of envelopes.txt as recordLines has them.
func expectedLines(want []string) (list []string) {
	for i, line := range want {
		line = line[2:]
		if i > 0 && strings.HasPrefix(line, "EHLO ") {
			line = "HELO " + line[len("EHLO "):]
		}
		list = append(list, answered.ReplaceAllString(line, " $1 recipients"))
	}
	return list
}

var answered = regexp.MustCompile(` \d+ of (\d+) recipients`)
