package main

import (
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/live"
)

// dialogues are such as no capture of the corpus has, and the lines of each record.
var dialogues = map[string]struct {
	turns []live.Turn
	want  []string
}{
	"accepted, and no TLS": {live.Say("S: 220 mx.example.net ESMTP", "C: EHLO a.example.org", "S: 250-mx\r\n250 STARTTLS", "C: STARTTLS",
		"S: 220 go", "C: EHLO b.example.org", "S: 250 mx", "C: MAIL FROM:<a@example.org>", "S: 250 ok", "C: RCPT TO:<b@example.net>",
		"S: 250 ok", "C: DATA", "S: 354 go", "c: Subject: x\r\n\r\nMAIL FROM:<no@example.org>\r\n.\r\n", "S: 250 queued", "C: QUIT", "S: 221 bye"),
		[]string{"= EHLO a.example.org", "= EHLO b.example.org", "= from <a@example.org>", "= rcpt <b@example.net>",
			"+ accepted, 42 octets, 1 of 1 recipients: 250 queued", "= last 221 bye", "+ smtp, tls starttls_unused"}},
	"accepted, and given up": {live.Say("S: 220 mx.example.net ESMTP", "C: EHLO a.example.org", "S: 250 mx", "C: STARTTLS", "S: 220 go",
		"C: QUIT", "S: 221 bye"),
		[]string{"= EHLO a.example.org", "= last 221 bye", "+ smtp, tls starttls_unused"}},
	"said at once, and no TLS": {live.Say("S: 220 mx.example.net ESMTP",
		"c: EHLO a.example.org\r\nSTARTTLS\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nQUIT\r\n",
		"S: 250 mx\r\n220 go\r\n250 ok\r\n550 no\r\n221 bye"),
		[]string{"= EHLO a.example.org", "= from <a@example.org>", "= rcpt <b@example.net>", "+ refused, 0 octets, 0 of 1 recipients: 550 no",
			"= last 221 bye", "+ smtp, tls starttls_unused"}},
	"a 220 to EHLO": {live.Say("S: 220 mx.example.net ESMTP", "c: EHLO a.example.org\r\nSTARTTLS\r\n", "S: 220-mx\r\n220 SIZE", "S: 502 no",
		"C: MAIL FROM:<a@example.org>", "S: 250 ok", "C: RCPT TO:<b@example.net>", "S: 250 ok", "C: QUIT", "S: 221 bye"),
		[]string{"= EHLO a.example.org", "= from <a@example.org>", "= rcpt <b@example.net>", "+ aborted, 0 octets, 1 of 1 recipients: ",
			"= last 221 bye", "+ smtp, tls starttls_refused, rcpt_probe"}},
	"a 220 to EHLO, and one to STARTTLS": {live.Say("S: 220 mx.example.net ESMTP", "c: EHLO a.example.org\r\nSTARTTLS\r\n", "S: 220-mx\r\n220 SIZE",
		"S: 220 go", "c: \x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\nMAIL FROM:<no@example.org>\r\n", "s: \x16\x03\x03\x00\x02hi\r\n250 ok\r\n"),
		[]string{"= EHLO a.example.org", "= last 220 go", "+ smtp, tls starttls"}},
	"a chunk that is not sent": {live.Say("S: 220 mx.example.net ESMTP", "C: EHLO a.example.org", "S: 250 mx", "C: BDAT 99999999999 LAST",
		"S: 502 no", "C: MAIL FROM:<a@example.org>", "S: 250 ok", "C: RCPT TO:<b@example.net>", "S: 250 ok", "C: DATA", "S: 354 go",
		"c: x\r\n.\r\n", "S: 250 queued", "C: QUIT", "S: 221 bye"),
		[]string{"= EHLO a.example.org", "= from <a@example.org>", "= rcpt <b@example.net>", "+ accepted, 3 octets, 1 of 1 recipients: 250 queued",
			"= last 221 bye", "+ smtp"}},
	"small letters, as .NET has them": {live.Say("S: 220 mx.example.net ESMTP", "C: EHLO a.example.org", "S: 250 mx", "C: AUTH login Y2FuYXJ5", "S: 334 ", "C: Y2FuYXJ5",
		"S: 235 ok", "C: quit", "S: 221 bye"), []string{"= EHLO a.example.org", "= last 221 bye", "+ smtp, auth LOGIN success"}},
	"refused before, accepted and TLS": {live.Say("S: 220 mx.example.net ESMTP", "c: EHLO a.example.org\r\nMAIL FROM:<a@example.org>\r\nSTARTTLS\r\n",
		"S: 250 mx\r\n550 no\r\n220 go", "c: \x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\nQUIT\r\n", "s: \x16\x03\x03\x00\x02hi\r\n221 no\r\n"),
		[]string{"= EHLO a.example.org", "= from <a@example.org>", "+ refused, 0 octets, 0 of 0 recipients: 550 no", "= last 220 go",
			"+ smtp, tls starttls"}},
}

// TestDialogues: what is said in the clear behind STARTTLS is read, and no record claims TLS that was not; nor does
// a chunk hide what follows that is announced and not sent.
func TestDialogues(t *testing.T) {
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			var list []replayed
			for name, x := range dialogues {
				flow := &capture.Flow{}
				for _, turn := range x.turns {
					flow.Segments = append(flow.Segments, capture.Segment{Server: turn.Server, Data: turn.Data})
				}
				for how := range replays {
					for _, port := range []uint16{25, 2526} {
						list = stage(list, name, how, flow, port)
					}
				}
			}
			got := hold(t, f, list)
			for _, r := range list {
				checkEnvelope(t, &r, got[r.script.Addr], dialogues[r.name].want)
			}
		})
	}
}
