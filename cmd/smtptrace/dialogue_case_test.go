package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

// dialogueCase is one of the cases that lie beside the repository.
type dialogueCase struct {
	Name     string
	Port     uint16
	Dialogue []string
	Want     map[string]any // fields of smtp in the last session record
	Never    []string       // in any output
}

// dialogueCases reads them.
func dialogueCases(t *testing.T) (list []dialogueCase) {
	t.Helper()
	list, _ = capture.Cases[dialogueCase](t, "dialogues")
	for i := range list {
		for j, line := range list[i].Dialogue {
			said, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(line, `\0`, `\x00`), `"`, `\"`) + `"`)
			if err != nil {
				t.Fatalf("%s: %q: %v", list[i].Name, line, err)
			}
			list[i].Dialogue[j] = said
		}
	}
	return list
}

// oddDialogues: MX and client do not keep to the order of things, or to the ports.
var oddDialogues = []dialogueCase{
	{"junk before the greeting", 25, append([]string{"C: junk", "S: 220 mx.example.net ESMTP", "S: 500 what"}, kinMail...), kinWant, nil},
	{"junk before the greeting, on another port", 2526, append([]string{"C: junk", "S: 220 mx.example.net ESMTP", "S: 500 what"}, kinMail...), kinWant, nil},
	{"a lone 0x16", 25, append([]string{"S: 220 mx.example.net ESMTP", "c: \x16\r\n", "S: 500 what"}, kinMail...), kinWant, nil},
	{"a lone 0x16 behind STARTTLS", 25, append([]string{"S: 220 mx.example.net ESMTP", "C: STARTTLS", "S: 220 go", "c: \x16\r\n", "S: 500 what"},
		kinMail...), kinWant, nil},
	{"the head of a record behind STARTTLS, and text", 25, append([]string{"S: 220 mx.example.net ESMTP", "C: STARTTLS", "S: 220 go",
		"c: \x16\x03\x01\x00\x05\r\n", "S: 500 what"}, kinMail...), kinWant, nil},
	{"GET, then CONNECT", 3128, append([]string{"c: GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
		"s: HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n", "c: CONNECT mx.example.net:25 HTTP/1.1\r\nHost: x\r\n\r\n", "s: HTTP/1.1 200 ok\r\n\r\n",
		"S: 220 mx.example.net ESMTP"}, kinMail...), kinWant, nil},
	{"CONNECT with a long header", 3128, append([]string{"c: CONNECT mx.example.net:25 HTTP/1.1\r\nCookie: " + strings.Repeat("canary", 10000) + "\r\n\r\n",
		"s: HTTP/1.1 200 ok\r\n\r\n", "S: 220 mx.example.net ESMTP"}, kinMail...), kinWant, []string{"canary"}},
	{"a stale chunk", 25, append([]string{"S: 220 mx.example.net ESMTP", "c: EHLO x.example.com\r\nAUTH LOGIN\r\n*\r\nBDAT\r\nRSET\r\n",
		"S: 250 mx", "S: 334 VXNlcm5hbWU6", "S: 501 no", "S: 501 no", "S: 250 ok"}, kinMail[2:]...), kinWant, nil},
	{"refused DATA, junk, and on", 25, append(append([]string{"S: 220 mx.example.net ESMTP"}, kinMail[:4]...),
		"C: DATA", "S: 503 no", "C: X", "S: 500 what", "C: RCPT TO:<b@example.net>", "S: 250 ok", "C: DATA", "S: 354 go",
		"c: RCPT TO:<no@example.net>\r\n.\r\n", "S: 250 ok", "C: QUIT", "S: 221 bye"), kinWant, nil},
	{"BDAT with a sign", 25, append(append([]string{"S: 220 mx.example.net ESMTP"}, kinMail[:6]...),
		"c: BDAT +29 LAST\r\nRCPT TO:<canary@example.net>\r\n", "S: 250 ok", "C: QUIT", "S: 221 bye"), kinWant, []string{"canary"}},
	{"junk before the greeting, to be submitted", 587, append([]string{"C: junk", "S: 220 mx.example.net ESMTP", "S: 500 what"}, kinMail...), kinWant, nil},
	{"eleven lines of junk", 2526, append(append([]string{"S: 220 mx.example.net ESMTP"}, slices.Repeat([]string{"C: junk", "S: 500 what"}, 11)...),
		kinMail...), kinWant, nil},
	{"an unknown first command", 2526, append([]string{"S: 220 mx.example.net ESMTP", "C: FOO bar", "S: 500 what"}, kinMail...), kinWant, nil},
	{"a long greeting", 2526, append([]string{"s: " + strings.Repeat("220-mx.example.net ESMTP, and much more to read\r\n", 40) + "220 ready\r\n"},
		kinMail...), kinWant, nil},
	{"AUTH LOGIN before EHLO", 2526, append([]string{"S: 220 mx.example.net ESMTP", "C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: canary",
		"S: 334 UGFzc3dvcmQ6", "C: canary", "S: 235 2.7.0 canary"}, kinMail...), kinWant, []string{"canary"}},
	{"a 454 that repeats the secret", 25, append([]string{"S: 220 mx.example.net ESMTP", "C: EHLO x.example.com", "S: 250 mx",
		"C: AUTH PLAIN canary", "S: 454 4.7.0 canary, later"}, kinMail...), kinWant, []string{"canary"}},
	{"HELO without a name", 25, append([]string{"S: 220 mx.example.net ESMTP", "C: HELO", "S: 501 no name"}, kinMail...), kinWant, nil},
	{"BDAT with a word too much", 25, append(append([]string{"S: 220 mx.example.net ESMTP"}, kinMail[:6]...),
		"c: BDAT 29 LAST x\r\nRCPT TO:<canary@example.net>\r\n", "S: 250 ok", "C: QUIT", "S: 221 bye"), kinWant, []string{"canary"}},
	{"four octets of a TLS head", 25, append([]string{"S: 220 mx.example.net ESMTP", "c: \x16\x03\x03\n", "S: 500 what"}, kinMail...), kinWant, nil},
	{"the head of TLS before a long greeting", 25, append([]string{"c: \x16\x03\x01\x02\x00\r\n",
		"S: 220-mx.example.net ESMTP " + strings.Repeat("x", 130) + "\r\n220 hi\r\n500 what"}, kinMail...), kinWant, nil},
	{"CONNECT, and nothing odd", 3128, append([]string{"c: CONNECT mx.example.net:25 HTTP/1.1\r\n\r\n",
		"s: HTTP/1.1 200 Connection established\r\nProxy-Agent: one that says more of itself than sixty-four octets hold\r\n\r\n",
		"S: 220 mx.example.net ESMTP"}, kinMail...), map[string]any{"messages": 1.0, "recipients": 1.0, "unseen": 0.0}, nil},
	{"a refused AUTH before the verdict", 2526, append([]string{"S: 220 mx ready", "C: AUTH PLAIN canary", "S: 535 no"}, append(kinMail[:6:6],
		append([]string{"c: \r\n", "S: 500 blank", "C: RCPT TO:<c@example.net>", "S: 250 ok"}, kinMail[6:]...)...)...),
		map[string]any{"messages": 1.0, "recipients": 2.0}, []string{"canary"}},
	{"a CR in front of AUTH", 25, append([]string{"S: 220 mx.example.net ESMTP", "C: EHLO x.example.com", "S: 250 mx", "c: \rAUTH LOGIN\r\n", "S: 334 x",
		"C: canary", "S: 454 4.7.0 canary"}, kinMail...), kinWant, []string{"canary"}},
	{"AUTH TLS to an MX", 25, append([]string{"S: 220 mx.example.net ESMTP", "C: AUTH TLS", "S: 504 what"}, kinMail...), kinWant, nil},
	{"a server that says something else first", 2526, append([]string{"S: Welcome\r\n220 mx.example.net ESMTP"}, kinMail...), kinWant, nil},
	{"a 535 of several lines", 25, []string{"S: 220 mx.example.net ESMTP", "C: EHLO x.example.com", "S: 250 mx", "C: AUTH PLAIN canary",
		"S: 535-5.7.8 canary\r\n535 canary"}, map[string]any{"helo": "x.example.com"}, []string{"canary"}},
}

var (
	kinMail = []string{"C: EHLO x.example.com", "S: 250 mx", "C: MAIL FROM:<a@example.com>", "S: 250 ok", "C: RCPT TO:<b@example.net>", "S: 250 ok",
		"C: DATA", "S: 354 go", "C: hello\r\n.", "S: 250 ok", "C: QUIT", "S: 221 bye"}
	kinWant = map[string]any{"messages": 1.0, "recipients": 1.0, "helo": "x.example.com"}
)

// TestDialogueCases: the dialogues that lie beside the repository.
func TestDialogueCases(t *testing.T) {
	live.NotInVM(t) // where the file is not
	playDialogues(t, dialogueCases(t))
}

// TestOddDialogues: dialogues that hide from a judge that decides too early, or from a cutter that takes one thing for
// another.
func TestOddDialogues(t *testing.T) {
	playDialogues(t, oddDialogues)
}

// playDialogues: of each dialogue there is a session with the right counts, and no secret in any output.
func playDialogues(t *testing.T, cases []dialogueCase) {
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			var scripts []live.Script
			for i, c := range cases {
				scripts = append(scripts, live.Script{Addr: fmt.Sprintf("127.4.0.%d:%d", i+1, c.Port), Turns: live.Say(c.Dialogue...)})
			}
			cell.Stage(scripts)
			tr := start(t, cell, f, "--privacy", "full")
			cell.Play(scripts)
			records := tr.stop()
			sessions := map[string]record.Record{}
			for _, r := range pick(records, record.ActionSession) {
				sessions[r.Destination.AddrPort().String()] = r
			}
			log, err := os.ReadFile(tr.log)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range cases {
				for _, secret := range c.Never {
					if strings.Contains(string(log)+tr.stderr.String(), secret) {
						t.Errorf("%s: %q is in the output", c.Name, secret)
					}
				}
				r, ok := sessions[scripts[i].Addr]
				if !ok {
					t.Errorf("%s: no session", c.Name)
					continue
				}
				text, err := json.Marshal(&r)
				if err != nil {
					t.Fatal(err)
				}
				var whole struct{ SMTP map[string]any }
				if err := json.Unmarshal(text, &whole); err != nil {
					t.Fatal(err)
				}
				for field, want := range c.Want {
					if got := whole.SMTP[field]; got != want {
						t.Errorf("%s: %s is %v, want %v: %s", c.Name, field, got, want, text)
					}
				}
			}
		})
	}
}
