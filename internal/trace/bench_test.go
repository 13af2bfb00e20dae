package trace

import (
	"io"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/output"
)

// quiet are events that lead to no record, on a connection that is under way.
var quiet = map[string]string{
	"snapshot": "a sender 7",
	"command":  "a C: NOOP",
	"reply":    "a S: 250 2.0.0 Ok",
	"envelope": "a C: RCPT TO:<somebody@example.net>\n a S: 550 5.1.1 no such user",
	"body":     "a C+ 1000",
}

const underWay = opened + "a C: MAIL FROM:<a@example.org>\n a S: 250 Ok\n"

// under is a tracer that has seen the lines before, and the raw events of the lines then. What it has to say
// is passed over.
func under(t testing.TB, before, then string) (*Tracer, *flood) {
	t.Helper()
	stage := newStage(t)
	stage.learn(before)
	begun := len(stage.source.script.steps)
	stage.learn(before + then)
	tr := New(stage.source, stage.options)
	go func() {
		for range tr.drafts {
		}
	}()
	t.Cleanup(func() { close(tr.drafts) })
	seen := &flood{source: stage.source}
	var e event.Event
	for i, step := range stage.source.script.steps {
		if i >= begun {
			seen.events = append(seen.events, step.raw)
			continue
		}
		if err := e.Decode(step.raw); err != nil {
			t.Fatal(err)
		}
		tr.apply(&e)
	}
	return tr, seen
}

// all applies each of the events once.
func (f *flood) all(t testing.TB, tr *Tracer, e *event.Event) {
	f.at, f.n = 0, len(f.events)
	for range f.events {
		if err := f.Read(e); err != nil {
			t.Fatal(err)
		}
		tr.apply(e)
	}
	f.round++
}

// The loop does not allocate for an event that leads to no record: its cost is bounded, and so is the
// collector's.
func TestEventWithoutRecordDoesNotAllocate(t *testing.T) {
	for name, text := range quiet {
		t.Run(name, func(t *testing.T) {
			tr, f := under(t, underWay, text)
			var e event.Event
			f.all(t, tr, &e)
			allocs := testing.AllocsPerRun(1000, func() { f.all(t, tr, &e) })
			if allocs != 0 {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
}

// The memory of a connection that has ended serves the next one. What is allocated is of the records alone.
func TestConnectionWithoutRecordDoesNotAllocate(t *testing.T) {
	tr, f := under(t, "process 7 /usr/sbin/exim4\n", "a connect 7 198.51.100.25:25\n a closed 0 0")
	tr.opts.Connects, f.anew = ConnectsNone, true
	var e event.Event
	f.all(t, tr, &e)
	if allocs := testing.AllocsPerRun(1000, func() { f.all(t, tr, &e) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// flood gives the same events again and again: of the same connections or, anew, of others each time.
type flood struct {
	*source
	events [][]byte
	at, n  int
	anew   bool
	round  int
}

func (f *flood) Read(e *event.Event) error {
	if f.at == f.n {
		return io.EOF
	}
	err := e.Decode(f.events[f.at%len(f.events)])
	if f.anew {
		others := uint64(f.round+f.at/len(f.events)) << 32
		e.Conn.ID += others
		e.Payload.ID += others
	}
	f.at++
	return err
}

// BenchmarkEvent is one event without a record, through the loop: read, decode, apply, look at the clock.
func BenchmarkEvent(b *testing.B) {
	for name, text := range quiet {
		b.Run(name, func(b *testing.B) {
			tr, f := under(b, underWay, text)
			f.n = b.N
			tr.source = f
			b.ReportAllocs()
			b.ResetTimer()
			if err := tr.loop(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkSession is a whole session of 16 events and three records: as the loop makes them, and with the
// writer that completes them and writes JSON.
func BenchmarkSession(b *testing.B) {
	const process = "process 7 /usr/sbin/exim4\n"
	const session = "a connect 7 198.51.100.25:25\n a established\n a smtp\n" + dialogue + "a closed 700 100"
	b.Run("loop", func(b *testing.B) {
		tr, f := under(b, process, session)
		f.anew = true
		var e event.Event
		b.ReportAllocs()
		for b.Loop() {
			f.all(b, tr, &e)
		}
	})
	b.Run("written", func(b *testing.B) {
		stage := newStage(b)
		stage.write(output.Options{Stdout: io.Discard})
		stage.learn(process + session)
		f := &flood{source: stage.source, anew: true}
		for _, step := range stage.source.script.steps[1:] {
			f.events = append(f.events, step.raw)
		}
		f.n = b.N * len(f.events)
		b.ReportAllocs()
		b.ResetTimer()
		if err := New(f, stage.options).Run(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(f.n)/b.Elapsed().Seconds(), "events/s")
	})
}
