package probe

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// ratio is the throughput with the tracer by that without, and what it takes of each operation.
type ratio struct {
	median, margin float64 // the median of pairs, and half of its 95 % confidence interval
	ns, of         float64 // medians of the differences, and of an operation without
}

func (r ratio) String() string {
	if r.median == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f ±%.3f %+.0f/%.0f", r.median, r.margin, r.ns, r.of)
}

// ratioOf compares rounds with and without, of which those of one index were run close together.
func ratioOf(with, without []float64) ratio {
	n := len(with)
	if n == 0 {
		return ratio{}
	}
	ratios, differences := make([]float64, n), make([]float64, n)
	for i := range n {
		ratios[i] = without[i] / with[i]
		differences[i] = with[i] - without[i]
	}
	slices.Sort(ratios)
	// The sign test: ranks between which the median lies, whatever the distribution.
	k := max(0, int(float64(n)/2-0.98*math.Sqrt(float64(n))))
	return ratio{median(ratios), (ratios[n-1-k] - ratios[k]) / 2, median(differences), median(without)}
}

// state is what is attached while a load runs.
type state struct {
	attach, detach func() error
	kinds          []string
	times          map[string][]float64 // by kind and load
}

// loadNames are the loads whose throughput is measured.
var loadNames = []string{"sends", "bulk", "visits"}

func (e effort) run(s *state, loads map[string]*load) error {
	if err := s.attach(); err != nil {
		return err
	}
	n := map[string]int{"sends": e.sends, "bulk": e.sends / 4, "visits": e.visits}
	for _, kind := range s.kinds {
		for _, name := range loadNames {
			if kind != unwatched || name != "visits" { // a new connection is watched
				key := kind + name
				s.times[key] = append(s.times[key], loads[kind].do(name, kind, n[name]))
			}
		}
	}
	return s.detach()
}

// ratios fills in the throughputs, and gives that of both ends under the empty programs. Every load runs
// in each state in turn, a little of it, again and again: what the machine does besides falls on all. The
// hooks are left detached.
func (e effort) ratios(b *testing.B, p *Probe, all twins, loads map[string]*load, rows map[string]*row) *row {
	b.Helper()
	none := func() error { return nil }
	again := func() error { return attachAgain(p) }
	without := &state{none, none, kinds, map[string][]float64{}}
	with := &state{again, p.detach, kinds, map[string][]float64{}}
	empty := &state{all.attach, all.detach, []string{bothEnds}, map[string][]float64{}}
	if err := p.detach(); err != nil {
		b.Fatal(err)
	}
	states := []*state{without, with, empty}
	for i := range e.pairs {
		for j := range states {
			k := (i + j) % len(states)
			if i%2 == 1 { // neither is always the one before the other
				k = len(states) - 1 - k
			}
			if err := e.run(states[k], loads); err != nil {
				b.Fatal(err)
			}
		}
	}
	fill := func(r *row, kind string, s *state) {
		for i, to := range []*ratio{&r.sends, &r.bulk, &r.visits} {
			key := kind + loadNames[i]
			*to = ratioOf(s.times[key], without.times[key])
		}
	}
	for kind, r := range rows {
		fill(r, kind, with)
	}
	unreal := &row{send: math.NaN(), packet: math.NaN(), connect: math.NaN(), newConnect: math.NaN()}
	fill(unreal, bothEnds, empty)
	return unreal
}
