package report

import (
	"bytes"
	"slices"

	"github.com/smtptrace/smtptrace/internal/record"
)

// asking is an answer in the making.
type asking struct {
	answer   *Answer
	unclear  *record.Summary
	beside   *record.Summary
	evidence evidence
	seen     seen
	pending  map[uint64]found // recognised as SMTP, and no session record yet, by their ids
	ended    seen             // sessions that are not asked for, by their ids
	runs     runs
}

// Bounds of what is kept. Who opens more connections at once than these has all of them reported
// but the ones whose end is missing beyond this number, and the answer says so.
const (
	maxPending   = 10000
	maxTimelines = 4096
	maxEnded     = 1 << 18 // and as many before these; logs are seldom in another order than their records
)

// take adds what a block holds.
func (a *asking) take(s *scanned) {
	for i := range s.run {
		a.runs.add(&s.run[i])
	}
	for id, at := range s.last {
		a.runs.alive(id, at)
	}
	for i := range s.found {
		a.found(&s.found[i])
	}
	for _, id := range s.ended {
		delete(a.pending, id)
		a.ended.add(id)
	}
}

func (a *asking) found(f *found) {
	if f.beside {
		if a.seen.add(f.key) {
			a.beside.Add(&f.record)
		}
		return
	}
	switch f.record.Event.Action {
	case record.ActionFirstPayload:
		switch {
		case a.seen.has(f.id) || a.ended.has(f.id):
		case len(a.pending) >= maxPending:
			a.answer.Crowded = true
		default:
			kept := *f
			kept.line = bytes.Clone(f.line)
			a.pending[f.id] = kept
		}
		return
	case record.ActionSession:
		delete(a.pending, f.id)
	}
	if !a.seen.add(f.key) {
		a.answer.Repeated++
		return
	}
	if f.record.Event.Action == record.ActionConnect {
		a.connect(f)
		return
	}
	a.session(f)
}

// connect counts a record of a connect that failed, or of a connection that was not followed.
func (a *asking) connect(f *found) {
	unwatched := f.record.Event.Reason == record.Unwatched
	switch {
	case f.judged == unsure && unwatched:
		a.answer.Unsure++
		a.unclear.Add(&f.record)
		return
	case f.judged == unsure:
		return
	case unwatched:
		a.answer.Unwatched++
	default:
		a.answer.Attempts++
	}
	a.count(f)
}

// session counts a record of a session. Of one that has several, the first that matches counts it, and the
// first that may match.
func (a *asking) session(f *found) {
	r := &f.record
	first := f.key == f.id || r.Event.ID == ""
	if !first {
		a.seen.add(f.id)
		first = a.seen.add(f.id ^ spread*uint64(1+f.judged))
	}
	if first { // the summary counts a session by its first record: here it may be any
		r.Event.Sequence = min(r.Event.Sequence, 1)
	} else {
		r.Event.Sequence = max(r.Event.Sequence, 2)
	}
	switch {
	case f.judged == unsure:
		if first {
			a.answer.Unsure++
		}
		a.unclear.Add(r)
		return
	case first:
		a.answer.Sessions++
	}
	a.count(f)
}

// spread makes another hash of one (the golden ratio, as in Fibonacci hashing).
const spread = 0x9e3779b97f4a7c15

// count adds a record to what is shown.
func (a *asking) count(f *found) {
	r := &f.record
	a.answer.Summary.Add(r)
	a.evidence.add(r, f.line)
	key := record.KeyOf(r)
	t := a.answer.timelines[key]
	if t == nil {
		if len(a.answer.timelines) >= maxTimelines {
			a.prune()
		}
		t = &timeline{}
		a.answer.timelines[key] = t
	}
	if year := r.Time.Year(); 1970 <= year && year < 2262 { // what nanoseconds can count
		t.add(r.Time, max(r.SMTP.Messages, 1))
	}
}

// prune forgets the timelines of programs that the summary has forgotten.
func (a *asking) prune() {
	kept := map[record.Key]*timeline{}
	for _, p := range a.answer.Summary.Programs() {
		kept[p.Key] = a.answer.timelines[p.Key]
	}
	a.answer.timelines = kept
}

// finish makes the answer. What was recognised as SMTP and has no end is a session all the same:
// the tracer was stopped in the middle of it, or it goes on.
func (a *asking) finish() *Answer {
	left := make([]found, 0, len(a.pending))
	for _, f := range a.pending {
		left = append(left, f)
	}
	slices.SortFunc(left, func(a, b found) int { return a.record.Time.Compare(b.record.Time) })
	for i := range left {
		f := &left[i]
		f.record.Event.Action = record.ActionSession
		if f.judged == yes {
			a.answer.Unfinished++
		}
		a.session(f)
	}
	answer := a.answer
	answer.Programs, answer.Unclear = answer.Summary.Programs(), a.unclear.Programs()
	if len(answer.Programs) == 0 || !bad(answer.Programs[0].Verdict, answer.Programs[0].Expected) {
		answer.Beside = a.beside
	}
	answer.Evidence = a.evidence.records()
	answer.LeftOut = a.evidence.total - uint64(len(answer.Evidence))
	answer.Forgetful = a.seen.forgot
	w := answer.Asked.Window
	soFar := w.From.Before(answer.Now) && (w.To.After(answer.Now) || w.To.IsZero() && !w.From.IsZero())
	if soFar {
		w.To = answer.Now // what is still to come need not have been watched
	}
	answer.Coverage = a.runs.coverage(w, soFar)
	return answer
}
