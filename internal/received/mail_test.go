package received

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A mail about the mail of case A, in the ways in which mail programs wrap it.
const wrapping = "From: a@example.net\nTo: b@example.org\nSubject: spam from your server\n" +
	"Received: from mx.example.net (mx.example.net [198.51.100.25]) by mail.example.org with ESMTP id 9; Tue, 13 Feb 2018 09:55:00 +0100\n"

func TestReadWrapped(t *testing.T) {
	page := "<html><head><style>p {}</style></head><body><p>Your server sent this:</p><pre>" +
		strings.ReplaceAll(caseA, "\n", "<br>\n") + "</pre><p>Please&nbsp;stop.</p></body></html>"
	wrapped := func(lines ...string) string { return wrapping + strings.Join(lines, "\n") + "\n" }
	attached := func(kind, more string) string {
		return wrapped("Content-Type: multipart/mixed; boundary=q", "", "--q", "Content-Type: text/plain", "", "see there", "--q",
			"Content-Type: "+kind, "Content-Transfer-Encoding: BASE64", more, base64.StdEncoding.EncodeToString([]byte(caseA+"Subject: x\n\nbody\n")), "--q--")
	}
	bounce := wrapped("Content-Type: Multipart/Report; Report-Type=Delivery-Status; boundary=q", "", "--q", "Content-Type: MESSAGE/RFC822", "",
		caseA+"Subject: x", "", "body", "--q--")
	mbox := "From a@example.net Tue Feb 13 09:00:00 2018\n" + wrapped("", "Nothing of interest.") + "\nFrom MAILER-DAEMON Tue Feb 13 09:00:00 2018\n" + bounce
	for _, test := range []struct{ name, text, kind string }{
		{"HTML", wrapped("Content-Type: text/html; charset=utf-8", "", page), kindNotice},
		{"HTML beside an empty text", wrapped("Content-Type: multipart/alternative; boundary=q", "", "--q", "Content-Type: text/plain", "", " ",
			"--q", "Content-Type: text/html", "", page, "--q--"), kindNotice},
		{"a page", page, "a Received header"},
		{"an attached file", attached(`application/octet-stream; name="spam.EML"`, ""), kindNotice},
		{"an attached file by disposition", attached("application/octet-stream", "Content-Disposition: attachment; filename=spam.eml\n"), kindNotice},
		{"capitals", bounce, kindBounce},
		{"what is no header among the headers", strings.Replace(bounce, "To: ", ">From x Tue Feb 13\nTo: ", 1), kindBounce},
		{"blanks lost among the headers", strings.ReplaceAll(caseA, "\t", "") + "From: a@example.net\nSubject: x\n\nbody\n", "a mail"},
		{"a mail in mbox", mbox, kindBounce},
		{"a mail in mbox, CRLF", strings.ReplaceAll(mbox, "\n", "\r\n"), kindBounce},
		{"behind a comma", "Additional information: trojan, " + caseA, "a Received header"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := read(t, test.text)
			isCaseA(t, c)
			if c.Kind != test.kind {
				t.Errorf("it is taken for %s", c.Kind)
			}
		})
	}
	says(t, read(t, mbox), "2 mails are in it, and number 2 was read")
}

// The zone that is assumed is that of the day, not that of today.
func TestReadAssumedZone(t *testing.T) {
	winter := now.In(berlin(t))
	c, err := Read(strings.NewReader("HELO=mail.com 2017-07-01 14:30:00"), winter, Host{Local: own, Name: ""})
	if err != nil {
		t.Fatal(err)
	}
	says(t, c, "no zone was given: +02:00 is assumed")
}

// Of a text that somebody made long, the start is searched, and a character is not cut in two.
func TestReadLongText(t *testing.T) {
	c := read(t, "HELO=mail.com 2017-07-01 14:30:00 UTC "+strings.Repeat("x ", maxWords)+"2018-12-04 14:30 UTC ± 1 minute")
	if c.HELO != "mail.com" || c.When.Time.Year() != 2017 {
		t.Errorf("got %+v", c)
	}
	if got := cut(strings.Repeat("ü", maxWords)); len(got) > maxWords || !utf8.ValidString(got) {
		t.Errorf("%d bytes", len(got))
	}
	if got := cut("x" + strings.Repeat("ü", maxWords)); len(got) > maxWords || !utf8.ValidString(got) {
		t.Errorf("%d bytes", len(got))
	}
}

// An X-ARF report has its facts in a part of JSON or YAML.
func TestReadXARF(t *testing.T) {
	for kind, facts := range map[string]string{
		"application/json": `{"ReporterInfo":{"ReporterOrg":"x"},"Report":{"ReportClass":"Messaging","Date":"2018-02-13T03:54:09+01:00","SourceIp":"94.130.34.42","helo":"mail.com"}}`,
		"text/yaml":        "Category: abuse\nReport-Type: mail\nSource: 94.130.34.42\nDate: Tue, 13 Feb 2018 03:54:09 +0100\nHELO: mail.com\n",
		"application/yaml": "Category: abuse\nReport-Type: mail\nSource: 94.130.34.42\nDate: Tue, 13 Feb 2018 03:54:09 +0100\nHELO: mail.com\n",
	} {
		isCaseA(t, read(t, wrapping+"Content-Type: multipart/mixed; boundary=q\n\n--q\nContent-Type: text/plain\n\nSpam from your host.\n--q\nContent-Type: "+kind+
			"; name=report\nContent-Transfer-Encoding: base64\n\n"+base64.StdEncoding.EncodeToString([]byte(facts))+"\n--q--\n"))
	}
}

// How a report came here says nothing of the mail that it is about, where its text does.
func TestReadReportInProse(t *testing.T) {
	for _, text := range []string{
		"Your server 94.130.34.42 sent us spam at 2018-02-13 03:54:09 +0100. Please stop.",
		"Spam from 94.130.34.42 (web1.example.org), Tue, 13 Feb 2018 03:54:09 +0100\n",
	} {
		c := read(t, wrapping+"Content-Type: text/plain\n\n"+text+"\n")
		if c.HELO != "" || !c.When.Time.Equal(time.Date(2018, 2, 13, 2, 54, 9, 0, time.UTC)) || c.Addr != netip.MustParseAddr("94.130.34.42") || c.Foreign || !c.Own {
			t.Errorf("%s: got %+v", text, c)
		}
	}
	if c, err := Read(strings.NewReader(wrapping+"Content-Type: text/plain\n\nYou send spam.\n"), now, Host{Local: own, Name: "web1.example.org"}); err == nil {
		t.Errorf("got %+v", c)
	}
}
