package trace

import (
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/record"
)

// reasons lists the reasons of connect records in order.
func (s story) reasons() string {
	var list []string
	for _, r := range s.of(record.ActionConnect) {
		list = append(list, string(r.Event.Reason))
	}
	return strings.Join(list, " ")
}

// TestAdopted: a connection from before the start to a mail port has a record at once, and one at its end that says
// what is known of it.
func TestAdopted(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"it was only begun":  {"a connecting 198.51.100.25:25\n a failed ECONNREFUSED", "refused"},
		"nothing is said":    {"a adopted 198.51.100.25:25\n a closed 0 0", "adopted silent"},
		"something is said":  {"a adopted 198.51.100.25:25\n a closed 90 0", "adopted unjudged"},
		"it is no SMTP":      {"a adopted 198.51.100.25:25\n a other\n a closed 90 0", "adopted not_smtp"},
		"it is no mail port": {"a adopted 198.51.100.25:443\n a closed 90 0", ""},
		"no mail port, and it has said something unknown": {"a adopted 198.51.100.25:26\n a speaks\n wait 2s\n a closed 90 0", "adopted unjudged"},
		"no mail port, and it was no SMTP":                {"a adopted 198.51.100.25:26\n a speaks\n wait 2s\n a bytes 9 0\n a judged", "adopted not_smtp"},
		"no mail port, and it has soon ended":             {"a adopted 198.51.100.25:26\n a speaks\n a closed 90 0", "unjudged"},
		"no mail port, and it was soon no SMTP":           {"a adopted 198.51.100.25:26\n a speaks\n a judged", ""},
		"its end is not seen yet":                         {"a adopted 198.51.100.25:25\n", "adopted unjudged"},
	} {
		t.Run(name, func(t *testing.T) {
			stage := newStage(t)
			stage.options.Owner = func(uint64, event.ProcessKey) event.ProcessKey { return event.ProcessKey{Pid: 7, StartNs: 10} }
			s := stage.play(test.text)
			if got := s.reasons(); got != test.want {
				t.Errorf("told %q, want %q", got, test.want)
			}
			for _, r := range s.of(record.ActionConnect) {
				begun := name == "it was only begun"
				if slices.Contains(r.Tracer.Weak, "adopted") == begun || r.Process.PID != 7 || (r.Event.Outcome == record.Success) == begun {
					t.Errorf("%s %s by %d, weak %q", r.Event.Reason, r.Event.Outcome, r.Process.PID, r.Tracer.Weak)
				}
			}
		})
	}
}

// What is said on an adopted connection is a session, whose record says that it is not whole.
func TestAdoptedSession(t *testing.T) {
	s := play(t, `
		process 7 /usr/bin/perl
		a adopted 198.51.100.25:25
		a sender 7
		a smtp
		a C: MAIL FROM:<a@example.org>
		a S: 250 Ok
		a C: RCPT TO:<b@example.net>
		a S: 250 Ok
		a C: DATA
		a S: 354 go ahead
		a C+ 500
		a C: .
		a S: 250 queued
		a closed 700 100
	`)
	s.tells(t, "start connect first_payload session stop")
	r := s.only(t, record.ActionSession)
	if r.SMTP.Messages != 1 || r.SMTP.Recipients != 1 || r.SMTP.Unseen != 0 || !slices.Contains(r.Tracer.Weak, "adopted") ||
		slices.Contains(r.Flags, "no_helo") || !r.Event.Start.IsZero() {
		t.Errorf("%+v, weak %q, flags %q, from %v", r.SMTP, r.Tracer.Weak, r.Flags, r.Event.Start)
	}
	named(t, r)
}

// TestGreeted: what is said behind a greeting that names SMTP, on any port, and is not SMTP or not known, is told.
func TestGreeted(t *testing.T) {
	const before = "process 7 /usr/bin/perl\n a connect 7 198.51.100.25:4000\n a established\n"
	for text, want := range map[string]string{
		before + "a greeted\n a judged\n a closed 90 50":                    "not_smtp",
		before + "a greeted\n a speaks\n a closed 90 50":                    "unjudged",
		before + "a closed 90 50":                                           "",
		before + "a smtp\n a S: 220 ready\n ! a C: EHLO x\n a closed 90 50": "unjudged", // the kernel takes it for SMTP
		before + "a smtp\n a S: 220 ftp FTP\n a C: QUIT\n a closed 6 13":    "",
	} {
		if got := play(t, text).reasons(); got != want {
			t.Errorf("told %q, want %q:%s", got, want, text)
		}
	}
}
