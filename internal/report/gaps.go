package report

import (
	"slices"
	"time"
)

// piece is a stretch of time.
type piece struct{ from, to time.Time }

// covered says whether the pieces leave nothing out of a window.
func covered(w Window, pieces []piece) bool {
	return within([]piece{{w.From, w.To}}, pieces)
}

// within says whether the pieces leave nothing out of those of whole.
func within(whole, pieces []piece) bool {
	slices.SortFunc(pieces, func(a, b piece) int { return a.from.Compare(b.from) })
	for _, w := range whole {
		at, touched := w.from, false
		for _, p := range pieces {
			if p.to.Before(at) || p.from.After(at) {
				continue
			}
			at, touched = later(at, p.to), true
		}
		if !touched || at.Before(w.to) {
			return false
		}
	}
	return true
}

// fill finds what was watched and the gaps, from the pieces in which the whole host was.
func (c *Coverage) fill(whole []piece, own []*run, first, last time.Time) {
	slices.SortFunc(whole, func(a, b piece) int { return a.from.Compare(b.from) })
	at, began := c.Window.From, false
	for _, p := range whole {
		if p.from.After(at) {
			c.gap(at, p.from, own, first, last)
			at = p.from
		}
		if p.to.After(at) {
			c.Watched += p.to.Sub(at)
			at = p.to
		}
		began = true
	}
	if c.Window.To.After(at) || !began {
		c.gap(at, c.Window.To, own, first, last)
	}
}

// gap adds a gap, split where its reason changes.
func (c *Coverage) gap(from, to time.Time, own []*run, first, last time.Time) {
	cuts := []time.Time{from, to}
	mark := func(t time.Time) {
		if t.After(from) && t.Before(to) {
			cuts = append(cuts, t)
		}
	}
	mark(first)
	mark(last)
	for _, r := range own {
		for _, p := range r.pieces {
			mark(p.from)
			mark(p.to)
		}
	}
	slices.SortFunc(cuts, time.Time.Compare)
	for i := range len(cuts) - 1 {
		g := Gap{From: cuts[i], To: cuts[i+1], Why: Off}
		if g.From.Equal(g.To) && len(cuts) > 2 {
			continue
		}
		g.explain(own, first, last)
		if n := len(c.Gaps) - 1; n >= 0 && c.Gaps[n].Why == g.Why && g.Why != Narrow && c.Gaps[n].To.Equal(g.From) {
			c.Gaps[n].To = g.To
			continue
		}
		c.Gaps = append(c.Gaps, g)
	}
}

func (g *Gap) explain(own []*run, first, last time.Time) {
	middle := g.From.Add(g.To.Sub(g.From) / 2)
	if middle.Before(first) || middle.After(last) {
		g.Why = NoRecord
		return
	}
	for _, r := range own {
		end := r.pieces[len(r.pieces)-1].to
		for _, p := range r.pieces {
			if !middle.Before(p.from) && !middle.After(p.to) {
				g.Why, g.Filters = Narrow, r.tracer.Filters
				return
			}
		}
		if middle.After(r.pieces[0].from) && middle.Before(end) {
			g.Why = Silent
		}
	}
}
