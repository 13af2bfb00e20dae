package received

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// What real reports have beside the usual: one zone for all times, columns, arrows, words in front of a header.
func TestReadFurtherForms(t *testing.T) {
	hops := "Received: from out.mail.example (out.mail.example [198.51.100.70]) by fbl.report.example with ESMTP id 1; Tue, 11 Oct 2022 12:39:55 +0000\n" +
		"Received: from mail.com (web1.example.org [203.0.113.9]) by in4.mail.example (Postfix) with ESMTP id 3; Tue, 11 Oct 2022 12:38:55 +0000\n"
	csv := "Format: ASN | IP | Timestamp (UTC) | Source port | Destination IP\n64496 | 203.0.113.9 | 2022-10-11 12:38:55 | 41822 | 198.51.100.25\n64496 | 203.0.113.77 | 2022-10-10 01:00:00 | 5 | 198.51.100.26\n"
	jmrp := "From: staff@fbl.example\nTo: abuse@example.org\nSubject: complaint about message from 203.0.113.9\nDate: Wed, 12 Oct 2022 12:38:55 +0000\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n" + hops + "Subject: x\n\nx\n--b--\n"
	readAll(t, "", []pasted{
		{"columns", csv, `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"helo", "uncertainty", "until"}, nil},
		{"all times", "All times are in UTC.\nSpam from 203.0.113.9: 2022-10-11 12:38:55", `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"uncertainty"}, nil},
		{"Zeitzone", "Zeitzone: MESZ\nSpam von 203.0.113.9 am 11.10.2022 um 14:38:55 Uhr", `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"uncertainty"}, nil},
		{"an arrow", "2022-10-11 12:38:55 UTC 203.0.113.9:41822 -> 198.51.100.25:25 SMTP spam", `{"ip": "203.0.113.9", "port": 41822, "destination": "198.51.100.25", ` + theDay + `}`, nil, nil},
		{"a port in words", "seen 2022-10-11 12:38:55 UTC: TCP connection from 203.0.113.9 on port 48211 going to IP address 198.51.100.65 on port 25", `{"port": 48211, "destination": "198.51.100.65", ` + theDay + `}`, nil, nil},
		{"SpamCop", "[ SpamCop V5 ]\nEmail from 203.0.113.9 / Tue, 11 Oct 2022 12:38:55 +0000\n\n[ Offending message ]\n" + hops, `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"JMRP", jmrp, `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"a bounce with more hops", "From: MAILER-DAEMON@mx.mail.example\nSubject: Undeliverable\nDate: Tue, 11 Oct 2022 12:40:00 +0000\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n" +
			"Reporting-MTA: dns; mx.mail.example\n\nFinal-Recipient: rfc822; v@mail.example\n--b\nContent-Type: text/rfc822-headers\n\n" + hops + "--b--\n", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"Sendmail's words", "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\nSubject: Returned mail: User unknown\nDate: Tue, 11 Oct 2022 12:38:56 GMT\n\nThe original message was received at Tue, 11 Oct 2022 12:38:55 GMT\nfrom web1.example.org [203.0.113.9]\n\n" +
			"   ----- The following addresses had permanent fatal errors -----\n<victim@example.net>\n\n   ----- Transcript of session follows -----\n550 5.1.1 <victim@example.net>... User unknown\n", `{"ip": "203.0.113.9", "recipient": "victim@example.net", ` + theDay + `}`, []string{"helo"}, nil},
		{"French, source and destination", "Adresse IP source : 203.0.113.9\nAdresse IP de destination : 198.51.100.33\nDate : 11/10/2022 12:38:55 UTC\n", `{"ip": "203.0.113.9", "destination": "198.51.100.33", ` + theDay + `}`, nil, nil},
		{"a network", "Your network 203.0.113.0/24 sent spam. Address: 203.0.113.9, last seen 2022-10-11 12:38:55 UTC", `{"ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
		{"Exchange Online", "Received: from AM0.prod.exchangelabs.com (2001:db8:208::1) by AM1.prod.exchangelabs.com with HTTPS; Tue, 11 Oct 2022 12:38:58 +0000\nReceived: from DB5.prod.outlook.com (2001:db8:10::2) by\n AM0.prod.exchangelabs.com (2001:db8:208::1) with Microsoft\n SMTP Server id 15.20; Tue, 11 Oct\n 2022 12:38:57 +0000\n" +
			"Received: from mail.com (203.0.113.9) by\n DB5.mail.protection.outlook.com (10.152.20.1) with Microsoft SMTP Server\n id 15.20 via Frontend Transport; Tue, 11 Oct 2022 12:38:55 +0000\n", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"Yahoo", "Received: from 203.0.113.9\n by atlas.mail.example with HTTP; Tue, 11 Oct 2022 12:38:56 +0000\nReceived: from 203.0.113.9 (EHLO mail.com)\n by 10.1.1.1 with SMTPs\n (version=TLS1_2 cipher=X);\n Tue, 11 Oct 2022 12:38:55 +0000\n", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"a page's table", "<div><h2>203.0.113.9</h2><table><tr><th>IP</th><th>Time (UTC)</th><th>HELO</th></tr><tr><td>203.0.113.9</td><td>2022-10-11 12:38:55</td><td>mail.com</td></tr></table></div>", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, []string{"uncertainty"}, nil},
		{"rows of others", "ip,timestamp (UTC),helo,dst ip,src port\n203.0.113.77,2022-10-10 01:00:00,other.com,198.51.100.1,1\n\"203.0.113.9\",\"2022-10-11 12:38:55\",\"mail.com\",198.51.100.25,41822\n", `{"ip": "203.0.113.9", "helo": "mail.com", "destination": "198.51.100.25", "port": 41822, ` + theDay + `}`, nil, nil},
		{"names seen", "203.0.113.9 is listed. The following are the HELO names seen: mail.com\nTime Stamp: Tue Oct 11 12:38:55 2022 UTC +/- 5 minutes", `{"helo": "mail.com", "uncertainty": 300, ` + theDay + `}`, nil, nil},
		{"Markdown", "**IP**: 203.0.113.9\n**Time**: 2022-10-11T12:38:55Z\n**HELO**: mail.com\n", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, nil},
		{"passed on as text", "Hallo,\n\n-------- Weitergeleitete Nachricht --------\nBetreff: Undelivered Mail\nDatum: Tue, 11 Oct 2022 12:38:55 +0000\nVon: MAILER-DAEMON@web1.example.org\n\nThis is the mail system at host web1.example.org.\n\n<v@example.net>: host mx.example.net[198.51.100.25] said: 550 no (in reply to RCPT TO command)\n",
			`{"destination": "198.51.100.25", "time": "2022-10-06T12:38:55Z", "until": "2022-10-11T12:38:55Z"}`, []string{"ip", "helo"}, nil},
		{"as date(1) writes it", "a mail server of yours, 203.0.113.9, tried to deliver spam to our trap at Tue Oct 11 14:38:55 CEST 2022 (HELO mail.com).", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"first and last", "von Ihrem Server (IP: 203.0.113.9) werden Spam-Mails versendet.\nErster Vorfall: 2022-10-10 08:00:00 +0200\nLetzter Vorfall: 2022-10-11 14:38:55 +0200\nMeldung eingegangen: 2022-10-12 09:00:00 +0200", `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"until"}, nil},
		{"Unix time", `{"xarf_version":"4","timestamp":1665491935,"source_identifier":"203.0.113.9"}`, `{"ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
		{"GMX", "From: Mailer Daemon <mailer-daemon@gmx.example>\nSubject: Mail delivery failed: returning message to sender\nDate: Tue, 11 Oct 2022 14:38:57 +0200\n\nThis message was created automatically by mail delivery software.\n\nvictim@example.net:\nSMTP error from remote server for RCPT TO command, host: mx.example.net (198.51.100.25) reason: 550 unknown\n\n" +
			"--- The header of the original message is following. ---\n\nReceived: from mail.com ([203.0.113.9]) by mail.gmx.example (mrgmx105 [198.51.100.168]) with ESMTPSA (Nemesis) id 1M; Tue, 11 Oct 2022 14:38:55 +0200\n", `{"ip": "203.0.113.9", "helo": "mail.com", "recipient": "victim@example.net", "reply": "550 unknown", ` + theDay + `}`, []string{"destination"}, nil},
		{"lines in a report", "We have detected abuse from the IP address 203.0.113.9.\n\nLog lines are given below:\n\n2022-10-11T12:38:55+00:00 mx postfix/smtpd[1234]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 denied; from=<a@b.example> to=<x@y.example> proto=ESMTP helo=<mail.com>\n", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"one line of Postfix's bounce", "<victim@example.net>: host mx.example.net[198.51.100.25] said: 554 5.7.1 spam not\n    wanted (in reply to end of DATA command)\n", `{"destination": "198.51.100.25", "recipient": "victim@example.net", "reply": "554 5.7.1 spam not wanted"}`, []string{"ip", "helo", "time"}, nil},
		{"lines of Exim's bounce", "  victim@example.net\n    host mx.example.net [198.51.100.25]\n    SMTP error from remote mail server after RCPT TO:<victim@example.net>:\n    550 5.1.1 unknown\n", `{"destination": "198.51.100.25", "recipient": "victim@example.net", "reply": "550 5.1.1 unknown"}`, []string{"ip", "helo", "time"}, nil},
		{"a person tells of it", "At 2022-10-11 12:38:55 UTC my mail came back: mx.example.net[198.51.100.25] said: 550 no", `{` + theDay + `, "destination": "198.51.100.25"}`, []string{"ip", "helo"}, nil},
		{"a delay", "From: MAILER-DAEMON@web1.example.org\nSubject: Delayed Mail (still being retried)\nDate: Wed, 12 Oct 2022 12:38:55 +0000\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; web1.example.org\nArrival-Date: Tue, 11 Oct 2022 12:38:55 +0000\n\n" +
			"Final-Recipient: rfc822; v@example.net\nAction: delayed\nDiagnostic-Code: X-Postfix; connect to mx.example.net[198.51.100.25]:25: Connection timed out\n--b--\n", `{"destination": "198.51.100.25", "until": "2022-10-12T12:38:55Z", ` + theDay + `}`, []string{"reply"}, nil},
		{"days before, in German", "203.0.113.9 zuletzt gesehen 2022-10-11 12:38 UTC. Die Verbindung kann bis zu 4 Tage früher gewesen sein.", `{"time": "2022-10-07T12:38:00Z", "until": "2022-10-11T12:38:00Z"}`, nil, nil},
		{"days before, in Russian", "203.0.113.9 последний раз 2022-10-11 12:38 UTC. Соединение могло быть до 4 дней раньше.", `{"time": "2022-10-07T12:38:00Z", "until": "2022-10-11T12:38:00Z"}`, nil, nil},
		{"UTF-16", "\xff\xfe" + wideOf("Spam from 203.0.113.9 at 2022-10-11 12:38:55 UTC"), `{"ip": "203.0.113.9", ` + theDay + `}`, nil, nil},
		{"Latin-1", "Am 11. M\xe4rz 2022 um 13:38:55 Uhr MEZ sandte 203.0.113.9 Spam", `{"ip": "203.0.113.9", "time": "2022-03-11T12:38:55Z"}`, nil, nil},
		{"base64 where no header says so", "look:\n\nUmVjZWl2ZWQ6IGZyb20gbWFpbC5jb20gKHdlYjEuZXhhbXBsZS5vcmcgWzIwMy4wLjEx\nMy45XSkgYnkgbXguZXhhbXBsZS5uZXQgKFBvc3RmaXgpIHdpdGggRVNNVFAgaWQgMTsgVHVl\nLCAxMSBPY3QgMjAyMiAxMjozODo1NSArMDAwMApTdWJqZWN0OiB4Cg==\n",
			`{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, nil},
		{"Exim by syslog", "2022-10-11T12:38:55+00:00 web1 exim[12]: 2022-10-11 12:38:55 1pABCD-00012E-2X => victim@example.net R=dnslookup T=remote_smtp H=mx.example.net [198.51.100.25]:25", `{"destination": "198.51.100.25", "queue_id": "1pABCD-00012E-2X", "recipient": "victim@example.net", ` + theDay + `}`, []string{"ip"}, nil},
	})
}

func wideOf(text string) string {
	out := ""
	for _, c := range text {
		out += string([]byte{byte(c), 0})
	}
	return out
}

// A text is read in the set that it says, or that its signs show.
func TestCharsets(t *testing.T) {
	for _, test := range []struct{ charset, raw, want string }{
		{"KOI8-R", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		{"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		{"iso-2022-jp", "\x1b$BF|K\\8l\x1b(B HELO x", "日本語 HELO x"},
		{"", "\x1b$BF|K\\8l\x1b(B HELO x", "日本語 HELO x"},
		{"Shift_JIS", "\x93\xfa\x96{\x8c\xea HELO x", "日本語 HELO x"},
		{"euc-jp", "\xc6\xfc\xcb\xdc\xb8\xec", "日本語"},
		{"gb2312", "\xd3\xca\xbc\xfe", "邮件"},
		{"", "caf\xe9", "café"},
		{"no-such-set", "caf\xe9", "café"},
		{"utf-8", "caf\xe9", "café"},
		{"utf-8", "café", "café"},
	} {
		if got := toUTF8(test.raw, test.charset); got != test.want {
			t.Errorf("%q in %q is read as %q, want %q", test.raw, test.charset, got, test.want)
		}
	}
}

// A pattern is compiled when it is used: here all are.
func TestPatterns(t *testing.T) {
	if len(patterns) < 50 {
		t.Errorf("%d patterns", len(patterns))
	}
	for _, p := range patterns {
		p.compiled() // it panics where the expression is wrong
	}
}

// One address that servers tell is ours; of several none is certain.
func TestReadToldAddress(t *testing.T) {
	header := "Received: from mail.com ([203.0.113.9]) by mx.example.net with SMTP; Tue, 11 Oct 2022 12:38:55 +0000"
	for doubts, addresses := range [][]string{{"203.0.113.9", "2001:db8::9"}, {"203.0.113.9", "203.0.113.77"}} {
		host := laptop
		for _, a := range addresses {
			host.Told = append(host.Told, netip.MustParseAddr(a))
		}
		c, err := Read(strings.NewReader(header), today, host)
		if err != nil || c.Foreign || c.Own || len(c.Doubts) != doubts {
			t.Errorf("%v: %+v, %v", addresses, c, err)
		}
	}
}

// What a server tells its client of its address.
func TestTold(t *testing.T) {
	for reply, want := range map[string]string{
		"554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.example": "[203.0.113.9]",
		"250-mx.example.net Hello web1.example.org [203.0.113.9]":                            "[203.0.113.9]",
		"250 mx.example.net Hello web1 [203.0.113.9], pleased to meet you":                   "[203.0.113.9]",
		"250-mx.example.net at your service, [203.0.113.9]":                                  "[203.0.113.9]",
		"550 5.7.1 Unfortunately, messages from [203.0.113.9] weren't sent":                  "[203.0.113.9]",
		"421 4.7.0 [TSS04] Messages from 203.0.113.9 temporarily deferred":                   "[203.0.113.9]",
		"550-5.7.1 [203.0.113.9      12] Our system has detected":                            "[203.0.113.9]",
		"550 203.0.113.9 is listed at bl.example":                                            "[203.0.113.9]",
		"554 IP=203.0.113.9 - None/bad reputation":                                           "[203.0.113.9]",
		"220 mx.example.net ESMTP":                                                           "[]",
		"250 2.0.0 Ok: queued as 4E81026038 by 198.51.100.25":                                "[]",
		"554 Client host [10.0.0.7] blocked":                                                 "[]",
		"554 Client host [100.64.3.4] blocked":                                               "[]", // carriers' NAT
	} {
		if got := fmt.Sprint(Told(reply)); got != want {
			t.Errorf("%s: %s", reply, got)
		}
	}
}

// A mail whose text is in 8 bits of another set is read in that.
func TestEightBit(t *testing.T) {
	said, err := charmap.KOI8R.NewEncoder().String("Последний раз замечен 4 декабря 2015 г. в 17:30 МСК: сервер 203.0.113.9 представился как mail.com.")
	if err != nil {
		t.Fatal(err)
	}
	mail := "From: abuse@example.ru\nSubject: spam\nContent-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: 8bit\n\n"
	c, err := Read(strings.NewReader(mail+said+"\n"), today, web1)
	if err != nil || c.HELO != "mail.com" {
		t.Errorf("read as %+v, %v", c, err)
	}
}

// What a server handed on of a mail from here is sure: it has its name in DNS in the header above.
func TestHandedOn(t *testing.T) {
	c, err := Read(strings.NewReader("Received: from mail-a.example.com (mail-a.example.com [198.51.100.70]) by mx.example.net with ESMTP id 1; Tue, 11 Oct 2022 12:39:55 +0000\n"+
		"Received: from mail.com (web1.example.org [203.0.113.9]) by in4.example.com (Postfix) with ESMTP id 3; Tue, 11 Oct 2022 12:38:55 +0000\n"), today, web1)
	if err != nil || len(c.Doubts) > 0 || c.HELO != "mail.com" {
		t.Errorf("read as %+v, %v", c, err)
	}
}

// Of a report about several hosts, what is of this one is read; of several mails of this host it may be any.
func TestSeveralReports(t *testing.T) {
	one := func(ip, at, helo string) string {
		return fmt.Sprintf(`{"source_identifier": %q, "timestamp": %q, "type": "spam", "helo": %q, "destination_ip": "198.51.100.25:25"}`, ip, at, helo)
	}
	list := func(reports ...string) string {
		return `{"xarf_version": "4.0.0", "reports": [` + strings.Join(reports, ", ") + `]}`
	}
	theirs := one("198.51.100.77", "2022-10-01T00:00:00Z", "other.example")
	ours, later := one("203.0.113.9", "2022-10-11T12:38:55Z", "mail.com"), one("203.0.113.9", "2022-10-11T14:00:00Z", "two.example")
	for name, test := range map[string]struct{ text, helo, other, from, to string }{
		"one is ours":  {list(theirs, ours), "mail.com", "", "2022-10-11T12:38:55Z", "2022-10-11T12:38:55Z"},
		"two are ours": {list(ours, theirs, later), "mail.com", "two.example", "2022-10-11T12:38:55Z", "2022-10-11T14:00:00Z"},
		"a bare list":  {`[{"xarf_version": "4", ` + ours[1:] + ", " + theirs + "]", "mail.com", "", "2022-10-11T12:38:55Z", "2022-10-11T12:38:55Z"},
	} {
		c, err := Read(strings.NewReader(test.text), today, web1)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		from, to, _ := c.Span()
		if c.HELO != test.helo || strings.Join(c.Other, " ") != test.other || from.UTC().Format(time.RFC3339) != test.from ||
			to.UTC().Format(time.RFC3339) != test.to || len(c.To) != 1 || c.Addr.String() != "203.0.113.9" {
			t.Errorf("%s: %q or %q to %v, from %s to %s; %v", name, c.HELO, c.Other, c.To, from, to, c.Doubts)
		}
	}
	var many []string
	for i := range 600 {
		many = append(many, one("203.0.113.9", "2022-10-11T12:38:55Z", fmt.Sprintf("m%d.example", i)))
	}
	if c, err := Read(strings.NewReader(list(many...)), today, web1); err != nil || c.HELO != "" || len(c.Doubts) == 0 {
		t.Errorf("of 600 reports: %+v, %v", c, err)
	}
}
