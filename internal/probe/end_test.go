package probe

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/live"
)

// kernelObjects counts the programs, maps, links and rings that this process has open.
func kernelObjects(t *testing.T) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if link, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(link, "anon_inode:bpf") {
			n++
		}
	}
	return n
}

// TestEndTwice: draining and closing again does nothing, and nothing is left.
func TestEndTwice(t *testing.T) {
	cell := live.NewCell(t)
	before := kernelObjects(t)
	p := open(t, cell, Auto, true)
	for range 2 {
		if err := p.Drain(); err != nil {
			t.Errorf("drain: %v", err)
		}
	}
	if err := p.Read(&event.Event{}); !errors.Is(err, io.EOF) {
		t.Errorf("read behind the end: %v", err)
	}
	for range 2 {
		if err := errors.Join(p.Close(), p.Drain()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if n := kernelObjects(t); n != before {
		t.Errorf("%d kernel objects are left", n-before)
	}
}

// TestCountedMeanwhile: the run tells its hooks and counters while it is drained.
func TestCountedMeanwhile(t *testing.T) {
	p := open(t, live.NewCell(t), Auto, true)
	var drained sync.WaitGroup
	drained.Go(func() {
		if err := p.Drain(); err != nil {
			t.Error(err)
		}
	})
	if n := len(p.Hooks()); n != len(Questions) {
		t.Errorf("%d hooks", n)
	}
	if _, err := p.Counters(); err != nil {
		t.Error(err)
	}
	drained.Wait()
}

// TestEndAtOnce: draining and closing at the same time, while another goroutine reads, is as good as one after the
// other.
func TestEndAtOnce(t *testing.T) {
	cell := live.NewCell(t)
	before := kernelObjects(t)
	p := open(t, cell, Auto, true)
	var all sync.WaitGroup
	for _, end := range []func() error{p.Drain, p.Close, p.Drain, p.Close} {
		all.Go(func() {
			if err := end(); err != nil {
				t.Error(err)
			}
		})
	}
	for {
		if err := p.Read(&event.Event{}); errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	if n := kernelObjects(t); n != before {
		t.Errorf("%d kernel objects are left", n-before)
	}
}
