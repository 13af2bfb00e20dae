package trace

import (
	"slices"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp"
)

// dialogue is what is said in the scripts below.
const dialogue = `
	a S: 220 mx.example ESMTP
	a C: EHLO client.example
	a S: 250 mx.example
	a C: MAIL FROM:<a@example.org>
	a S: 250 Ok
	a C: RCPT TO:<b@example.net>
	a S: 250 Ok
	a C: DATA
	a S: 354 go ahead
	a C+ 500
	a C: .
	a S: 250 queued
`

// said fails unless the record tells all of the dialogue above.
func said(t *testing.T, r *record.Record) {
	t.Helper()
	if r.SMTP.HELO != "client.example" || r.SMTP.Messages != 1 || r.SMTP.Recipients != 1 || len(r.SMTP.Transactions) != 1 ||
		r.SMTP.Transactions[0].Size != 500 || r.SMTP.Transactions[0].Reply != "250 queued" {
		t.Errorf("%s: said %+v", r.Event.Action, r.SMTP)
	}
}

// named fails unless the record tells who connected and where to.
func named(t *testing.T, r *record.Record) {
	t.Helper()
	if r.Process.PID != 7 || r.Process.Executable != "/usr/bin/perl" || r.Process.Hash.Status != "verified" ||
		r.Destination.AddrPort().String() != "198.51.100.25:25" || r.Verdict != record.DirectMX && r.Event.Action != record.ActionConnect {
		t.Errorf("%s: %s by %d %s (%s) to %v", r.Event.Action, r.Verdict, r.Process.PID, r.Process.Executable, r.Process.Hash.Status, r.Destination.AddrPort())
	}
}

// A snapshot of a connection is whole, so that a later one makes up for those that were lost.
func TestSnapshotsLost(t *testing.T) {
	for _, test := range []struct {
		name, before, after, want string
	}{
		{
			"all but the last", "! a connect 7 198.51.100.25:25\n ! a established\n ! a smtp\n", "a closed 700 100",
			"start connect first_payload session lost stop",
		},
		{
			"until the sender is known", "! a connect 7 198.51.100.25:25\n ! a established\n ! a smtp\n", "a sender 7\n a closed 700 100",
			"start connect first_payload session lost stop",
		},
		{
			"the first two", "! a connect 7 198.51.100.25:25\n ! a established\n a smtp\n", "a closed 700 100",
			"start connect first_payload session lost stop",
		},
		{
			"the connect", "! a connect 7 198.51.100.25:25\n a established\n a smtp\n", "a closed 700 100",
			"start connect first_payload session lost stop",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := play(t, "process 7 /usr/bin/perl\n"+test.before+dialogue+test.after)
			s.tells(t, test.want)
			said(t, s.only(t, record.ActionSession))
			for _, action := range []record.Action{record.ActionConnect, record.ActionFirstPayload, record.ActionSession} {
				named(t, s.only(t, action))
			}
			if connect := s.only(t, record.ActionConnect).Event; connect.Duration != 1e6 || connect.Reason != record.Established {
				t.Errorf("connect: %s after %v, and the kernel said a millisecond", connect.Reason, connect.Duration)
			}
			if r := s.only(t, record.ActionSession); r.Source.Bytes != 700 || r.Event.Sequence != 0 {
				t.Errorf("%+v", r.Event)
			}
		})
	}
}

// Without the last snapshot it is not known that the session is over: it is told when the run is.
func TestLastSnapshotLost(t *testing.T) {
	s := play(t, "process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n a established\n a smtp\n"+dialogue+"! a closed 700 100")
	s.tells(t, "start connect first_payload session lost stop")
	r := s.only(t, record.ActionSession)
	said(t, r)
	named(t, r)
}

// Without any snapshot nobody knows who it was and where to, and nothing is made up.
func TestAllSnapshotsLost(t *testing.T) {
	s := play(t, "process 7 /usr/bin/perl\n ! a connect 7 198.51.100.25:25\n ! a established\n ! a smtp\n"+dialogue+"! a closed 700 100")
	s.tells(t, "start session lost stop")
	r := s.only(t, record.ActionSession)
	said(t, r)
	if r.Verdict != "" || r.Process.PID != 0 || r.Destination.IP.IsValid() || slices.Contains(r.Flags, "any_port_smtp") {
		t.Errorf("%s %v by %d to %v", r.Verdict, r.Flags, r.Process.PID, r.Destination)
	}
	if age := time.Since(r.Time); age < 0 || age > time.Minute { // the time of a record is not lost
		t.Errorf("it is of %v", r.Time)
	}
	if lost := s.only(t, record.ActionLost).Tracer.Lost; lost != (record.Losses{Snapshots: 4}) {
		t.Errorf("lost %+v", lost)
	}
}

// The snapshots alone still tell that it was SMTP, who said it and where to.
func TestDialogueLost(t *testing.T) {
	s := play(t, `
		process 7 /usr/bin/perl
		a connect 7 198.51.100.25:25
		a established
		a smtp
		! a S: 220 mx.example ESMTP
		! a C: EHLO client.example
		a closed 700 100
	`)
	s.tells(t, "start connect session lost stop")
	r := s.only(t, record.ActionSession)
	named(t, r)
	if r.SMTP.Unseen != 800 || r.Event.Outcome != record.OutcomeUnknown || r.SMTP.TLS {
		t.Errorf("unseen %d, outcome %s", r.SMTP.Unseen, r.Event.Outcome)
	}
}

func TestOnlyTheLastSnapshot(t *testing.T) {
	const before = "process 7 /usr/bin/perl\n ! a connect 7 198.51.100.25:25\n ! a established\n"
	for _, test := range []struct{ name, text, want string }{
		{"of SMTP", before + "! a smtp\n a closed 700 100", "start connect session lost stop"},
		{"of TLS", before + "! a tls\n a closed 700 100", "start connect session lost stop"},
		{"of a connection on which nothing was said", before + "a closed 0 0", "start connect connect lost stop"},
		{"of a connect that failed", "process 7 /usr/bin/perl\n ! a connect 7 198.51.100.25:25\n a failed ECONNREFUSED", "start connect lost stop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := play(t, test.text)
			s.tells(t, test.want)
			for _, r := range append(s.of(record.ActionConnect), s.of(record.ActionSession)...) {
				if r.Process.PID != 7 || r.Destination.AddrPort().String() != "198.51.100.25:25" {
					t.Errorf("%s by %d to %v", r.Event.Action, r.Process.PID, r.Destination.AddrPort())
				}
			}
			for _, r := range s.of(record.ActionSession) {
				if r.SMTP.TLS != (test.name == "of TLS") || r.Event.Outcome != record.OutcomeUnknown || r.Verdict != record.DirectMX {
					t.Errorf("%s, outcome %s, TLS %t", r.Verdict, r.Event.Outcome, r.SMTP.TLS)
				}
			}
		})
	}
}

// Some of the dialogue lost: what is left is told, and how much is missing.
func TestSomeOfTheDialogueLost(t *testing.T) {
	r := play(t, `
		process 7 /usr/bin/perl
		a connect 7 198.51.100.25:25
		a established
		a smtp
		! a S: 220 mx.example ESMTP
		a C: EHLO client.example
		a S: 250 mx.example
		! a C: MAIL FROM:<a@example.org>
		a C: RCPT TO:<b@example.net>
		a closed 700 100
	`).only(t, record.ActionSession)
	if r.SMTP.HELO != "client.example" || r.SMTP.Unseen < uint64(len("220 mx.example ESMTP\r\nMAIL FROM:<a@example.org>\r\n")) ||
		r.Event.Outcome != record.OutcomeUnknown || slices.Contains(r.Flags, "no_helo") || slices.Contains(r.Flags, "rcpt_probe") {
		t.Errorf("%s %v %+v", r.Event.Outcome, r.Flags, r.SMTP)
	}
}

// What another CPU has said of a connection just when it ended comes behind its end, and begins no other one.
func TestEventsBehindTheEnd(t *testing.T) {
	for _, late := range []string{"a S: 221 Bye", "a sender 7", "a smtp\n a S: 250 Ok\n a C: QUIT"} {
		s := play(t, "process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n a established\n a smtp\n"+dialogue+
			"a closed 700 100\n b connect 7 198.51.100.26:25\n b failed ECONNREFUSED\n"+late)
		s.tells(t, "start connect first_payload session connect stop")
		said(t, s.only(t, record.ActionSession))
	}
}

// A connection that the kernel has no room to follow is told of at once, and nothing more of it is waited for.
func TestUnwatched(t *testing.T) {
	s := play(t, "process 7 /usr/bin/perl\n ! a connect 7 198.51.100.25:25\n a unwatched")
	s.tells(t, "start connect lost stop")
	r := s.only(t, record.ActionConnect)
	if age := time.Since(r.Time); age > time.Minute {
		t.Errorf("it is of %v", r.Time)
	}
	if r.Event.Reason != record.Unwatched || r.Event.Outcome != record.OutcomeUnknown || r.Verdict != record.Attempt ||
		r.Process.Executable != "/usr/bin/perl" || r.Destination.AddrPort().String() != "198.51.100.25:25" {
		t.Errorf("%s %s, %s by %s to %v", r.Event.Reason, r.Event.Outcome, r.Verdict, r.Process.Executable, r.Destination)
	}
}

// So it is where the agent has no room either.
func TestUnwatchedBeyondTheBound(t *testing.T) {
	stage := newStage(t)
	s := stage.playWith("process 7 /usr/bin/perl\n ! a connect 7 198.51.100.25:25\n a unwatched", func(tr *Tracer) { fill(tr, maxConns) })
	if r := s.only(t, record.ActionConnect); r.Event.Reason != record.Unwatched || r.Process.Executable != "/usr/bin/perl" {
		t.Errorf("%s by %s", r.Event.Reason, r.Process.Executable)
	}
}

// A process that was lost in the ring stands in the kernel's own table.
func TestProcessLost(t *testing.T) {
	s := play(t, "! process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n a established\n a smtp\n"+dialogue+"a closed 700 100")
	named(t, s.only(t, record.ActionSession))
	if lost := s.only(t, record.ActionLost).Tracer.Lost; lost != (record.Losses{Processes: 1}) {
		t.Errorf("lost %+v", lost)
	}
}

// What rises in the kernel's counters is told once, by as much as it rose; stop tells it all.
func TestLosses(t *testing.T) {
	stage := newStage(t)
	k := &stage.source.counters
	k.LostPayload, k.Undecodable = 3, 2 // before the run's first look, and none of its business otherwise
	stage.do["lose"] = func() {
		k.LostProcess += 1
		k.LostConn += 10
		k.LostPayload += 100
		k.ConnFull += 1000
		k.LostSnapshot += 10000
		k.Unreadable += 100000
		k.Missed += 1000000
	}
	s := stage.play("process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n do lose\n do lose\n a failed ECONNREFUSED")
	s.tells(t, "start connect lost stop")
	want := record.Losses{
		Processes: 2, Connections: 20, Payloads: 203, Unwatched: 2000, Snapshots: 20000, Unreadable: 200000,
		Undecodable: 2, Missed: 2000000,
	}
	if got := s.only(t, record.ActionLost).Tracer.Lost; got != want {
		t.Errorf("lost: %+v\nwant %+v", got, want)
	}
	c := s.only(t, record.ActionStop).Tracer.Counters
	if c.Lost != want || c.Events != 3 {
		t.Errorf("stop: %+v\nwant lost %+v and 3 events", c, want)
	}
}

// What the kernel has cut last was told to the parser when the connection ended: it makes up for nothing else.
func TestCutAtTheEnd(t *testing.T) {
	d := draft{
		said: smtp.Session{State: smtp.SMTP, Server: smtp.Volume{Bytes: 90, Cut: 10}},
		conn: event.Conn{Phase: event.PhaseClosed, BytesReceived: 100, ServerCut: 10},
	}
	if n := d.unseen(); n != 10 {
		t.Errorf("%d octets unseen of 100, and the parser has 90", n)
	}
}
