package proc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

func sumOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func expectHash(t *testing.T, id *Identity, want Hash) {
	t.Helper()
	if id.Hash != want {
		t.Errorf("hash is %+v, want %+v", id.Hash, want)
	}
}

func expectFlag(t *testing.T, id *Identity, flag Flag, want bool) {
	t.Helper()
	if slices.Contains(id.Flags, flag) != want {
		t.Errorf("%s raised: %v, in %q", flag, !want, id.Flags)
	}
}

// newProgram makes a copy of the test binary, old enough that its ctime is its own.
func newProgram(t *testing.T) (path, sum string) {
	t.Helper()
	path = copyExe(t, filepath.Join(t.TempDir(), "prog"))
	settle(t, path)
	return path, sumOf(t, path)
}

// settle waits until a file's ctime is settled.
func settle(t *testing.T, path string) {
	t.Helper()
	for {
		st, err := statAt(unix.AT_FDCWD, path, 0)
		if err != nil {
			t.Fatal(err)
		}
		if settled(st.ctimeNs, time.Now().UnixNano()) {
			return
		}
		<-time.After(time.Millisecond)
	}
}

func run(t *testing.T, path string) (*helper, *event.Process) {
	t.Helper()
	h := start(t, exec.Command(path), "live")
	return h, observed(t, h.cmd.Process.Pid)
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestHashOfRunning(t *testing.T) {
	path, sum := newProgram(t)
	_, p := run(t, path)
	id := resolve(t, resolver(t), p)
	expectHash(t, id, Hash{sum, Verified})
	expectFlag(t, id, ExeDeleted, false)
	expectFlag(t, id, ExeMemfd, false)
}

func TestHashOfExited(t *testing.T) {
	path, sum := newProgram(t)
	h, p := run(t, path)
	h.end()
	expectHash(t, resolve(t, resolver(t), p), Hash{sum, Verified})
}

func TestHashOfDeletedBeforeTheAct(t *testing.T) {
	path, sum := newProgram(t)
	h := start(t, exec.Command(path), "live")
	remove(t, path)
	id := resolve(t, resolver(t), observed(t, h.cmd.Process.Pid))
	expectHash(t, id, Hash{sum, Deleted})
	expectFlag(t, id, ExeDeleted, true)
}

func TestHashOfDeletedAfterTheAct(t *testing.T) {
	path, sum := newProgram(t)
	_, p := run(t, path)
	remove(t, path)
	id := resolve(t, resolver(t), p)
	expectHash(t, id, Hash{sum, Deleted})
	expectFlag(t, id, ExeDeleted, true)
}

// Deleted, it mailed at once and ended: the deletion is no writing.
func TestHashOfDeletedJustBeforeTheAct(t *testing.T) {
	path, sum := newProgram(t)
	h := start(t, exec.Command(path), "live")
	remove(t, path)
	p := observed(t, h.cmd.Process.Pid)
	r, err := open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Observe(p)
	r.study(<-r.near.arrivals, mustLive(t, r, p), false)
	h.end()
	r.start()
	expectHash(t, wait(t, r, p.Key), Hash{sum, Deleted})
}

// The path holds another program by the time that anybody looks; the process still has the first.
func TestHashOfReplacedWhileRunning(t *testing.T) {
	path, sum := newProgram(t)
	_, p := run(t, path)
	other := filepath.Join(filepath.Dir(path), "other")
	if err := os.WriteFile(other, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	expectHash(t, resolve(t, resolver(t), p), Hash{sum, Deleted})
}

// What stands at the path when the process is gone is not what ran, whatever it is made of.
func TestHashOfReplaced(t *testing.T) {
	for name, replace := range map[string]func(path string) error{
		"file":      func(path string) error { return os.WriteFile(path, []byte("other"), 0o755) },
		"link":      func(path string) error { return os.Symlink("/bin/sh", path) },
		"FIFO":      func(path string) error { return unix.Mkfifo(path, 0o755) },
		"device":    func(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o755, int(unix.Mkdev(1, 5))) },
		"directory": func(path string) error { return os.Mkdir(path, 0o755) },
		"sparse giant": func(path string) error {
			if err := os.WriteFile(path, nil, 0o755); err != nil {
				return err
			}
			return os.Truncate(path, 1<<42)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := newProgram(t)
			h, p := run(t, path)
			h.end()
			remove(t, path)
			if err := replace(path); err != nil {
				if name == "device" && os.Getuid() != 0 {
					t.Skip("making a device takes root")
				}
				t.Fatal(err)
			}
			id := resolve(t, resolver(t), p)
			expectHash(t, id, Hash{Status: Replaced})
			expectFlag(t, id, ExeModified, false)
		})
	}
}

// The same file with another content of the same size, and its times set back.
func TestHashOfRewritten(t *testing.T) {
	path, _ := newProgram(t)
	h, p := run(t, path)
	h.end()
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("other"), before.Size()-5); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.Chtimes(path, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	expectHash(t, resolve(t, resolver(t), p), Hash{Status: Replaced})
}

func TestHashOfGone(t *testing.T) {
	path, _ := newProgram(t)
	h, p := run(t, path)
	h.end()
	remove(t, path)
	id := resolve(t, resolver(t), p)
	expectHash(t, id, Hash{Status: Gone})
	expectFlag(t, id, ExeDeleted, false) // it was there at the act
}

func TestHashOfMemfd(t *testing.T) {
	fd, err := unix.MemfdCreate("mailer", 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "memfd")
	defer f.Close()
	b, err := os.ReadFile(selfExe(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	// A file that is open for writing cannot be run.
	ro, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	f.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{ro}
	h := start(t, cmd, "live")
	// With the name, without one of the maker's choice, and without the one that the kernel may give.
	for _, exe := range []string{"/memfd:mailer", "/memfd:", "/"} {
		p := observed(t, h.cmd.Process.Pid)
		p.Exe = exe
		id := resolve(t, resolver(t), p)
		expectHash(t, id, Hash{sumOf(t, selfExe(t)), Memfd})
		expectFlag(t, id, ExeMemfd, true)
		expectFlag(t, id, ExeDeleted, false)
		expectFlag(t, id, ExeNotPackaged, false)
	}
}

// The process has become another program since the act: its exe link leads to the wrong file.
func TestHashAfterExec(t *testing.T) {
	first, sum := newProgram(t)
	second, _ := newProgram(t)
	h := start(t, exec.Command(first), "exec")
	p := observed(t, h.cmd.Process.Pid)
	fmt.Fprintln(h.in, second)
	h.ready(t)
	expectHash(t, resolve(t, resolver(t), p), Hash{sum, Verified})
	remove(t, first)
	expectHash(t, resolve(t, resolver(t), p), Hash{Status: Gone})
}

// Another process has the pid by now.
func TestHashOfAnotherPid(t *testing.T) {
	path, _ := newProgram(t)
	_, p := run(t, path)
	remove(t, path)
	p.Key.StartNs -= 1e9
	expectHash(t, resolve(t, resolver(t), p), Hash{Status: Gone})
}

func TestHashTooLarge(t *testing.T) {
	path, _ := newProgram(t)
	if err := os.Truncate(path, 1<<40); err != nil { // which runs all the same
		t.Skipf("no file system for a sparse file of a terabyte: %v", err)
	}
	_, p := run(t, path)
	r := resolver(t)
	expectHash(t, resolve(t, r, p), Hash{Status: TooLarge})
	if n := r.Counters().HashesByStatus[TooLarge]; n != 1 {
		t.Errorf("%d files are counted as too large", n)
	}
}

// A big file is hashed, and nobody waits for it.
func TestBigFileDelaysNobody(t *testing.T) {
	big, _ := newProgram(t)
	if err := os.Truncate(big, 1<<30); err != nil {
		t.Skipf("no room for a sparse file of a gigabyte: %v", err)
	}
	small, sum := newProgram(t)
	_, pBig := run(t, big)
	_, pSmall := run(t, small)
	r := resolver(t)
	r.Observe(pBig)
	expectHash(t, resolve(t, r, pSmall), Hash{sum, Verified})
	if id, done := r.Identity(pBig.Key); done {
		t.Errorf("a gigabyte was hashed before 10 megabytes: %+v", id.Hash)
	}
}

// A file that was written just before the act may have been written again, under the same ctime.
func TestHashOfUnsettled(t *testing.T) {
	path, _ := newProgram(t)
	h, p := run(t, path)
	h.end()
	now := time.Now().UnixNano()
	p.TimeNs = uint64(int64(bootNs(t)) - now + int64(p.ExeCtimeNs) + 1e6)
	expectHash(t, resolve(t, resolver(t), p), Hash{Status: Gone})
}

// What such a file holds is known only while it runs, for then nobody can write it: neither what it holds
// later counts, nor what another process of the same numbers ran.
func TestHashOfUnsettledWhileRunning(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	settle(t, filepath.Join(dir, "usr/bin/x"))
	r, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fresh := func(pid uint32) *event.Process {
		p := fakeProcess(t, dir, "/usr/bin/x")
		p.Key.Pid = pid
		p.TimeNs = uint64(int64(bootNs(t)) - time.Now().UnixNano() + int64(p.ExeCtimeNs) + 1e6)
		return p
	}
	runs, ends, never := fresh(1), fresh(2), fresh(3)
	alive(t, dir, runs, nil)
	alive(t, dir, ends, nil)
	for _, p := range []*event.Process{runs, ends} {
		r.Observe(p)
		r.study(<-r.near.arrivals, mustLive(t, r, p), false)
	}
	if err := os.RemoveAll(filepath.Join(dir, "proc/2")); err != nil {
		t.Fatal(err)
	}
	r.start()
	expectHash(t, wait(t, r, runs.Key), Hash{sha256Of("x"), Verified})
	expectHash(t, wait(t, r, ends.Key), Hash{Status: Gone})
	expectHash(t, resolve(t, r, never), Hash{Status: Gone})
}

func mustLive(t *testing.T, r *Resolver, p *event.Process) *live {
	t.Helper()
	l, err := openLive(r.procfs, p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
