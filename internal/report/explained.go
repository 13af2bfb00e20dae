package report

import (
	"cmp"
	"maps"
	"slices"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Explained counts encrypted sessions of an expected program that were taken not to be the one, and says why.
type Explained struct {
	Program  string `json:"program"`
	Sessions uint64 `json:"sessions"`
	Why      string `json:"why"`
}

// Why an encrypted session of an expected sender is taken to be another: it said another name before STARTTLS, or it went
// to the smarthost, under TLS from the start.
const (
	byHELO      = "helo_before_starttls"
	bySmarthost = "smarthost"
)

// explains says why an encrypted session of the window is taken not to be the one that is asked for, though nobody saw
// all of what it said; "" if it is not by its sender alone.
func (q *Query) explains(r *record.Record) string {
	s := &r.SMTP
	if r.Event.Action != record.ActionSession || !s.TLS || !sameBehindTLS(r) || mute(r) || gapped(r) || !q.ofHELO() || q.during(r) == no {
		return ""
	}
	for _, g := range q.groups {
		if g[0].name != "helo" && q.judgeAny(g, r) == no {
			return ""
		}
	}
	if s.Verb != "" {
		return byHELO
	}
	return bySmarthost
}

// maxExplained bounds how many programs are told apart.
const maxExplained = 100

// explain counts a session that is explained.
func (a *asking) explain(f *found) {
	if !a.seen.add(f.id ^ spread>>1) { // another record of the same
		return
	}
	one := Explained{Program: record.PartsOf(&f.record).Program, Why: f.why}
	if a.explained[one] == 0 && len(a.explained) >= maxExplained {
		one.Program = "others"
	}
	a.explained[one]++
}

// explanations lists them, the most first.
func explanations(of map[Explained]uint64) (list []Explained) {
	for one := range maps.Keys(of) {
		list = append(list, Explained{one.Program, of[one], one.Why})
	}
	slices.SortFunc(list, func(a, b Explained) int {
		return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), cmp.Compare(a.Program, b.Program), cmp.Compare(a.Why, b.Why))
	})
	return list
}

// explainedLines name what a clearing takes for granted.
func (a *Answer) explainedLines() (lines []string) {
	if finding, _ := a.Conclude(a.Now.Location()); finding != Cleared {
		return nil
	}
	for _, e := range a.Explained {
		words := "taken at the HELO before STARTTLS: "
		if e.Why == bySmarthost {
			words = "taken to be for the smarthost alone, under TLS: "
		}
		lines = append(lines, words+e.Program+", "+count(e.Sessions, "session"))
	}
	return lines
}
