package report

import (
	"slices"

	"github.com/smtptrace/smtptrace/internal/record"
)

// asking is an answer in the making.
type asking struct {
	answer    *Answer
	unclear   *record.Summary
	beside    *record.Summary
	evidence  evidence
	explained map[Explained]uint64
	seen      seen
	tracks    tracks
	runs      runs
	decoder   *record.Decoder
}

func newAsking(o *Options) *asking {
	a := &asking{
		answer: &Answer{
			Asked: o.Query, Clues: o.Clues, Now: o.Now, Summary: record.NewSummary(), timelines: map[record.Key]*timeline{},
		},
		unclear: record.NewSummary(), beside: record.NewSummary(), decoder: record.NewDecoder(), explained: map[Explained]uint64{},
		tracks: tracks{open: map[uint64]*track{}, ended: seen{most: maxEnded}, ports: map[uint16]bool{}, leftOut: map[runKey]bool{}},
		runs:   runs{all: map[runKey]*run{}},
	}
	a.tracks.over = func(key runKey) bool {
		r := a.runs.all[key]
		return r != nil && !r.stopped.IsZero() && r.stopped.Before(o.Query.Window.From) && !r.last.After(r.stopped)
	}
	for _, port := range mailPorts {
		a.tracks.ports[port] = true
	}
	return a
}

// maxTimelines bounds what is kept of programs.
const maxTimelines = 4096

// take adds what a block holds.
func (a *asking) take(s *scanned) {
	for i := range s.run {
		a.runs.add(&s.run[i])
		a.tracks.stops = a.tracks.stops || s.run[i].Event.Action == record.ActionStop
		if s.run[i].Event.Action != record.ActionLost {
			a.tracks.learn(&s.run[i].Tracer)
		}
	}
	for id, at := range s.last {
		a.runs.alive(id, at)
	}
	for i := range s.found {
		a.found(&s.found[i])
	}
	for _, id := range s.ended {
		a.tracks.end(id)
	}
}

func (a *asking) found(f *found) {
	if f.read && f.action == record.ActionSession {
		a.complete(f)
	}
	a.tracks.note(f)
	if f.why != "" && f.judged == no {
		a.explain(f)
	}
	switch {
	case !f.read, f.judged == no && !f.beside, f.goesOn(): // what goes on is judged at the end
		return
	case !a.seen.add(f.key):
		if !f.beside {
			a.answer.Repeated++
		}
	case f.beside:
		a.beside.Add(&f.record)
	case f.action == record.ActionSession:
		a.session(f)
	case f.failed() && f.judged == yes:
		a.answer.Attempts++
		a.count(f)
	case !f.failed() && !f.silent() && !a.noMail(&f.record):
		a.stray(&f.record)
	}
}

// noMail says whether a connection from before the start goes to no mail port, and was judged to be no SMTP.
func (a *asking) noMail(r *record.Record) bool {
	return r.Event.Reason == record.NotSMTP && slices.Contains(r.Tracer.Weak, string(record.Adopted)) &&
		r.Destination.Port != 0 && !a.tracks.ports[r.Destination.Port]
}

// complete gives a session the identity that the connect record of its connection has, where it has none itself.
func (a *asking) complete(f *found) {
	r, l := &f.record, a.tracks.open[f.id]
	if known(&r.Identity) || l == nil || l.connect == nil {
		return
	}
	var connect record.Record
	if a.decoder.Decode(l.connect, &connect) == nil && known(&connect.Identity) {
		r.Identity = connect.Identity
		f.judged = a.answer.Asked.judge(r)
	}
}

// known says whether anything is known of who it was.
func known(id *record.Identity) bool {
	return id.Process.Executable != "" || id.Process.Name != "" || id.User.ID != ""
}

// stray takes a connection of which nobody knows what was said on it.
func (a *asking) stray(r *record.Record) {
	if r.Event.Reason == record.Adopted {
		a.answer.adopted.add(r)
	} else {
		a.answer.unexplained.add(r)
	}
	as := *r
	if as.Event.Reason != record.Unwatched {
		as.Event.Reason = record.EndNotSeen // as far as these logs go
	}
	a.unclear.Add(&as)
}

// unsure takes a session that may be what was asked for.
func (a *asking) unsure(r *record.Record, why Code) {
	switch why {
	case SessionEncrypted:
		a.answer.encrypted.add(r)
	case OpenBeforeStart:
		a.answer.adopted.add(r)
	default:
		a.answer.unseen.add(r)
	}
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
			if len(a.answer.Asked.misses(r)) > 0 {
				a.answer.alike.add(r)
			} else {
				a.unsure(r, a.answer.Asked.cause(r))
			}
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

// finish makes the answer.
func (a *asking) finish() *Answer {
	answer := a.answer
	w := answer.Asked.Window
	soFar := w.From.Before(answer.Now) && (w.To.After(answer.Now) || w.To.IsZero() && !w.From.IsZero())
	if soFar {
		w.To = answer.Now // what is still to come need not have been watched
	}
	answer.Coverage = a.runs.coverage(&answer.Asked, w, soFar)
	a.outlive()
	for key := range a.tracks.leftOut {
		a.tracks.crowded = a.tracks.crowded || !a.runs.endOf(key).Before(answer.Asked.Window.From)
	}
	answer.Crowded, answer.tooManyRuns = a.tracks.crowded, a.runs.leftOut
	answer.Programs, answer.Unclear = answer.Summary.Programs(), a.unclear.Programs()
	if len(answer.Programs) == 0 || !bad(answer.Programs[0].Verdict, answer.Programs[0].Expected) {
		answer.Beside = a.beside
	}
	answer.Explained = explanations(a.explained)
	answer.Evidence = a.evidence.records()
	answer.LeftOut = a.evidence.total - uint64(len(answer.Evidence))
	answer.Forgetful = a.seen.forgot
	return answer
}
