package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// hostile is what a process, a server or the author of a mail may send to harm whoever reads the
// answer.
var hostile = []string{
	"\x1b]0;owned\x07\x1b[2J\x1b[1;1H",
	"line\nfeed\r\x00\x08\x7f\u009b31m",
	"\x9b31m\xff\xfe\xc0\xaf",
	"a\u202egpj.exe\u2066\u200b\u2028",
	`</title></style><script>alert(1)</script><img src=x onerror=alert(1)>`,
	`"><svg/onload=alert(1)>' onmouseover='alert(1)`,
	"{{.}}`${1}`javascript:alert(1)//",
	strings.Repeat("\x1b[31m<b>\u202e\xff", 400), // 4 KB
	strings.Repeat("A", 4096),
}

// poison puts a text wherever a record has one that others choose.
func poison(r *record.Record, text string) {
	r.Process.Executable, r.Process.Name, r.Process.Args = text, text, []string{text}
	r.Process.Script.Path, r.User.Name, r.Systemd.Unit, r.Host.Name = text, text, text, text
	r.SMTP.HELO, r.SMTP.HELOs, r.SMTP.Banner, r.SMTP.LastReply = text, []string{text, "b"}, text, text
	r.SMTP.Transactions = []record.Transaction{{MailFrom: text, RcptTo: []string{text}, RcptCount: 1, Reply: text}}
	r.Flags, r.Via = []string{text}, []record.Via{{Protocol: text, Target: text}}
	r.Destination.Domain = text
	r.Tracer.Hooks = []record.Hook{{Question: text, Name: text}}
	r.Tracer.Filters.Cgroup = text
}

// harmless fails unless the answer is safe in every form.
func harmless(t *testing.T, a *Answer) {
	t.Helper()
	for line := range strings.SplitSeq(a.Text(false), "\n") {
		plain(t, line)
	}
	raw, err := a.JSON()
	if err != nil {
		t.Fatal(err)
	}
	line, oneLine := bytes.CutSuffix(raw, []byte("\n"))
	if !oneLine || !json.Valid(line) {
		t.Fatalf("not one line of JSON: %q", raw)
	}
	plain(t, string(line))
	page, err := a.HTML()
	if err != nil {
		t.Fatal(err)
	}
	inert(t, page)
}

// plain fails unless a terminal shows the line as it is.
func plain(t *testing.T, line string) {
	t.Helper()
	if !utf8.ValidString(line) {
		t.Fatalf("not UTF-8: %q", line)
	}
	for _, r := range line {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
			t.Fatalf("%q in %q", r, line)
		}
	}
}

// inert fails unless the page has only the elements and attributes of the template, and nothing
// that runs or loads.
func inert(t *testing.T, page []byte) {
	t.Helper()
	allowed := " html head meta title style body header p h1 h2 section div ul li ol figure figcaption span svg g rect table thead tbody tr th td code br "
	attributes := " lang charset http-equiv content name class viewbox preserveaspectratio role aria-label x y width height data-name "
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if !strings.Contains(allowed, " "+token.Data+" ") {
				t.Fatalf("element %q", token)
			}
			for _, at := range token.Attr {
				if !strings.Contains(attributes, " "+at.Key+" ") {
					t.Fatalf("attribute %q of %s", at.Key, token)
				}
			}
		case html.TextToken:
			for _, r := range string(z.Text()) {
				if r != '\n' && (r < ' ' || unicode.Is(unicode.Cf, r)) {
					t.Fatalf("%q in the page", r)
				}
			}
		}
	}
}

// Hostile text in every field, in the pasted header, in the conditions and in a file's name comes
// out harmless in text, JSON and HTML, and the page does not grow with it.
func TestHostileText(t *testing.T) {
	for _, text := range hostile {
		life := watchAll("r1", minutes(-60), minutes(60))
		for i := range life {
			poison(&life[i], text)
		}
		bad := session("x", T)
		poison(&bad, text)
		unclear := bad
		unclear.Event.ID, unclear.SMTP = "y", record.SMTP{TLS: true}
		q := with(t, of(HELO, "*"))
		var helo Term
		helo, err := HELO(text)
		if err != nil {
			t.Fatal(err)
		}
		q.Add(helo)
		clues := &received.Clues{Kind: "a Received header", HELO: text, Rcpt: text, Words: []string{text}, Doubts: []string{text},
			Reply: text, QueueID: text, HandedIn: received.HandedIn{User: text, Client: text, Account: text, Script: text},
			Addr: netip.MustParseAddr("fe80::1%zone"), Dated: true, When: received.Moment{Time: T}}
		a := Ask(Options{
			Logs:  []string{Stdin, "/nowhere/" + strings.ReplaceAll(text, "\x00", "")},
			Stdin: bytes.NewReader(append(lines(life...), lines(bad, unclear)...)), Query: q, Clues: clues, Now: T.Add(time.Hour),
		})
		if a.Sessions != 1 || a.Unsure != 1 {
			t.Fatalf("%q: %d sessions, %d unsure", text, a.Sessions, a.Unsure)
		}
		harmless(t, a)
		if page, _ := a.HTML(); len(page) > 40<<10 {
			t.Errorf("%q: a page of %d bytes", text, len(page))
		}
	}
}
