package trace

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/record"
)

// fill makes a tracer follow so many connections that are quiet.
func fill(tr *Tracer, n int) {
	quiet := &conn{known: true, connected: true}
	for i := range n {
		tr.conns[1<<63+uint64(i)] = quiet
	}
}

// A bot that knocks at thousands of doors that do not open takes little memory.
func TestPendingConnectsTakeLittle(t *testing.T) {
	const pending = 20000
	tr, f := under(t, "process 7 /usr/bin/perl\n", "a connect 7 198.51.100.25:25")
	var e event.Event
	if err := e.Decode(f.events[0]); err != nil {
		t.Fatal(err)
	}
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	for range pending {
		e.Conn.ID += 1 << 8
		tr.apply(&e)
	}
	if each := (inUse() - before) / pending; each > 1024 {
		t.Errorf("%d bytes each", each)
	}
	runtime.KeepAlive(tr)
}

// Beyond so many sessions at a time there is no listening: of one more stands who and where to, that it was SMTP
// and that nothing of it was seen.
func TestMoreSessionsThanParsers(t *testing.T) {
	s := newStage(t).playWith("process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n a established\n a smtp\n"+dialogue+"a closed 700 100",
		func(tr *Tracer) { tr.room.listened = maxListened })
	s.tells(t, "start connect first_payload session lost stop")
	r := s.only(t, record.ActionSession)
	named(t, r)
	if r.SMTP.Unseen != 800 || r.Event.Outcome != record.OutcomeUnknown {
		t.Errorf("unseen %d, outcome %s", r.SMTP.Unseen, r.Event.Outcome)
	}
	if lost := s.only(t, record.ActionLost).Tracer.Lost; lost != (record.Losses{Dropped: 1}) {
		t.Errorf("lost %+v", lost)
	}
}

const threeMails = `
	process 7 /usr/bin/perl
	a connect 7 198.51.100.25:25
	b connect 7 198.51.100.26:25
	a established
	a smtp
	b established
	b smtp
	a C: HELO a.example
	b C: HELO b.example
	b closed 16 0
	c connect 7 198.51.100.27:2526
	c smtp
	c C: HELO c.example
	c closed 16 0
	a closed 16 0
	d connect 7 198.51.100.28:25
	d smtp
	d C: HELO d.example
	d closed 16 0
`

// Beyond the bound a connection is not followed. It is counted, once, and said to be lost; of one to a mail port
// it is told who tried it and where to.
func TestMoreConnectionsThanRoom(t *testing.T) {
	for room, want := range map[int]struct {
		sessions string
		dropped  uint64
		named    int
	}{
		3: {"b c a d", 0, 0},
		2: {"b c a d", 0, 0},
		1: {"a d", 2, 1},
		0: {"", 4, 3},
	} {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			stage := newStage(t)
			s := stage.playWith(threeMails, func(tr *Tracer) { fill(tr, maxConns-room) })
			var helos []string
			for _, r := range s.of(record.ActionSession) {
				helos = append(helos, strings.TrimSuffix(r.SMTP.HELO, ".example"))
			}
			if got := strings.Join(helos, " "); got != want.sessions {
				t.Errorf("sessions %q, want %q", got, want.sessions)
			}
			if got := s.only(t, record.ActionStop).Tracer.Counters.Lost; got != (record.Losses{Dropped: want.dropped}) {
				t.Errorf("lost %+v, want %d dropped", got, want.dropped)
			}
			named := 0
			for _, r := range s.of(record.ActionConnect) {
				if r.Event.Reason == record.Unwatched && r.Process.Executable == "/usr/bin/perl" && r.Destination.Port == 25 {
					named++
				}
			}
			if named != want.named {
				t.Errorf("%d connects are told to be unwatched, want %d", named, want.named)
			}
			if n := len(s.of(record.ActionLost)); n > 0 != (want.dropped > 0) {
				t.Errorf("%d lost records", n)
			}
		})
	}
}

// What ends gives its room back.
func TestConnectionsThatEndAreForgotten(t *testing.T) {
	stage := newStage(t)
	var tracer *Tracer
	stage.playWith(threeMails+"e connect 7 198.51.100.25:25\n e failed ECONNREFUSED", func(tr *Tracer) { tracer = tr })
	if n := len(tracer.conns); n != 0 {
		t.Errorf("%d connections are still followed", n)
	}
}

// A connection's memory serves later ones, and nothing of it is said of them.
func TestMemoryOfOneConnectionTellsNothingOfAnother(t *testing.T) {
	const full = `
		process 7 /usr/sbin/exim4
		process 8 /usr/bin/perl
		a connect 7 198.51.100.25:25
		a established
		a smtp
		a S: 220 secret-banner ESMTP
		a C: EHLO secret-helo.example
		a S: 250-secret-banner
		a S: 250 AUTH PLAIN
		a C: AUTH PLAIN AHNlY3JldC1oZWxv
		a S: 235 ok
		a C: EHLO secret-second.example
		a S: 250 ok
		%s
		a C: MAIL FROM:<secret@from.example>
		a S: 250 Ok
		a C: RCPT TO:<secret@to.example>
		a S: 250 secret reply
		a closed 9000 8000
	`
	for name, other := range map[string]string{
		"a full session":       "b connect 8 198.51.100.26:26\n b established\n b smtp\n b C: HELO other\n b S: 250 other\n b closed 12 11",
		"without hello":        "b connect 8 198.51.100.26:26\n b established\n b smtp\n b C: MAIL FROM:<x@other.example>\n b closed 12 11",
		"its snapshots lost":   "! b connect 8 198.51.100.26:26\n b C: HELO other\n b closed 12 11",
		"its dialogue lost":    "b connect 8 198.51.100.26:26\n b established\n b smtp\n ! b C: HELO other\n b closed 12 11",
		"its end lost":         "b connect 8 198.51.100.26:26\n b established\n b smtp\n b C: HELO other",
		"all snapshots lost":   "! b connect 8 198.51.100.26:26\n b C: HELO other\n ! b closed 12 11",
		"TLS from the start":   "b connect 8 198.51.100.26:465\n b tls\n b hello other.example\n b closed 12 11",
		"a connect that fails": "b connect 8 198.51.100.26:25\n b failed ECONNREFUSED",
	} {
		t.Run(name, func(t *testing.T) {
			// Alone, and after a connection that said much: the same.
			want := play(t, "process 7 /usr/sbin/exim4\n process 8 /usr/bin/perl\n"+other)
			s := play(t, fmt.Sprintf(full, strings.Repeat(mail(2), 21))+other)
			id, n := "", 0
			for i := range s {
				if s[i].Event.ID != "" && s[i].Event.ID != "boot-100" {
					id = s[i].Event.ID
				}
			}
			for i := range s {
				if s[i].Event.ID != id {
					continue
				}
				alone := *want.only(t, s[i].Event.Action)
				alone.Event.ID, alone.Event.Start, alone.Event.End = s[i].Event.ID, s[i].Event.Start, s[i].Event.End
				alone.Time, alone.Process.Start = s[i].Time, s[i].Process.Start
				// Each play has files of its own.
				alone.Process.File.Inode, alone.Process.File.CTime = s[i].Process.File.Inode, s[i].Process.File.CTime
				s[i].SMTP.Transactions, alone.SMTP.Transactions = undated(s[i].SMTP.Transactions), undated(alone.SMTP.Transactions)
				if a, b := lines(t, &s[i]), lines(t, &alone); strings.Join(a, "") != strings.Join(b, "") {
					t.Errorf("%s\nalone %s", strings.Join(a, "\n"), strings.Join(b, "\n"))
				}
				n++
			}
			if told := len(want.of(record.ActionConnect)) + len(want.of(record.ActionFirstPayload)) + len(want.of(record.ActionSession)); n != told || n == 0 {
				t.Errorf("%d records of the second connection, and %d alone", n, told)
			}
		})
	}
}
