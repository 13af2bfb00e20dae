package record

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// by makes a session of another program.
func by(executable string, verdict Verdict, expected bool, messages uint64) Record {
	r := session()
	r.Identity = Identity{Process: Process{PID: 1, Executable: executable}, User: User{ID: "0", Name: "root"}}
	r.Verdict, r.Expected = verdict, expected
	r.SMTP.Messages, r.SMTP.Recipients = messages, messages
	return r
}

func summary(records ...Record) *Summary {
	s := NewSummary()
	for i := range records {
		s.Add(&records[i])
	}
	return s
}

func TestSummary(t *testing.T) {
	later := session()
	later.Time = at.Add(24 * time.Hour)
	later.Destination.IP = netip.MustParseAddr("192.0.2.1")
	later.SMTP.HELO = "mail.com"
	later.Process.PID = 5000
	goesOn := later // a second record of the same session: its mail counts, not itself
	goesOn.Event.Sequence = 2
	goesOn.SMTP.HELO = "two words"
	local := session()
	local.Verdict = Local
	blocked := refusedConnect()
	blocked.Event.Reason = Blocked
	established := refusedConnect()
	established.Event.Outcome, established.Event.Reason, established.Verdict = Success, Established, ""
	hidden := by("/usr/bin/msmtp", Submission, false, 0)
	hidden.SMTP.TLS = true
	postfix := by("/usr/lib/postfix/sbin/smtp", DirectMX, true, 40)
	lost, begin, end := lost(), start(), stop()

	got := summary(begin, postfix, session(), hidden, refusedConnect(), blocked, blocked, established,
		firstPayload(), local, later, goesOn, lost, end).Text(at.Add(2*time.Hour), false)
	want := `Who sent mail or tried to, the worst first:

 1. DIRECT-MX unexpected  pid 5000 /usr/bin/perl (as httpd) /tmp/.x/dm.cgi  www-data  apache2.service
    3 sessions, 4 messages, 12 recipients (2 DIRECT-MX, 1 LOCAL); 2 destinations (192.0.2.1:25, 198.51.100.25:25); 2026-11-21 14:31:07 to 2026-11-22 14:31:07; HELO [127.0.0.1] mail.com "two words"
    flags: exe_writable_dir argv0_mismatch script_deleted helo_loopback
    started by: 4240 apache2, 1 systemd
    next: its script is deleted; while it runs it may still be open: ls -l /proc/5000/fd
    next: others than root may write where its binary is: stat /usr/bin/perl
    next: journalctl -u apache2.service --since '2026-11-21 14:30:07 UTC' --until '2026-11-22 14:32:07 UTC'
 2. ATTEMPT unexpected  pid 77 /usr/bin/python3.11 /opt/x.py  root
    3 failed connects (2 blocked by this host's firewall, 1 refused); 1 destination ([2001:db8::25]:25); 2026-11-21 14:31:07 to 14:31:07
    next: read the script, and see when it was changed: stat /opt/x.py
    next: eve had logged in: last -F eve
 3. SUBMISSION unexpected  pid 1 /usr/bin/msmtp  root
    1 session, 0 messages, 0 recipients, 1 session under TLS; 1 destination (198.51.100.25:25); 2026-11-21 14:31:07 to 14:31:07; HELO [127.0.0.1]
    flags: exe_writable_dir argv0_mismatch script_deleted helo_loopback
 4. DIRECT-MX expected  pid 1 /usr/lib/postfix/sbin/smtp  root
    1 session, 40 messages, 40 recipients; 1 destination (198.51.100.25:25); 2026-11-21 14:31:07 to 14:31:07; HELO [127.0.0.1]
    flags: exe_writable_dir argv0_mismatch script_deleted helo_loopback
    next: look for who handed the mail in: its log

Watched web1 (kernel 6.1.0-18-amd64), only uid 0, from 2026-11-21 14:31:07 to 15:31:07 UTC (1h0m0s); connect by tp_btf/inet_sock_set_state; wire by cgroup_skb/egress,ingress; lost 12: 3 connections, 9 stretches of dialogue
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummaryRanks(t *testing.T) {
	s := summary(
		by("/i", Local, true, 900), by("/h", DirectMX, true, 900), by("/g", Local, false, 900),
		by("/f", Relay, false, 900), by("/e", Submission, false, 900), by("/d", Attempt, false, 0),
		by("/c", SMTPOddPort, false, 900), by("/b3", DirectMX, false, 1), by("/b2", DirectMX, false, 1),
		by("/b2", DirectMX, false, 0), by("/a", DirectMX, false, 2), by("/b4", DirectMX, false, 1),
		by("/h2", "of_the_future", false, 900),
	)
	var got []string
	for _, p := range s.ranked() {
		got = append(got, p.key.Executable)
	}
	if want := "/a /b2 /b3 /b4 /c /d /e /f /g /h2 /h /i"; strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// A program is told by what it is and whom it runs as; by the worst that it did.
func TestSummaryTellsProgramsApart(t *testing.T) {
	script, user, unit, expected := session(), session(), session(), session()
	script.Process.Script.Path = "/tmp/other"
	user.User.ID = "34"
	unit.Systemd.UserUnit = "app.service"
	expected.Expected, expected.Time = true, at.Add(time.Second)
	s := summary(expected, session(), script, user, unit)
	if n := len(s.programs); n != 4 {
		t.Errorf("%d programs, want 4", n)
	}
	if p := s.ranked()[0]; p.expected || p.sessions != 2 || p.first != at || p.last != expected.Time {
		t.Errorf("got %+v", p)
	}
}

func TestSummaryOfNothing(t *testing.T) {
	begin, end := start(), stop()
	begin.Tracer.Filters, end.Tracer.Filters = Filters{}, Filters{}
	silent := start()
	silent.Tracer = Tracer{Filters: Filters{Connects: "none"}}
	older, adopted := begin, begin
	older.Tracer.Open, adopted.Tracer.Open = []Open{{}}, []Open{{Adopted: true}}
	for _, test := range []struct {
		records []Record
		want    string
	}{
		{[]Record{lost()}, "Nothing that was watched sent mail or tried to, as far as was seen: this host;" +
			" lost 12: 3 connections, 9 stretches of dialogue\n"},
		{nil, "Nothing that was watched sent mail or tried to: this host; lost nothing\n"},
		{[]Record{begin, end}, "Nothing that was watched sent mail or tried to: web1 (kernel 6.1.0-18-amd64)" +
			" from 2026-11-21 14:31:07 to 15:31:07 UTC (1h0m0s); connect by tp_btf/inet_sock_set_state;" +
			" wire by cgroup_skb/egress,ingress; lost nothing\n"},
		{[]Record{adopted, end}, "Nothing that was watched sent mail or tried to: web1 (kernel 6.1.0-18-amd64)" +
			" from 2026-11-21 14:31:07 to 15:31:07 UTC (1h0m0s); connect by tp_btf/inet_sock_set_state;" +
			" wire by cgroup_skb/egress,ingress; lost nothing\n"},
		{[]Record{older, end}, "Nothing that was watched sent mail or tried to, but on connections from before the start, which were not watched:" +
			" web1 (kernel 6.1.0-18-amd64) from 2026-11-21 14:31:07 to 15:31:07 UTC (1h0m0s); connect by tp_btf/inet_sock_set_state;" +
			" wire by cgroup_skb/egress,ingress; lost nothing\n"},
		{[]Record{silent}, "Nothing that was watched sent mail: web1 (kernel 6.1.0-18-amd64)" +
			" from 2026-11-21 14:31:07 to 16:31:07 UTC (2h0m0s); lost nothing\n"},
	} {
		if got := summary(test.records...).Text(at.Add(2*time.Hour), false); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// Who was connected, and nobody knows what it said, is not passed over: it did not fail, either.
func TestSummaryOfUntoldConnections(t *testing.T) {
	for _, reason := range []Reason{NotSMTP, Unjudged, EndNotSeen, Broken} {
		r := refusedConnect()
		r.Event.Reason, r.Event.Outcome = reason, reason.Outcome()
		if got := summary(r).Text(at, false); !strings.Contains(got, "    1 connection on which it is not known what was said; 1 destination") {
			t.Errorf("%s: %s", reason, got)
		}
	}
	silent := refusedConnect()
	silent.Event.Reason, silent.Event.Outcome = Silent, Silent.Outcome()
	if got := summary(silent).Text(at, false); !strings.HasPrefix(got, "Nothing that was watched sent mail") {
		t.Errorf("one that said nothing: %s", got)
	}
}

// However many programs there are, the worst is not hidden, and nothing goes uncounted.
func TestSummaryIsBounded(t *testing.T) {
	s := NewSummary()
	for i := range maxPrograms + 500 {
		r := refusedConnect()
		r.Process.Executable = fmt.Sprintf("/tmp/%d", i)
		s.Add(&r)
	}
	worst := session()
	for i := range uint16(maxDestinations + 50) {
		worst.Destination.Port = i + 1
		worst.SMTP.HELO = fmt.Sprintf("h%d", i)
		s.Add(&worst)
	}
	if n := len(s.programs); n != maxPrograms {
		t.Errorf("%d programs", n)
	}
	got := s.Text(at, false)
	for _, want := range []string{
		"\n 1. DIRECT-MX unexpected  pid 4242 /usr/bin/perl (as httpd) /tmp/.x/dm.cgi  www-data  apache2.service\n" +
			"    306 sessions, 306 messages, 918 recipients; more than 256 destinations (198.51.100.25:1, 198.51.100.25:2, 198.51.100.25:3, …);" +
			" 2026-11-21 14:31:07 to 14:31:07; HELO h0 h1 h2 h3 h4 h5 h6 h7 and more\n",
		"\n50. ATTEMPT unexpected ",
		"\n    other programs: 1451 failed connects\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "\n51.") {
		t.Error("more than 50 programs are listed")
	}
}

func TestSummaryInColor(t *testing.T) {
	got := summary(session()).Text(at, true)
	if want := " 1. \x1b[1;31mDIRECT-MX unexpected\x1b[0m  pid 4242"; !strings.Contains(got, want) {
		t.Errorf("%q is not in %q", want, got)
	}
}

// A container is named as its people know it, and is one whatever its id after a restart.
func TestSummaryOfContainers(t *testing.T) {
	in := func(id, name, image, unit string) Record {
		r := by("/usr/bin/perl", DirectMX, false, 1)
		r.Container, r.Systemd.Unit = Container{ID: id, Name: name, Image: Image{Name: image}}, unit
		return r
	}
	const id, id2 = "4f2a1c9be0d3a7c6", "00112233445566"
	got := summary(start(), in(id, "web", "nginx:1.25", "docker-"+id+".scope"), in(id2, "web", "nginx:1.25", "docker-"+id2+".scope"),
		in(id, "", "", "docker-"+id+".scope"), in("guest", "", "", "lxc.service")).Text(at, false)
	for _, want := range []string{
		" root  container web (nginx:1.25)\n    2 sessions", " root  container 4f2a1c9be0d3\n    1 session", " root  lxc.service in container guest\n    1 session",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
