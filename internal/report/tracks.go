package report

import (
	"slices"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// A connection has a record when it is established, maybe one when it is recognised, and at its end, or at the run's,
// one or several that tell what was said, or that nobody knows. tracks follows those whose end is still to come, through
// logs that may overlap or be in another order.
type tracks struct {
	open  map[uint64]*track
	ended seen // the others, by their ids
	ports map[uint16]bool
	known bool // ports are those of the runs; else any may be a mail port

	octets  int               // of the lines that are kept
	over    func(runKey) bool // a run ended before the window: its connections are let go where there is no room
	stops   bool              // runs have ended since
	leftOut map[runKey]bool   // runs with connections for which there was no room
	crowded bool              // these may have been of the window
}

// track is a connection of which the logs do not tell the end yet.
type track struct {
	connect []byte // the line of its connect record, nil if there is none
	said    []byte // likewise of a later record, without its transactions
	run     runKey // of the first
	told    []stretch
	final   uint64 // the sequence of its last session record; 0 if that is not among them
}

// stretch is some session records, one following the other, and a time behind all that the ones before them tell.
type stretch struct {
	first, last uint64
	at          time.Time
}

// Bounds of what is kept. Beyond them some connections are left out, and the answer says so.
const (
	maxPending   = 10000
	maxOctets    = 64 << 20
	maxEnded     = 1 << 18 // and as many before these; logs are seldom in another order than their records
	maxStretches = 64
)

// opens is true for the record of a connection that may go on, failed for a connect that came to nothing, and silent
// for a connection on which the client sent nothing.
func (s *sign) opens() bool {
	return s.action == record.ActionConnect && (s.reason == record.Established || s.reason == record.Adopted)
}

func (s *sign) failed() bool {
	switch s.reason {
	case record.Refused, record.TimedOut, record.Reset, record.Unreachable, record.Blocked, record.NotSent, record.GivenUp:
		return s.action == record.ActionConnect
	}
	return false
}

func (s *sign) silent() bool { return s.reason == record.Silent && s.mute }

// goesOn is true for a record that says nothing of when its connection ends.
func (s *sign) goesOn() bool {
	return s.opens() || s.action == record.ActionFirstPayload || s.reason == record.Unwatched || s.reason == record.StillOpen
}

// ports takes the mail ports of a run.
func (l *tracks) learn(t *record.Tracer) {
	l.known = true
	for _, port := range t.Filters.MailPorts {
		l.ports[port] = true
	}
}

// note takes what a record tells of its connection's life.
func (l *tracks) note(f *found) {
	switch {
	case l.ended.has(f.id):
	case f.opens():
		// To another port it is followed if it turns out to be mail; one from before the start has said something already.
		if f.reason == record.Established && l.known && f.port != 0 && !l.ports[f.port] {
			return
		}
		if c := l.of(f); c != nil && c.connect == nil {
			l.keep(&c.connect, f)
		}
	case f.goesOn(): // of a connect, the last word
		if c := l.of(f); c != nil && f.action == record.ActionFirstPayload {
			if c.told == nil {
				l.keep(&c.said, f)
			}
		} else if c != nil {
			l.keep(&c.connect, f)
		}
	case f.action == record.ActionConnect:
		if c := l.open[f.id]; c == nil || c.told == nil || !f.silent() {
			l.end(f.id)
		}
	case f.sequence == 0 && f.ended:
		l.end(f.id)
	default:
		if c := l.of(f); c != nil {
			l.keep(&c.said, f)
			if c.tell(f); c.whole() {
				l.end(f.id)
			}
		}
	}
}

// tell takes a session record by its sequence.
func (c *track) tell(f *found) {
	n := max(f.sequence, 1)
	if f.ended {
		c.final = max(c.final, n)
	}
	at, _ := slices.BinarySearchFunc(c.told, n, func(s stretch, n uint64) int {
		switch {
		case s.last < n:
			return -1
		case s.first > n:
			return 1
		}
		return 0
	})
	if at < len(c.told) && c.told[at].first <= n {
		return // from a log that overlaps
	}
	if len(c.told) >= maxStretches {
		return // it stays incomplete
	}
	one := stretch{n, n, f.at}
	if n > 1 && !f.since && !f.ended { // a version of before gave it the time of the begin
		one.at = endless
	}
	c.told = slices.Insert(c.told, at, one)
	if next := at + 1; next < len(c.told) && c.told[next].first == n+1 {
		c.told[at].last = c.told[next].last
		c.told = slices.Delete(c.told, next, next+1)
	}
	if at > 0 && c.told[at-1].last == n-1 {
		c.told[at-1].last = c.told[at].last
		c.told = slices.Delete(c.told, at, at+1)
	}
}

// whole says whether all of its session records are there.
func (c *track) whole() bool {
	return len(c.told) == 1 && c.told[0].first == 1 && c.told[0].last == c.final
}

// missing lists the times of which session records are not there, of a connection that began at a time and was
// followed until another. A mail may have been under way in any of the records before, so that it is told later.
func (c *track) missing(from, until time.Time) (list []Window) {
	for i, s := range c.told {
		if i > 0 || s.first > 1 {
			list = append(list, Window{from, s.at})
		}
	}
	if n := len(c.told); n == 0 || c.told[n-1].last != c.final {
		list = append(list, Window{from, until})
	}
	return list
}
