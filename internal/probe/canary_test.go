package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/live"
)

// TestNoCanaryInTheRing: secrets and bodies are nowhere in the ring buffer, which is user memory: neither in what
// is read from it nor in what was written and taken back.
func TestNoCanaryInTheRing(t *testing.T) {
	live.Thorough(t)
	families := Families[1:] // auto is one of them
	if live.InVM() {         // emulated: the two kinds of state, and no more
		families = []Family{Fentry, Kprobe}
	}
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			noCanary(t, cell, open(t, cell, f, true))
		})
	}
}

// TestNoCanaryWithoutPackets: nor where what is said is read from the sender's memory, and no answer is seen. Then
// a secret that is shaped like a command is not known from one.
func TestNoCanaryWithoutPackets(t *testing.T) {
	live.Thorough(t)
	for _, f := range []Family{Fentry, Kprobe} {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			noCanary(t, cell, open(t, cell, f, false), "like a command")
		})
	}
}

// noCanary holds the dialogues but for some, and looks into the ring behind each.
func noCanary(t *testing.T, cell *live.Cell, p *Probe, without ...string) {
	t.Helper()
	ring := openRing(t, p)
	for i, c := range live.Canaries() {
		if c.Echoed || slices.Contains(without, c.Name) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			scripts := []live.Script{
				{Addr: fmt.Sprintf("127.2.1.%d:25", i+1), Turns: c.Turns},
				{Addr: fmt.Sprintf("127.2.2.%d:2526", i+1), Turns: live.Pieces(c.Turns)},
			}
			cell.Stage(scripts)
			cell.Play(scripts)
			collect(t, p, len(scripts))
			ring.check(t)
		})
	}
}

// ring is the memory of the ring buffer (kernel/bpf/ringbuf.c): a page with the producer's position, then the data.
type ring struct {
	memory []byte
	seen   uint64
}

func openRing(t *testing.T, p *Probe) *ring {
	t.Helper()
	m, page := p.loader.maps["events"], os.Getpagesize()
	memory, err := unix.Mmap(m.FD(), int64(page), page+int(m.MaxEntries()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatalf("map the ring: %v", err)
	}
	t.Cleanup(func() { unix.Munmap(memory) })
	return &ring{memory: memory}
}

// check looks through what was written since it last did.
func (r *ring) check(t *testing.T) {
	t.Helper()
	data := r.memory[os.Getpagesize():]
	written := binary.NativeEndian.Uint64(r.memory)
	if written == r.seen || written > uint64(len(data)) {
		t.Fatalf("%d bytes were written, of which %d are known", written, r.seen)
	}
	for _, leak := range live.Leaks(data[r.seen:written]) {
		t.Errorf("in the ring: %q", leak)
	}
	r.seen = written
}

// TestFullRing: where nobody reads and the ring is full, secrets and bodies do not come into it behind that
// either, and what follows them is taken for what it is.
func TestFullRing(t *testing.T) {
	live.Thorough(t)
	families := []Family{Kprobe, Tracepoint}
	if live.InVM() { // emulated: it takes minutes to fill the ring
		families = families[:1]
	}
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			p := open(t, cell, f, true)
			ring := openRing(t, p)
			var scripts []live.Script
			for i, c := range live.Canaries() {
				if !c.Echoed {
					scripts = append(scripts, live.Script{Addr: fmt.Sprintf("127.2.3.%d:25", i+1), Turns: live.Pieces(c.Turns)})
				}
			}
			cell.Stage(scripts)
			for full := false; !full; {
				cell.Play(scripts)
				c, err := p.Counters()
				if err != nil {
					t.Fatal(err)
				}
				full = c.Lost() > 0
			}
			cell.Play(scripts) // all of it is lost, or as good as all
			drain(t, p)
			cell.Play(scripts)
			drain(t, p)
			for _, leak := range live.Leaks(ring.memory[os.Getpagesize():]) {
				t.Errorf("in the ring: %q", leak)
			}
		})
	}
}

// drain reads what is there.
func drain(t *testing.T, p *Probe) {
	t.Helper()
	p.SetDeadline(time.Now().Add(100 * time.Millisecond))
	for {
		var e event.Event
		if err := p.Read(&e); errors.Is(err, os.ErrDeadlineExceeded) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
