package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// A chart is as wide and high as this, in its own units.
const (
	chartWidth  = 720.0
	chartHeight = 40.0
	maxCharts   = 12
)

// chart is the sends of one program over time.
type chart struct {
	Label, Title string
	Bad          bool
	Bars, Gaps   []bar
}

// bar is a rectangle, in units of the chart.
type bar struct{ X, Y, W, H string }

func newBar(x, y, w, h float64) bar {
	f := func(v float64) string { return fmt.Sprintf("%.1f", v) }
	return bar{f(x), f(y), f(w), f(h)}
}

// charts draws the timelines of the worst programs on one axis: the window or, where it is open,
// the time of the sends.
func (a *Answer) charts() (list []chart, from, to string) {
	axis := a.axis()
	whole := axis.To.Sub(axis.From).Seconds()
	if whole <= 0 {
		return nil, "", ""
	}
	scale := func(t time.Time) float64 {
		return min(max(t.Sub(axis.From).Seconds()/whole, 0), 1) * chartWidth
	}
	var gaps []bar
	if len(a.Coverage) == 1 {
		for _, g := range a.Coverage[0].Gaps {
			if x := scale(g.From); scale(g.To) > x && len(gaps) < maxBins {
				gaps = append(gaps, newBar(x, 0, scale(g.To)-x, chartHeight))
			}
		}
	}
	for i := range a.Programs {
		p := &a.Programs[i]
		t := a.timelines[p.Key]
		if t == nil || len(t.bins) == 0 {
			continue
		}
		if len(list) == maxCharts {
			break
		}
		list = append(list, t.draw(p, scale, gaps))
	}
	return list, axis.From.UTC().Format(time.DateTime + " MST"), axis.To.UTC().Format(time.DateTime + " MST")
}

func (t *timeline) draw(p *record.Program, scale func(time.Time) float64, gaps []bar) chart {
	parts := p.Parts()
	c := chart{Label: parts.Program, Bad: bad(p.Verdict, p.Expected), Gaps: gaps}
	if parts.User != "" {
		c.Label += ", " + parts.User
	}
	most := slices.Max(t.bins)
	c.Title = fmt.Sprintf("at most %s in %s", count(most, "send"), t.width)
	for i, n := range t.bins {
		if n == 0 {
			continue
		}
		h := max(2, float64(n)/float64(most)*(chartHeight-4))
		x := scale(t.start(i))
		w := max(2, scale(t.start(i+1))-x-0.5)
		c.Bars = append(c.Bars, newBar(min(x, chartWidth-w), chartHeight-h, w, h))
	}
	return c
}

// axis is the time that the charts show.
func (a *Answer) axis() Window {
	w := a.Asked.Window
	for i := range min(len(a.Programs), maxCharts) {
		p := &a.Programs[i]
		if a.Asked.Window.From.IsZero() && (w.From.IsZero() || p.First.Before(w.From)) {
			w.From = p.First
		}
		if a.Asked.Window.To.IsZero() && p.Last.After(w.To) {
			w.To = p.Last
		}
	}
	if !w.To.After(w.From) {
		w.To = w.From.Add(time.Minute)
	}
	return w
}
