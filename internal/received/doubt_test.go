package received

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What is certain still clears: a doubt that is always there helps nobody.
func TestIsSure(t *testing.T) {
	for name, text := range map[string]string{
		"header":       "Received: from mail.com ([203.0.113.9])\n\tby mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100\n",
		"qmail":        "Received: from unknown (HELO mail.com) (203.0.113.9)\n  by mx.example.net with SMTP; 13 Feb 2018 02:54:09 -0000\n",
		"Exim":         "Received: from [203.0.113.9] (port=40000 helo=mail.com)\n\tby mx.example.net with esmtp (Exim 4.89) id 1; Tue, 13 Feb 2018 02:54:09 +0000\n",
		"CBL":          "IP Address 203.0.113.9 is listed in the CBL. It was last detected at 2018-02-13 02:30 GMT (+/- 30 minutes), approximately 2 days ago.\nIt was HELOing as mail.com.",
		"UCEPROTECT":   "203.0.113.9 is listed at UCEPROTECT. Last impact was seen at 13.02.2018 03:54 CET +/- 1 minute. It can expire on 20.02.2018 04:00 CET.",
		"Spamhaus":     "203.0.113.9 is listed:\n(IP, UTC timestamp, HELO value)\n203.0.113.9 2018-02-13 02:54:00 mail.com\n",
		"ARF":          "Feedback-Type: abuse\nUser-Agent: X/1\nVersion: 1\nSource-IP: 203.0.113.9\nArrival-Date: Tue, 13 Feb 2018 02:54:09 +0000\n",
		"X-ARF":        `{"xarf_version":"4.0.0","timestamp":"2018-02-13T02:54:09Z","source_identifier":"203.0.113.9","category":"messaging","type":"spam"}`,
		"table":        "ip,time (UTC),helo\n203.0.113.9,2018-02-13 02:54:09,mail.com",
		"own trailing": "Received: from mail.com ([203.0.113.9])\n\tby mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100\nReceived: from x by web1.example.org (Postfix) id 1; Tue, 13 Feb 2018 03:54:00 +0100\n",
	} {
		c, err := Read(strings.NewReader(text), time.Date(2018, 2, 17, 12, 0, 0, 0, time.UTC), web1)
		if err != nil || len(c.Doubts) > 0 || !c.Dated || !c.Own {
			t.Errorf("%s: %v, %+v", name, err, c)
		}
	}
}

// A name of --own may have the trailing dot that it has in DNS.
func TestOwnWithDot(t *testing.T) {
	h := Host{Own: []string{"web1.example.org."}}
	if !h.named("web1.example.org") || !h.named("Web1.example.org.") || h.named("web1.example.net") {
		t.Error("a trailing dot makes another name")
	}
}

// The port in a line below the address is that of the server that was attacked.
func TestPortOfServer(t *testing.T) {
	c := read(t, "Source: 203.0.113.9\nPort: 22\nspam sent 2018-02-13 02:54:09 UTC")
	if c.Port != 0 || c.Addr != netip.MustParseAddr("203.0.113.9") {
		t.Errorf("got %s, port %d", c.Addr, c.Port)
	}
}

// Another server's refusal of a bounce is about its client, too.
func TestRefusalOfBounce(t *testing.T) {
	c, err := Read(strings.NewReader("2018-02-13T02:54:09+00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: "+
		"554 5.7.1 blocked; from=<> to=<victim@example.net> proto=SMTP helo=<mail.com>"), today, web1)
	if err != nil || c.Kind != kindOtherLog || c.HELO != "mail.com" || !c.Own {
		t.Errorf("%v, %+v", err, c)
	}
}

// A date that may be one of two days, and a clock without a date, are no times that somebody else wrote.
func TestReadTimeRefuses(t *testing.T) {
	for _, said := range []string{"02-03-2017 02:54:09 GMT", "02.03.2017 2:54:09 PM EST", "02:54:09 UTC", "02/03/2017 02:54 UTC"} {
		if m, err := readTime(said, today); err == nil {
			t.Errorf("%s: %v", said, m)
		}
	}
	for said, margin := range map[string]time.Duration{
		"Tue Feb 13 10:54:09 CST 2018": widest, "2018-02-13 10:54:09 -0600 (CST)": 0, "2018-07-13 14:30 CET": time.Hour,
		"2018-02-13 14:30 CET": 0, "2018-02-13 14:30 CEST": time.Hour, "2018-07-13 14:30 EDT": widest, "13.02.2018 14:30 UTC": 0, "13-02-2018 14:30 UTC": 0,
	} {
		if m, err := readTime(said, today); err != nil || m.Margin != margin {
			t.Errorf("%s: %v, %s, want %s", said, err, m.Margin, margin)
		}
	}
}

// A reply in parentheses is without them.
func TestReplyInParentheses(t *testing.T) {
	for text, want := range map[string]string{
		"    (reason: 550 5.1.1 User unknown)\n": "550 5.1.1 User unknown", "550 5.1.1 User unknown (no such user)\n": "550 5.1.1 User unknown (no such user)",
	} {
		if got := diagnostic(&letter{}, text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
