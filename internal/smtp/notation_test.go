package smtp

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// A dialogue in a test is written as it is read:
//
//	S: 220 mx.example ESMTP     the server says this line
//	C: EHLO client.example      the client says this line
//	C: QUIT\n\                  without CRLF, because of the backslash at the end; Go's escapes hold
//	C+ 512                      512 bytes of the client were cut, through the end of a line
//	S- 100                      100 bytes of the server were lost
func parseDialogue(t testing.TB, text string) (list []segment) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		s := segment{dir: Client}
		if line[0] == 'S' {
			s.dir = Server
		}
		rest := strings.TrimPrefix(line[2:], " ")
		switch line[1] {
		case '+', '-':
			n, err := strconv.ParseUint(rest, 10, 64)
			if err != nil {
				t.Fatalf("dialogue %q: %v", line, err)
			}
			if line[1] == '+' {
				s.cut = n
			} else {
				s.lost = n
			}
		default:
			body, bare := strings.CutSuffix(rest, `\`)
			said, err := strconv.Unquote(`"` + strings.ReplaceAll(body, `"`, `\"`) + `"`)
			if err != nil {
				t.Fatalf("dialogue %q: %v", line, err)
			}
			if !bare {
				said += "\r\n"
			}
			s.data = []byte(said)
		}
		list = append(list, s)
	}
	return list
}

// describe writes a summary in a few lines: what was recognised; each transaction; the last reply.
func describe(s *Session) string {
	var b strings.Builder
	fmt.Fprint(&b, s.State)
	for _, v := range s.Via {
		fmt.Fprintf(&b, " via %s %s", v.Kind, v.Address)
		if v.Source != "" {
			fmt.Fprintf(&b, " for %s", v.Source)
		}
		if v.Refused {
			fmt.Fprint(&b, " refused")
		}
	}
	for _, h := range s.Hellos {
		fmt.Fprintf(&b, ", %s %q %d", h.Verb, h.Name, h.Code)
	}
	if s.TLS != NoTLS {
		fmt.Fprintf(&b, ", tls %v", s.TLS)
	}
	if s.Auth.Result != AuthNone {
		fmt.Fprintf(&b, ", auth %s %v", s.Auth.Mechanism, s.Auth.Result)
	}
	for _, f := range s.Flags() {
		fmt.Fprintf(&b, ", %s", f)
	}
	if s.Overlong {
		fmt.Fprint(&b, ", overlong")
	}
	if s.Overflow {
		fmt.Fprint(&b, ", overflow")
	}
	if s.Unseen > s.Client.Lost+s.Server.Lost {
		fmt.Fprint(&b, ", unseen")
	}
	fmt.Fprintln(&b)
	for i := range s.Transactions {
		x := &s.Transactions[i]
		switch {
		case !x.FromKnown:
			fmt.Fprint(&b, "? ->")
		case x.FromCut:
			fmt.Fprintf(&b, "<%s... ->", x.MailFrom)
		default:
			fmt.Fprintf(&b, "<%s> ->", x.MailFrom)
		}
		for _, r := range x.Rcpts {
			fmt.Fprintf(&b, " <%s> %d", r.Address, r.Code)
			if r.Cut {
				fmt.Fprint(&b, " cut")
			}
		}
		if x.RcptsOmitted > 0 {
			fmt.Fprintf(&b, " +%d", x.RcptsOmitted)
		}
		if x.UTF8 {
			fmt.Fprint(&b, " utf8")
		}
		if x.SizeDeclared > 0 {
			fmt.Fprintf(&b, " size %d", x.SizeDeclared)
		}
		if x.Chunked {
			fmt.Fprint(&b, " chunked")
		}
		if x.Offered {
			fmt.Fprintf(&b, " %d octets", x.Size)
		}
		fmt.Fprintf(&b, ": %v", x.Outcome)
		if x.Delivered > 0 && x.Delivered != x.RcptAccepted {
			fmt.Fprintf(&b, " for %d", x.Delivered)
		}
		if x.Reply.Code > 0 {
			fmt.Fprintf(&b, " %q", x.Reply.First)
		}
		fmt.Fprintln(&b)
	}
	if s.LastReply.Code > 0 {
		fmt.Fprintf(&b, "last %q\n", s.LastReply.Last)
	}
	return b.String()
}

// dialogueTest is a dialogue and its summary.
type dialogueTest struct {
	name     string
	options  Options
	dialogue string
	want     string
}

// onPort25 are the options for a connection to a mail port, watched from its beginning.
var onPort25 = Options{MailPort: true, Ordered: true}

// run checks the summary, and that it is the same however the dialogue is cut and interleaved.
func (x *dialogueTest) run(t *testing.T) {
	t.Helper()
	t.Run(x.name, func(t *testing.T) {
		t.Helper()
		segments := parseDialogue(t, x.dialogue)
		s := checkReplays(t, x.options, segments)
		x.compare(t, &s)
		checkCut(t, x.options, segments)
	})
}

// runAsIs checks the summary of the dialogue as it stands: where bytes are lost, order matters.
func (x *dialogueTest) runAsIs(t *testing.T) {
	t.Helper()
	t.Run(x.name, func(t *testing.T) {
		t.Helper()
		s := replay(x.options, parseDialogue(t, x.dialogue))
		x.compare(t, &s)
	})
}

func (x *dialogueTest) compare(t *testing.T, s *Session) {
	t.Helper()
	var want strings.Builder
	for line := range strings.Lines(x.want) {
		if line = strings.TrimSpace(line); line != "" {
			want.WriteString(line + "\n")
		}
	}
	if got := describe(s); got != want.String() {
		t.Errorf("got:\n%swant:\n%s", got, want.String())
	}
}
