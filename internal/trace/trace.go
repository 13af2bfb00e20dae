// Package trace is the loop: events in, connections kept, records out. Read this file first.
package trace

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/record"
)

// Source gives the events: internal/probe from the kernel, a replayer from a file.
type Source interface {
	// Read waits for the next event. It gives os.ErrDeadlineExceeded at the deadline, and io.EOF when
	// there will be no more.
	Read(*event.Event) error
	SetDeadline(time.Time)
	Counters() (event.Counters, error)
	// Process looks up a process that the source has shown before.
	Process(event.ProcessKey, *event.Event) error
}

// Intervals of what the loop does besides reading.
const (
	tickEvery      = time.Second
	heartbeatEvery = time.Minute
	sessionEvery   = 5 * time.Minute // a session that lives on is recorded this often,
	sessionMails   = 20              // and after so many transactions
	forgetAfter    = 2 * time.Hour   // a connection of which nothing more was heard
	unknownFor     = 5 * time.Minute // one of which no state was heard, but what was said
	maxConns       = 65536           // more are counted and not followed
	maxListened    = 8192            // to so many at a time it is listened; of more the kernel's word must do
	maxDrafts      = 1024            // of 1 KiB; when the writer is so far behind, the ring buffer fills instead
)

// Tracer follows connections and writes records of them.
type Tracer struct {
	source Source
	opts   Options
	clock  clock
	conns  map[uint64]*conn
	ended  ended
	gone   gone
	room   room
	drafts chan draft

	holding holding
	torn    uint64 // stretches of dialogues that were lost, as far as is known

	started   time.Time
	heartbeat time.Time
	lost      record.Losses // as last reported
	sums      record.Counters
	dropped   uint64
	untold    uint64        // connections that have no record, for want of what was lost
	broken    atomic.Uint64 // connections on which we failed
	unnamed   atomic.Uint64 // records whose process nobody knows any more
	spread    *spread
	open      struct { // from before the start, and not adopted; the writer's own
		omitted, other uint64
		unknown        bool
	}
	names    *names
	forwards forwards
}

// New makes a tracer. Nothing is read or written before Run.
func New(source Source, o Options) *Tracer {
	return &Tracer{source: source, opts: o, conns: map[uint64]*conn{}, ended: newEnded(), drafts: make(chan draft, maxDrafts),
		spread: newSpread(), names: newNames(o.Lookup), forwards: forwards{find: o.Forwards}}
}

// Run reads events until the source ends, and writes records of them: start first, stop last. The error
// is the source's, or the output's first.
func (t *Tracer) Run() error {
	w := newWriter(t)
	written := make(chan error, 1)
	go func() { written <- w.run() }()
	err := t.loop()
	close(t.drafts)
	return errors.Join(err, <-written)
}

func (t *Tracer) loop() error {
	now := time.Now()
	t.clock.set()
	t.started, t.heartbeat = now, now
	if !t.opts.Since.IsZero() {
		t.started = t.opts.Since
	}
	t.forwards.begin(now)
	t.report(record.ActionStart, t.started)
	tick := now.Add(tickEvery)
	t.source.SetDeadline(tick)
	var e event.Event
	for {
		err := t.source.Read(&e)
		switch {
		case err == nil:
			t.apply(&e)
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, io.EOF):
			t.finish()
			return nil
		default:
			return err
		}
		if now = time.Now(); !now.Before(tick) {
			t.tick(now)
			tick = now.Add(tickEvery)
			t.source.SetDeadline(tick)
		}
	}
}

// apply takes one event. Nothing in here waits for anything but the writer.
func (t *Tracer) apply(e *event.Event) {
	switch e.Kind {
	case event.KindProcess:
		t.process(&e.Process)
	case event.KindConn:
		t.snapshot(&e.Conn)
	case event.KindPayload:
		t.payload(&e.Payload)
	case event.KindDNS:
		t.names.put(&e.DNS)
	}
}

func (t *Tracer) process(p *event.RawProcess) {
	defer t.survive(0)
	t.opts.Resolver.Observe(p.Process())
}

// snapshot takes a state of a connection.
func (t *Tracer) snapshot(e *event.Conn) {
	defer t.survive(e.ID)
	if e.Phase == event.PhaseUnwatched {
		t.unwatched(e)
	} else if c := t.conn(e.ID); c != nil {
		t.update(c, e)
		t.follow(c)
	} else if !e.Told && !t.ended.has(e.ID) { // else it is recorded already
		t.dropped++
		t.unwatched(e)
	}
}

// payload takes a stretch of a dialogue.
func (t *Tracer) payload(p *event.Payload) {
	defer t.survive(p.ID)
	if c := t.conn(p.ID); c != nil {
		t.feed(c, p)
		t.follow(c)
	}
}

// tick does what is due by the clock.
func (t *Tracer) tick(now time.Time) {
	t.clock.set()
	t.ended.tick(now)
	t.holding.tick(now, t.opts.Resolver.Release)
	t.reportLost(now)
	t.tickGone(now)
	t.forwards.tick(now)
	if now.Sub(t.heartbeat) >= heartbeatEvery {
		t.heartbeat = now
		t.opts.Host.Refresh()
		t.report(record.ActionHeartbeat, now)
	}
	for _, c := range t.conns {
		t.tickConn(c, now)
	}
}

func (t *Tracer) tickConn(c *conn, now time.Time) {
	defer t.survive(c.id)
	switch {
	case now.Sub(c.heardAt) >= forgetAfter, !c.known && now.Sub(c.heardAt) >= unknownFor:
		if c.recognised() {
			t.session(c, false)
		} else {
			t.shed(c)
		}
		t.forget(c)
	case c.recognised() && now.Sub(c.recordedAt) >= sessionEvery:
		t.interim(c)
	case c.known && c.last.Old && !c.mail && !c.connected && now.Sub(c.heardAt) >= tickEvery:
		c.connected = true // it has said something, and what that is is not known yet
		if t.opts.Connects != ConnectsNone {
			d := t.draft(record.ActionConnect, c)
			d.reason = record.Adopted
			t.drafts <- d
		}
	}
}
