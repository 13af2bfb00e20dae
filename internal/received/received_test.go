package received

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// own are the addresses of the host of case A.
func own(a netip.Addr) bool { return a == netip.MustParseAddr("94.130.34.42") || a.IsLoopback() }

func read(t *testing.T, text string) *Clues {
	t.Helper()
	c, err := Read(strings.NewReader(text), now, Host{Local: own, Name: "web1.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// says fails unless what was understood has these words.
func says(t *testing.T, c *Clues, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(strings.Join(c.Words, "\n"), w) {
			t.Errorf("%q is not in\n%s", w, strings.Join(c.Words, "\n"))
		}
	}
}

func isCaseA(t *testing.T, c *Clues) {
	t.Helper()
	if c.HELO != "mail.com" || !c.Dated || !c.When.Time.Equal(time.Date(2018, 2, 13, 2, 54, 9, 0, time.UTC)) ||
		c.Addr != netip.MustParseAddr("94.130.34.42") {
		t.Errorf("got %+v", c)
	}
}

const caseA = "Received: from mail.com ([94.130.34.42])\n\tby mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100\n"

func TestReadHeader(t *testing.T) {
	for name, text := range map[string]string{
		"folded":            caseA,
		"without its name":  strings.TrimPrefix(caseA, "Received: "),
		"with CRLF":         strings.ReplaceAll(caseA, "\n", "\r\n"),
		"quoted":            "> " + strings.ReplaceAll(caseA, "\n", "\n> "),
		"broken by =":       strings.NewReplacer("Tue, 13", "Tue,=\n 13", "example", "exam=\nple").Replace(caseA),
		"blanks lost":       strings.ReplaceAll(caseA, "\t", ""),
		"among others":      "Return-Path: <x@y.it>\nDelivered-To: me@example.net\n" + caseA + "Subject: Posteitaliane\n",
		"in a person's own": "Hello,\n\nyour server sends spam:\n\n    " + caseA + "\nPlease stop.\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := read(t, text)
			isCaseA(t, c)
			says(t, c, "`mail.com` is the HELO name, not rDNS", "`with SMTP` means the client said HELO, not EHLO",
				"2018-02-13 03:54:09 +0100, which is 2018-02-13 02:54:09 UTC", "94.130.34.42, an address of this host")
		})
	}
}

// Of several headers the one that was written of this host counts, not the one at the top.
func TestReadSeveralHeaders(t *testing.T) {
	c := read(t, "Received: from mx.example.net (mx.example.net [198.51.100.25]) by store.example.net with LMTP id 1; Tue, 13 Feb 2018 03:54:12 +0100\n"+
		caseA+
		"Received: from localhost (localhost [127.0.0.1]) by mail.com with ESMTP id 3; Tue, 13 Feb 2018 03:54:01 +0100\n")
	isCaseA(t, c)
	says(t, c, "of 3 Received headers, number 2 from the top")
}

// syslog tells neither year nor zone.
func TestReadSyslog(t *testing.T) {
	c := read(t, "Dec  4 14:30:00 mx postfix/smtpd[12]: NOQUEUE: reject: RCPT from unknown[94.130.34.42]: 554; proto=SMTP helo=<[127.0.0.1]>")
	if want := time.Date(2017, 12, 4, 14, 30, 0, 0, local); !c.When.Time.Equal(want) || !c.When.Local || c.HELO != "[127.0.0.1]" {
		t.Errorf("got %+v", c)
	}
}

// A header of another host is looked for all the same, and it is said.
func TestReadHeaderOfAnotherHost(t *testing.T) {
	c := read(t, strings.ReplaceAll(caseA, "94.130.34.42", "192.0.2.77"))
	if c.HELO != "mail.com" {
		t.Errorf("got %+v", c)
	}
	says(t, c, "192.0.2.77, which is not an address of this host")
}

const abuse = `From: <abuse@example.net>
Date: Tue, 13 Feb 2018 09:00:00 +0100
Subject: FW: Posteitaliane
To: <abuse@your-server.de>
Received: from abuse.example.net (abuse.example.net [198.51.100.99]) by mail.your-server.de with ESMTPS id 9; Tue, 13 Feb 2018 09:00:01 +0100
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an email abuse report for a message received from 94.130.34.42.

--b1
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <posteitaliane@test123.it>
Original-Rcpt-To: <user@example.net>
Arrival-Date: Tue, 13 Feb 2018 03:54:09 +0100
Source-IP: 94.130.34.42

--b1
Content-Type: message/rfc822

` + caseA + `From: <posteitaliane@test123.it>
Subject: Posteitaliane

body
--b1--
`

func TestReadAbuseReport(t *testing.T) {
	c := read(t, abuse)
	isCaseA(t, c)
	if c.Kind != "an abuse report (ARF)" || c.Rcpt != "user@example.net" {
		t.Errorf("got %+v", c)
	}
	says(t, c, "not rDNS", "it was for `user@example.net`: --rcpt narrows to that")
}

// A report without the mail has its time and address in fields.
func TestReadAbuseReportWithoutMail(t *testing.T) {
	bare, _, _ := strings.Cut(abuse, "--b1\nContent-Type: message/rfc822")
	c := read(t, bare+"--b1--\n")
	if c.HELO != "" || !c.Dated || c.Addr != netip.MustParseAddr("94.130.34.42") ||
		!c.When.Time.Equal(time.Date(2018, 2, 13, 2, 54, 9, 0, time.UTC)) {
		t.Errorf("got %+v", c)
	}
	says(t, c, "field Arrival-Date")
}

// A bounce that this host's own mail server wrote, of what an MX did not take: the header in it is not of how
// this host introduced itself.
func TestReadBounceOfOwnServer(t *testing.T) {
	c := read(t, `From: MAILER-DAEMON@web1.example.org
To: posteitaliane@test123.it
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b1

--b1
Content-Type: text/plain

<user@example.net>: host mx.example.net[198.51.100.25] said: 550 HELO=web9.example is not you
--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; web1.example.org
Arrival-Date: Tue, 13 Feb 2018 03:54:09 +0100

Final-Recipient: rfc822; user@example.net
Action: failed
--b1
Content-Type: message/rfc822

Received: from User (unknown [198.51.100.66])
	by web1.example.org (Postfix) with ESMTPA id 4E81026038;
	Tue, 13 Feb 2018 03:54:09 +0100
Subject: Posteitaliane

body
--b1--
`)
	if c.HELO != "" || c.Addr.IsValid() || !c.Dated || c.Rcpt != "user@example.net" {
		t.Errorf("got %+v", c)
	}
	says(t, c, "the header of the mail tells who handed it in (`User 198.51.100.66`)")
}

// A host's short name is that of many others.
func TestReadHereByName(t *testing.T) {
	for _, test := range []struct {
		here, by string
		want     bool
	}{
		{"web1.example.org", "web1.example.org", true}, {"web1.example.org", "WEB1.example.org", true}, {"web1.example.org", "web1", true},
		{"mail", "mail", true}, {"mail", "mail.example.net", false}, {"mail.example.org", "mail.example.net", false},
		{"web1.example.org", "web1.example.org.example.net", false}, {"localhost", "localhost", false}, {"", "", false},
	} {
		text := strings.Replace(caseA, "mx.example.net", test.by, 1)
		c, err := Read(strings.NewReader(text), now, Host{Local: own, Name: test.here})
		if err != nil || (c.HELO == "") != test.want {
			t.Errorf("on %q, by %q: HELO %q, %v", test.here, test.by, c.HELO, err)
		}
	}
}

func TestReadBounce(t *testing.T) {
	c := read(t, `From: MAILER-DAEMON@mx.example.net
To: posteitaliane@test123.it
Subject: Undelivered Mail Returned to Sender
Received: from mx.example.net (mx.example.net [198.51.100.25]) by mail.test123.it with ESMTP id 9; Tue, 13 Feb 2018 03:55:00 +0100
Content-Type: multipart/report; report-type=delivery-status; boundary=b1

--b1
Content-Type: text/plain

551 virus infected
--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Tue, 13 Feb 2018 03:54:09 +0100

Final-Recipient: rfc822; user@example.net
Action: failed
--b1
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: quoted-printable

Received: from mail.com ([94.130.34.42]) by mx.example.net with SMTP; Tue,=
 13 Feb 2018 03:54:09 +0100
Subject: Posteitaliane
--b1--
`)
	isCaseA(t, c)
	if c.Kind != kindBounce {
		t.Errorf("got %+v", c)
	}
}

// The mail itself, as its recipient saved it.
func TestReadMail(t *testing.T) {
	c := read(t, "From posteitaliane@test123.it Tue Feb 13 03:54:10 2018\n"+caseA+
		"From: <posteitaliane@test123.it>\nSubject: Posteitaliane\nDate: Tue, 13 Feb 2018 01:00:00 +0000\n\nbody\n")
	isCaseA(t, c)
}

// Whoever sent the mail wrote its text: a header in it leads nowhere.
func TestReadMailThatQuotesAHeader(t *testing.T) {
	fake := "Received: from web1.example.org (unknown [94.130.34.42]) by mx.example.com with ESMTP; Mon, 12 Feb 2018 10:00:00 +0100\n"
	for name, body := range map[string]string{
		"text":     "Content-Type: text/plain\n\n" + fake,
		"attached": "Content-Type: multipart/mixed; boundary=q\n\n--q\nContent-Type: message/rfc822\n\n" + fake + "\nx\n--q--\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := read(t, caseA+"From: a@test123.it\nSubject: Posteitaliane\n"+body)
			isCaseA(t, c)
			says(t, c, "there is a Received header in its text, too: paste that alone if it is meant")
		})
	}
}

func TestReadBlocklist(t *testing.T) {
	for _, test := range []struct{ name, text, helo, margin string }{
		{"CBL", `IP Address 94.130.34.42 is listed in the CBL. It appears to be infected with a spam sending trojan.

It was last detected at 2015-12-04 14:00 GMT (+/- 30 minutes), approximately 2 days, 19 hours ago.

This IP was seen HELOing as [127.0.0.1] to port 25. It has been relisted following a previous removal at 2015-12-03 08:11 GMT`,
			"[127.0.0.1]", "14:00 30m0s"},
		{"case D", "2015-12-04 ~14:30 UTC ±15 minutes … HELOed as [127.0.0.1]", "[127.0.0.1]", "14:30 15m0s"},
		{"Spamhaus", "94.130.34.42 has been observed using the EHLO/HELO name \"mail.com\". The most recent detection was at: December 4 2015, 14:30:00 UTC (+/- 5 minutes). Observed at December 1 2015, 10:00:00 UTC", "mail.com", "14:30 5m0s"},
		{"CBL, curly", "It was last detected at Fri Dec 4 14:30:00 2015 UTC +/- 5 minutes. This IP address is HELO’ing as “localhost.localdomain” which violates RFC5321.", "localhost.localdomain", "14:30 5m0s"},
		{"Spamhaus, rows", "The most recent detections:\n(IP, UTC timestamp, HELO value)\n94.130.34.42 2015-12-03 09:10:00 other.com\n94.130.34.42 2015-12-04 14:30:00 my_host\n", "my_host", "14:30 0s"},
		{"Spamhaus, zone in parentheses", "94.130.34.42 HELO'd as \"mail.com\" on 2015-12-04 at 14:30 (UTC)", "mail.com", "14:30 0s"},
		{"UCEPROTECT", "HELO: mail.com. Last Impact seen at: 04.12.2015 15:30 CET +/- 1 minute. Earliest expiretime: 11.12.2015 16:00 CET", "mail.com", "14:30 1m0s"},
		{"SORBS", "Record Created: Fri Dec  4 14:30:00 2015 GMT\nHELO [127.0.0.1]", "[127.0.0.1]", "14:30 0s"},
		{"German", "Am Freitag, 4. Dezember 2015, 15:30 Uhr MEZ meldete sich Ihr Host mit HELO mail.com", "mail.com", "14:30 0s"},
		{"Exim's log", "2015-12-04 14:30:00 +0000 H=(mail.com) [94.130.34.42]:41822 F=<a@b.it> rejected RCPT <x@example.net>", "mail.com", "14:30 0s"},
		{"quoted", "It said 'EHLO localhost' on 4-Dec-2015 14:30 UTC", "localhost", "14:30 0s"},
		{"a person", "Your host said HELO mail.com to us on Fri, 4 Dec 2015 15:30 +0100.", "mail.com", "14:30 0s"},
	} {
		c := read(t, test.text)
		if got := c.When.Time.UTC().Format("15:04 ") + c.When.Margin.String(); c.HELO != test.helo || got != test.margin ||
			c.When.Time.UTC().Format(time.DateOnly) != "2015-12-04" {
			t.Errorf("%s: got %s, %+v", test.name, got, c)
		}
	}
}

func TestReadNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "it is empty",
		" \r\n":               "it is empty",
		"no clue at all":      "names neither a time nor a HELO name",
		"Received: \x00\xff;": "names neither a time nor a HELO name",
	} {
		if c, err := Read(strings.NewReader(text), now, Host{Local: own, Name: "web1.example.org"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v; want %s", text, c, err, want)
		}
	}
}

// Whatever is pasted, it ends, and what is found is bounded and makes sense.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		caseA, abuse, "2015-12-04 ~14:30 UTC ±15 minutes … HELOed as [127.0.0.1]", "From x\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n",
		"<html><table><tr><td>203.0.113.9<td>4 décembre 2015 à 14h30", `{"xarf_version":"4","timestamp":"2022-10-11T12:38:55Z","source_identifier":"203.0.113.9"}`,
		"Oct 11 12:38:55 web1 postfix/smtp[1]: A1B2C3D: to=<a@example.net>, relay=mx[198.51.100.25]:25, status=bounced (host mx[198.51.100.25] said: 550 x)",
		"This is the mail system at host web1.example.org.\n\n<a@example.net>: host mx[198.51.100.25] said: 550 x\n\nReporting-MTA: dns; web1.example.org\nArrival-Date: Tue, 11 Oct 2022 12:38:55 +0000\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Read(strings.NewReader(string(raw)), now, Host{Local: own, Name: "web1.example.org", Own: []string{"198.51.100.9"}})
		if err != nil {
			return
		}
		if len(c.Words) > 60 || len(c.Doubts) > 10 || len(c.HELO) > maxHeader || len(c.Rcpt) > maxHeader || len(c.Reply) > maxHeader || len(c.To) > 20 || c.Kind == "" {
			t.Errorf("of %q: %+v", raw, c)
		}
		if from, to, _ := c.Span(); c.Dated && (from.After(to) || c.When.Time.Year() < 1970 || c.When.Time.Year() > 9999) {
			t.Errorf("of %q: from %s to %s", raw, from, to)
		}
		if _, err := c.MarshalJSON(); err != nil {
			t.Errorf("of %q: %v", raw, err)
		}
		for _, w := range c.Words {
			if utf8.Valid(raw) && !utf8.ValidString(w) {
				t.Errorf("of %q: %q", raw, w)
			}
		}
	})
}
