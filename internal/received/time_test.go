package received

import (
	"strings"
	"testing"
	"time"
)

// local is a zone of its own, so that a test cannot pass by the machine's.
var local = time.FixedZone("LOC", 2*3600)

// now is Tuesday.
var now = time.Date(2018, 2, 13, 10, 0, 0, 0, local)

func TestParseTime(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		// With a zone.
		{"2015-12-04T14:30Z", "2015-12-04T14:30:00Z"},
		{"2015-12-04T14:30:05.25Z", "2015-12-04T14:30:05.25Z"},
		{"2015-12-04T14:30:05+01:00", "2015-12-04T13:30:05Z"},
		{"20151204T143005Z", "2015-12-04T14:30:05Z"},
		{"2015-12-04 14:30 UTC", "2015-12-04T14:30:00Z"},
		{"2015-12-04 14:30 GMT (+/- 15 minutes)", "2015-12-04T14:30:00Z ±15m0s"},
		{"2015-12-04 ~14:30 UTC ±15 minutes", "2015-12-04T14:30:00Z ±15m0s"},
		{"~14:30 UTC ±15 minutes", "2018-02-12T14:30:00Z ±15m0s"},
		{"Tue, 13 Feb 2018 03:54:09 +0100", "2018-02-13T02:54:09Z"},
		{"Tue, 13 Feb 2018 03:54:09 +0100 (CET)", "2018-02-13T02:54:09Z"},
		{"13 Feb 2018 03:54:09 -0000", "2018-02-13T03:54:09Z"},
		{"Tue Feb 13 03:54:09 CET 2018", "2018-02-13T02:54:09Z"},
		{"Feb 13, 2018 3:54 pm EST", "2018-02-13T20:54:00Z"},
		{"13/Feb/2018:03:54:09 +0100", "2018-02-13T02:54:09Z"},
		{"2015-07-01 12:00 Europe/Berlin", "2015-07-01T10:00:00Z"},
		{"2015-12-04 14:30 UTC+1", "2015-12-04T13:30:00Z"},
		{"2015/12/04 14:30:00 +0530", "2015-12-04T09:00:00Z"},
		{"1518490449", "2018-02-13T02:54:09Z"},
		{"@1518490449.5", "2018-02-13T02:54:09.5Z"},
		{"now", "2018-02-13T08:00:00Z"},
		{"15m ago", "2018-02-13T07:45:00Z"},
		{"2 hours ago", "2018-02-13T06:00:00Z"},
		{"1d2h ago", "2018-02-12T06:00:00Z"},
		{"yesterday 14:30 UTC", "2018-02-12T14:30:00Z"},

		// Years of two digits (RFC 5322 section 4.3).
		{"Tue, 13 Feb 18 03:54:09 GMT", "2018-02-13T03:54:09Z"},
		{"13 Feb 18 03:54:09 EST", "2018-02-13T08:54:09Z"},
		{"Fri, 31 Dec 99 23:59:59 +0000", "1999-12-31T23:59:59Z"},
		{"04-Dec-15 14:30 UTC", "2015-12-04T14:30:00Z"},
		{"4.12.15 14:30 UTC", "2015-12-04T14:30:00Z"},
		{"4 Dec 14:30 -0500", "2017-12-04T19:30:00Z"},

		// A zone in a comment, where there is no other.
		{"2015-12-04 14:30 (UTC)", "2015-12-04T14:30:00Z"},
		{"2015-12-04 14:30 (GMT+01:00)", "2015-12-04T13:30:00Z"},
		{"Tue, 13 Feb 2018 03:54:09 -0000 (EST)", "2018-02-13T03:54:09Z"},

		// As they come.
		{"02/13/2018 3:54 pm UTC", "2018-02-13T15:54:00Z"},
		{"13/02/2018 03:54 UTC", "2018-02-13T03:54:00Z"},
		{"4 Dec 2015 2pm UTC", "2015-12-04T14:00:00Z"},
		{"Di, 13. Feb. 2018, 03:54 Uhr MEZ", "2018-02-13T02:54:00Z"},
		{"Freitag, 4. Dezember 2015 um 14:30:05 MEZ", "2015-12-04T13:30:05Z"},
		{"1. März 2017, 14:30 Uhr MESZ +/- 5 Minuten", "2017-03-01T12:30:00Z ±5m0s"},
		{"13. Mai 2017 03:54 UTC", "2017-05-13T03:54:00Z"},
		{"2015-12-04 14:00 GMT (+/- 30 minutes), approximately 2 days, 19 hours ago", "2015-12-04T14:00:00Z ±30m0s"},
		{"1518490449123", "2018-02-13T02:54:09.123Z"},
		{"15m", "2018-02-13T07:45:00Z"},
		{"-2h30m", "2018-02-13T05:30:00Z"},
		{"1 week ago", "2018-02-06T08:00:00Z"},
		{"Friday 14:30 UTC", "2018-02-09T14:30:00Z"}, // now is Tuesday, 08:00 UTC
		{"last Friday at 2:30 pm UTC", "2018-02-09T14:30:00Z"},
		{"Tuesday 07:59 UTC", "2018-02-13T07:59:00Z"},
		{"Tuesday 08:01 UTC", "2018-02-06T08:01:00Z"},

		// Without: local time, and it is said.
		{"Friday", "2018-02-08T22:00:00Z local day"},
		{"gestern 14:30 Uhr", "2018-02-12T12:30:00Z local"},
		{"2015-12-04 14:30", "2015-12-04T12:30:00Z local"},
		{"2015-12-04T14:30:00", "2015-12-04T12:30:00Z local"},
		{"yesterday 14:30", "2018-02-12T12:30:00Z local"},
		{"today at 08:00", "2018-02-13T06:00:00Z local"},
		{"09:59", "2018-02-13T07:59:00Z local"},
		{"10:01", "2018-02-12T08:01:00Z local"},
		{"Feb 13 03:54:09", "2018-02-13T01:54:09Z local"},
		{"Dec  4 14:30:00", "2017-12-04T12:30:00Z local"},
		{"4.12.2015 14:30", "2015-12-04T12:30:00Z local"},
		{"2015-12-04", "2015-12-03T22:00:00Z local day"},
		{"yesterday", "2018-02-11T22:00:00Z local day"},
	} {
		m, err := ParseTime(test.in, now)
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
			continue
		}
		got := m.Time.UTC().Format(time.RFC3339Nano)
		if m.Margin > 0 {
			got += " ±" + m.Margin.String()
		}
		if m.Local {
			got += " local"
		}
		if m.Day {
			got += " day"
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.in, got, test.want)
		}
	}
}

func berlin(t *testing.T) *time.Location {
	in, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("this machine has no time zones: %v", err)
	}
	return in
}

func TestParseTimeRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "neither a date nor a time of day",
		"soon":                    "neither a date nor a time of day",
		"12/04/2015 14:30 UTC":    "which of the numbers is the month?",
		"2015-02-30 14:30 UTC":    "there is no day 2015-02-30",
		"2015-12-04 25:00 UTC":    "is not a time of day",
		"2015-12-04 14:30 BST":    `"bst" is not known: give the zone as +01:00`,
		"2015-12-04 14:30 +9900":  "is not an offset",
		"0000-12-04 14:30 UTC":    "not a time",
		"9999-12-31 23:59 -12:00": "that year cannot be meant",
		"13:00 pm":                "has no am or pm",
	} {
		if m, err := ParseTime(in, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v; want %s", in, m, err, want)
		}
	}
}

// In the night in which the clock is set back, a time of day is twice.
func TestTimeIsTwice(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones here: %v", err)
	}
	for text, want := range map[string]string{
		"2017-10-29 02:30":               "00:30 01:30",
		"2017-10-29 02:30 Europe/Berlin": "00:30 01:30",
		"2017-10-29 02:30 +0200":         "00:30",
		"2017-10-29 03:30":               "02:30",
		"2017-03-26 02:30":               "01:30",
	} {
		m, err := ParseTime(text, now.In(berlin))
		got := m.Time.UTC().Format("15:04")
		if !m.Later.IsZero() {
			got += m.Later.UTC().Format(" 15:04")
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	c, err := Read(strings.NewReader("Oct 29 02:30:00 mx postfix/smtpd[1]: connect from unknown[94.130.34.42]"), now.In(berlin), Host{Local: own, Name: ""})
	if err != nil {
		t.Fatal(err)
	}
	says(t, c, "2017-10-29 02:30:00 +0200, which is 2017-10-29 00:30:00 UTC, give or take 14h (no zone was given: +02:00 is assumed, and any other allowed for), or 02:30:00 +0100: the clock was set back that night")
}
