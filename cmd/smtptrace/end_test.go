package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtptrace/smtptrace/internal/live"
)

// fakeProbe notes what is done to it. Draining it takes a second.
type fakeProbe struct{ done []string }

func (p *fakeProbe) Drain() error {
	<-time.After(time.Second) // of a bubble
	p.done = append(p.done, "drained")
	return errors.New("not drained")
}

func (p *fakeProbe) Close() error {
	p.done = append(p.done, "closed")
	return errors.New("not closed")
}

// However a run ends, the probe is drained once, and closed once behind that.
func TestWatch(t *testing.T) {
	for name, test := range map[string]struct {
		d    time.Duration
		do   func(w *watch, tell func())
		want string
	}{
		"told to end":        {0, func(w *watch, tell func()) { tell(); <-w.ctx.Done() }, "drained closed"},
		"told to end, hasty": {0, func(_ *watch, tell func()) { tell() }, "drained closed"},
		"stopped":            {0, func(w *watch, _ func()) { w.stop(); <-time.After(time.Minute) }, "drained closed"},
		"after a time":       {time.Hour, func(w *watch, _ func()) { <-w.ctx.Done() }, "drained closed"},
		"before that time":   {time.Hour, func(*watch, func()) {}, "drained closed"},
		"all at the same time": {time.Second, func(w *watch, tell func()) {
			<-time.After(time.Second)
			tell()
			w.stop()
		}, "drained closed"},
	} {
		synctest.Test(t, func(t *testing.T) { // which fails where a goroutine is left
			ctx, tell := context.WithCancel(context.Background())
			defer tell()
			p := &fakeProbe{}
			w := watchUntil(ctx, p, test.d)
			test.do(w, tell)
			if err := w.end(); err == nil || err.Error() != "not drained\nnot closed" {
				t.Errorf("%s: %v", name, err)
			}
			if err := w.end(); err != nil {
				t.Errorf("%s: again: %v", name, err)
			}
			if got := strings.Join(p.done, " "); got != test.want {
				t.Errorf("%s: %s, want %s", name, got, test.want)
			}
		})
	}
}

// runHere runs the tracer within the test, and gives its status and what it says.
func runHere(cell *live.Cell, flags ...string) (status int, said string) {
	var stdout, stderr bytes.Buffer
	status = run(append([]string{"run", "--cgroup", cell.Cgroup, "--duration", "50ms", "--smarthost", "none"}, flags...), nil, &stdout, &stderr)
	return status, stderr.String()
}

// leavesNothing fails if do leaves a descriptor or a goroutine behind.
func leavesNothing(t *testing.T, what string, do func()) {
	t.Helper()
	open := func() (list []string) {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if link, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
				list = append(list, link)
			}
		}
		slices.Sort(list)
		return list
	}
	before, running := open(), runtime.NumGoroutine()
	do()
	live.Eventually(t, fmt.Sprintf("%s: no more than %d goroutines", what, running), func() bool { return runtime.NumGoroutine() <= running })
	if after := open(); !slices.Equal(before, after) {
		t.Errorf("%s: open before: %q\nafter: %q", what, before, after)
	}
}

// wholeMemory takes back what a run in this process does to its memory.
func wholeMemory(t *testing.T) {
	limit := debug.SetMemoryLimit(-1)
	t.Cleanup(func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(100)
	})
}

// What can fail without a hook does so before one is attached: here none can be. It is said with what to do, and
// nothing is left.
func TestFailsBeforeHooks(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	wholeMemory(t)
	if status, said := runHere(cell, "--privacy", "none"); status != exitDone {
		t.Fatalf("status %d: %s", status, said)
	}
	if err := os.WriteFile(filepath.Join(cell.Cgroup, "cgroup.max.descendants"), []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	ready, none := filepath.Join(dir, "ready"), filepath.Join(dir, "none/x")
	t.Setenv("STATE_DIRECTORY", "/dev/null")
	for name, c := range map[string]struct {
		flags       []string
		error, hint string
	}{
		"hooks":          {[]string{"--privacy", "none"}, "cannot trace: start the self-test", "its self-test runs in a cgroup of its own"},
		"metrics":        {[]string{"--privacy", "none", "--metrics-addr", taken.Addr().String()}, "serve metrics: listen tcp " + taken.Addr().String() + ": bind: address already in use", "give --metrics-addr an address"},
		"privacy":        {nil, "the key for address hashes: ", "set STATE_DIRECTORY to a directory"},
		"output":         {[]string{"--privacy", "none", "-o", none}, none, ""},
		"no directory":   {[]string{"--privacy", "none", "--ready-file", none}, "write the ready file: open " + filepath.Dir(none), "give --ready-file a path"},
		"is a directory": {[]string{"--privacy", "none", "--ready-file", dir}, "write the ready file: " + dir + " is a directory", "give --ready-file a path"},
	} {
		if err := os.WriteFile(ready, []byte("1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		flags := append([]string{"--ready-file", ready}, c.flags...)
		leavesNothing(t, name, func() {
			status, said := runHere(cell, flags...)
			if status != exitFailed || !strings.HasPrefix(said, "smtptrace: error: ") || strings.Count(said, "error: ") != 1 ||
				!strings.Contains(said, c.error) || !strings.Contains(said, c.hint) || c.hint != "" && !strings.Contains(said, "\nsmtptrace: hint: ") {
				t.Errorf("%s: status %d: %s\nwant %q, %q", name, status, said, c.error, c.hint)
			}
		})
		if _, err := os.Stat(ready); err == nil && !slices.Contains(c.flags, "--ready-file") {
			t.Errorf("%s: the ready file of before is still there", name)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 1 {
		t.Errorf("left: %v", left)
	}
}

// What fails behind the hooks takes them away again, and leaves nothing.
func TestFailsBehindHooks(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	wholeMemory(t)
	if status, said := runHere(cell, "--privacy", "none"); status != exitDone {
		t.Fatalf("status %d: %s", status, said)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	leavesNothing(t, "the ready file", func() {
		type end struct {
			status int
			said   string
		}
		ended := make(chan end)
		go func() {
			status, said := runHere(cell, "--privacy", "none", "--ready-file", filepath.Join(dir, "ready"))
			ended <- end{status, said}
		}()
		live.Eventually(t, "its self-test", func() bool {
			list, err := filepath.Glob(filepath.Join(cell.Cgroup, "smtptrace-*"))
			return err == nil && len(list) == 1
		})
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
		e := <-ended
		if e.status != exitFailed || strings.Count(e.said, "error: ") != 1 || strings.Contains(e.said, "ready after") ||
			!strings.Contains(e.said, "error: write the ready file: open "+dir) || !strings.Contains(e.said, "\nsmtptrace: hint: give --ready-file a path") {
			t.Errorf("status %d: %s", e.status, e.said)
		}
	})
	leavesNothing(t, "the output", func() {
		status, said := runHere(cell, "--privacy", "none", "-o", "/dev/full", "--duration", "1h")
		if status != exitFailed || strings.Count(said, "error: ") != 1 || !strings.Contains(said, "no space left on device") {
			t.Errorf("status %d: %s", status, said)
		}
	})
}
