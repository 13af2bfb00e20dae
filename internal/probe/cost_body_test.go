package probe

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/bpf"
)

// twin is a program of the probe and an empty one that is attached in the same way. What the kernel's
// statistics say of the empty one is the cost of the statistics.
type twin struct {
	question Question
	name     string
	real     *ebpf.Program
	empty    *ebpf.Program
	attach   func() ([]link.Link, error) // the empty one
	links    []link.Link
}

type twins []*twin

// newTwins loads an empty program for each program of the probe.
func newTwins(b *testing.B, p *Probe) twins {
	b.Helper()
	spec, err := bpf.LoadSmtptrace()
	if err != nil {
		b.Fatal(err)
	}
	var all twins
	eachProgram(p, func(a *answer, prog program) {
		from := spec.Programs[prog.name]
		verdict := int32(1) // of a cgroup's program: let it pass
		if from.Type == ebpf.Tracing || from.Type == ebpf.Kprobe {
			verdict = 0
		}
		load := func(string) (*ebpf.Program, error) {
			return ebpf.NewProgram(&ebpf.ProgramSpec{
				Name: "empty", Type: from.Type, AttachType: from.AttachType, AttachTo: from.AttachTo, License: "GPL",
				Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()},
			})
		}
		t := &twin{question: a.hook.Question, name: prog.name, real: a.programs[prog.name]}
		var err error
		if t.empty, err = load(""); err != nil {
			b.Fatalf("load an empty %s: %v", prog.name, err)
		}
		t.attach = func() ([]link.Link, error) { return attachAnew(&t.empty, prog, p.cgroup.path, load) }
		all = append(all, t)
	})
	return all
}

// measure switches the kernel's statistics on, and attaches the empty ones beside the real ones.
func (all twins) measure(b *testing.B) (stop func()) {
	b.Helper()
	closer, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		b.Fatalf("switch the kernel's BPF statistics on: %v", err)
	}
	if err := all.attach(); err != nil {
		b.Fatal(err)
	}
	return func() {
		all.detach()
		closer.Close()
	}
}

func (all twins) attach() (err error) {
	for _, t := range all {
		if t.links, err = t.attach(); err != nil {
			return fmt.Errorf("attach an empty %s: %w", t.name, err)
		}
	}
	return nil
}

func (all twins) detach() error {
	var errs []error
	for _, t := range all {
		errs = append(errs, closeAll(t.links))
	}
	return errors.Join(errs...)
}

func (all twins) close() {
	for _, t := range all {
		t.empty.Close()
	}
}

// eachProgram calls f for each program that was chosen.
func eachProgram(p *Probe, f func(*answer, program)) {
	for i := range p.answers {
		a := &p.answers[i]
		for _, c := range candidates {
			if c.question != a.hook.Question || c.name != a.hook.Name {
				continue
			}
			for _, prog := range c.programs {
				f(a, prog)
			}
		}
	}
}

// attachAgain undoes Probe.detach.
func attachAgain(p *Probe) error {
	var errs []error
	eachProgram(p, func(a *answer, prog program) {
		loaded := a.programs[prog.name]
		l, err := attachAnew(&loaded, prog, p.cgroup.path, p.loader.load)
		if err != nil {
			errs = append(errs, fmt.Errorf("attach %s again: %w", prog.name, err))
			return
		}
		a.programs[prog.name], a.links = loaded, append(a.links, l...)
	})
	return errors.Join(errs...)
}

// attachAnew attaches a program that may have been attached before. Up to 5.12 a tracing program can be
// attached once in its life: then another takes its place.
func attachAnew(loaded **ebpf.Program, prog program, cgroup string, load func(string) (*ebpf.Program, error)) (
	[]link.Link, error,
) {
	l, err := prog.attach(*loaded, cgroup)
	if !errors.Is(err, unix.EINVAL) {
		return l, err
	}
	again, err := load(prog.name)
	if err != nil {
		return nil, err
	}
	(*loaded).Close()
	*loaded = again
	return prog.attach(again, cgroup)
}

// body is what one program did in a round: how often it ran, and how long without the statistics.
type body struct{ runs, ns float64 }

// bodies measures one round of a load: a body for each twin.
func bodies(b *testing.B, all twins, round func()) []body {
	b.Helper()
	read := func() (stats [][2]*ebpf.ProgramStats) {
		for _, t := range all {
			var pair [2]*ebpf.ProgramStats
			for i, prog := range []*ebpf.Program{t.real, t.empty} {
				var err error
				if pair[i], err = prog.Stats(); err != nil {
					b.Fatalf("read the statistics of %s: %v", t.name, err)
				}
			}
			stats = append(stats, pair)
		}
		return stats
	}
	before := read()
	round()
	after := read()
	list := make([]body, len(all))
	for i := range all {
		ran := func(which int) (runs, ns float64) {
			x, y := before[i][which], after[i][which]
			return float64(y.RunCount - x.RunCount), float64(y.Runtime - x.Runtime)
		}
		runs, ns := ran(0)
		if emptyRuns, emptyNs := ran(1); emptyRuns > 0 {
			ns -= emptyNs / emptyRuns * runs
		}
		list[i] = body{runs, ns}
	}
	return list
}

// medianBody measures rounds of n operations. It gives the nanoseconds a run and the runs an operation of
// each twin: medians over the rounds.
func medianBody(b *testing.B, all twins, rounds, n int, round func()) []body {
	b.Helper()
	round() // warm
	ns, runs := make([][]float64, len(all)), make([][]float64, len(all))
	for range rounds {
		for i, one := range bodies(b, all, round) {
			runs[i] = append(runs[i], one.runs/float64(n))
			if one.runs > 0 {
				ns[i] = append(ns[i], one.ns/one.runs)
			}
		}
	}
	list := make([]body, len(all))
	for i := range all {
		list[i] = body{runs: median(runs[i]), ns: median(ns[i])}
	}
	return list
}

// median gives 0 of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
