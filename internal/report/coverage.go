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

	Filters   []record.Filters // of the runs that left something out where no other recorded it
	Forwarded string           // "" where guests are watched, too, or there are none; else yes or unknown
	Older     older            // what was open before the runs
	Steps     []Step           // of the clock, as far as they touch the window
}

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
type runs struct {
	all     map[runKey]*run
	leftOut bool // there were too many
}

type runKey struct{ host, id string }

func runOf(r *record.Record) runKey { return runKey{hostKey(&r.Host), r.Agent.EphemeralID} }

// hostKey tells hosts apart.
func hostKey(h *record.Host) string { return cmp.Or(h.ID, h.Name) }

// maxRuns bounds them. Who starts the tracer more often than that has other troubles.
const maxRuns = 10000

func (rs *runs) add(r *record.Record) {
	if r.Time.IsZero() && r.Event.End.IsZero() { // it vouches for nothing
		return
	}
	key := runOf(r)
	if rs.all[key] == nil {
		if len(rs.all) >= maxRuns {
			rs.leftOut = true
			return
		}
		rs.all[key] = &run{}
	}
	if r.Event.Action == record.ActionLost {
		rs.all[key].lose(r)
	} else {
		rs.all[key].point(r)
	}
}

// alive says that a run wrote a record of any kind.
func (rs *runs) alive(id string, at time.Time) {
	for key, r := range rs.all {
		if key.id == id && at.After(r.last) {
			r.last = at
		}
	}
}

// coverage says what was watched in a window, host by host. An open end of the window is where the
// logs end. soFar: the window ends now, and so, for a run that goes on, with its last record.
func (rs *runs) coverage(q *Query, w Window, soFar bool) (list []Coverage) {
	hosts := map[string][]*run{}
	for key, r := range rs.all {
		if len(r.spans) > 0 { // else there are records of losses alone
			r.finish()
			hosts[key.host] = append(hosts[key.host], r)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		for _, own := range machines(hosts[name]) {
			list = append(list, cover(own, q, w, soFar))
		}
	}
	return list
}

// ended is until when a run is known to have watched, far in the future where that is not known. Call it behind
// coverage.
func (rs *runs) ended(r *record.Record) time.Time { return rs.endOf(runOf(r)) }

func (rs *runs) endOf(key runKey) time.Time {
	run := rs.all[key]
	if run == nil || len(run.spans) == 0 {
		return endless
	}
	return later(run.end(), run.last)
}

// endless is behind every time that can be written (RFC 3339).
var endless = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

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

func cover(own []*run, q *Query, w Window, soFar bool) Coverage {
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
	var whole, recorded, guarded []piece
	for _, r := range own {
		narrow, met := r.tracer.Filters.Narrow(), false
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
			if !narrow {
				whole = append(whole, piece{from, to})
				guarded = append(guarded, r.guarded(from, to)...)
				met = true
			}
			if !narrow && r.tracer.Filters.Connects != "none" && len(lackingPorts(&r.tracer.Filters)) == 0 {
				recorded = append(recorded, piece{from, to})
			}
		}
		if met { // however long before the window the run began: nobody followed these
			c.Older.add(r, q)
			c.Steps = append(c.Steps, r.steps(&c.Window)...)
		}
	}
	c.fill(whole, own, first, last)
	if !covered(c.Window, recorded) {
		for i := range c.Runs {
			if f := &c.Runs[i].Tracer.Filters; filterWords(f) != "" {
				c.Filters = append(c.Filters, *f)
			}
		}
	}
	if len(whole) > 0 && !within(whole, guarded) {
		c.Forwarded = "unknown"
		if slices.ContainsFunc(own, func(r *run) bool { return r.forwards }) {
			c.Forwarded = "yes"
		}
	}
	return c
}

// mailPorts are the ports at which mail is expected: RFC 5321, RFC 8314 section 3.3, RFC 6409, and 2525, which has no
// standard. A connection to one of them is followed whatever is said on it.
var mailPorts = []uint16{25, 465, 587, 2525}

// lackingPorts lists the mail ports that a run did not take for such. None given means all.
func lackingPorts(f *record.Filters) (lacking []uint16) {
	for _, port := range mailPorts {
		if len(f.MailPorts) > 0 && !slices.Contains(f.MailPorts, port) {
			lacking = append(lacking, port)
		}
	}
	return lacking
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
