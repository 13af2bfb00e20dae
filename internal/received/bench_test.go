package received

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// worst are texts of 4 MiB that somebody may have made so that reading them takes long.
func worst() map[string]string {
	run := func(s string) string { return strings.Repeat(s, MaxInput/len(s)+1)[:MaxInput] }
	hop := "Received: from a (b [192.0.2.1]) by c with ESMTP id 1; Tue, 11 Oct 2022 12:38:55 +0000\n"
	mail := "From: a@example.org\nSubject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
	return map[string]string{
		"(": run("("), "Received: from x (": "Received: from x " + run("("), "HELO": run("HELO "), "HELO\n": run("HELO \n"), "one open tag": "<html><p " + run("a=b "),
		"open tags": "<html>" + run("<p"), "<": "<html>" + run("<"), "tags": "<html>" + run("<b>x</b>"), "comments": "<html>" + run("<!--"), "entities": "<html>" + run("&amp;"),
		"hops": run(hop), "hops in a line": run("Received: from a by b; "), "folded": "Received: from a\n" + run(" x\n"), "folds of a mail": "From: a\nTo: b\nDate: c\nReceived: from a\n" + run("x\n"),
		"headers": "From: a@example.org\nSubject: x\n" + run("X: y\n"), "parts": mail + run("--b\n\nx\n"), "boundaries": mail + run("--b"), "nested": run("Content-Type: multipart/mixed; boundary=b\n\n--b\n"),
		"other boundary": mail + run("--c\n"), "groups": mail + "--b\nContent-Type: message/delivery-status\n\n" + run("A: b\n\n"), "quoted-printable": mail + run("=3D=\n"),
		"soft breaks": "Received: from a" + run("=\n"), "base64": mail + "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + run("QUJD"), "base64 lines": run(strings.Repeat("QUJD", 16) + "\n"),
		"digits": run("1"), "dates": run("2015-12-04 14:30 UTC ± 15 minutes "), "addresses": run("203.0.113.9 "), "colons": run("1:"), "months": run("dec "), "at signs": run("a@"),
		"mbox": run("From a@example.org Tue Feb 13 09:00:00 2018\n\nx\n\n"), "quotes": run("> "), "marks": run(">\n"), "blank": run(" "), "lines": run("\n"),
		"JSON": `{"xarf_version":"4","a":` + run("["), "JSON objects": `{"xarf_version":"4","a":` + run(`{"a":`), "JSON list": `{"xarf_version":"4","a":[` + run("1,"),
		"log": run("Oct 11 12:38:55 web1 postfix/smtp[1]: A1B2C3D: to=<a@example.net>, relay=mx[198.51.100.25]:25, status=sent (250 ok)\n"), "log, one line": "Oct 11 12:38:55 web1 postfix/smtp[1]: " + run("to=<a> "),
		"log, pairs": run("Oct 11 12:38:55 web1 postfix/smtp[1]: " + strings.Repeat("to=<a@b>, from=(", 250) + "\n"), "pairs": run("to=<a@b>, from=("),
		"bounce": "This is the mail system at host web1.example.org.\n\n" + run("<a@example.net>: host mx[198.51.100.25] said: 550 x\n"), "ARF": "Feedback-Type: abuse\n" + run("Source-IP: 192.0.2.1\n"),
		"Latin-1": run("\xe4("), "NUL": run("\x00"), "wide": "\xff\xfe" + run("(\x00"), "rows": "(IP, UTC timestamp, HELO value)\n" + run("192.0.2.1 2015-12-04 14:30 x\n"), "Cyrillic": run("представился "), "CR": run("\r"),
		"told": "From: MAILER-DAEMON@web1.example.org\nSubject: failure\n\n" + run("your ip 192.0.2.1 is listed "), "from": run("from a by b; "), "scripts": run("X-PHP-Script: a\n"),
	}
}

// No text takes long: the bound is far above what the worst takes, for slow and busy machines, and the race detector.
func TestReadIsQuick(t *testing.T) {
	for name, text := range worst() {
		start := time.Now()
		Read(strings.NewReader(text), today, web1)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %s", name, took)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	all := worst()
	for _, name := range sortedNames(all) {
		raw := []byte(all[name])
		b.Run(strings.ReplaceAll(name, "\n", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				Read(bytes.NewReader(raw), today, web1)
			}
			if per := b.Elapsed() / time.Duration(b.N); per > 300*time.Millisecond {
				b.Errorf("%s for %q, more than 300 ms", per, name)
			}
		})
	}
}

func sortedNames(all map[string]string) (names []string) {
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
