package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestCanaries: secrets and bodies are in nothing that the program writes, as JSON or as text with its summary, and
// on stderr; and what surrounds them is seen all the same: each session, and how many mails were accepted.
func TestCanaries(t *testing.T) {
	live.NotInVM(t)
	canaries := live.Canaries()
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			scripts, of := []live.Script{}, map[string]*live.Canary{}
			for i := range canaries {
				c := &canaries[i]
				for j, turns := range [][]live.Turn{c.Turns, live.AtOnce(c.Turns), live.Pieces(c.Turns)} {
					addr := fmt.Sprintf("127.3.%d.%d:%d", j, i+1, []int{25, 587, 2526}[j])
					scripts, of[addr] = append(scripts, live.Script{Addr: addr, Turns: turns}), c
				}
			}
			cell.Stage(scripts)
			var text bytes.Buffer // one after the other: each would see the self-test of the other
			readable := startTo(t, cell, f, &text, "--format", "text", "--privacy", "full")
			cell.Play(scripts)
			readable.end()
			tr := start(t, cell, f, "--privacy", "full", "--connects", "all")
			cell.Play(scripts)
			records := tr.stop()
			log, err := os.ReadFile(tr.log)
			if err != nil {
				t.Fatal(err)
			}
			for name, output := range map[string][]byte{
				"the log": log, "the text": text.Bytes(), "stderr": append(tr.stderr.Bytes(), readable.stderr.Bytes()...),
			} {
				for _, leak := range live.Leaks(output) {
					t.Errorf("in %s: %q", name, leak)
				}
			}
			for _, r := range pick(records, record.ActionSession) {
				addr := r.Destination.AddrPort().String()
				c := of[addr]
				if c == nil {
					t.Errorf("a session of nobody, or a second one: %s", addr)
					continue
				}
				delete(of, addr)
				helo := strings.ReplaceAll(c.Name, " ", "-") + ".example.org"
				if r.SMTP.HELO != helo || r.SMTP.Messages != c.Mails || r.SMTP.Unseen != 0 && !doubtfulCanaries[c.Name] || !bytes.Contains(text.Bytes(), []byte(helo)) {
					t.Errorf("%s at %s: HELO %s, %d mails, want %d; %d octets unseen: %+v", c.Name, addr, r.SMTP.HELO, r.SMTP.Messages, c.Mails,
						r.SMTP.Unseen, r.SMTP)
				}
			}
			for addr, c := range of {
				t.Errorf("%s at %s: no session", c.Name, addr)
			}
		})
	}
}

// doubtfulCanaries are the dialogues whose record may be marked uncertain, because client and server disagree on what is
// a body.
var doubtfulCanaries = map[string]bool{
	"oauthbearer": true, "chunk that nobody reads, and sent": true, "refused": true, "echo, refused": true, "echo, given up": true,
	"refused, not waiting": true, "given up": true, "dot that is none, not waiting": true, "dot that the server takes, the end": true,
	"given up, then another": true,
}
