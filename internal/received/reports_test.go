package received

import (
	"encoding/base64"
	"testing"
)

// An abuse report names the address and the time; the reporter's own way of handling it says nothing.
func TestReadARF(t *testing.T) {
	relay := "Received: from out4.mail.example (out4.mail.example [198.51.100.70])\n\tby fbl.example with ESMTP id A1; Wed, 12 Oct 2022 12:38:55 +0000\n"
	hop := "Received: from mail.com (web1.example.org [203.0.113.9])\n\tby in4.mail.example (Postfix) with ESMTP id A3; Tue, 11 Oct 2022 12:38:55 +0000\n"
	arf := func(fields, mail string) string {
		return "From: fbl@mail.example\nTo: abuse@example.org\nSubject: complaint\nDate: Thu, 13 Oct 2022 12:38:55 +0000\n" +
			"Received: from fbl.mail.example (fbl.mail.example [198.51.100.80]) by mx.example.org with ESMTP id 7; Thu, 13 Oct 2022 12:38:56 +0000\n" +
			"MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\nA complaint.\n--b\n" +
			"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n" + fields + "\n--b\nContent-Type: message/rfc822\n\n" + mail + "Subject: x\n\nx\n--b--\n"
	}
	whole := "Source-IP: 203.0.113.9\nArrival-Date: Tue, 11 Oct 2022 12:38:55 +0000\n"
	readAll(t, kindARF, []pasted{
		{"the relay's header is first", arf(whole, relay+hop), `{"helo": "mail.com", "ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
		{"only the relay's header", arf(whole, relay), `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"helo"}, &laptop},
		{"no header", arf(whole+"Source-Port: 41822\nOriginal-Rcpt-To: <v@mail.example>\n", ""), `{"ip": "203.0.113.9", "port": 41822, "recipient": "v@mail.example", ` + theDay + `}`, []string{"helo"}, &laptop},
		{"no address, one crossing", arf("Received-Date: Tue, 11 Oct 2022 12:38:55 +0000\n", hop), `{"helo": "mail.com", "ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
		{"IPv6", arf("Source-IP: 2001:db8::25\nArrival-Date: Tue, 11 Oct 2022 12:38:55 +0000\n", ""), `{"ip": "2001:db8::25", ` + theDay + `}`, nil, nil},
		{"pasted as text", "Feedback-Type: abuse\nSource-IP: 203.0.113.9\nArrival-Date: Tue, 11 Oct 2022 14:38:55 +0200\n\n" + relay + hop, `{"helo": "mail.com", "ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
		{"the name in its results", arf(whole+"Authentication-Results: mail.example; spf=fail smtp.helo=mail.com\n", ""), `{"helo": "mail.com", "ip": "203.0.113.9"}`, nil, &laptop},
	})
}

func TestReadXARFKinds(t *testing.T) {
	mail := func(kind, body string) string {
		return "From: report@x.example\nTo: abuse@example.org\nSubject: abuse report\nX-ARF: Yes\nDate: Thu, 13 Oct 2022 12:38:55 +0000\n" +
			"Received: from x.example (x.example [198.51.100.80]) by mx.example.org with ESMTP id 7; Thu, 13 Oct 2022 12:38:56 +0000\n" +
			"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nDear all, see the report of 2022-10-13.\n--b\nContent-Type: " + kind + "\n\n" + body + "\n--b--\n"
	}
	sample := base64.StdEncoding.EncodeToString([]byte("Received: from mail.com (web1 [203.0.113.9]) by mx.example.net with ESMTP id 1; Tue, 11 Oct 2022 12:38:55 +0000\nSubject: x\n\nx\n"))
	yaml := "Reported-From: report@x.example\nCategory: abuse\nReport-Type: spam\nDate: Tue, 11 Oct 2022 14:38:55 +0200\nSource: 203.0.113.9\nSource-Type: ipv4\nPort: 25\nSchema-URL: http://x.example/s.json\n"
	readAll(t, kindXARF, []pasted{
		{"a mail", mail("text/plain; name=\"report.txt\"", yaml), `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"helo", "port", "destination"}, &laptop},
		{"YAML", mail("application/x-yaml; name=report.yaml", "---\n"+yaml), `{"ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
		{"pasted fields", yaml, `{"ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
		{"JSON, version 2", `{"Version":"2","ReporterInfo":{"ReporterOrg":"x"},"Disclosure":true,"Report":{"ReportClass":"Activity","ReportType":"Spam","Date":"2022-10-11T12:38:55Z","SourceIp":"203.0.113.9","SourcePort":41822,` +
			`"DestinationIp":"198.51.100.25","SmtpRcptToAddress":"v@example.net","Samples":[{"ContentType":"message/rfc822","Base64Encoded":true,"Payload":"` + sample + `"}]}}`,
			`{"ip": "203.0.113.9", "helo": "mail.com", "port": 41822, "destination": "198.51.100.25", "recipient": "v@example.net", ` + theDay + `}`, nil, &laptop},
		{"JSON, version 4", `{"xarf_version":"4.0.0","report_id":"1","timestamp":"2022-10-11T14:38:55+02:00","reporter":{"org":"x"},"source_identifier":"203.0.113.9","source_port":41822,"category":"messaging","type":"spam"}`,
			`{"ip": "203.0.113.9", "port": 41822, ` + theDay + `}`, nil, &laptop},
		{"JSON, nested", `{"Version": "3", "ReporterInfo": {}, "Report": {"ReportClass": "Messaging", "Date": "2022-10-11T12:38:55Z", "Source": {"IP": "203.0.113.9", "Port": 41822}, "Destination": {"IP": "198.51.100.25", "Port": 25}, "SmtpHelo": "mail.com"}}`,
			`{"ip": "203.0.113.9", "port": 41822, "destination": "198.51.100.25", "helo": "mail.com", ` + theDay + `}`, nil, &laptop},
		{"JSON in a mail", mail("application/json; name=xarf.json", `{"Version":"1","ReporterInfo":{},"Report":{"ReportType":"Spam","Date":"2022-10-11 12:38:55 UTC","SourceIp":"203.0.113.9"}}`), `{"ip": "203.0.113.9", ` + theDay + `}`, nil, &laptop},
	})
}
