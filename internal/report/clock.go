package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Step is a change of a host's clock other than by the time that passed.
type Step struct {
	From, Until time.Time     // the times that it makes uncertain
	By          time.Duration // forward; less than 0: back
}

// clock is a part of a run in which the time of day and the monotonic clock went alike: the event.duration of start,
// heartbeat and stop is measured by the latter, which nobody sets.
type clock struct {
	ahead       time.Duration // of the time of day, since the run began
	began, last time.Duration // by the monotonic clock
	from, to    time.Time     // by the time of day
}

// maxDrift is how far the two may differ for other reasons, and maxClocks how many parts are told apart: a clock that
// is set more often is not to be trusted at all.
const (
	maxDrift  = 5 * time.Second
	maxClocks = 100
)

// clock takes what a record of the run says of the time. One without a duration says nothing.
func (r *run) clock(rec *record.Record) {
	e := &rec.Event
	if e.Start.IsZero() || e.End.IsZero() || e.Duration == 0 && !e.End.Equal(e.Start) {
		return
	}
	ahead := e.End.Sub(e.Start) - e.Duration
	for i := range r.clocks {
		c := &r.clocks[i]
		if (c.ahead-ahead).Abs() <= maxDrift || i == maxClocks-1 {
			c.began, c.last = min(c.began, e.Duration), max(c.last, e.Duration)
			c.from, c.to = earlier(c.from, e.End), later(c.to, e.End)
			return
		}
	}
	r.clocks = append(r.clocks, clock{ahead, e.Duration, e.Duration, e.End, e.End})
}

// steps lists those that make times in a window uncertain: a clock that was set was wrong before, and a mail of then
// has another time in the log. What it was set to last is taken to be right.
func (r *run) steps(w *Window) (list []Step) {
	if len(r.clocks) < 2 {
		return nil
	}
	right := slices.MaxFunc(r.clocks, func(a, b clock) int { return cmp.Compare(a.last, b.last) })
	for i := range r.clocks {
		c := &r.clocks[i]
		by := right.ahead - c.ahead
		if *c == right {
			at := slices.IndexFunc(r.clocks, func(o clock) bool { return o.began > c.began })
			if at < 0 {
				continue
			}
			by = c.ahead - r.clocks[at].ahead // it was set to something else meanwhile
		}
		s := Step{From: c.from.Add(-by.Abs()), Until: c.to.Add(by.Abs() + maxSilence), By: by}
		if w.holds(s.From, s.Until) {
			list = append(list, s)
		}
	}
	return list
}
