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
	groups [][]Term
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
	if a, b := sent(r); !q.Window.holds(a, b) {
		return no
	}
	all := yes
	for _, g := range q.groups {
		any := no
		for i := range g {
			any = max(any, g[i].judge(r))
		}
		if any == no && r.Event.Reason == record.Unwatched && ofDialogue(g[0].name) {
			any = unsure
		}
		if all = min(all, any); all == no {
			return no
		}
	}
	return all
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

// sent is when what the record tells of happened. Of a session that has several records each tells
// of its own mails: only the first begins where the connection did.
func sent(r *record.Record) (from, to time.Time) {
	from, to = r.Time, r.Time
	if r.Event.End.After(to) {
		to = r.Event.End
	}
	if !r.Event.Start.IsZero() && r.Event.Sequence <= 1 && r.Event.Start.Before(from) {
		from = r.Event.Start
	}
	for i := range r.SMTP.Transactions {
		if s := r.SMTP.Transactions[i].Start; !s.IsZero() && s.Before(from) {
			from = s
		}
	}
	return from, to
}
