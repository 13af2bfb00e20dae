package report

import "github.com/smtptrace/smtptrace/internal/record"

// AddHint adds a condition that finds, and clears nobody: what somebody wrote of a recipient, a port or a server may be
// true of another mail, or be translated on the way. A record that meets all but this may be what is asked for.
func (q *Query) AddHint(t Term) {
	certain := t.judge
	t.judge = func(r *record.Record) judgement {
		switch found := certain(r); {
		case found == no, found == unsure && ofDialogue(t.name):
			return unsure
		}
		return yes
	}
	q.Add(t)
	if q.hints == nil {
		q.hints = map[string][]func(*record.Record) judgement{}
	}
	q.hints[t.name] = append(q.hints[t.name], certain)
}

// Nothing is a condition that no record meets: of a text that names nothing to search for.
func Nothing() Term {
	return Term{"received", "nothing to search for", false, func(*record.Record) judgement { return no }}
}

// misses names the hints that a record does not meet, where it meets all else.
func (q *Query) misses(r *record.Record) (names []string) {
	if q.during(r) != yes {
		return nil
	}
	for _, g := range q.groups {
		switch {
		case q.judgeAny(g, r) == yes:
		case r.Event.Action == record.ActionSession && q.missed(g[0].name, r):
			names = append(names, g[0].name)
		default:
			return nil
		}
	}
	return names
}

// missed says whether a record for certain does not meet any of the hints of a name.
func (q *Query) missed(name string, r *record.Record) bool {
	hints := q.hints[name]
	for _, certain := range hints {
		if certain(r) != no {
			return false
		}
	}
	return len(hints) > 0
}
