package received

import "testing"

const theDay = `"time": "2022-10-11T12:38:55Z"`

// A bounce that this host's own mail server wrote says where the mail went to, and when it came: how the bounce went on
// says nothing.
func TestReadOwnBounce(t *testing.T) {
	abroad := "Received: from web1.example.org (web1.example.org [203.0.113.9])\n\tby mx.mailbox.example with ESMTP id t19; Fri, 14 Oct 2022 05:35:53 -0700 (PDT)\n"
	none := []string{"helo", "ip"}
	readAll(t, kindOwnBounce, []pasted{
		{"Exim", abroad + `Received: from Debian-exim by web1.example.org with local (Exim 4.94)
	id 1pABCE-00012E-2X
	for customer@mailbox.example; Fri, 14 Oct 2022 12:35:52 +0000
X-Failed-Recipients: victim@example.net
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@web1.example.org>
To: customer@mailbox.example
Subject: Mail delivery failed: returning message to sender
Date: Fri, 14 Oct 2022 12:35:52 +0000

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  victim@example.net
    host mx.example.net [198.51.100.25]
    SMTP error from remote mail server after end of data:
    550 5.7.1 spam not wanted

------ This is a copy of the message, including all the headers. ------

Return-path: <www-data@web1.example.org>
Received: from www-data by web1.example.org with local (Exim 4.94)
	(envelope-from <www-data@web1.example.org>)
	id 1pABCD-00012E-2X
	for victim@example.net; Tue, 11 Oct 2022 12:38:55 +0000
X-PHP-Originating-Script: 33:x.php
Subject: x
`, `{"destination": "198.51.100.25", "recipient": "victim@example.net", ` + theDay + `, "until": "2022-10-14T12:35:52Z", "reply": "550 5.7.1 spam not wanted",
		"handed_in": {"user": "www-data", "uid": 33, "script": "x.php"}, "queue_id": "1pABCD-00012E-2X"}`, none, nil},
		{"qmail", `Return-Path: <>
Received: (qmail 2100 invoked for bounce); 14 Oct 2022 12:35:52 -0000
Date: 14 Oct 2022 12:35:52 -0000
From: MAILER-DAEMON@web1.example.org
To: www-data@web1.example.org
Subject: failure notice

Hi. This is the qmail-send program at web1.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<victim@example.net>:
198.51.100.25 does not like recipient.
Remote host said: 550 5.1.1 unknown user
Giving up on 198.51.100.25.

--- Below this line is a copy of the message.

Return-Path: <www-data@web1.example.org>
Received: (qmail 2099 invoked by uid 33); 11 Oct 2022 12:38:55 -0000
Subject: x
`, `{"destination": "198.51.100.25", "recipient": "victim@example.net", ` + theDay + `, "reply": "550 5.1.1 unknown user", "handed_in": {"uid": 33}}`, none, nil},
		{"Sendmail", abroad + `Received: from localhost (localhost)
	by web1.example.org (8.15.2/8.15.2) id 29E1;
	Fri, 14 Oct 2022 12:35:52 GMT
Date: Fri, 14 Oct 2022 12:35:52 GMT
From: Mail Delivery Subsystem <MAILER-DAEMON@web1.example.org>
Subject: Returned mail: see transcript for details
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="29E1.1665750952/web1.example.org"

--29E1.1665750952/web1.example.org

The original message was received at Tue, 11 Oct 2022 12:38:55 GMT
from localhost [127.0.0.1]

   ----- The following addresses had permanent fatal errors -----
<victim@example.net>
    (reason: 550 5.1.1 unknown user)

   ----- Transcript of session follows -----
... while talking to mx.example.net.:
>>> RCPT To:<victim@example.net>
<<< 550 5.1.1 unknown user

--29E1.1665750952/web1.example.org
Content-Type: message/delivery-status

Reporting-MTA: dns; web1.example.org
Received-From-MTA: DNS; localhost
Arrival-Date: Tue, 11 Oct 2022 12:38:55 GMT

Final-Recipient: RFC822; victim@example.net
Action: failed
Remote-MTA: DNS; mx.example.net
Diagnostic-Code: SMTP; 550 5.1.1 unknown user

--29E1.1665750952/web1.example.org
Content-Type: message/rfc822

Received: (from www-data@localhost)
	by web1.example.org (8.15.2/8.15.2/Submit) id 29BC;
	Tue, 11 Oct 2022 12:38:55 GMT
Subject: x

x
--29E1.1665750952/web1.example.org--
`, `{"recipient": "victim@example.net", ` + theDay + `, "until": "2022-10-14T12:35:52Z", "handed_in": {"user": "www-data"}, "queue_id": "29BC"}`, append(none, "destination"), nil},
		{"dma", abroad + `Received: from MAILER-DAEMON (uid 0)
	id c0a13
	by web1.example.org (DragonFly Mail Agent v0.13);
	Fri, 14 Oct 2022 12:35:52 +0000
From: MAILER-DAEMON <>
To: root@web1.example.org
Subject: Mail delivery failed
Date: Fri, 14 Oct 2022 12:35:52 +0000

This is the DragonFly Mail Agent v0.13 at web1.example.org.

There was an error delivering your mail to <victim@example.net>.

mx.example.net [198.51.100.25] did not like our RCPT TO:
550 5.1.1 unknown user

Message headers follow.

Received: from root (uid 0)
	(envelope-from root@web1.example.org)
	id c0a12
	by web1.example.org (DragonFly Mail Agent v0.13);
	Tue, 11 Oct 2022 12:38:55 +0000
Subject: x
`, `{"destination": "198.51.100.25", ` + theDay + `, "handed_in": {"user": "root", "uid": 0}, "queue_id": "c0a12"}`, none, nil},
		{"a refusal that names this host", `From: MAILER-DAEMON@web1.example.org
Subject: Undelivered Mail Returned to Sender
Date: Tue, 11 Oct 2022 12:39:55 +0000
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

<victim@example.net>: host mx.example.net[198.51.100.25] said: 554 5.7.1 Service
    unavailable; Client host [203.0.113.77] blocked using bl.example (in reply to RCPT TO command)
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; web1.example.org
Arrival-Date: Tue, 11 Oct 2022 12:38:55 +0000

Final-Recipient: rfc822; victim@example.net
Diagnostic-Code: smtp; 554 5.7.1 Service unavailable; Client host [203.0.113.77] blocked using bl.example
--b--
`, `{"destination": "198.51.100.25", "ip": "203.0.113.77", ` + theDay + `}`, []string{"helo"}, nil},
		{"pasted as text", `This is the mail system at host web1.example.org.

<victim@example.net>: host mx.example.net[198.51.100.25] said: 550 5.1.1 unknown user (in reply to RCPT TO command)

Reporting-MTA: dns; web1.example.org
X-Postfix-Queue-ID: 09E8A651865
Arrival-Date: Tue, 11 Oct 2022 14:38:55 +0200 (CEST)

Final-Recipient: rfc822; victim@example.net
Diagnostic-Code: smtp; 550 5.1.1 unknown user
`, `{"destination": "198.51.100.25", "recipient": "victim@example.net", "queue_id": "09E8A651865", ` + theDay + `}`, none, nil},
		{"a short name", "This is the mail system at host web1.\n\n<victim@example.net>: host mx.example.net[198.51.100.25] said: 550 no\n", `{"destination": "198.51.100.25"}`, none, nil},
		{"in German", `From: MAILER-DAEMON@web1.example.org (Mailsystem)
Subject: Unzustellbare Mail zurück an Absender
Date: Tue, 11 Oct 2022 14:39:55 +0200

Dies ist das Mailsystem auf dem Rechner web1.example.org.
Ihre Nachricht konnte nicht zugestellt werden.

<victim@example.net>: Rechner mx.example.net[198.51.100.25] antwortete: 550 5.1.1 unbekannt

Received: by web1.example.org (Postfix, from userid 33) id 4Qx; Tue, 11 Oct 2022 14:38:55 +0200 (CEST)
`, `{"destination": "198.51.100.25", "recipient": "victim@example.net", ` + theDay + `, "reply": "550 5.1.1 unbekannt", "handed_in": {"uid": 33}}`, none, nil},
	})
}

// A bounce of another's server tells how the mail came there; without its header, only when.
func TestReadForeignBounce(t *testing.T) {
	here := "Received: from mx.example.net (mx.example.net [198.51.100.25]) by mail.example.org with ESMTP id 9; Tue, 11 Oct 2022 12:40:00 +0000\n"
	hop := "Received: from mail.com (web1.example.org [203.0.113.9]) by mx.example.net with ESMTP id 3; Tue, 11 Oct 2022 12:38:55 +0000\n"
	status := "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n" +
		"Reporting-MTA: dns; mx.example.net\nArrival-Date: Tue, 11 Oct 2022 12:38:55 +0000\n\nFinal-Recipient: rfc822; victim@example.net\nDiagnostic-Code: smtp; 550 5.1.1 unknown user\n"
	head := here + "From: MAILER-DAEMON@mx.example.net\nSubject: Undeliverable: x\nDate: Tue, 11 Oct 2022 12:39:59 +0000\n"
	readAll(t, kindBounce, []pasted{
		{"with its header", head + status + "--b\nContent-Type: message/rfc822\n\n" + hop + "Subject: x\n\nx\n--b--\n", `{"helo": "mail.com", "ip": "203.0.113.9", "recipient": "victim@example.net", ` + theDay + `}`, []string{"destination"}, nil},
		{"without", head + status + "--b--\n", `{"recipient": "victim@example.net", ` + theDay + `, "reply": "550 5.1.1 unknown user"}`, []string{"helo", "ip", "destination"}, nil},
		{"without, on another machine", head + status + "--b--\n", `{"recipient": "victim@example.net", ` + theDay + `}`, []string{"helo", "ip", "destination"}, &laptop},
		{"its part cut off", head + status, `{"recipient": "victim@example.net", ` + theDay + `}`, []string{"helo", "ip"}, nil},
		{"Exchange", head + `Content-Type: text/plain

Delivery has failed to these recipients or groups:
victim@example.net

Diagnostic information for administrators:
Generating server: mx.example.net
victim@example.net
Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found'

Original message headers:
` + hop + "Subject: x\n", `{"helo": "mail.com", "ip": "203.0.113.9", ` + theDay + `, "reply": "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"}`, nil, nil},
		{"Exchange, German", head + "Content-Type: text/plain; charset=utf-8\n\nFehler bei der Nachrichtenzustellung an folgende Empfänger:\nvictim@example.net\n\n" +
			"Diagnoseinformationen für Administratoren:\nGenerierender Server: mx.example.net\n#550 5.1.1 unbekannt ##\n\nUrsprüngliche Nachrichtenkopfzeilen:\n" + hop, `{"helo": "mail.com", ` + theDay + `}`, nil, nil},
		{"Exchange, Russian, in KOI8-R", head + "Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: quoted-printable\n\n" +
			"=E4=C9=C1=C7=CE=CF=D3=D4=C9=DE=C5=D3=CB=C9=C5 =D3=D7=C5=C4=C5=CE=C9=D1\n" + hop, `{"helo": "mail.com", ` + theDay + `}`, nil, nil},
		{"when is not said", "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\nDate: Tue, 11 Oct 2022 12:38:55 +0000\n\nHi. This is the qmail-send program at mx.example.net.\n\n<victim@example.net>:\nSorry, no mailbox here by that name.\n",
			`{"time": "2022-10-06T12:38:55Z", "until": "2022-10-11T12:38:55Z", "recipient": "victim@example.net"}`, []string{"helo", "ip"}, nil},
		{"only the mail's own date", "Date: Tue, 11 Oct 2022 12:38:58 +0000\nFrom: MAILER-DAEMON@relay.example\nSubject: failure\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dsn; out33.relay.example\n\nFinal-Recipient: rfc822; nobody@example.net\n--b\nContent-Type: text/rfc822-headers\n\nDate: Tue, 11 Oct 2022 14:38:55 +0200\nFrom: app@example.org\n\n--b--\n",
			`{"recipient": "nobody@example.net", "until": "2022-10-11T12:38:58Z", ` + theDay + `}`, []string{"helo"}, &laptop},
		{"a date that cannot be", "Date: Tue, 11 Oct 2022 12:38:55 +0000\nFrom: MAILER-DAEMON@relay.example\nSubject: failure\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\nFinal-Recipient: rfc822; nobody@example.net\n--b\nContent-Type: message/rfc822\n\nDate: Fri, 14 Oct 2022 14:38:55 +0200\nFrom: app@example.org\n\n--b--\n",
			`{"time": "2022-10-06T12:38:55Z", "until": "2022-10-11T12:38:55Z"}`, nil, nil},
		{"attached to a mail that passes it on", "From: a@example.org\nTo: b@example.org\nSubject: Fwd: bounce\nContent-Type: multipart/mixed; boundary=q\n\n--q\nContent-Type: text/plain\n\nsee there\n--q\nContent-Type: message/rfc822\n\n" +
			head + status + "--b\nContent-Type: text/rfc822-headers\n\n" + hop + "\n--b--\n--q--\n", `{"helo": "mail.com", "ip": "203.0.113.9", ` + theDay + `}`, nil, nil},
		{"its boundary is another", head + "MIME-Version: 1.0\n" + "Content-Type: multipart/report; report-type=delivery-status; boundary=\"nothing\"\n\n--b\nContent-Type: message/rfc822\n\n" + hop + "\nx\n--b--\n", `{"helo": "mail.com", ` + theDay + `}`, nil, nil},
		{"no boundary at all", head + "Content-Type: multipart/report; report-type=delivery-status\n\nundelivered\n\n" + hop, `{"helo": "mail.com", ` + theDay + `}`, nil, nil},
	})
}
