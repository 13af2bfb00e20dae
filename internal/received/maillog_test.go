package received

import "testing"

// Lines of this host's own mail log say where the mail went to, and who handed it in.
func TestReadOwnLog(t *testing.T) {
	none := []string{"helo", "ip"}
	readAll(t, kindLog, []pasted{
		{"Postfix", `Oct 11 12:38:50 web1 postfix/pickup[100]: 09E8A651865: uid=33 from=<www-data>
Oct 11 12:38:50 web1 postfix/cleanup[101]: 09E8A651865: message-id=<1@web1.example.org>
Oct 11 12:38:50 web1 postfix/qmgr[102]: 09E8A651865: from=<www-data@web1.example.org>, size=400, nrcpt=1 (queue active)
Oct 11 12:38:55 web1 postfix/smtp[103]: 09E8A651865: to=<victim@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=5, delays=0.1/0/4/1, dsn=5.7.1, status=bounced (host mx.example.net[198.51.100.25] said: 554 5.7.1 spam not wanted (in reply to end of DATA command))
Oct 11 12:38:55 web1 postfix/qmgr[102]: 09E8A651865: removed`,
			`{"time": "2026-10-11T12:38:55Z", "destination": "198.51.100.25", "recipient": "victim@example.net", "queue_id": "09E8A651865", "reply": "554 5.7.1 spam not wanted", "handed_in": {"uid": 33}}`, none, nil},
		{"Postfix, an account", `2022-10-11T12:38:50.123456+00:00 web1 postfix/submission/smtpd[100]: 4QxYzB3Wq1z9s: client=unknown[198.51.100.66], sasl_method=LOGIN, sasl_username=info@example.org
2022-10-11T12:38:55.000000+00:00 web1 postfix/smtp[103]: 4QxYzB3Wq1z9s: to=<victim@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 1)`,
			`{` + theDay + `, "destination": "198.51.100.25", "handed_in": {"account": "info@example.org", "client": "198.51.100.66"}}`, none, nil},
		{"Postfix, through a filter", `2022-10-11T12:38:51+00:00 web1 postfix/smtp[103]: AAAAAA1: to=<victim@example.net>, relay=127.0.0.1[127.0.0.1]:10024, delay=5, status=sent (250 2.0.0 Ok: queued as BBBBBB2)
2022-10-11T12:38:55+00:00 web1 postfix/smtp[104]: BBBBBB2: to=<victim@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=5, status=sent (250 ok)`,
			`{` + theDay + `, "destination": "198.51.100.25", "queue_id": "BBBBBB2"}`, none, nil},
		{"Exim", `2022-10-11 12:38:50 +0000 1pABCD-00012E-2X <= www-data@web1.example.org U=www-data P=local S=400
2022-10-11 12:38:55 +0000 1pABCD-00012E-2X ** victim@example.net R=dnslookup T=remote_smtp H=mx.example.net [198.51.100.25]: SMTP error from remote mail server after end of data: 550 5.7.1 spam not wanted
2022-10-11 12:38:55 +0000 1pABCD-00012E-2X Completed`,
			`{` + theDay + `, "destination": "198.51.100.25", "recipient": "victim@example.net", "queue_id": "1pABCD-00012E-2X", "handed_in": {"user": "www-data"}}`, none, nil},
		{"Exim, an account", `2022-10-11 12:38:50 +0000 1pABCD-00012E-2X <= a@example.org H=(laptop) [198.51.100.66]:50111 P=esmtpsa X=TLS1.3 A=dovecot_login:info@example.org S=400
2022-10-11 12:38:55 +0000 1pABCD-00012E-2X => victim@example.net R=dnslookup T=remote_smtp H=mx.example.net [198.51.100.25]:25 X=TLS1.3 C="250 ok"`,
			`{` + theDay + `, "destination": "198.51.100.25", "reply": "250 ok", "handed_in": {"account": "info@example.org", "client": "198.51.100.66"}}`, none, nil},
		{"Sendmail", `Oct 11 12:38:55 web1 sm-mta[103]: 29BCct6c012345: to=<victim@example.net>, ctladdr=<www-data@web1.example.org> (33/33), delay=00:00:05, mailer=esmtp, pri=1, relay=mx.example.net. [198.51.100.25], dsn=5.1.1, stat=User unknown`,
			`{"destination": "198.51.100.25", "recipient": "victim@example.net", "queue_id": "29BCct6c012345", "handed_in": {"uid": 33}}`, none, nil},
		{"OpenSMTPD", `Oct 11 12:38:55 web1 smtpd[103]: 5c1ab1a1a1a1a1a1 mta delivery evpid=1a2b from=<root@web1.example.org> to=<victim@example.net> rcpt=<-> source="203.0.113.9" relay="198.51.100.25 (mx.example.net)" delay=1s result="PermFail" stat="550 5.1.1 unknown user"`,
			`{"destination": "198.51.100.25", "recipient": "victim@example.net", "reply": "550 5.1.1 unknown user"}`, none, nil},
		{"dma", `Oct 11 12:38:50 web1 dma[c0a12][100]: new mail from user=root uid=0 envelope_from=<root@web1.example.org>
Oct 11 12:38:55 web1 dma[c0a12.55d0][101]: trying remote delivery to mx.example.net [198.51.100.25] pref 10`,
			`{"destination": "198.51.100.25", "queue_id": "c0a12", "handed_in": {"user": "root", "uid": 0}}`, none, nil},
		{"qmail", `Oct 11 12:38:50 web1 qmail: 1665491930.1 info msg 123: bytes 400 from <www-data@web1.example.org> qp 2099 uid 33
Oct 11 12:38:55 web1 qmail: 1665491935.1 delivery 1: failure: 198.51.100.25_does_not_like_recipient./Remote_host_said:_550_unknown_user/Giving_up_on_198.51.100.25./`,
			`{"destination": "198.51.100.25", "reply": "550 unknown user", "handed_in": {"uid": 33}}`, none, nil},
		{"msmtp", `Oct 11 12:38:55 host=198.51.100.25 tls=on auth=off from=a@example.org recipients=victim@example.net mailsize=400 smtpstatus=550 smtpmsg='550 5.1.1 unknown user' errormsg='recipient refused' exitcode=EX_UNAVAILABLE`,
			`{"destination": "198.51.100.25", "recipient": "victim@example.net", "reply": "550 5.1.1 unknown user"}`, none, nil},
		{"in a mail", "From: a@example.org\nTo: b@example.org\nSubject: look\n\nHello,\n\n> 2022-10-11T12:38:55+00:00 web1 postfix/smtp[104]: BBBBBB2: to=<victim@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=5, status=sent (250 ok)\n",
			`{` + theDay + `, "destination": "198.51.100.25"}`, none, nil},
	})
}

// Lines of another server's log tell of this host as its client.
func TestReadOtherLog(t *testing.T) {
	readAll(t, kindOtherLog, []pasted{
		{"Postfix", `2022-10-11T12:38:55+00:00 mx postfix/smtpd[12]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 blocked; from=<a@b.example> to=<v@example.net> proto=SMTP helo=<[127.0.0.1]>`,
			`{"ip": "203.0.113.9", "helo": "[127.0.0.1]", ` + theDay + `}`, []string{"destination"}, nil},
		{"Postfix, port", `2022-10-11T12:38:55+00:00 mx postfix/smtpd[12]: NOQUEUE: reject: RCPT from web1.example.org[203.0.113.9]:41822: 554 5.7.1 blocked; from=<a@b.example> to=<v@example.net> proto=ESMTP helo=<mail.com>`,
			`{"ip": "203.0.113.9", "helo": "mail.com", "port": 41822}`, nil, nil},
		{"Exim", `2022-10-11 12:38:55 +0000 H=(mail.com) [203.0.113.9]:41822 F=<a@b.example> rejected RCPT <v@example.net>: blocked`,
			`{"ip": "203.0.113.9", "helo": "mail.com", "port": 41822, ` + theDay + `}`, nil, nil},
		{"Exim, with a name", `2022-10-11 12:38:55 +0000 1pABCD-00012E-2X <= a@b.example H=static.example.org (mail.com) [203.0.113.9]:41822 P=esmtp S=400`,
			`{"ip": "203.0.113.9", "helo": "mail.com"}`, nil, nil},
		{"Sendmail", `Oct 11 12:38:55 mx sm-mta[12]: 29BC: from=<a@b.example>, size=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=9.113.0.203.static.hoster.example [203.0.113.9]`,
			`{"ip": "203.0.113.9", "uncertainty": 50400}`, []string{"helo", "destination"}, nil},
	})
}
