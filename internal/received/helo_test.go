package received

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A word of a sentence is no HELO name: to look for it would clear who did it.
func TestFindHELOs(t *testing.T) {
	for text, want := range map[string][]string{
		"Your server's HELO is not a fully qualified name.":                       nil,
		"The HELO was rejected, since it does not resolve":                        nil,
		"the EHLO with an invalid name was used":                                  nil,
		"550 5.7.1 Recipient address rejected: HELO/EHLO must be FQDN.":           nil,
		"The HELO was \"not valid\" for us":                                       nil,
		"HELO: \"rejected by policy\"":                                            nil,
		"SPF HELO: none":                                                          nil,
		"HELO: unknown, EHLO: fail (mail.com)":                                    nil,
		"HELO was 2018-02-13 03:54 the last time":                                 nil,
		"HELO: rejected because of policy":                                        nil,
		"HELO of 5 characters, HELO as RFC5321 demands":                           nil,
		"with the following HELO:\n\nHELO: mail.com\nLast detection":              {"mail.com"},
		"HELO name: EHLO mail.com":                                                {"mail.com"},
		"HELO being used is localhost":                                            {"localhost"},
		"HELO: localhost\nlast seen":                                              {"localhost"},
		"HELO=User port=25":                                                       {"User"},
		"HELO: User":                                                              {"User"},
		"HELOed as WORKGROUP.":                                                    {"WORKGROUP"},
		"the HELO used was \"WIN-ABC123\"":                                        {"WIN-ABC123"},
		"The HELO of this host is mail.com":                                       {"mail.com"},
		"94.130.34.42 HELOs as mail.com":                                          {"mail.com"},
		"used the HELO string of [127.0.0.1]":                                     {"[127.0.0.1]"},
		"HELO/EHLO is the command. It used the HELO mail.com":                     {"mail.com"},
		"HELO value is set to mail.com":                                           {"mail.com"},
		"Its HELO was given as 'mail.com'":                                        {"mail.com"},
		`"helo": "mail.com", "ip": "94.130.34.42"`:                                {"mail.com"},
		"HELO | mail.com |":                                                       {"mail.com"},
		"Helo name\t mail.com":                                                    {"mail.com"},
		"(HELO localhost.localdomain)":                                            {"localhost.localdomain"},
		"said HELO localhost":                                                     {"localhost"},
		"(HELO mail.com)":                                                         {"mail.com"},
		"25,94.130.34.42:41822,<,EHLO mail.com,":                                  {"mail.com"},
		"A good HELO looks like: HELO mx.example.org. Yours said HELO localhost.": {"mx.example.org", "localhost"},
	} {
		if got, _ := findHELOs(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Of several times in a text that of the last mail counts, and it is said that there are others.
func TestReadSeveralTimes(t *testing.T) {
	for _, text := range []string{
		"Listed since 2018-02-01 01:00 UTC. Last spam 2018-02-13 02:54 UTC",
		"Times: first 2018-02-01 01:00 UTC, last 2018-02-13 02:54 UTC",
		"Generated on 2018-02-13 09:00 UTC. Detection: 2018-02-13 02:54 UTC",
		"Last seen: 02/13/2018 02:54:00 UTC, expires 02/20/2018 02:54:00 UTC",
	} {
		c := read(t, text)
		if want := time.Date(2018, 2, 13, 2, 54, 0, 0, time.UTC); !c.When.Time.Equal(want) {
			t.Errorf("%s: %v", text, c.When.Time)
		}
		says(t, c, "it has 2 times: the words beside this one say that it is that of the mail")
	}
}

// A time that may be another keeps the margin of each, whichever comes first.
func TestSpreadKeepsMargins(t *testing.T) {
	noon := time.Date(2018, 2, 13, 12, 0, 0, 0, time.UTC)
	wide, sharp := Moment{Time: noon, Margin: time.Hour}, Moment{Time: noon.Add(-time.Minute)}
	for _, two := range [][2]Moment{{wide, sharp}, {sharp, wide}} {
		f := facts{when: two[0]}
		f.spread(two[1])
		from, to := f.when.Time.Add(-f.when.Margin), f.span
		if from.After(noon.Add(-time.Hour)) || to.Before(noon.Add(time.Hour)) {
			t.Errorf("%v: from %v to %v", two, from, to)
		}
	}
}

// A text that shows how a name should be names two.
func TestReadSeveralHELOs(t *testing.T) {
	c := read(t, "A good HELO looks like: HELO mx.example.org. Yours said HELO localhost on 2018-02-13 02:54 UTC.")
	if c.HELO != "mx.example.org" || !slices.Equal(c.Other, []string{"localhost"}) {
		t.Errorf("got %+v", c)
	}
	says(t, c, "the host was seen with the HELO name `mx.example.org`, or `localhost`")
}

// What is no name that a client said is not told as one.
func TestNoHELO(t *testing.T) {
	for _, said := range []string{"N/A", "mail[.]com", "mail(dot)com", "ma**.com", "mail.c…", "[redacted]", "permerror", "none"} {
		c, err := Read(strings.NewReader("Your server 203.0.113.9 sent spam.\nSpam received: 2018-02-13 02:54:09 UTC\nHELO: "+said+"\n"), today, web1)
		if err != nil || c.HELO != "" {
			t.Errorf("of %q the name is %q, %v", said, c.HELO, err)
		}
	}
	for _, name := range []string{"mail[.]com", "[redacted]", "mail.com<http://mail.com>", "unknown"} {
		c, err := Read(strings.NewReader("Received: from "+name+" (unknown [203.0.113.9]) by mx.example.net (Postfix) with ESMTP id 4AB; Tue, 13 Feb 2018 03:54:09 +0100\n"), today, web1)
		if err != nil || c.HELO != "" || len(c.Doubts) == 0 {
			t.Errorf("of a header with %q the name is %q, %v", name, c.HELO, err)
		}
	}
}
