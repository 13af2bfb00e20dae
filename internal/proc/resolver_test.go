package proc

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
)

func TestUnknown(t *testing.T) {
	r := fakeResolver(t, files(t, nil))
	if id, done := r.Identity(event.ProcessKey{Pid: 1}); id != nil || done {
		t.Errorf("a process that nobody saw is %+v", id)
	}
	if id := r.Wait(t.Context(), event.ProcessKey{Pid: 1}); id != nil {
		t.Errorf("a process that nobody saw is %+v", id)
	}
}

func TestNewFails(t *testing.T) {
	for name, root := range map[string]string{"no directory": "/nonexistent", "no /proc": t.TempDir()} {
		if _, err := New(root); err == nil || !strings.Contains(err.Error(), "open") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// stuck is a resolver without workers.
func stuck(t *testing.T, root string, opts ...Option) *Resolver {
	t.Helper()
	r, err := open(root, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// With its queue full Observe refuses at once, and what the kernel showed is known all the same.
func TestRefused(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	r := stuck(t, dir, WithQueue(2))
	p := fakeProcess(t, dir, "/usr/bin/x")
	var keys []event.ProcessKey
	for i := range 5 {
		one := *p
		one.Key.Pid += uint32(i)
		r.Observe(&one)
		keys = append(keys, one.Key)
	}
	if got := r.Counters().Refused; got != 3 {
		t.Errorf("%d are refused, want 3", got)
	}
	id, done := r.Identity(keys[4])
	if id == nil || done || id.Process.Exe != "/usr/bin/x" || id.Hash.Status != Pending {
		t.Errorf("a refused process is %+v, done: %v", id, done)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if id := r.Wait(ctx, keys[4]); id == nil || id.Hash.Status != Pending {
		t.Errorf("waiting in vain gives %+v", id)
	}
	// Once there are workers, Wait takes the refused up again.
	r.start()
	for _, key := range keys {
		expectHash(t, wait(t, r, key), Hash{sha256Of("x"), Verified})
	}
}

func TestEvicted(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	r := fakeResolver(t, dir, WithProcesses(2))
	p := fakeProcess(t, dir, "/usr/bin/x")
	for i := range 3 {
		one := *p
		one.Key.Pid += uint32(i)
		resolve(t, r, &one)
	}
	if id, _ := r.Identity(p.Key); id != nil {
		t.Errorf("the oldest is known still: %+v", id)
	}
	if got := r.Counters().EvictedProcess; got != 1 {
		t.Errorf("%d are forgotten, want 1", got)
	}
}

// An older reading that comes late changes nothing, nor does one that says the same.
func TestObserveAgain(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	r := fakeResolver(t, dir)
	p := fakeProcess(t, dir, "/usr/bin/x")
	first := resolve(t, r, p)
	older, same := *p, *p
	older.TimeNs, older.Comm = p.TimeNs-1, "old"
	same.TimeNs++
	r.Observe(&older)
	r.Observe(&same)
	if id, done := r.Identity(p.Key); id != first || !done {
		t.Errorf("identity is %+v, done: %v", id, done)
	}
}

func TestClose(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	before := openFiles(t)
	for range 3 {
		r, err := New(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			p := fakeProcess(t, dir, "/usr/bin/x")
			p.Key.Pid += uint32(i)
			r.Observe(p)
		}
		r.Close()
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// After many processes the resolver's memory is that of those it may remember.
func TestMemory(t *testing.T) {
	dir := dpkgRoot(t)
	r := fakeResolver(t, dir)
	p := fakeProcess(t, dir, "/usr/bin/perl")
	before := heap()
	const processes = 100_000
	for i := range processes {
		one := *p
		one.Key.Pid, one.Key.StartNs = uint32(10_000+i), p.Key.StartNs+uint64(i)
		one.Exe, one.Cwd = string([]byte(p.Exe)), fmt.Sprintf("/var/www/site-%d/public", i)
		one.Args = []string{"perl", fmt.Sprintf("/var/www/site-%d/public/mail-%0200d.pl", i, i)}
		one.Cgroup = fmt.Sprintf("/system.slice/docker-%064x.scope", i)
		one.Comm = fmt.Sprintf("perl-%d", i)
		for a := range 8 {
			one.Ancestors = append(one.Ancestors, event.Ancestor{Pid: uint32(a + 1), Comm: fmt.Sprintf("parent-%d", i), ExeInode: 1})
		}
		r.Observe(&one)
		if i%1000 == 999 { // as fast as the workers follow
			wait(t, r, one.Key)
		}
	}
	used := heap() - before
	t.Logf("%d MiB after %d processes, %+v", used>>20, processes, r.Counters())
	if used > 20<<20 {
		t.Errorf("%d MiB are in use", used>>20)
	}
	if got := r.Counters().EvictedProcess; got != processes-2048 {
		t.Errorf("%d are forgotten", got)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkObserve(b *testing.B) {
	root := b.TempDir()
	if err := os.Mkdir(root+"/proc", 0o755); err != nil {
		b.Fatal(err)
	}
	r, err := New(root)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var pid uint32
	for b.Loop() {
		pid++
		r.Observe(&event.Process{Key: event.ProcessKey{Pid: pid}, Exe: "/x", ExeInode: 1})
	}
}
