package trace

import (
	"slices"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Why a connect failed, by what the kernel says and by whether its SYN left the host.
func TestConnectFails(t *testing.T) {
	for _, test := range []struct {
		line string
		want record.Reason
		code string
	}{
		{"a failed ECONNREFUSED", record.Refused, "ECONNREFUSED"},
		{"a failed ETIMEDOUT", record.TimedOut, "ETIMEDOUT"},
		{"a failed ECONNRESET", record.Reset, "ECONNRESET"},
		{"a failed EHOSTUNREACH", record.Unreachable, "EHOSTUNREACH"},
		{"a failed ENETUNREACH", record.Unreachable, "ENETUNREACH"},
		{"a failed EPERM", record.Blocked, "EPERM"},
		{"a failed EACCES", record.Blocked, "EACCES"},
		{"a failed", record.GivenUp, ""},
		{"a failed EINTR", record.GivenUp, "EINTR"},

		// The host's own firewall: it drops, or answers in the name of the other side.
		{"a failed ETIMEDOUT blocked", record.Blocked, "ETIMEDOUT"},
		{"a failed ECONNREFUSED blocked", record.Blocked, "ECONNREFUSED"},
		{"a failed EHOSTUNREACH blocked", record.Blocked, "EHOSTUNREACH"},
		{"a failed - blocked", record.Blocked, ""},
		{"a failed - unsent", record.NotSent, ""},
	} {
		t.Run(test.line, func(t *testing.T) {
			s := play(t, "process 7 /usr/bin/perl uid=33\n a connect 7 198.51.100.25:25\n wait 1ms\n"+test.line)
			s.tells(t, "start connect stop")
			r := s.only(t, record.ActionConnect)
			if r.Event.Reason != test.want || r.Event.Outcome != record.Failure || r.Error.Code != test.code || r.Verdict != record.Attempt {
				t.Errorf("%s %s (%s) %s, want %s failure (%s) attempt", r.Event.Reason, r.Event.Outcome, r.Error.Code, r.Verdict, test.want, test.code)
			}
			if slices.Contains(r.Flags, "blocked") != (test.want == record.Blocked) {
				t.Errorf("flags %q", r.Flags)
			}
			if r.Process.Executable != "/usr/bin/perl" || r.User.Name != "www-data" || r.Destination.AddrPort().String() != "198.51.100.25:25" {
				t.Errorf("by %s uid %s to %v", r.Process.Executable, r.User.Name, r.Destination)
			}
			if r.Event.Duration != 3*time.Millisecond || len(r.SMTP.Transactions) > 0 || r.SMTP.Banner != "" {
				t.Errorf("it took %v", r.Event.Duration)
			}
			if c := s.only(t, record.ActionStop).Tracer.Counters; c.Connects != 1 || c.Sessions != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// Of which connects there are records is the user's choice; sessions are recorded in any case.
func TestConnects(t *testing.T) {
	const text = `
		process 7 /usr/bin/curl
		refused connect 7 198.51.100.25:587
		refused failed ECONNREFUSED
		web connect 7 198.51.100.80:443
		web established
		web closed 500 9000
		shut connect 7 198.51.100.80:443
		shut failed ECONNREFUSED
		mail connect 7 198.51.100.25:25
		mail established
		mail smtp
		mail C: HELO x
		mail closed 8 0
	`
	for connects, want := range map[Connects]string{
		ConnectsNone: "start first_payload session stop",
		ConnectsMail: "start connect connect first_payload session stop",
		ConnectsAll:  "start connect connect connect connect first_payload session stop",
	} {
		t.Run(string(connects), func(t *testing.T) {
			stage := newStage(t)
			stage.options.Connects = connects
			stage.allPorts = connects == ConnectsAll // so the kernel is told
			s := stage.play(text)
			s.tells(t, want)
			for _, r := range s.of(record.ActionConnect) {
				var want record.Verdict // an attempt at mail is one on a mail port
				if r.Destination.Port == 587 {
					want = record.Attempt
				}
				if r.Verdict != want {
					t.Errorf("%v %s: verdict %q, want %q", r.Destination.AddrPort(), r.Event.Reason, r.Verdict, want)
				}
			}
		})
	}
}

// With --connects all the kernel takes every port for one of mail. What is said there decides all the same.
func TestConnectsAllFindsNoMailWhereThereIsNone(t *testing.T) {
	stage := newStage(t)
	stage.options.Connects, stage.allPorts = ConnectsAll, true
	s := stage.play(`
		process 7 /usr/bin/curl
		web connect 7 198.51.100.80:443
		web established
		web tls
		web hello www.example.net
		web closed 500 9000
		odd connect 7 198.51.100.80:4000
		odd established
		odd smtp
		odd S: 220 ready
		odd C: NOOP
		odd closed 6 11
		other connect 7 198.51.100.80:4000
		other established
		other smtp
		! other S: 220 ready
		other closed 0 11
	`)
	s.tells(t, "start connect connect connect lost stop")
}

// A connect that is not decided when the run stops is told, not passed over.
func TestConnectUndecided(t *testing.T) {
	s := play(t, "process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25")
	s.tells(t, "start connect stop")
	r := s.only(t, record.ActionConnect)
	if r.Event.Reason != record.StillOpen || r.Event.Outcome != record.OutcomeUnknown || r.Process.PID != 7 || r.Verdict != record.Attempt {
		t.Errorf("%s %s by %d, %q", r.Event.Reason, r.Event.Outcome, r.Process.PID, r.Verdict)
	}
}

// One that was established and then silent is told at its end, too: no session says what was not said.
func TestConnectAndNothingSaid(t *testing.T) {
	s := play(t, "process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n a established\n a closed 0 0")
	s.tells(t, "start connect connect stop")
	for i, r := range s.of(record.ActionConnect) {
		if want := [...]record.Reason{record.Established, record.Silent}[i]; r.Event.Reason != want || r.Event.Outcome != record.Success || r.Source.Bytes != 0 {
			t.Errorf("%s %s, %d octets", r.Event.Reason, r.Event.Outcome, r.Source.Bytes)
		}
	}
}

// What is no SMTP although it goes to a mail port is said when it ends, with how much it was, and is no mail.
func TestNotSMTP(t *testing.T) {
	const text = `
		process 7 /usr/bin/curl
		other connect 7 198.51.100.25:25
		other established
		other other
		other closed 20 30
		mute connect 7 198.51.100.25:25
		mute established
		mute closed 0 30
		submission connect 7 198.51.100.25:587
		submission established
		submission other
		submission closed 20 30
	`
	s := play(t, text)
	s.tells(t, "start connect connect connect connect connect connect stop")
	for i, r := range s.of(record.ActionConnect) {
		want := [...]record.Reason{record.Established, record.NotSMTP, record.Established, record.Silent, record.Established, record.NotSMTP}[i]
		if r.Event.Reason != want || r.Event.Outcome != record.Success || r.Verdict != "" || r.Event.ID != s[1+i/2*2].Event.ID ||
			slices.Contains(r.Flags, "port25_not_smtp") != (i == 1) || want == record.NotSMTP && (r.Source.Bytes != 20 || r.Destination.Bytes != 30) {
			t.Errorf("%d: %s %s %s %q, %d octets", i, r.Event.Reason, r.Event.Outcome, r.Verdict, r.Flags, r.Source.Bytes)
		}
	}
	if c := s.only(t, record.ActionStop).Tracer.Counters; c.Connects != 3 || c.Sessions != 0 {
		t.Errorf("%+v", c)
	}
	stage := newStage(t)
	stage.options.Connects = ConnectsNone
	stage.play(text).tells(t, "start stop")
}
