package proc

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// keyOf names a running process as the kernel would, to the tick.
func keyOf(t *testing.T, pid int) event.ProcessKey {
	t.Helper()
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	st, err := readStat(dir)
	if err != nil {
		t.Fatal(err)
	}
	return event.ProcessKey{Pid: uint32(pid), StartNs: st.startTicks * (1e9 / userHz), ExecId: 3}
}

// eventually waits for a condition; the bound is reached by a failure alone.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for this: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// TestRecall: a process that the kernel's programs have shown nobody, or of which that is forgotten, is read in /proc
// while it lives, and says that it was; not one that has its pid from another.
func TestRecall(t *testing.T) {
	r, err := New("/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	key := keyOf(t, os.Getpid())
	if !r.Recall(key) {
		t.Fatal("it is not even looked for")
	}
	var id *Identity
	eventually(t, "it is found", func() bool {
		id, _ = r.Identity(key)
		return id != nil
	})
	p := id.Process
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if p.Exe != exe || p.Cwd != cwd || p.UID != uint32(os.Getuid()) || p.Ppid != uint32(os.Getppid()) || !p.Recalled || p.ExeInode == 0 ||
		!slices.Equal(p.Args[:1], os.Args[:1]) || len(p.Ancestors) == 0 || p.Ancestors[0].Pid != p.Ppid {
		t.Errorf("it is %+v", p)
	}
	if id := wait(t, r, key); id.Hash.Status != Verified {
		t.Errorf("its hash is %+v", id.Hash)
	}
	key.StartNs += 1e9
	eventually(t, "another one with its pid is not found", func() bool { return !r.Recall(key) })
	if id, _ := r.Identity(key); id != nil {
		t.Errorf("it is %+v", id.Process)
	}
}

// TestKeep: what is kept outlasts thousands of others, until it is released as often.
func TestKeep(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	r := fakeResolver(t, dir, WithProcesses(2))
	p := fakeProcess(t, dir, "/usr/bin/x")
	r.Keep(p.Key)
	r.Keep(p.Key)
	resolve(t, r, p)
	others := func() {
		for i := range 3 {
			one := *p
			one.Key.Pid += uint32(i + 1)
			resolve(t, r, &one)
		}
	}
	others()
	for range 2 {
		if id, done := r.Identity(p.Key); id == nil || !done {
			t.Error("it is forgotten")
		}
		r.Release(p.Key)
	}
	if id, _ := r.Identity(p.Key); id != nil {
		t.Error("it is kept for ever")
	}
}
