package received

import (
	"strings"
	"testing"
	"time"
)

// What blocklists write of a host: the time of the mail is not that of its listing or removal.
func TestReadBlocklists(t *testing.T) {
	at := `"time": "2015-12-04T14:30:00Z"`
	readAll(t, kindBlocklist, []pasted{
		{"CBL, removed", `IP Address 203.0.113.9 is not listed in the CBL.

It was previously listed, but was removed at 2015-12-07 18:46 GMT (1 day, 5 hours, 1 minute ago)
At the time of removal, this was the explanation for this listing:
This IP was last detected at 2015-12-04 14:30 GMT (+/- 30 minutes). The host HELOed as [127.0.0.1].`,
			`{"ip": "203.0.113.9", "helo": "[127.0.0.1]", "uncertainty": 1800, ` + at + `}`, nil, nil},
		{"CBL, sinkhole", `IP Address 203.0.113.9 is listed in the CBL. It shows signs of being infected.
It was last detected at 2015-12-04 14:30 GMT (+/- 30 minutes), approximately 2 days, 19 hours ago.
It has been relisted following a previous removal at 2015-12-03 08:11 GMT.
This was detected by a TCP connection from 203.0.113.9 on port 48211 going to IP address 198.51.100.65 (the sinkhole) on port 80.`,
			`{"ip": "203.0.113.9", "destination": "198.51.100.65", ` + at + `}`, []string{"helo"}, nil},
		{"XBL, rows", "203.0.113.9 is listed by the XBL.\nThe most recent detections are listed below.\n(IP, UTC timestamp, HELO value)\n203.0.113.9 2015-12-03 09:10:00 other.com\n203.0.113.9 2015-12-04 14:30:00 my_host\n",
			`{"ip": "203.0.113.9", "helo": "my_host", ` + at + `}`, nil, nil},
		{"SpamCop", "203.0.113.9 listed in bl.example\nCauses of listing: system has sent mail to spam traps in the past week\nListing history: it has been listed since 2015-12-05 10:00 UTC\nLast spam seen at 4 Dec 2015 14:30:00 UTC",
			`{"ip": "203.0.113.9", ` + at + `}`, []string{"helo"}, nil},
		{"UCEPROTECT", "IP 203.0.113.9 is listed in level 1.\nEarliest impact: 01.12.2015 10:00 CET +/-1 minute\nLatest impact: 04.12.2015 15:30 CET +/-1 minute\nEarliest expiretime: 11.12.2015 16:00 CET +/-1 minute",
			`{"ip": "203.0.113.9"}`, nil, nil},
		{"Barracuda", "203.0.113.9 is blacklisted because spam was received from it at 2015-12-04 14:30:00 +0000. Checked: 2015-12-06 10:00:00 +0000", `{"ip": "203.0.113.9", ` + at + `}`, nil, nil},
		{"SORBS", "Netblock: 203.0.113.9/32\nSpam received at: Fri Dec  4 14:30:00 2015 GMT\nRecord Created: Sat Dec  5 10:00:00 2015 GMT\nCurrently listed", `{"ip": "203.0.113.9", ` + at + `}`, nil, nil},
		{"only its removal", "203.0.113.9 was listed, and was removed at 2015-12-07 18:46 GMT.", `{"ip": "203.0.113.9"}`, []string{"time", "helo"}, nil},
		{"blanks of a translation", "203.0.113.9 is listed. Last seen at 2015: 12: 04 ~ 14: 30 UTC +/- 15 minutes; HELO: [127.0.0.1]", `{"helo": "[127.0.0.1]", "uncertainty": 900, ` + at + `}`, nil, nil},
		{"blanks everywhere", "203.0.113.9 is listed. Last seen: 04 . 12 . 2015 14 : 30 : 00 UTC + / - 15 minutes", `{"ip": "203.0.113.9", "uncertainty": 900, ` + at + `}`, nil, nil},
		{"a page", "<!DOCTYPE html><html><head><title>x</title><style>td {}</style></head><body><table><tr><td>IP</td><td>203.0.113.9</td></tr><tr><td>Listed</td><td>yes</td></tr><tr><td>Last detection</td><td>2015-12-04 14:30 UTC</td></tr><tr><td>HELO</td><td>: mail.com</td></tr></table><script>2016-01-01 00:00 UTC</script></body></html>",
			`{"ip": "203.0.113.9", "helo": "mail.com", ` + at + `}`, nil, nil},
		{"a long page", "<html><body>" + strings.Repeat("<p>nothing to see</p>", 10000) + "<p>203.0.113.9 is listed, last seen 2015-12-04 14:30 UTC, HELO mail.com</p></body></html>", `{"ip": "203.0.113.9", "helo": "mail.com", ` + at + `}`, nil, nil},
		{"up to hours before", "203.0.113.9 is listed. Last seen 2015-12-04 14:30 UTC. The connection can have been made up to 12 hours earlier.", `{"time": "2015-12-04T02:30:00Z", "until": "2015-12-04T14:30:00Z"}`, nil, nil},
	})
}

// What providers and people write: of several addresses and times the right ones.
func TestReadNotices(t *testing.T) {
	head := "Received: from mail.provider.example (mail.provider.example [198.51.100.70])\n\tby mx.example.org with ESMTPS id 4Q1; Wed, 12 Oct 2022 10:15:09 +0000\n" +
		"Date: Wed, 12 Oct 2022 11:15:07 +0100\nFrom: abuse@provider.example\nTo: admin@example.org\nSubject: abuse\nContent-Type: text/plain; charset=utf-8\n\n"
	readAll(t, kindNotice, []pasted{
		{"when it was, not when it was reported", head + "We received a complaint at 2022-10-12 09:00:00 +0000 about spam that was sent from 203.0.113.9 at 2022-10-11 12:38:55 +0000.", `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"helo"}, nil},
		{"reported, passed on", head + "Reported: 2022-10-12 08:00:00 UTC\nForwarded: 2022-10-12 09:00:00 UTC\nEvent: 2022-10-11 12:38:55 UTC\nSource IP: 203.0.113.9\nDestination IP: 198.51.100.33\nSource Port: 41822", `{"ip": "203.0.113.9", "destination": "198.51.100.33", "port": 41822, ` + theDay + `}`, nil, nil},
		{"a closed port", head + "On 2022-10-11 12:38:55 UTC your server 203.0.113.9 sent spam to 198.51.100.33:25.", `{"ip": "203.0.113.9", "destination": "198.51.100.33", ` + theDay + `}`, []string{"port"}, nil},
		{"several of theirs", head + "198.51.100.1 - 2022-10-01 10:00:00 UTC\n203.0.113.9 - 2022-10-11 12:38:55 UTC\n198.51.100.2 - 2022-10-02 10:00:00 UTC", `{"ip": "203.0.113.9", ` + theDay + `}`, nil, nil},
		{"none of them known", head + "198.51.100.1 - 2022-10-01 10:00:00 UTC\n198.51.100.2 - 2022-10-02 10:00:00 UTC", `{"time": "2022-10-01T10:00:00Z", "until": "2022-10-02T10:00:00Z"}`, []string{"ip"}, &laptop},
		{"another's name", head + "198.51.100.1 HELO other.com at 2022-10-01 10:00:00 UTC\n203.0.113.9 at 2022-10-11 12:38:55 UTC\n", `{"ip": "203.0.113.9", ` + theDay + `}`, []string{"helo"}, nil},
		{"only the names of addresses", head + "Spam from 9.113.0.203.static.hoster.example [203.0.113.9], 11 Oct 2022 12:38:55 +0000", `{"ip": "203.0.113.9", ` + theDay + `}`, nil, nil},
		{"no time, a destination", head + "Destination IP: 198.51.100.33\nDestination IP: 198.51.100.34\nyour server 203.0.113.9 sends spam", `{"ip": "203.0.113.9"}`, []string{"helo", "time", "destination"}, nil},
		{"a quoted header", head + "Please look at this:\n\n> Received: from mail.com (web1.example.org [203.0.113.9])\n>\tby mx.example.net with ESMTP id 1;\n>\tTue, 11 Oct 2022 12:38:55 +0000\n", `{"ip": "203.0.113.9", "helo": "mail.com", ` + theDay + `}`, nil, nil},
		{"a date of two meanings", head + "Your server 203.0.113.9 sent spam at 10/11/2022 12:38:55 UTC.", `{"ip": "203.0.113.9"}`, []string{"time"}, nil},
		{"the time first", head + "At 12:38:55 UTC on 11 October 2022 we saw spam from 203.0.113.9", `{"ip": "203.0.113.9", ` + theDay + `}`, nil, nil},
		{"no zone", head + "Spam from 203.0.113.9, seen on 2022-10-11 12:38:55.", `{"ip": "203.0.113.9", "uncertainty": 50400, ` + theDay + `}`, nil, nil},
	})
}

// How a mail came to this host is nothing to search for.
func TestReadOwnWayHere(t *testing.T) {
	text := "Received: from mail.provider.example (mail.provider.example [198.51.100.70])\n\tby web1.example.org with ESMTPS id 4Q1; Wed, 12 Oct 2022 10:15:09 +0000\n" +
		"From: abuse@provider.example\nTo: admin@example.org\nSubject: abuse\n\nYou send spam. Stop it.\n"
	if c, err := Read(strings.NewReader(text), today, web1); err == nil {
		t.Errorf("got %+v", c)
	}
}

// A zone that is said once for all times is that of all, with its offset.
func TestZoneOfAll(t *testing.T) {
	for text, want := range map[string]string{
		"Source IP: 203.0.113.9\nSpam received at: 2018-02-13 11:54:09\nTime zone: UTC+9\nHELO: mail.com\n":         "2018-02-13T02:54:09Z",
		"All times are GMT+1.\nYour server 203.0.113.9 sent spam at 2018-02-13 03:54:09, HELO: mail.com\n":          "2018-02-13T02:54:09Z",
		"Spam from 203.0.113.9, log:\nTimestamp (GMT -5): 2018-02-12 21:54:09\nHELO: mail.com\n":                    "2018-02-13T02:54:09Z",
		"Source: 203.0.113.9\nSpam received (UTC): 2/13/2018, 2:54:09\u202fPM\nAll times are UTC\nHELO: mail.com\n": "2018-02-13T14:54:09Z",
	} {
		c, err := Read(strings.NewReader(text), today, web1)
		if err != nil || c.When.Time.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q is of %v, %v; want %s", text, c.When.Time, err, want)
		}
	}
}
