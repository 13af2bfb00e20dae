package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Coverage is which part of a window was watched on one host.
type Coverage struct {
	Host    record.Host
	Window  Window        // its ends are never zero
	Watched time.Duration // the whole host was
	Gaps    []Gap         // the rest
	Runs    []Watch       // the runs that watched some of it
	Lost    record.Losses

	// Connections to mail ports that were there before a run that began in the window, or shortly before.
	Older    uint64
	OlderToo bool // and maybe more
}

// oldest is how long before the window a run may have begun so that what was open then counts. RFC 5321,
// 4.5.3.2, ends a session that stands still after minutes.
const oldest = time.Hour

// Gap is time in which the whole host was not watched.
type Gap struct {
	From, To time.Time
	Why      Why
	Filters  record.Filters // of a run that watched a part of the host
}

// Why is the reason of a gap.
type Why string

// The reasons.
const (
	Off      Why = "off"      // no run
	Silent   Why = "silent"   // a run whose heartbeats are not in the logs
	Narrow   Why = "narrow"   // a run that watched a part of the host only
	NoRecord Why = "norecord" // before the first or after the last record
)

// Watch is a run, as far as it watched the window.
type Watch struct {
	From, To    time.Time
	Tracer      record.Tracer // its hooks and filters
	Interrupted bool          // it has no stop record, and did not go on to the end of the logs
	Lost        record.Losses
}

// Share is how much of the window was watched, from 0 to 1.
func (c *Coverage) Share() float64 {
	if whole := c.Window.To.Sub(c.Window.From); whole > 0 {
		return float64(c.Watched) / float64(whole)
	}
	if len(c.Gaps) == 0 {
		return 1 // a moment
	}
	return 0
}

// Full says whether all of the window was watched, and nothing lost.
func (c *Coverage) Full() bool { return len(c.Gaps) == 0 && c.Lost.Total() == 0 }

// runs are the runs in the logs, by agent.ephemeral_id and host.
type runs map[runKey]*run

type runKey struct{ host, id string }

// maxRuns bounds them. Who starts the tracer more often than that has other troubles.
const maxRuns = 10000

func (all runs) add(r *record.Record) {
	if r.Time.IsZero() && r.Event.End.IsZero() { // it vouches for nothing
		return
	}
	key := runKey{cmp.Or(r.Host.ID, r.Host.Name), r.Agent.EphemeralID}
	if r.Event.Action == record.ActionLost {
		if run := all[key]; run != nil { // else its first heartbeat has it
			run.lose(r)
		}
		return
	}
	if all[key] == nil {
		if len(all) >= maxRuns {
			return
		}
		all[key] = &run{}
	}
	all[key].point(r)
}

// alive says that a run wrote a record of any kind.
func (all runs) alive(id string, at time.Time) {
	for key, r := range all {
		if key.id == id && at.After(r.last) {
			r.last = at
		}
	}
}

// coverage says what was watched in a window, host by host. An open end of the window is where the
// logs end. soFar: the window ends now, and so, for a run that goes on, with its last record.
func (all runs) coverage(w Window, soFar bool) (list []Coverage) {
	hosts := map[string][]*run{}
	for key, r := range all {
		r.finish()
		hosts[key.host] = append(hosts[key.host], r)
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		for _, own := range machines(hosts[name]) {
			list = append(list, cover(own, w, soFar))
		}
	}
	return list
}

// machines tells apart those that bear the same machine-id, as copies of one do: by their names, where two run at
// the same time. Else it is one that got another name.
func machines(all []*run) [][]*run {
	byName, clones := map[string][]*run{}, false
	for i, r := range all {
		byName[r.host.Name] = append(byName[r.host.Name], r)
		for _, o := range all[:i] {
			clones = clones || o.host.Name != r.host.Name && o.start().Before(r.end()) && r.start().Before(o.end())
		}
	}
	if !clones {
		return [][]*run{all}
	}
	var list [][]*run
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	return list
}

func cover(own []*run, w Window, soFar bool) Coverage {
	slices.SortFunc(own, func(a, b *run) int { return a.start().Compare(b.start()) })
	first, last := own[0].start(), own[0].end()
	for _, r := range own {
		last = later(last, r.end())
	}
	c := Coverage{Host: own[len(own)-1].host, Window: w}
	if w.From.IsZero() {
		c.Window.From = first
	}
	goesOn := slices.ContainsFunc(own, func(r *run) bool {
		return r.stopped.IsZero() && w.To.Sub(r.pieces[len(r.pieces)-1].to) <= maxSilence
	})
	if w.To.IsZero() || soFar && goesOn && last.Before(w.To) {
		c.Window.To = last
	}
	if c.Window.To.Before(c.Window.From) { // an open window beside the logs
		c.Window.To = c.Window.From
	}
	var whole []piece
	for _, r := range own {
		for i, s := range r.pieces {
			from, to := later(s.from, c.Window.From), earlier(s.to, c.Window.To)
			if to.Before(from) || to.Equal(from) && c.Window.To.After(c.Window.From) {
				continue
			}
			broke := i == len(r.pieces)-1 && r.stopped.IsZero() && s.to.Before(last)
			watch := Watch{From: from, To: to, Tracer: r.tracer, Interrupted: broke && !s.to.After(to)}
			watch.Lost = r.lostIn(&Window{from, to})
			c.Runs = append(c.Runs, watch)
			c.Lost.Add(&watch.Lost)
			if i == 0 && !r.began.Before(c.Window.From.Add(-oldest)) {
				c.Older += r.older()
				c.OlderToo = c.OlderToo || r.tracer.OpenUnknown
			}
			if !r.tracer.Filters.Narrow() {
				whole = append(whole, piece{from, to})
			}
		}
	}
	c.fill(whole, own, first, last)
	return c
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
