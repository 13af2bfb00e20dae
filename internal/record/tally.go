package record

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// What a Summary keeps of one program.
const (
	maxDestinations = 256
	maxHELOs        = 8
	maxFlags        = 32
)

// Key is what makes two senders the same program.
type Key struct{ Executable, Script, Unit, Container, UID string }

// KeyOf tells which program sent r.
func KeyOf(r *Record) Key {
	unit := r.Systemd.innermost()
	if r.Container.owns(unit) { // it says less than the container's name
		unit = ""
	}
	return Key{
		Executable: cmp.Or(r.Process.Executable, r.Process.Name),
		Script:     cmp.Or(r.Process.Script.Path, r.Process.Script.Module),
		Unit:       unit, Container: cmp.Or(r.Container.Name, r.Container.ID), UID: r.User.ID,
	}
}

// program is what one program did.
type program struct {
	key      Key
	who      Identity // as last seen doing its worst: its pid, its alias, its name
	verdict  Verdict  // the worst seen, with its expectation
	expected bool
	flags    []string // of all that it did
	tally

	verdicts     [len(severity)]uint64 // sessions of each, in the order of severity
	reasons      [len(failures)]uint64 // failed connects of each, in the order of failures
	destinations map[netip.AddrPort]struct{}
	beyond       bool // there are more destinations than are kept
	helos        []string
	moreHELOs    bool
	first, last  time.Time
	began        time.Time // the connect of the first
}

// tally is what can be added up.
type tally struct {
	sessions   uint64
	hidden     uint64 // of these, sessions whose messages TLS hid
	messages   uint64
	recipients uint64
	attempts   uint64 // connects that failed
	unwatched  uint64 // connections that were not followed: whether they failed is not known
	untold     uint64 // connections of which no record tells what was said
}

func (t *tally) add(more *tally) {
	t.sessions += more.sessions
	t.hidden += more.hidden
	t.messages += more.messages
	t.recipients += more.recipients
	t.attempts += more.attempts
	t.unwatched += more.unwatched
	t.untold += more.untold
}

// failures are the reasons that are told apart, in the order of telling.
var failures = [...]Reason{Blocked, Refused, TimedOut, Unreachable, Reset, NotSent, GivenUp, StillOpen}

func tallyOf(r *Record) (t tally) {
	switch {
	case r.Event.Reason == Unwatched:
		t.unwatched = 1
		return t
	case r.Event.Action == ActionConnect && r.Event.Reason.untold():
		t.untold = 1
		return t
	case r.Event.Action == ActionConnect:
		t.attempts = 1
		return t
	}
	if r.Event.Sequence <= 1 {
		t.sessions = 1
		if r.SMTP.hidden() {
			t.hidden = 1
		}
	}
	t.messages, t.recipients = r.SMTP.Messages, r.SMTP.Recipients
	return t
}

func (p *program) rank() int { return rank(p.verdict, p.expected) }

func (p *program) add(r *Record, verdict Verdict) {
	t := tallyOf(r)
	p.tally.add(&t)
	if rank(verdict, r.Expected) <= p.rank() {
		p.verdict, p.expected, p.who = verdict, r.Expected, r.Identity
	}
	for _, flag := range r.Flags {
		if len(p.flags) < maxFlags && !slices.Contains(p.flags, flag) {
			p.flags = append(p.flags, flag)
		}
	}
	if i := slices.Index(severity[:], verdict); i >= 0 {
		p.verdicts[i] += t.sessions
	}
	if i := slices.Index(failures[:], r.Event.Reason); i >= 0 {
		p.reasons[i] += t.attempts
	}
	if r.Time.Before(p.first) {
		p.first = r.Time
	}
	if at := r.Event.Start; !at.IsZero() && at.Before(p.began) {
		p.began = at
	}
	if r.Time.Before(p.began) {
		p.began = r.Time
	}
	if r.Time.After(p.last) {
		p.last = r.Time
	}
	p.addDestination(r.Destination.AddrPort())
	if r.SMTP.Verb != "" {
		p.addHELO(r.SMTP.HELO)
	}
	for _, name := range r.SMTP.HELOs {
		p.addHELO(name)
	}
}

func (p *program) addDestination(d netip.AddrPort) {
	if _, known := p.destinations[d]; known || !d.IsValid() {
		return
	}
	if len(p.destinations) == maxDestinations {
		p.beyond = true
		return
	}
	p.destinations[d] = struct{}{}
}

func (p *program) addHELO(name string) {
	switch {
	case slices.Contains(p.helos, name):
	case len(p.helos) == maxHELOs:
		p.moreHELOs = true
	default:
		p.helos = append(p.helos, name)
	}
}

// scene is what p shows to one in that location.
func (p *program) scene(in *time.Location) *scene {
	return &scene{&p.who, p.flags, p.verdict, p.expected, p.began.In(in), p.last.In(in)}
}

// compare orders programs as a reader wants them, the worst first.
func (p *program) compare(q *program) int {
	return cmp.Or(
		cmp.Compare(p.rank(), q.rank()),
		cmp.Compare(q.messages, p.messages),
		cmp.Compare(q.sessions, p.sessions),
		cmp.Compare(q.unwatched+q.untold, p.unwatched+p.untold),
		cmp.Compare(q.attempts, p.attempts),
		cmp.Compare(p.key.Executable, q.key.Executable),
		cmp.Compare(p.key.Script, q.key.Script),
		cmp.Compare(p.key.Unit, q.key.Unit),
		cmp.Compare(p.key.Container, q.key.Container),
		cmp.Compare(p.key.UID, q.key.UID),
	)
}
