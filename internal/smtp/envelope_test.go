package smtp

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
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

// printable replaces what has no place in a text file.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r != '\n' && r < ' ', r == utf8.RuneError:
			return '?'
		}
		return r
	}, s)
}

// The envelope of every capture equals what tshark reads, apart from the differences that
// testdata/envelopes.txt lists and explains.
func TestCorpusEnvelopes(t *testing.T) {
	want := readEnvelopes(t)
	for _, path := range corpus(t, "suricata-verify") {
		for i, f := range readCapture(t, path) {
			if len(f.segments) == 0 {
				continue
			}
			name := fmt.Sprintf("%s/%d", strings.TrimSuffix(filepath.Base(path), ".pcap"), i)
			s := replay(f.options(true), f.segments)
			got := printable(strings.Join(envelopeLines(&s), "\n"))
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

// readEnvelopes returns our lines of testdata/envelopes.txt by flow.
func readEnvelopes(t *testing.T) map[string][]string {
	file, err := os.Open(filepath.Join("testdata", "envelopes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want := map[string][]string{}
	name, differs, explained := "", false, true
	for lines := bufio.NewScanner(file); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "":
			if differs && !explained {
				t.Errorf("%s: differs from tshark without a reason", name)
			}
			differs, explained = false, false
		case strings.HasPrefix(line, "#"):
			explained = true
		case strings.HasPrefix(line, "t "):
			differs = true
		case strings.HasPrefix(line, "s "):
			differs = true
			want[name] = append(want[name], "="+line[1:])
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "+ "):
			want[name] = append(want[name], line)
		default:
			name = line
		}
	}
	return want
}
