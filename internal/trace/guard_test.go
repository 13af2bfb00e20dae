package trace

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestPanic: a connection that makes us panic is dropped, counted and named, and the next one is told as ever.
func TestPanic(t *testing.T) {
	stage := newStage(t)
	var debug []string
	stage.options.Debug = func(s string) { debug = append(debug, s) }
	var tracer *Tracer
	stage.do["break"] = func() { tracer.room.parsers = append(tracer.room.parsers, nil) } // the next one has no parser
	s := stage.playWith("process 7 /usr/bin/perl\n b connect 7 198.51.100.26:25\n b established\n do break\n"+
		"b smtp\n b C: HELO x\n b closed 0 0\n"+
		"a connect 7 198.51.100.25:25\n a established\n a smtp\n"+dialogue+"a closed 700 100", func(tr *Tracer) { tracer = tr })
	if got := s.reasons(); got != "established broken established" {
		t.Errorf("connects: %s", got)
	}
	for _, r := range s.of(record.ActionConnect) {
		if r.Event.Reason == record.Broken && (r.Process.Executable != "/usr/bin/perl" || r.Destination.IP.String() != "198.51.100.26") {
			t.Errorf("broken: %s to %v", r.Process.Executable, r.Destination)
		}
	}
	said(t, s.only(t, record.ActionSession))
	if lost := s.only(t, record.ActionLost).Tracer.Lost; lost != (record.Losses{Broken: 1}) {
		t.Errorf("lost %+v", lost)
	}
	if len(debug) != 1 || !strings.Contains(debug[0], "guard.go") || !strings.Contains(debug[0], "nil pointer") {
		t.Errorf("said for a developer: %q", debug)
	}
}

// TestPanicInWriter: so it is where the record cannot be made.
func TestPanicInWriter(t *testing.T) {
	stage := newStage(t)
	stage.write(output.Options{})
	stage.options.Host = nil // whom the verdict is asked of
	tracer := New(stage.source, stage.options)
	bad := &draft{action: record.ActionSession}
	bad.conn.ID, bad.conn.Destination = 7, netip.MustParseAddrPort("198.51.100.25:25")
	bad.conn.Sender = event.ProcessKey{Pid: 7}
	newWriter(tracer).build(bad, nil, nil, true)
	if got := stage.told(); got.reasons() != "broken" || got[0].Process.PID != 7 || got[0].Event.ID != "boot-7" || got[0].Destination.Port != 25 {
		t.Errorf("told %+v", got)
	}
	if n := tracer.broken.Load(); n != 1 {
		t.Errorf("%d are counted", n)
	}
}

// TestPanicBesideTheLoop: what fails in another goroutine does not touch the connections, which are the loop's own.
func TestPanicBesideTheLoop(t *testing.T) {
	stage := newStage(t)
	tracer := New(stage.source, stage.options)
	tracer.conns[0] = &conn{}
	tracer.guard(0, func() { panic("a fault") })
	if tracer.conns[0] == nil || tracer.broken.Load() != 1 {
		t.Errorf("%d connections, %d counted", len(tracer.conns), tracer.broken.Load())
	}
}
