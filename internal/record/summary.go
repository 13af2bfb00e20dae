package record

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// maxPrograms bounds a Summary. A program that is worse than all that are kept takes the place of the
// mildest, so that a thousand harmless ones do not hide it.
const maxPrograms = 1000

// Summary adds up the records of a run for the answer at its end: which programs sent mail, the worst
// first, and what was watched. Its memory is bounded. It is for one goroutine.
type Summary struct {
	programs map[Key]*program
	others   tally // of what found no place in programs

	host       Host
	tracer     Tracer      // how it is watched, from the last record that said so
	smarthosts []Smarthost // from the start record
	since      time.Time
	until      time.Time // zero until the run stops
	reported   Losses    // the sum of the lost records
	older      bool      // connections from before the start are not followed, and what is said on them is not known
}

// NewSummary makes an empty Summary.
func NewSummary() *Summary { return &Summary{programs: map[Key]*program{}} }

// Add takes any record of the run. What counts is a session, and a connect that was not established or of which
// nobody knows what was said; any other is counted by its session.
func (s *Summary) Add(r *Record) {
	switch r.Event.Action {
	case ActionStart, ActionHeartbeat, ActionStop:
		s.host, s.tracer = r.Host, r.Tracer
		s.since = r.Event.Start
		if r.Event.Action == ActionStart {
			s.smarthosts = r.Tracer.Smarthosts
			t := &r.Tracer
			s.older = t.OpenOmitted > 0 || t.OpenOther > 0 || t.OpenUnknown || slices.ContainsFunc(t.Open, func(o Open) bool { return !o.Adopted })
		}
		if r.Event.Action == ActionStop {
			s.until = r.Event.End
		}
	case ActionLost:
		s.reported.Add(&r.Tracer.Lost)
	case ActionSession:
		s.count(r, r.Verdict)
	case ActionConnect:
		if r.Event.Outcome != Success || r.Event.Reason.untold() {
			s.count(r, Attempt)
		}
	}
}

func (s *Summary) count(r *Record, verdict Verdict) {
	key := KeyOf(r)
	p := s.programs[key]
	if p == nil && !s.makeRoom(rank(verdict, r.Expected)) {
		t := tallyOf(r)
		s.others.add(&t)
		return
	}
	if p == nil {
		p = &program{
			key: key, verdict: verdict, expected: r.Expected, first: r.Time, began: r.Time,
			destinations: map[netip.AddrPort]struct{}{},
		}
		s.programs[key] = p
	}
	p.add(r, verdict)
}

// makeRoom says whether there is a place for a program of this rank.
func (s *Summary) makeRoom(rank int) bool {
	if len(s.programs) < maxPrograms {
		return true
	}
	var mildest *program
	for _, p := range s.programs {
		if mildest == nil || p.compare(mildest) > 0 {
			mildest = p
		}
	}
	if mildest.rank() <= rank {
		return false
	}
	s.others.add(&mildest.tally)
	delete(s.programs, mildest.key)
	return true
}

// ranked lists the programs, the worst first.
func (s *Summary) ranked() []*program {
	return slices.SortedFunc(maps.Values(s.programs), (*program).compare)
}

// lost is what was lost: the run's own sum, or what was reported since.
func (s *Summary) lost() *Losses {
	if own := &s.tracer.Counters.Lost; own.Total() >= s.reported.Total() {
		return own
	}
	return &s.reported
}
