package report

import (
	"slices"

	"github.com/smtptrace/smtptrace/internal/record"
)

// outlive judges the connections of which the logs do not tell the end: the tracer was stopped in the middle of one,
// it goes on, or records are missing.
func (a *asking) outlive() {
	var left []found
	for id, l := range a.tracks.open {
		f := found{id: id, key: id, line: l.said, read: true}
		if f.line == nil {
			f.line = l.connect
		}
		if a.decoder.Decode(f.line, &f.record) != nil { // it was read before
			a.tracks.crowded = true
			continue
		}
		f.sign = signOf(&f.record)
		left = append(left, f)
	}
	slices.SortFunc(left, func(a, b found) int { return a.record.Time.Compare(b.record.Time) })
	for i := range left {
		f := &left[i]
		a.complete(f)
		a.outlives(f, a.tracks.open[f.id])
	}
}

func (a *asking) outlives(f *found, l *track) {
	r, q := &f.record, &a.answer.Asked
	until := later(a.runs.ended(r), r.Time)
	if l.told != nil {
		for _, w := range l.missing(r.Event.Start, until) {
			if q.Window.holds(w.From, w.To) && !q.excludes(r) {
				a.answer.unseen.add(r)
				break
			}
		}
		return
	}
	f.judged = q.judge(r)
	if f.judged == no || !q.Window.holds(r.Event.Start, until) {
		return
	}
	switch {
	case f.action == record.ActionFirstPayload: // a session all the same
		r.Event.Action = record.ActionSession
		if f.judged == yes {
			a.answer.Unfinished++
		}
		a.session(f)
		return
	case f.reason == record.Unwatched && f.judged == yes:
		a.answer.Unwatched++
		a.count(f)
	case f.reason == record.Unwatched:
		a.answer.Unsure++
	case f.reason == record.StillOpen && f.judged == yes:
		a.answer.Attempts++
		a.count(f)
	}
	a.stray(r)
}
