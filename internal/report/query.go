package report

import (
	"slices"
	"strings"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// judgement is what a term says of a record. Unsure is a record that hides what the term asks for:
// behind TLS, behind the privacy mode, or because some of the dialogue was lost.
type judgement int

// From no to yes, so that the worst of several is the smallest.
const (
	no judgement = iota
	unsure
	yes
)

func judge(b bool) judgement {
	if b {
		return yes
	}
	return no
}

// Term is one condition.
type Term struct {
	name  string // of the flag: terms of one name are alternatives
	value string
	keyed bool // it knows addresses by their hash, too, with the key of this host
	judge func(*record.Record) judgement
}

// Window is a stretch of time, its ends included; a zero end is open.
type Window struct{ From, To time.Time }

// around is the window from as long before as after a moment, as far as a time can be written (RFC 3339).
func around(at time.Time, margin time.Duration) Window {
	return Window{at.Add(-margin), earlier(at.Add(margin), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))}
}

// holds says whether some of the time from a to b is in the window.
func (w *Window) holds(a, b time.Time) bool {
	return (w.From.IsZero() || !b.Before(w.From)) && (w.To.IsZero() || !a.After(w.To))
}

// Query is what is asked of the logs. The zero Query asks for everything.
type Query struct {
	Window Window
	Home   string // this host's machine-id; "": not known
	groups [][]Term
	hints  map[string][]func(*record.Record) judgement // by name: what those say that clear nobody
}

// Around limits the query to the time around a moment.
func (q *Query) Around(at time.Time, margin time.Duration) { q.Window = around(at, margin) }

// Add adds a condition. One of those of the same name must hold, and that for each name.
func (q *Query) Add(t Term) {
	for i, g := range q.groups {
		if g[0].name == t.name {
			q.groups[i] = append(g, t)
			return
		}
	}
	q.groups = append(q.groups, []Term{t})
}

// Has says whether there is a condition of this name.
func (q *Query) Has(name string) bool {
	return slices.ContainsFunc(q.groups, func(g []Term) bool { return g[0].name == name })
}

// ofProgram says whether it asks for certain programs: that none of them did it says nothing of
// others.
func (q *Query) ofProgram() bool {
	return slices.ContainsFunc(q.groups, func(g []Term) bool {
		switch g[0].name {
		case "exe", "sha256", "uid", "unit", "container", "verdict", "flag":
			return true
		}
		return false
	})
}

// ofDialogue says whether terms of a name ask for what was said.
func ofDialogue(name string) bool {
	return slices.Contains([]string{"helo", "from", "rcpt", "reply"}, name)
}

// ofHELO says whether of what was said it asks for the HELO alone.
func (q *Query) ofHELO() bool {
	return q.Has("helo") && !slices.ContainsFunc(q.groups, func(g []Term) bool { return g[0].name != "helo" && ofDialogue(g[0].name) })
}

// Words lists the conditions, as a person says them.
func (q *Query) Words() []string {
	var list []string
	for _, g := range q.groups {
		var values []string
		for _, t := range g {
			values = append(values, record.Escape(t.value, 120))
		}
		list = append(list, g[0].name+" "+strings.Join(values, " or "))
	}
	return list
}

// judge says whether a record of a connection is asked for.
func (q *Query) judge(r *record.Record) judgement {
	all := q.during(r)
	for _, g := range q.groups {
		if all == no {
			return no
		}
		all = min(all, q.judgeAny(g, r))
	}
	return all
}

// judgeAny judges alternatives. What a connection said of which no session record tells is not known, and on a connect
// that failed nothing was said.
func (q *Query) judgeAny(g []Term, r *record.Record) judgement {
	if r.Event.Action == record.ActionConnect && ofDialogue(g[0].name) {
		if unheard(r) {
			return unsure
		}
		return no
	}
	any := no
	for i := range g {
		one := g[i].judge(r)
		if one == no && g[i].keyed && q.elsewhere(r) {
			one = unsure
		}
		any = max(any, one)
	}
	return any
}

// elsewhere says whether a record has hashes that were made on another host, with a key that is not known here.
func (q *Query) elsewhere(r *record.Record) bool {
	return q.Home != "" && r.Host.ID != "" && r.Host.ID != q.Home &&
		slices.ContainsFunc(r.SMTP.Transactions, func(t record.Transaction) bool { return t.MailFromHMAC != "" || len(t.RcptHMAC) > 0 })
}

// unheard says whether a record is of a connection on which something may have been said that it does not tell.
func unheard(r *record.Record) bool {
	s := signOf(r)
	return r.Event.Action == record.ActionConnect && !s.failed() && !s.silent()
}

// excludes says whether a connection on which nobody knows what was said is for certain not the one asked for, whenever
// it was.
func (q *Query) excludes(r *record.Record) bool {
	return slices.ContainsFunc(q.groups, func(g []Term) bool {
		return !ofDialogue(g[0].name) && q.judgeAny(g, r) == no
	})
}

// cause says why a session is unsure.
func (q *Query) cause(r *record.Record) Code {
	dialogue := slices.ContainsFunc(q.groups, func(g []Term) bool {
		return ofDialogue(g[0].name) && q.judgeAny(g, r) == unsure
	})
	switch {
	case !dialogue, gapped(r):
		return SessionUnseen
	case joined(r):
		return OpenBeforeStart
	case r.SMTP.TLS:
		return SessionEncrypted
	}
	return SessionUnseen
}

// besides says whether a session is to be told of though it is not asked for: what is asked for may be remembered
// wrongly. The time is not, where it has two ends.
func (q *Query) besides(r *record.Record) bool {
	if r.Event.Action != record.ActionSession || !bad(r.Verdict, r.Expected) || len(q.groups) == 0 ||
		q.Window.From.IsZero() || q.Window.To.IsZero() {
		return false
	}
	a, b := sent(r)
	return q.Window.holds(a, b)
}

// sent is when what the record tells of happened, as far as it says.
func sent(r *record.Record) (from, to time.Time) {
	from, to = r.Time, later(r.Time, r.Event.End)
	if b := began(r); !b.IsZero() {
		from = earlier(from, b)
	}
	for i := range r.SMTP.Transactions {
		if s := r.SMTP.Transactions[i].Start; !s.IsZero() {
			from, to = earlier(from, s), later(to, s)
		}
	}
	return from, to
}

// began is when what the record tells of began: of a session that has several records only the first begins where the
// connection did. Zero: not known.
func began(r *record.Record) time.Time {
	if r.Event.Sequence > 1 {
		return r.SMTP.Since
	}
	return r.Event.Start
}

// during says whether what a record tells of was in the window. It is unsure where only a part of the time that it may
// have been is: a connection that goes on may last for any time, and a record that does not say since when it tells may
// tell of any time of the connection.
func (q *Query) during(r *record.Record) judgement {
	if q.Window == (Window{}) {
		return yes
	}
	from, to := sent(r)
	if r.Time.IsZero() {
		return unsure
	}
	if q.Window.holds(from, to) {
		return yes
	}
	if began(r).IsZero() {
		from = earlier(from, r.Event.Start)
	}
	if s := signOf(r); s.goesOn() {
		to = endless
	}
	if q.Window.holds(from, to) {
		return unsure
	}
	return no
}
