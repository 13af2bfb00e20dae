package trace

import (
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

// How long a record waits for what is being looked up. The alert does not wait for the hash of a large
// binary; the session's record is the evidence, and does.
const (
	alertPatience   = 20 * time.Millisecond
	sessionPatience = 30 * time.Second
	stopPatience    = 5 * time.Second
	retryEvery      = 2 * time.Millisecond
	maxWaiting      = 1024 // beyond them the oldest is written as it is
)

// writer completes drafts and writes them. It is the only place that waits for anything slow.
type writer struct {
	t       *Tracer
	waiting []*draft
	pending map[event.ProcessKey]bool // not complete when a record of this pass asked
	records uint64
	failed  error
}

func newWriter(t *Tracer) *writer { return &writer{t: t, pending: map[event.ProcessKey]bool{}} }

// run writes until the loop ends. After an error of the output it only empties the channel.
func (w *writer) run() error {
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	var tell <-chan time.Time
	if w.t.opts.Every > 0 {
		every := time.NewTicker(w.t.opts.Every)
		defer every.Stop()
		tell = every.C
	}
	for {
		var tick <-chan time.Time
		if len(w.waiting) > 0 {
			tick = retry.C
		}
		select {
		case dns := <-w.t.names.messages:
			w.t.guard(0, func() { w.t.names.learn(&dns) })
		case d, more := <-w.t.drafts:
			if !more {
				w.flush()
				return w.failed
			}
			w.t.guard(0, func() { w.take(d) })
		case <-tick:
			w.t.guard(0, func() { w.settle(time.Now()) })
		case <-tell:
			w.t.opts.Tell()
		case <-w.t.opts.Reopen:
			if err := w.t.opts.Output.Reopen(); err != nil {
				w.t.opts.Warn(err)
			}
		}
	}
}

// take writes a draft, or lets it wait for who it was. The last record waits for all others.
func (w *writer) take(d draft) {
	w.t.names.settle()
	w.t.names.ask(&d)
	if d.mail() {
		d.fanout = w.t.spread.note(&d)
	}
	switch d.action {
	case record.ActionSession:
		d.due = time.Now().Add(sessionPatience)
	case record.ActionConnect, record.ActionFirstPayload:
		d.due = time.Now().Add(alertPatience)
	case record.ActionStop:
		w.flush()
	}
	w.waiting = append(w.waiting, &d)
	switch n := len(w.waiting); {
	case n == 1:
		w.settle(time.Now())
	case n > maxWaiting:
		oldest := w.waiting[0]
		w.waiting = w.waiting[1:]
		who, connector, done := w.identify(oldest)
		w.build(oldest, who, connector, done)
	}
}

// flush writes all that waits.
func (w *writer) flush() {
	for end := time.Now().Add(stopPatience); len(w.waiting) > 0; {
		now := time.Now()
		if now.After(end) {
			now = end.Add(sessionPatience) // all are due
		}
		w.settle(now)
		if len(w.waiting) > 0 {
			<-time.After(retryEvery)
		}
	}
}

// settle writes what is complete or due.
func (w *writer) settle(now time.Time) {
	clear(w.pending)
	w.t.names.found()
	kept := w.waiting[:0]
	for _, d := range w.waiting {
		due := !now.Before(d.due)
		if key, _ := d.sender(); w.pending[key] && !due {
			kept = append(kept, d)
			continue
		}
		who, connector, done := w.identify(d)
		if done && !w.t.names.waits(d) || due {
			w.build(d, who, connector, done)
		} else {
			kept = append(kept, d)
		}
	}
	clear(w.waiting[len(kept):])
	w.waiting = kept
}

// identify finds who sent, and who connected where that is another.
func (w *writer) identify(d *draft) (who, connector *proc.Identity, done bool) {
	key, _ := d.sender()
	if key.Pid == 0 {
		return nil, nil, true
	}
	who, done = w.identity(key)
	if key != d.conn.Connector {
		var too bool
		connector, too = w.identity(d.conn.Connector)
		done = done && too
	}
	return who, connector, done
}

// identity asks the resolver; what it does not know, or has forgotten, may still be in the kernel's own table, or
// in /proc if the process lives. If neither has it, the process stays unknown. One that was not complete for
// a record is not for a later one either, so that those of a connection keep their order.
func (w *writer) identity(key event.ProcessKey) (id *proc.Identity, done bool) {
	if id, done = w.t.opts.Resolver.Identity(key); id == nil {
		var e event.Event
		if w.t.source.Process(key, &e) == nil && e.Kind == event.KindProcess {
			w.t.opts.Resolver.Observe(e.Process.Process())
		} else if !w.t.opts.Resolver.Recall(key) {
			return nil, true
		}
	}
	if !done {
		w.pending[key] = true
	}
	return id, !w.pending[key]
}

// build makes the record of a draft and writes it. If that panics the connection is named all the same.
// A process that nobody knows is counted, but where it is still looked for and a later record will name it.
func (w *writer) build(d *draft, who, connector *proc.Identity, done bool) {
	if key, _ := d.sender(); key.Pid != 0 && (who == nil || who.Process == nil) && (done || d.action == record.ActionSession) {
		w.t.unnamed.Add(1)
	}
	r := w.tryBuild(d, who, connector)
	if r == nil {
		plain := &draft{action: record.ActionConnect, reason: record.Broken, at: d.at, end: d.end, clock: d.clock, conn: d.conn}
		r = w.t.begin(plain)
		addConn(r, plain)
		addIdentity(r, plain, nil, nil)
	}
	w.write(r)
}

func (w *writer) tryBuild(d *draft, who, connector *proc.Identity) (r *record.Record) {
	defer func() {
		if failed := recover(); failed != nil {
			w.t.broken.Add(1)
			w.t.debug(d.conn.ID, failed)
			r = nil
		}
	}()
	return w.t.build(d, who, connector)
}

func (w *writer) write(r *record.Record) {
	w.records++
	switch r.Event.Action {
	case record.ActionStart, record.ActionHeartbeat, record.ActionStop:
		r.Tracer.Counters.Records = w.records
	}
	if w.t.opts.Summary != nil {
		w.t.opts.Summary.Add(r)
	}
	if w.failed != nil {
		return
	}
	if w.failed = w.t.opts.Output.Write(r); w.failed != nil {
		w.t.opts.Stop()
	}
}
