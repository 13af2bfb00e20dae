package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/record"
)

// reportOn runs the report verb.
func reportOn(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(append([]string{"report"}, args...), strings.NewReader(stdin), &out, &err)
	return out.String(), err.String(), status
}

// logOf writes the log of a run that watched for two hours around a moment, and saw these.
func logOf(t *testing.T, at time.Time, seen ...record.Record) string {
	t.Helper()
	var b bytes.Buffer
	encoder := record.NewEncoder()
	put := func(r record.Record) { b.Write(encoder.Encode(&r)) }
	from := at.Add(-time.Hour)
	life := func(action record.Action, at time.Time) record.Record {
		return record.Record{
			Time: at, Event: record.Event{Action: action, Start: from, End: at}, Host: record.Host{Name: "web1"},
			Agent:  record.Agent{Type: "smtptrace", EphemeralID: "5b0e"},
			Tracer: record.Tracer{Hooks: []record.Hook{{Question: "connect", Name: "fentry/tcp_connect"}}, Forwards: "no"},
		}
	}
	put(life(record.ActionStart, from))
	for m := range 120 {
		put(life(record.ActionHeartbeat, from.Add(time.Duration(m+1)*time.Minute)))
	}
	for _, r := range seen {
		put(r)
	}
	put(life(record.ActionStop, at.Add(time.Hour)))
	path := filepath.Join(t.TempDir(), "mail.log")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sent is a session that ended at this time.
func sent(at time.Time, id, helo, exe, user string, flags ...string) record.Record {
	return record.Record{
		Time:  at,
		Event: record.Event{Action: record.ActionSession, ID: id, Start: at.Add(-time.Second), End: at, Outcome: record.Success},
		Host:  record.Host{Name: "web1"}, Verdict: record.DirectMX, Flags: flags,
		Destination: record.Endpoint{IP: netip.MustParseAddr("198.51.100.25"), Port: 2525},
		Identity:    record.Identity{Process: record.Process{PID: 4242, Executable: exe}, User: record.User{Name: user}},
		SMTP:        record.SMTP{Verb: "HELO", HELO: helo, Messages: 1, Recipients: 1},
	}
}

// Case A: the header pasted in gives the session of that second, on whatever port, and says how to
// read it.
func TestReportCaseA(t *testing.T) {
	at := time.Date(2018, 2, 13, 2, 54, 9, 0, time.UTC)
	path := logOf(t, at,
		sent(at.Add(-time.Minute), "1", "web1.example.org", "/usr/lib/postfix/sbin/smtp", "postfix"),
		sent(at, "2", "mail.com", "/usr/bin/perl", "www-data", "helo_bare"),
		sent(at.Add(50*time.Minute), "3", "mail.com", "/usr/bin/perl", "www-data"))
	header := "Received: from mail.com ([94.130.34.42])\n\tby mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100\n"
	stdout, stderr, status := reportOn(t, header, "--received", "-", path)
	for _, want := range []string{
		"`mail.com` is the HELO name, not rDNS", "`with SMTP` means the client said HELO, not EHLO",
		"the time is 2018-02-13 03:54:09 +0100, which is 2018-02-13 02:54:09 UTC",
		"94.130.34.42, which is not an address of this host",
		"Asked: 2018-02-13 02:39:09 to 03:09:09 UTC, helo mail.com\n\n1 session matches, by /usr/bin/perl, user www-data: DIRECT-MX unexpected.\n\nUnderstood a Received header:\n",
		"→ 198.51.100.25:2525  HELO mail.com", "web1: 100 % of ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if status != exitDone || stderr != "" {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// A client that calls itself * is not every client.
func TestReportHELOIsNoPattern(t *testing.T) {
	at := time.Date(2018, 2, 13, 2, 54, 9, 0, time.UTC)
	path := logOf(t, at, sent(at, "1", "web1.example.org", "/usr/sbin/exim4", "Debian-exim"), sent(at, "2", "*", "/usr/bin/perl", "www-data"))
	header := "Received: from * (unknown [94.130.34.42])\n\tby mx.example.net (Postfix) with SMTP id 1; Tue, 13 Feb 2018 03:54:09 +0100\n"
	if stdout, _, _ := reportOn(t, header, "--received", "-", path); !strings.Contains(stdout, ", helo *\n\n1 session matches, by /usr/bin/perl") {
		t.Error(stdout)
	}
}

// Case D: a window around what the blocklist says, its zone and margin honoured, and the impostor
// named.
func TestReportCaseD(t *testing.T) {
	at := time.Date(2015, 12, 4, 14, 30, 0, 0, time.UTC)
	ours := sent(at, "0", "web1.example.org", "/usr/lib/postfix/sbin/smtp", "postfix")
	ours.Expected = true
	path := logOf(t, at, ours,
		sent(at.Add(14*time.Minute+59*time.Second), "in", "[127.0.0.1]", "/var/tmp/smtp", "postfix", "mta_impostor"),
		sent(at.Add(15*time.Minute+2*time.Second), "out", "[127.0.0.1]", "/var/tmp/smtp", "postfix", "mta_impostor"))
	listing := filepath.Join(t.TempDir(), "cbl.txt")
	if err := os.WriteFile(listing, []byte("2015-12-04 ~14:30 UTC ±15 minutes … HELOed as [127.0.0.1]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--at", "2015-12-04T14:30Z", "--window", "15m", "--helo", "[127.0.0.1]"},
		{"--at", "2015-12-04 ~14:30 UTC ±15 minutes", "--helo", "[127.0.0.1]"},
		{"--at", "Fri, 04 Dec 2015 15:30:00 +0100", "--helo", "[127.0.0.1]"},
		{"--since", "2015-12-04 06:15 PST", "--until", "2015-12-04 06:45 PST", "--helo", "[127.*]"},
		{"--received", listing},
	} {
		stdout, stderr, status := reportOn(t, "", append(args, path)...)
		if status != exitDone || stderr != "" || !strings.Contains("\n"+stdout, "\n1 session matches, by /var/tmp/smtp, user postfix: DIRECT-MX unexpected.\n") ||
			!strings.Contains(stdout, "flags mta_impostor") {
			t.Errorf("%q: status %d, %s%s", args, status, stderr, stdout)
		}
	}
	stdout, _, status := reportOn(t, "", "--at", "2015-12-04T14:30Z", "--window", "14m", "--helo", "[127.0.0.1]", path)
	if status != exitDone || !strings.HasPrefix(stdout, "No local process did it: 100 % of the window watched, 0 lost. This covers mail in clear or ") {
		t.Errorf("status %d, %s", status, stdout)
	}
}

// A time without a zone is local, and that is said.
func TestReportSaysLocalTime(t *testing.T) {
	_, stderr, status := reportOn(t, "", "--at", "2015-12-04 14:30", logOf(t, time.Now()))
	if status != exitDone || !strings.HasPrefix(stderr, "smtptrace: note: --at has no zone: taken as local time, 2015-12-04 14:30:00 ") {
		t.Errorf("status %d, %q", status, stderr)
	}
}

// A log that cannot be read is said, with status 1, and the others are answered; so is a header
// without a clue.
func TestReportFails(t *testing.T) {
	path := logOf(t, time.Now(), sent(time.Now(), "1", "mail.com", "/usr/bin/perl", "www-data"))
	stdout, stderr, status := reportOn(t, "", "/nowhere/mail.log", path)
	if status != exitFailed || !strings.Contains(stdout, "1 session matches") ||
		stderr != "smtptrace: error: cannot read the log /nowhere/mail.log: no such file or directory\n"+
			"smtptrace: hint: the answer is from the other logs alone\n" {
		t.Errorf("status %d, %s%s", status, stderr, stdout)
	}
	_, stderr, status = reportOn(t, "", "/nowhere/a", "/nowhere/b", path)
	if status != exitFailed || !strings.HasPrefix(stderr, "smtptrace: error: cannot read the log /nowhere/a: no such file or directory; "+
		"cannot read the log /nowhere/b: no such file or directory\n") {
		t.Errorf("status %d, %s", status, stderr)
	}
	stdout, stderr, status = reportOn(t, "nothing of use", "--received", "-", path)
	if status != exitFailed || stdout != "" || !strings.HasPrefix(stderr, "smtptrace: error: read what was received: it names neither a time nor a HELO name\n"+
		"smtptrace: hint: paste") {
		t.Errorf("status %d, %s%s", status, stderr, stdout)
	}
}

// An address that the records show as a hash is found with the key of this host; without the key
// that is said.
func TestReportFindsHashedAddress(t *testing.T) {
	dir := t.TempDir()
	policy, err := privacy.Open(privacy.Domain, dir)
	if err != nil {
		t.Fatal(err)
	}
	mine, other := sent(time.Now(), "1", "mail.com", "/usr/bin/perl", "www-data"), sent(time.Now(), "2", "mail.com", "/usr/bin/php", "www-data")
	for r, address := range map[*record.Record]string{&mine: "user@example.net", &other: "else@example.net"} {
		r.SMTP.Transactions = []record.Transaction{{
			RcptCount: 1, RcptDomains: []string{"example.net"}, RcptHMAC: []string{policy.Hash(address)},
		}}
	}
	path := logOf(t, time.Now(), mine, other)
	t.Setenv("STATE_DIRECTORY", dir)
	stdout, stderr, _ := reportOn(t, "", "--rcpt", "User@Example.net", path)
	if !strings.Contains(stdout, "1 session matches, by /usr/bin/perl, ") || stderr != "" {
		t.Errorf("%s%s", stderr, stdout)
	}
	empty := t.TempDir()
	t.Setenv("STATE_DIRECTORY", empty)
	stdout, stderr, status := reportOn(t, "", "--rcpt", "user@example.net", path)
	if status != exitDone || !strings.Contains(stdout, "www-data's /usr/bin/php had a session with 198.51.100.25:2525, and not all of what they said is known") ||
		!strings.Contains(stderr, "smtptrace: warning: addresses that --privacy hid are found by their domain at most: ") {
		t.Errorf("status %d, %s%s", status, stderr, stdout)
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("a report made %v", left)
	}
}

func TestReportFormats(t *testing.T) {
	path := logOf(t, time.Now(), sent(time.Now(), "1", "mail.com", "/usr/bin/perl", "www-data"))
	stdout, _, _ := reportOn(t, "", "--format", "json", path)
	if !json.Valid([]byte(stdout)) || strings.Count(stdout, "\n") != 1 {
		t.Errorf("not a line of JSON: %s", stdout)
	}
	stdout, _, _ = reportOn(t, "", "--format", "html", path)
	if !strings.HasPrefix(stdout, "<!DOCTYPE html>") || !strings.HasSuffix(stdout, "</html>\n") {
		t.Errorf("not a page: %s", stdout)
	}
}

// A long read shows on a terminal how far it is, and leaves nothing of that behind.
func TestReportProgress(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b}
	p.show(5<<20, 10<<20)
	p.show(6<<20, 10<<20) // too soon
	p.end()
	if got, want := b.String(), "\r\x1b[Ksmtptrace: read 5 of 10 MiB (50 %)\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b.Reset()
	p = progressOn(&b, time.Time{}) // no terminal
	p.show(5<<20, 10<<20)
	if p.end(); b.Len() > 0 {
		t.Errorf("got %q", &b)
	}
}

// The name of this host has a domain where a file of its own knows it, and no other host's.
func TestFullName(t *testing.T) {
	for _, test := range []struct{ name, hosts, mailname, want string }{
		{"web1", "127.0.0.1 localhost\n127.0.1.1\tweb1.example.org web1\n", "", "web1.example.org"},
		{"web1", "127.0.1.1 web1 web1.example.org # as some write it\n", "example.org", "web1.example.org"},
		{"web1", "127.0.0.1 localhost web1\n# 127.0.1.1 web1.example.org web1\n", "web1.example.net", "web1.example.net"},
		{"mail", "198.51.100.25 mail.example.net\n", "example.org", "mail"},
		{"web1.example.org", "127.0.1.1 web1.example.org web1\n", "", "web1.example.org"},
		{"", "", "", ""},
	} {
		if got := fullName(test.name, test.hosts, test.mailname); got != test.want {
			t.Errorf("%q, %q, %q: %q, want %q", test.name, test.hosts, test.mailname, got, test.want)
		}
	}
}

// In the night in which the clock is set back, both of the times that it showed are looked at.
func TestReportTimeIsTwice(t *testing.T) {
	const at = "2017-10-29 02:30 Europe/Berlin"
	first := time.Date(2017, 10, 29, 0, 30, 0, 0, time.UTC)
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		t.Skipf("no time zones here: %v", err)
	}
	path := logOf(t, first, sent(first.Add(-16*time.Minute), "0", "a", "/a", "a"), sent(first, "1", "b", "/b", "b"),
		sent(first.Add(time.Hour), "2", "c", "/c", "c"), sent(first.Add(77*time.Minute), "3", "d", "/d", "d"))
	stdout, _, _ := reportOn(t, "", "--at", at, path)
	if !strings.HasPrefix(stdout, "2 sessions of 2 programs match") {
		t.Error(stdout)
	}
}
