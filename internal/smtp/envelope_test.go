package smtp

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
)

// envelopeLines writes a summary in the notation of testdata/envelopes.txt.
func envelopeLines(s *Session) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, h := range s.Hellos {
		add("= %s %.80s", h.Verb, h.Name)
	}
	for i := range s.Transactions {
		x := &s.Transactions[i]
		switch {
		case !x.FromKnown:
			add("+ from unknown")
		default:
			add("= from <%s>", x.MailFrom)
		}
		for _, r := range x.Rcpts {
			add("= rcpt <%s>", r.Address)
		}
		add("+ %v, %d octets, %d of %d recipients: %.60s", x.Outcome, x.Size, x.RcptAccepted,
			x.RcptAccepted+x.RcptRefused+x.RcptUnanswered, x.Reply.First)
	}
	if s.LastReply.Code > 0 {
		add("= last %.80s", s.LastReply.First)
	}
	more := fmt.Sprintf("+ %v", s.State)
	if s.TLS != NoTLS {
		more += fmt.Sprintf(", tls %v", s.TLS)
	}
	if s.Auth.Result != AuthNone {
		more += fmt.Sprintf(", auth %s %v", s.Auth.Mechanism, s.Auth.Result)
	}
	for _, f := range s.Flags() {
		more += ", " + f
	}
	return append(list, more)
}

// The envelope of every capture equals what tshark reads, apart from the differences that
// testdata/envelopes.txt lists and explains.
func TestCorpusEnvelopes(t *testing.T) {
	want := capture.Envelopes(t, filepath.Join("testdata", "envelopes.txt"))
	for _, path := range capture.Files(t, "suricata-verify") {
		for i, f := range readCapture(t, path) {
			if len(f.segments) == 0 {
				continue
			}
			name := fmt.Sprintf("%s/%d", strings.TrimSuffix(filepath.Base(path), ".pcap"), i)
			s := replay(f.options(true), f.segments)
			got := capture.Printable(strings.Join(envelopeLines(&s), "\n"))
			if expected := strings.Join(want[name], "\n"); got != expected {
				t.Errorf("%s:\n%s\nwant:\n%s", name, got, expected)
			}
			delete(want, name)
		}
	}
	for name := range want {
		t.Errorf("%s: no such flow in the captures", name)
	}
}
