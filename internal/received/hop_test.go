package received

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What servers write of the same client: which of the names is the HELO name differs from one to
// the other.
func TestParseHop(t *testing.T) {
	for _, test := range []struct {
		server, header string
		helo, rdns     string
		addr, verb     string
	}{
		{"case A", "from mail.com ([94.130.34.42]) by mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "", "94.130.34.42", ""},
		{"Postfix", "from mail.com (static.42.34.130.94.clients.your-server.de [94.130.34.42])\n\t(using TLSv1.2 with cipher AES (256/256 bits))\n\t(No client certificate requested)\n\tby mx.example.net (Postfix) with ESMTPS id 4E81026038\n\tfor <user@example.net>; Tue, 13 Feb 2018 03:54:09 +0100 (CET)",
			"mail.com", "static.42.34.130.94.clients.your-server.de", "94.130.34.42", ""},
		{"Postfix, no name", "from [127.0.0.1] (unknown [94.130.34.42]) by mx.example.net (Postfix) with SMTP id 4E81026038; Tue, 13 Feb 2018 03:54:09 +0100",
			"[127.0.0.1]", "", "94.130.34.42", ""},
		{"Postfix, IPv6", "from mail.com (unknown [IPv6:2001:db8::25]) by mx.example.net (Postfix) with ESMTP id 1; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "", "2001:db8::25", ""},
		{"Exim", "from static.example.de ([94.130.34.42] helo=mail.com) by mx.example.net with smtp (Exim 4.89) (envelope-from <a@b.it>) id 1elQ2r-0001; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "static.example.de", "94.130.34.42", ""},
		{"Exim, no name", "from [94.130.34.42] (helo=mail.com) by mx.example.net with esmtp (Exim 4.89) id 1elQ2r-0001; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "", "94.130.34.42", ""},
		{"Exim, port", "from [94.130.34.42] (port=41822 helo=[127.0.0.1]) by mx.example.net with esmtp (Exim 4.89) id 1elQ2r-0001; Tue, 13 Feb 2018 03:54:09 +0100",
			"[127.0.0.1]", "", "94.130.34.42", ""},
		{"Exim, both the same", "from mail.com ([94.130.34.42]) by mx.example.net with esmtp (Exim 4.89) id 1elQ2r-0001; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "mail.com", "94.130.34.42", ""},
		{"Exim, its name left out", "from mail.com ([94.130.34.42]) by mx.example.net with esmtps id 1elQ2r-0001; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "mail.com", "94.130.34.42", ""},
		{"Sendmail", "from mail.com (static.example.de [94.130.34.42] (may be forged)) by mx.example.net (8.14.4/8.14.4) with SMTP id w1D2s9; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "static.example.de", "94.130.34.42", ""},
		{"qmail", "from static.example.de (HELO mail.com) (94.130.34.42) by mx.example.net with SMTP; 13 Feb 2018 02:54:09 -0000",
			"mail.com", "static.example.de", "94.130.34.42", "HELO"},
		{"qmail, no name", "from unknown (HELO mail.com) (94.130.34.42) by mx.example.net with SMTP; 13 Feb 2018 02:54:09 -0000",
			"mail.com", "", "94.130.34.42", "HELO"},
		{"Exchange", "from mail.com (94.130.34.42) by EX01.example.net (10.0.0.5) with Microsoft SMTP Server (version=TLS1_2, cipher=AES) id 15.1.1531.3; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "", "94.130.34.42", ""},
		{"Gmail", "from mail.com (static.42.34.130.94.clients.your-server.de. [94.130.34.42]) by mx.google.com with ESMTPS id t9si123; Mon, 12 Feb 2018 18:54:09 -0800 (PST)",
			"mail.com", "static.42.34.130.94.clients.your-server.de", "94.130.34.42", ""},
		{"Yahoo", "from 127.0.0.1  (EHLO mail.com) (94.130.34.42)\n  by mta1234.mail.bf1.yahoo.com with SMTP; Tue, 13 Feb 2018 02:54:09 +0000",
			"mail.com", "", "94.130.34.42", "EHLO"},
		{"IronPort", "from static.example.de (HELO mail.com) ([94.130.34.42]) by mx.example.net with ESMTP; 13 Feb 2018 03:54:09 +0100",
			"mail.com", "static.example.de", "94.130.34.42", "HELO"},
		{"qmail, no name and no HELO", "from unknown (94.130.34.42) by mx.example.net with SMTP; 13 Feb 2018 02:54:09 -0000",
			"", "", "94.130.34.42", ""},
		{"qmail, AUTH", "from unknown (HELO User) (info@example.de@94.130.34.42) by mx.example.net with ESMTPA; 13 Feb 2018 02:54:09 -0000",
			"User", "", "94.130.34.42", "HELO"},
		{"Kerio", "from mail.com (94.130.34.42:41822) by mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "", "94.130.34.42", ""},
		{"address without parentheses", "from mail.com [94.130.34.42] by mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100",
			"mail.com", "", "94.130.34.42", ""},
		{"year of two digits", "from mail.com ([94.130.34.42]) by mx.example.net with SMTP; Tue, 13 Feb 18 02:54:09 GMT",
			"mail.com", "", "94.130.34.42", ""},
		{"address alone", "from [94.130.34.42] by mx.example.net with HTTP; Tue, 13 Feb 2018 03:54:09 +0100",
			"", "", "94.130.34.42", ""},
	} {
		h, ok := parseHop(test.header, now)
		if !ok || h.helo != test.helo || h.rdns != test.rdns || h.addr != netip.MustParseAddr(test.addr) || h.verb != test.verb ||
			!h.dated || h.when.Time.UTC() != time.Date(2018, 2, 13, 2, 54, 9, 0, time.UTC) || h.when.Local {
			t.Errorf("%s: got %+v", test.server, h)
		}
	}
}

// What tells of no client says nothing of a HELO name.
func TestParseHopOfNoClient(t *testing.T) {
	for header, local := range map[string]bool{
		"by mx.example.net (Postfix, from userid 33) id 4E81026038; Tue, 13 Feb 2018 03:54:09 +0100": true,
		"(qmail 1234 invoked by uid 33); 13 Feb 2018 02:54:09 -0000":                                 true,
		"by mx.example.net (Postfix) id 4E81026038; Tue, 13 Feb 2018 03:54:09 +0100":                 false,
	} {
		if h, ok := parseHop(header, now); !ok || h.helo != "" || h.addr.IsValid() || h.local != local {
			t.Errorf("%q: got %+v", header, h)
		}
	}
	if h, ok := parseHop("", now); ok {
		t.Errorf("got %+v", h)
	}
}

// What the protocol says is told only where it is certain.
func TestExplainWith(t *testing.T) {
	for with, want := range map[string]string{
		"SMTP":                  "`with SMTP` means the client said HELO, not EHLO",
		"ESMTP":                 "`with ESMTP` means the client said EHLO",
		"ESMTPS":                "`with ESMTPS` means the client said EHLO, and TLS was on",
		"esmtpa":                "`with esmtpa` means the client said EHLO, and it logged in (AUTH)",
		"ESMTPSA":               "`with ESMTPSA` means the client said EHLO, TLS was on, and it logged in (AUTH)",
		"LMTP":                  "`with LMTP` means the client said LHLO",
		"UTF8SMTPS":             "`with UTF8SMTPS` means the client said EHLO, and TLS was on",
		"Microsoft SMTP Server": "",
		"HTTP":                  "",
		"smtps":                 "",
	} {
		h, ok := parseHop(fmt.Sprintf("from mail.com (unknown [94.130.34.42]) by mx.example.net with %s id 1; Tue, 13 Feb 2018 03:54:09 +0100", with), now)
		if got := h.explainWith(); !ok || got != want {
			t.Errorf("%s: got %q, want %q", with, got, want)
		}
	}
	for header, want := range map[string]string{
		"from unknown (HELO mail.com) (94.130.34.42) by mx.example.net with SMTP; 13 Feb 2018 02:54:09 -0000":        "is not certain",
		"from 127.0.0.1 (EHLO mail.com) (94.130.34.42) by mta1.yahoo.com with SMTP; Tue, 13 Feb 2018 02:54:09 +0000": "the client said EHLO",
	} {
		h, _ := parseHop(header, now)
		if got := h.explainWith(); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
}
