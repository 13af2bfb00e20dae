package proc

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
)

// hung is a Perl whose script is on a file system that does not answer.
func hung(t *testing.T) (*helper, *event.Process) {
	t.Helper()
	needRoot(t)
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	dir, perl := t.TempDir(), copyExe(t, filepath.Join(t.TempDir(), "perl"))
	cmd := exec.Command(perl)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Env = append(os.Environ(), "DIR="+dir)
	h := start(t, cmd, "hung")
	p := observed(t, h.cmd.Process.Pid)
	p.Args = []string{perl, filepath.Join(dir, "x.pl")}
	return h, p
}

// A file system that does not answer makes nobody wait but those whose files it has.
func TestHungFileSystem(t *testing.T) {
	h, p := hung(t)
	path, sum := newProgram(t)
	_, other := run(t, path)
	r, err := open("/")
	if err != nil {
		t.Fatal(err)
	}
	r.relief.patience = 10 * time.Millisecond
	r.start()
	closed := make(chan struct{})
	const scripts = 5 // more than there are workers
	for range scripts {
		p = observedFile(t, p)
		r.Observe(p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r.Observe(other)
	if id := r.Wait(ctx, other.Key); id == nil || id.Hash != (Hash{sum, Verified}) {
		t.Errorf("another process is %+v", id)
	}
	if n := r.Counters().Stalled; n < scripts-1 {
		t.Errorf("%d workers are counted as stalled", n)
	}
	go func() {
		r.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-ctx.Done():
		t.Error("the end waits for the file system")
	}
	h.end() // and the file system with it
	<-closed
	r.relief.work.Wait()
}

// A worker that comes back after its substitute began leaves; one that was never away does not.
func TestRelief(t *testing.T) {
	r := relief{patience: time.Millisecond}
	began := make(chan struct{})
	if !r.turn(func() { close(began) }, func(func()) { <-began }) {
		t.Error("a worker stays that has a substitute")
	}
	r.patience = time.Hour
	if r.turn(func() { t.Error("a substitute for nobody") }, func(func()) {}) {
		t.Error("a worker leaves that has none")
	}
	if n := r.stalled.Load(); n != 1 || r.away.Load() != 0 {
		t.Errorf("%d were stalled, %d are", n, r.away.Load())
	}
	if !r.wait() {
		t.Error("somebody is still at work")
	}
}

// A file that takes long to be hashed, being large or read slowly on purpose, is not one that cannot be read.
func TestReliefOfLargeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, make([]byte, 8*laneBuf), 0o644); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		st, err := statFd(int(f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		r := &relief{patience: 2 * time.Second}
		l := newLane(newPace(laneBuf, laneBuf, nil), r) // a stretch a second
		r.work.Go(l.run)
		done := make(chan outcome)
		l.add(&job{stat: st, file: f, done: func(o outcome) { done <- o }})
		if o := <-done; o.err != nil {
			t.Error(o.err)
		}
		l.close()
		if !r.wait() || r.stalled.Load() != 0 {
			t.Errorf("%d times it passed for stuck", r.stalled.Load())
		}
	})
}
