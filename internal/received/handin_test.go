package received

import "testing"

// A mail that was handed in on the host itself has no HELO name, and says who it was.
func TestReadHandIn(t *testing.T) {
	none := []string{"helo", "ip"}
	readAll(t, "a Received header", []pasted{
		{"Exim", "Received: from root by web1.example.org with local (Exim 4.94.2)\n\t(envelope-from <root@web1.example.org>)\n\tid 1rWzXp-0004kA-Qe\n\tfor victim@example.net; Mon, 05 Feb 2024 15:00:00 +0100",
			`{"time": "2024-02-05T14:00:00Z", "handed_in": {"user": "root"}, "queue_id": "1rWzXp-0004kA-Qe", "recipient": "victim@example.net"}`, none, nil},
		{"Exim, new ids", "Received: from site2 by web1.example.org with local (Exim 4.98)\n\tid 1tJ5vR-00000003aBC-0Xyz\n\tfor victim@example.net; Thu, 05 Dec 2024 06:00:01 +0000",
			`{"time": "2024-12-05T06:00:01Z", "handed_in": {"user": "site2"}}`, none, nil},
		{"dma", "Received: from root (uid 0)\n\t(envelope-from root@web1.example.org)\n\tid c0a12\n\tby web1.example.org (DragonFly Mail Agent v0.13);\n\tTue, 11 Oct 2022 12:38:55 +0000",
			`{"time": "2022-10-11T12:38:55Z", "handed_in": {"user": "root", "uid": 0}, "queue_id": "c0a12"}`, none, nil},
		{"OpenSMTPD", "Received: from localhost (web1.example.org [local])\n\tby web1.example.org (OpenSMTPD) with ESMTPA id d1d3f3a4\n\tfor <victim@example.net>;\n\tTue, 11 Oct 2022 14:38:55 +0200 (CEST)",
			`{"time": "2022-10-11T12:38:55Z", "recipient": "victim@example.net"}`, none, nil},
		{"IIS pickup", "Received: from mail pickup service by web1.example.org with Microsoft SMTPSVC;\n\t Tue, 11 Oct 2022 05:38:55 -0700",
			`{"time": "2022-10-11T12:38:55Z"}`, none, nil},
		{"Postfix", "Received: by web1.example.org (Postfix, from userid 1001)\n\tid 4QxYzB3Wq1z9s; Tue, 11 Oct 2022 12:38:55 +0000 (UTC)",
			`{"time": "2022-10-11T12:38:55Z", "handed_in": {"uid": 1001}, "queue_id": "4QxYzB3Wq1z9s"}`, none, nil},
		{"Sendmail", "Received: (from www-data@localhost)\n\tby web1.example.org (8.15.2/8.15.2/Submit) id 29BCct6c012345;\n\tTue, 11 Oct 2022 12:38:55 GMT",
			`{"time": "2022-10-11T12:38:55Z", "handed_in": {"user": "www-data"}}`, none, nil},
		{"qmail", "Received: (qmail 21433 invoked by uid 33); 11 Oct 2022 12:38:55 -0000",
			`{"time": "2022-10-11T12:38:55Z", "handed_in": {"uid": 33}}`, none, nil},
		{"nullmailer", "Received: (nullmailer pid 4242 invoked by uid 0);\n\tTue, 11 Oct 2022 12:38:55 -0000",
			`{"time": "2022-10-11T12:38:55Z", "handed_in": {"uid": 0}}`, none, nil},
		{"an account", "Received: from [10.1.2.3] (unknown [198.51.100.66])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n\t(Authenticated sender: info@example.org)\n\tby web1.example.org (Postfix) with ESMTPSA id 4QxYz\n\tfor <victim@example.net>; Tue, 11 Oct 2022 12:38:55 +0000 (UTC)",
			`{"time": "2022-10-11T12:38:55Z", "handed_in": {"account": "info@example.org", "client": "198.51.100.66"}, "queue_id": "4QxYz"}`, none, nil},
	})
}

// What PHP and web hosters add says which script it was.
func TestReadScript(t *testing.T) {
	hop := "Received: from web1.example.org (web1.example.org [203.0.113.9]) by mx.example.net (Postfix) with ESMTP id A1; Tue, 11 Oct 2022 12:38:55 +0000\n"
	readAll(t, "", []pasted{
		{"PHP", hop + "X-PHP-Originating-Script: 1003:class-phpmailer.php(1) : eval()'d code\n", `{"helo": "web1.example.org", "handed_in": {"uid": 1003, "script": "class-phpmailer.php(1) : eval()'d code"}}`, nil, nil},
		{"PHP script", hop + "X-PHP-Script: shop.example/wp-admin/x.php for 198.51.100.4, 10.0.0.1\n", `{"handed_in": {"script": "shop.example/wp-admin/x.php"}}`, nil, nil},
		{"cPanel", hop + "X-Source: /opt/cpanel/ea-php74/root/usr/bin/php-cgi\nX-Source-Args: php-cgi /home/shop/public_html/mail.php\nX-Source-Dir: shop.example:/public_html\n" +
			"X-Authenticated-Sender: web1.example.org: shop\n", `{"handed_in": {"script": "/home/shop/public_html/mail.php", "account": "shop"}}`, nil, nil},
		{"an option in front", hop + "X-Source-Args: /usr/bin/php -c /etc/php.ini /home/shop/cron.php --all\n", `{"handed_in": {"script": "/home/shop/cron.php"}}`, nil, nil},
		{"no script", hop + "X-Source-Args: php-fpm: pool shop\n", `{"helo": "web1.example.org"}`, []string{"handed_in"}, nil},
		{"quoted", "> " + hop + "> X-PHP-Originating-Script: 33:a.php\n", `{"helo": "web1.example.org", "handed_in": {"uid": 33, "script": "a.php"}}`, nil, nil},
	})
}

// The forms of headers that are not Postfix's.
func TestReadForms(t *testing.T) {
	at := `"time": "2022-10-11T12:38:55Z"`
	date := "; Tue, 11 Oct 2022 12:38:55 +0000"
	readAll(t, "a Received header", []pasted{
		{"ZMailer", "Received: from web1.example.org ([203.0.113.9]:41822 \"EHLO mail.com\" smtp-auth: <none> TLS-CIPHER: <none>) by vger.example.net with ESMTP id S1234 (ORCPT <rfc822;v@example.net>)" + date,
			`{"helo": "mail.com", "ip": "203.0.113.9", "port": 41822, ` + at + `}`, nil, nil},
		{"ZMailer, named", "Received: from static.example.org ([203.0.113.9]:2525 \"HELO user\") by vger.example.net id S9" + date, `{"helo": "user", "port": 2525}`, nil, nil},
		{"name / address", "Received: from mail.com (static.example.org / 203.0.113.9) by mx.example.net with ESMTP id 1" + date, `{"helo": "mail.com", "ip": "203.0.113.9"}`, nil, nil},
		{"unknown / address", "Received: from mail.com (unknown/203.0.113.9) by mx.example.net with SMTP id 1" + date, `{"helo": "mail.com", "ip": "203.0.113.9"}`, nil, nil},
		{"name / address, with a port", "Received: from mail.com (static.example.org / [203.0.113.9]:41822) by mx.example.net with esmtps id 1" + date, `{"helo": "mail.com", "ip": "203.0.113.9", "port": 41822}`, nil, nil},
		{"a name that holds the address", "Received: from mail.com (9.113.0.203.static.hoster.example [203.0.113.9]) by mx.example.net with ESMTP id 1" + date, `{"helo": "mail.com", "ip": "203.0.113.9"}`, nil, nil},
		{"ZMailer, bare", "Received: from [203.0.113.9] ([203.0.113.9]:51000 \"EHLO [127.0.0.1]\" rhost-flags-OK-FAIL-OK-FAIL) by vger.example.net with ESMTP id S8" + date, `{"helo": "[127.0.0.1]", "ip": "203.0.113.9", "port": 51000}`, nil, nil},
		{"CommuniGate", "Received: from [203.0.113.9] (HELO mail.com) by mx.example.net (CommuniGate Pro SMTP 6.1) with ESMTPS id 1" + date, `{"helo": "mail.com", "ip": "203.0.113.9"}`, nil, nil},
		{"Courier", "Received: from mail.com (static.example.org [::ffff:203.0.113.9]) (TLS: TLSv1.2,256bits) by mx.example.net with esmtps" + date, `{"helo": "mail.com", "ip": "203.0.113.9"}`, nil, nil},
		{"mail.ru", "Received: from [203.0.113.9] (port=41822 helo=mail.com) by mx12.mail.example with esmtp (envelope-from <a@example.org>) id 1pA-1" + date, `{"helo": "mail.com", "ip": "203.0.113.9", "port": 41822}`, nil, nil},
		{"GMX", "Received: from mail.com ([203.0.113.9]) by mx-ha.mail.example (mxgm016\n [198.51.100.9]) with ESMTPS (Nemesis) id 1MGz-1pA for <v@mail.example>" + date, `{"helo": "mail.com", "ip": "203.0.113.9"}`, nil, nil},
		{"Haraka", "Received: from mail.com (web1.example.org [203.0.113.9])\n\tby mx.example.net (Haraka/2.8.28) with ESMTP id 1\n\tenvelope-from <a@example.org>;\n\tTue, 11 Oct 2022 12:38:55 +0000", `{"helo": "mail.com", "ip": "203.0.113.9", ` + at + `}`, nil, nil},
		{"Cloudmark", "Received: from mail.com ([203.0.113.9]) by mx.example.net with bizsmtp id 1" + date, `{"helo": "mail.com"}`, nil, nil},
		{"Exim, port and ident", "Received: from static.example.org ([203.0.113.9]:50111 ident=root helo=mail.com) by mx.example.net with esmtp (Exim 4.92) id 1" + date, `{"helo": "mail.com", "port": 50111}`, nil, nil},
		{"Exim, port outside", "Received: from [203.0.113.9]:50111 (helo=mail.com) by mx.example.net with esmtp (Exim 4.92) id 1" + date, `{"helo": "mail.com", "ip": "203.0.113.9", "port": 50111}`, nil, nil},
		{"mapi", "Received: from MB1.prod.example ([2001:db8::1]) by MB1.prod.example ([2001:db8::1%7]) with mapi id 15.20.1" + date, `{` + at + `}`, []string{"helo"}, &laptop},
		{"webmail", "Received: from [203.0.113.9] by web.mail.example with HTTP" + date, `{"ip": "203.0.113.9"}`, []string{"helo"}, nil},
		{"IPv6", "Received: from mail.com (unknown [IPv6:2001:db8::25]) by mx.example.net (Postfix) with ESMTP id 1" + date, `{"helo": "mail.com", "ip": "2001:db8::25"}`, nil, nil},
		{"a zone that nobody knows", "Received: from mail.com ([203.0.113.9]) by mx.example.net with SMTP; Tue, 11 Oct 2022 12:38:55 XKT", `{"helo": "mail.com", ` + at + `, "uncertainty": 50400}`, nil, nil},
		{"a comment behind the date", "Received: from mail.com ([203.0.113.9]) by mx.example.net with SMTP" + date + " (envelope-from <a@example.org>; x)", `{"helo": "mail.com", ` + at + `}`, nil, nil},
		{"no semicolon", "Received: from mail.com ([203.0.113.9]) by mx.example.net with ESMTP id 1 Tue, 11 Oct 2022 12:38:55 +0000", `{"helo": "mail.com", ` + at + `}`, nil, nil},
		{"no zone", "Received: from mail.com ([203.0.113.9]) by mx.example.net with SMTP; Tue, 11 Oct 2022 12:38:55", `{` + at + `, "uncertainty": 50400}`, nil, nil},
		{"an ambiguous zone", "Received: from mail.com ([203.0.113.9]) by mx.example.net with SMTP; Tue, 11 Oct 2022 12:38:55 BST", `{` + at + `, "uncertainty": 50400}`, nil, nil},
		{"a zone broken by quoted-printable", "Received: from mail.com ([203.0.113.9]) by mx.example.net with SMTP; Tue, 11 Oct 2022 12:3=\n8:55 -=\n0000\n", `{` + at + `}`, nil, nil},
	})
}

// Of several headers the one about this host counts; where none of them is certain, none.
func TestReadWhichHop(t *testing.T) {
	us := "Received: from mail.com (web1.example.org [203.0.113.9]) by in4.mail.example (Postfix) with ESMTP id 3; Tue, 11 Oct 2022 12:38:55 +0000\n"
	inner := "Received: from store.mail.example (store.mail.example [10.2.3.4]) by out.mail.example with ESMTP id 2; Tue, 11 Oct 2022 12:38:57 +0000\n"
	relay := "Received: from out.mail.example (out.mail.example [198.51.100.70]) by fbl.report.example with ESMTP id 1; Tue, 11 Oct 2022 12:39:55 +0000\n"
	behind := "Received: from store.mail.example (store.mail.example [198.51.100.71]) by pop.mail.example with LMTP id 2; Tue, 11 Oct 2022 12:38:58 +0000\n"
	home := "Received: from [10.0.0.5] (unknown [10.0.0.5]) by web1.example.org (Postfix) with ESMTP id 4; Tue, 11 Oct 2022 12:38:50 +0000\n"
	named := Host{Name: "web1", Local: laptop.Local, Own: []string{"203.0.113.9"}}
	full := Host{Name: "web1.example.org", Local: laptop.Local}
	at := `"time": "2022-10-11T12:38:55Z"`
	readAll(t, "", []pasted{
		{"by its address", relay + inner + us, `{"helo": "mail.com", "ip": "203.0.113.9", ` + at + `}`, nil, nil},
		{"by --own", relay + inner + us, `{"helo": "mail.com", "ip": "203.0.113.9", ` + at + `}`, nil, &named},
		{"by its name", relay + inner + us, `{"helo": "mail.com", "ip": "203.0.113.9", ` + at + `}`, nil, &full},
		{"above its own", behind + inner + us + home, `{"helo": "mail.com", "queue_id": "4", ` + at + `}`, nil, &full},
		{"the only one from outside", behind + inner + us, `{"helo": "mail.com", "ip": "203.0.113.9", ` + at + `}`, nil, &laptop},
		{"another's private address", "Received: from app (app [192.168.1.7]) by out.mail.example with ESMTP id 2; Tue, 11 Oct 2022 12:39:55 +0000\n" + us, `{"helo": "mail.com", "ip": "203.0.113.9", ` + at + `}`, nil, &laptop},
		{"a forged one below", us + "Received: from bank.example (bank.example [198.51.100.99]) by mail.com with ESMTP id 9; Mon, 10 Oct 2022 01:00:00 +0000\n", `{"helo": "mail.com", "ip": "203.0.113.9", ` + at + `}`, []string{"handed_in", "queue_id"}, nil},
		{"handed in below", us + "Received: from www-data by mail.com with local (Exim 4.96) id 1pA-1; Tue, 11 Oct 2022 12:38:54 +0000\n", `{"helo": "mail.com", "handed_in": {"user": "www-data"}, ` + at + `}`, nil, &laptop},
		{"it may be two", relay + inner + us, `{` + at + `, "until": "2022-10-11T12:39:55Z"}`, []string{"helo", "ip"}, &laptop},
	})
}
