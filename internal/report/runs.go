package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// maxSilence is how long a run may say nothing and still count as watching: a heartbeat is due
// every minute, and one may be lost with a torn line.
const maxSilence = 2*time.Minute + 10*time.Second

// run is what the logs say of one run of the tracer.
type run struct {
	host    record.Host
	tracer  record.Tracer // its hooks and filters
	began   time.Time     // the start record; zero if that is not in the logs
	stopped time.Time     // the stop record, likewise
	last    time.Time     // of its records of any kind
	spans   []span
	clocks  []clock // one, unless the clock was set
	// The host forwards packets for others, as some of the records said.
	forwards bool
	late     []loss
	pieces   []piece // the spans, as far as they do not touch each other: see finish
}

// span is time for which the run's start, heartbeats and stop vouch, one following the other, with
// the sums of losses at its ends.
type span struct {
	from, to     time.Time
	before, lost record.Losses
	unguarded    bool // mail of guests may have passed unseen
	open         bool // the record at its end says so
}

// loss is what a lost record tells. The sums of the next heartbeat have it, too: it counts where none came.
type loss struct {
	at     time.Time
	losses record.Losses
}

// maxLate bounds them.
const maxLate = 1000

// lose takes a lost record.
func (r *run) lose(rec *record.Record) {
	if len(r.late) >= maxLate && len(r.spans) > 0 {
		told := r.spans[len(r.spans)-1].to
		r.late = slices.DeleteFunc(r.late, func(l loss) bool { return !l.at.After(told) })
	}
	if len(r.late) < maxLate {
		r.late = append(r.late, loss{rec.Time, rec.Tracer.Lost})
	} else {
		r.late[maxLate-1].losses.Add(&rec.Tracer.Lost)
	}
}

// maxSpans bounds the spans of a run. Beyond it what was lost is told for longer stretches.
const maxSpans = 10000

// point takes a start, heartbeat or stop record: until when it vouches.
func (r *run) point(rec *record.Record) {
	at, lost := rec.Event.End, rec.Tracer.Counters.Lost
	if at.IsZero() {
		at = rec.Time
	}
	if rec.Event.Action == record.ActionStart || r.began.IsZero() { // the start's says most
		r.host, r.tracer = rec.Host, rec.Tracer
	}
	switch rec.Event.Action {
	case record.ActionStart:
		r.began = at
	case record.ActionStop:
		r.stopped = at
	}
	r.clock(rec)
	open := !rec.Tracer.Forwarding && rec.Tracer.Forwards != "no"
	r.forwards = r.forwards || open && rec.Tracer.Forwards == "yes"
	// Mostly it follows the last span.
	for i := len(r.spans) - 1; i >= 0 && i >= len(r.spans)-2; i-- {
		s := &r.spans[i]
		if !at.Before(s.from) && !at.After(s.to) {
			s.unguarded = s.unguarded || open
			return // from a log that overlaps
		}
		if i < len(r.spans)-1 || at.Before(s.to) || at.Sub(s.to) > maxSilence {
			continue
		}
		if lost == s.lost && lost == s.before && open == s.open && open == s.unguarded || len(r.spans) >= maxSpans {
			s.to, s.lost, s.unguarded, s.open = at, lost, s.unguarded || open, open
			return
		}
		r.spans = append(r.spans, span{s.to, at, s.lost, lost, s.open || open, open})
		return
	}
	before := lost
	if rec.Event.Action == record.ActionStart { // what was lost until the record was made is of the run
		before = record.Losses{}
	}
	r.spans = append(r.spans, span{at, at, before, lost, open, open})
}

// finish joins what logs in another order have left apart, and takes the run's last record for a
// sign of life.
func (r *run) finish() {
	slices.SortStableFunc(r.spans, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	var list []span
	for _, s := range r.spans {
		n := len(list) - 1
		switch {
		case n < 0 || s.from.Sub(list[n].to) > maxSilence:
			list = append(list, s)
		case s.to.After(list[n].to):
			if l := list[n]; l.before == l.lost && s.before == l.lost && s.lost == l.lost && l.unguarded == s.unguarded {
				list[n].to, list[n].open = s.to, s.open
			} else { // with what was lost between them
				list = append(list, span{l.to, s.to, l.lost, s.lost, l.open || s.unguarded, s.open})
			}
		default:
			list[n].unguarded = list[n].unguarded || s.unguarded
		}
	}
	r.spans = list
	if n := len(list) - 1; n >= 0 && r.stopped.IsZero() && r.last.After(list[n].to) && r.last.Sub(list[n].to) <= maxSilence {
		lost := list[n].lost
		for i := range r.late {
			if r.late[i].at.After(list[n].to) {
				lost.Add(&r.late[i].losses)
			}
		}
		if lost == list[n].lost && lost == list[n].before {
			list[n].to = r.last
		} else {
			r.spans = append(list, span{list[n].to, r.last, list[n].lost, lost, list[n].open, list[n].open})
		}
	}
	for _, s := range r.spans {
		if n := len(r.pieces) - 1; n >= 0 && s.from.Sub(r.pieces[n].to) <= maxSilence {
			r.pieces[n].to = later(r.pieces[n].to, s.to)
			continue
		}
		r.pieces = append(r.pieces, piece{s.from, s.to})
	}
}

// start is when a run was first seen to watch, and end when last.
func (r *run) start() time.Time { return r.spans[0].from }
func (r *run) end() time.Time   { return r.spans[len(r.spans)-1].to }

// lostIn sums what was lost in a window. What was lost at some time between two heartbeats counts
// whole.
func (r *run) lostIn(w *Window) (sum record.Losses) {
	for i := range r.spans {
		if s := &r.spans[i]; s.lost != s.before && w.holds(s.from, s.to) {
			more := s.lost.Since(&s.before)
			sum.Add(&more)
		}
	}
	return sum
}

// guarded lists the stretches from one moment to another in which no guest's mail passed unseen.
func (r *run) guarded(from, to time.Time) (list []piece) {
	for i := range r.spans {
		s := &r.spans[i]
		if s.unguarded || s.to.Before(from) || s.from.After(to) {
			continue
		}
		list = append(list, piece{later(s.from, from), earlier(s.to, to)})
	}
	return list
}
