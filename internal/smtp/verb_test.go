package smtp

import (
	"os"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/smtp/smtptest"
)

// What stands behind a word, where the kernel or the parser looks at that too.
var arguments = map[string]string{
	"MAIL": "FROM:<a@x.example>", "RCPT": "TO:<b@y.example>", "XCLIENT": "NAME=x", "XFORWARD": "NAME=x", "AUTH": "PLAIN",
}

// Both sides know every word of the list, and rank it alike.
func TestVerbs(t *testing.T) {
	list, err := os.ReadFile("../../bpf/smtp/verbs.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[verb]bool{}
	for text := range strings.Lines(string(list)) {
		f := strings.Fields(text)
		if len(f) == 0 || f[0] != "verb" {
			continue
		}
		word, rank := f[1], f[2]
		line := word + " x"
		if argument := arguments[word]; argument != "" {
			line = word + " " + argument
		}
		v := verbOf([]byte(strings.ToLower(word)))
		if known[v] = true; v <= verbLost || v >= verbs {
			t.Errorf("the parser does not know %s", word)
		}
		if rank == "strong" && !parseCommand([]byte(line)).strong {
			t.Errorf("the parser does not take %q for SMTP's alone", line)
		}
		if shown := kernelShows(line); shown != (rank != "-") {
			t.Errorf("the kernel shows %q: %t, and its rank is %s", line, shown, rank)
		}
		unasked := smtptest.Connection{}.View([]smtptest.Packet{{Data: []byte(line + "\r\n")}})
		if alone := unasked.State == event.StateSMTP; alone != (rank == "strong") {
			t.Errorf("the kernel takes %q for SMTP's alone: %t, and its rank is %s", line, alone, rank)
		}
	}
	if want := int(verbs - verbLost - 1); len(known) != want {
		t.Errorf("the list has %d of the parser's %d verbs", len(known), want)
	}
}

// kernelShows says whether the kernel programs show a line within a dialogue.
func kernelShows(line string) bool {
	pieces, _ := smtptest.Kernel([]smtptest.Packet{
		{Server: true, Data: []byte("220 mx ESMTP\r\n")},
		{Data: []byte("EHLO a.example\r\n")},
		{Server: true, Data: []byte("250 mx\r\n")},
		{Data: []byte(line + "\r\n")},
	})
	var shown []byte
	for _, p := range pieces {
		shown = append(shown, p.Data...)
	}
	return strings.HasSuffix(string(shown), "250 mx\r\n"+line+"\r\n")
}

// The parser holds as much of a line, and of a mechanism, as the kernel shows.
func TestLimits(t *testing.T) {
	for line, limit := range map[string]int{
		"NOOP " + strings.Repeat("x", 2*maxLine):      maxLine,
		"AUTH " + strings.Repeat("X", 2*maxMechanism): len("AUTH ") + maxMechanism,
	} {
		pieces, _ := smtptest.Kernel([]smtptest.Packet{{Data: []byte(line + "\r\n")}})
		shown := 0
		for _, p := range pieces {
			shown += len(p.Data)
		}
		if shown <= len("NOOP ") || shown > limit {
			t.Errorf("%.6s…: the kernel shows %d octets, and the parser holds %d", line, shown, limit)
		}
	}
}
