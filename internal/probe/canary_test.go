package probe

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
)

// TestNoCanaryInTheRing: secrets and bodies are nowhere in the ring buffer, which is user memory: neither in what
// is read from it nor in what was written and taken back.
func TestNoCanaryInTheRing(t *testing.T) {
	for _, f := range Families[1:] { // auto is one of them
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			p := open(t, cell, f, true)
			ring := openRing(t, p)
			for i, c := range live.Canaries() {
				if c.Echoed {
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
