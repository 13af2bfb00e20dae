package record

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// hostile is what a process or a server may send to harm whoever reads the record.
var hostile = []string{
	"\x1b]0;owned\x07\x1b[2J\x1b[1;1H",               // sets the title, clears the screen
	"\x1b]52;c;cm0gLXJmIC8=\x07",                     // fills the clipboard
	"line\nfeed\r\x00\x08\t\x0b\x7f",                 // control characters
	"\u0085\u008d\u009b31m\u0090q\u009c",             // C1 controls
	"\xc2\x9b31m\x9b31m\xff\xfe\xc0\xaf\xed\xa0\x80", // C1 as UTF-8, as a byte; invalid UTF-8; a surrogate
	"a\u202egpj.exe\u2066\u2069\u200f\u061c",         // bidi overrides, isolates, marks
	"two\u2028lines\u2029",                           // line ends of JavaScript
	"hid\u200bden\u00ad\ufeff\u3164\u2800\ufe0f",     // shows nothing
	"\U000e0041\U000e007f\U0010ffff\ue000",           // tags, private use
	`"},"message":"forged","x":{"\`,                  // ends the string
	"x  → 198.51.100.25:25  HELO \"fine\"",           // the next columns
	"\\u001b[31m",                                    // an escape of the next reader
	strings.Repeat("\x1b[31m\u202e\xff", 600),        // 4 KB
}

// safe says whether a terminal shows s as one line of ordinary text.
func safe(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// Hostile text in any field: the line stays valid JSON in one line of printable characters, no field of it
// is another's, and the text can be read back.
func TestEncodeHostileText(t *testing.T) {
	for _, text := range hostile {
		for _, action := range actions {
			r := every(action, text)
			r.Event.Action = action
			line := strings.TrimSuffix(encode(t, &r), "\n")
			if !json.Valid([]byte(line)) || !safe(line) {
				t.Fatalf("%s of %q: not safe: %q", action, text, line)
			}
			got, err := Decode([]byte(line))
			if err != nil {
				t.Fatalf("%s of %q: %v", action, text, err)
			}
			if want := strings.ToValidUTF8(text, "\ufffd"); !sameText(got.SMTP.HELO, want) ||
				!sameText(got.Process.Args[0], want) || !sameText(got.SMTP.Transactions[0].RcptTo[0], want) {
				t.Errorf("%s of %q: read back as %q", action, text, got.SMTP.HELO)
			}
		}
	}
}

// sameText allows one replacement character for each byte of a run that is not UTF-8, or one for all.
func sameText(got, want string) bool {
	for strings.Contains(got, "\ufffd\ufffd") {
		got = strings.ReplaceAll(got, "\ufffd\ufffd", "\ufffd")
	}
	return got == want
}

// What is shown to a person is as safe, in every form, and stays short. The message is so once decoded, too.
func TestTextIsSafe(t *testing.T) {
	for _, text := range hostile {
		for _, action := range actions {
			r := every(action, text)
			s := NewSummary()
			s.Add(&r)
			for _, shown := range []string{Text(&r, false), Message(&r)} {
				if !safe(shown) {
					t.Errorf("%s of %q: not safe: %q", action, text, shown)
				}
				if n := utf8.RuneCountInString(shown); n > 1300 {
					t.Errorf("%s of %q: %d characters", action, text, n)
				}
			}
			for line := range strings.SplitSeq(strings.TrimSuffix(s.Text(at, false), "\n"), "\n") {
				if !safe(line) {
					t.Errorf("summary of %s of %q: not safe: %q", action, text, line)
				}
			}
		}
	}
}

// One column cannot pass for several.
func TestTextCannotBeForged(t *testing.T) {
	r := session()
	r.Process.Executable = "/tmp/x  → 192.0.2.1:25"
	r.SMTP.HELO = `a, 9 messages, "b"`
	want := `DIRECT-MX unexpected: "/tmp/x  → 192.0.2.1:25" (as httpd) /tmp/.x/dm.cgi uid www-data` +
		` → 198.51.100.25:25 HELO "a, 9 messages, \"b\"", 1 message, 3 recipients`
	if got := Message(&r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
