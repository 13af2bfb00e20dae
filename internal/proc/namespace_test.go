package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mount namespaces and chroot take root")
	}
}

// inMounts runs a copy of the test binary from a file system that nobody else sees.
func inMounts(t *testing.T, kind string) (*helper, *event.Process) {
	t.Helper()
	needRoot(t)
	lower := t.TempDir()
	copyExe(t, filepath.Join(lower, "prog"))
	cmd := exec.Command(selfExe(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Env = append(os.Environ(), "DIR="+t.TempDir(), "KIND="+kind, "LOWER="+lower)
	h := start(t, cmd, "mounts")
	return h, observed(t, h.cmd.Process.Pid)
}

func TestHashInMountNamespace(t *testing.T) {
	_, p := inMounts(t, "tmpfs")
	id := resolve(t, resolver(t), p)
	expectHash(t, id, Hash{sumOf(t, selfExe(t)), Verified})
}

// A process that is gone is reached through another of its mount namespace, and by its path in there.
func TestHashThroughNeighbour(t *testing.T) {
	neighbour, p := inMounts(t, "tmpfs")
	gone := *p
	gone.Key.Pid, gone.Ancestors = 1<<22+1, []event.Ancestor{{Pid: p.Key.Pid}}
	gone.TimeNs += 1e9 // an act long after the file was written
	r := resolver(t)
	expectHash(t, resolve(t, r, &gone), Hash{sumOf(t, selfExe(t)), Verified})

	// And with nobody left, nothing in the host's own tree is taken for it.
	neighbour.end()
	gone.Key.Pid++
	gone.ExeCtimeNs++ // of which no digest is known
	expectHash(t, resolve(t, r, &gone), Hash{Status: Gone})
}

// A process with mounts of its own, such as a service with PrivateTmp, ran a file of the host: it has a
// digest when process and namespace are gone.
func TestHashOfHostFileInGoneNamespace(t *testing.T) {
	needRoot(t)
	path, sum := newProgram(t)
	cmd := exec.Command(path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	h := start(t, cmd, "live")
	p := observed(t, h.cmd.Process.Pid)
	h.end()
	p.Ancestors = nil
	r := resolver(t)
	expectHash(t, resolve(t, r, p), Hash{sum, Verified})

	other := *p
	other.Key.Pid++
	other.ExeInode++
	expectHash(t, resolve(t, r, &other), Hash{Status: Gone})
}

// An overlay of two file systems gives files other numbers than the kernel has inside.
func TestHashInOverlay(t *testing.T) {
	_, p := inMounts(t, "overlay")
	_, kernel := kernelNumbers(t, p)
	if kernel.inode == p.ExeInode && kernel.dev == uint64(p.ExeDev) {
		t.Logf("this overlay's numbers are the kernel's: %+v", kernel)
	}
	p.ExeInode, p.ExeDev = kernel.inode, uint32(kernel.dev)
	r := resolver(t)
	expectHash(t, resolve(t, r, p), Hash{sumOf(t, selfExe(t)), Verified})

	other := *p
	other.Key.ExecId, other.ExeInode = 9, p.ExeInode+1
	if id := resolve(t, r, &other); id.Hash.SHA256 != "" {
		t.Errorf("a file of another number is taken: %+v", id.Hash)
	}
	other.Key.ExecId, other.ExeInode, other.ExeDev = 10, p.ExeInode, p.ExeDev+1
	if id := resolve(t, r, &other); id.Hash.SHA256 != "" {
		t.Errorf("a file of another device is taken: %+v", id.Hash)
	}
}

// An overlay shows other numbers than a mapping has: that proves no other file.
func TestLibraryInOverlay(t *testing.T) {
	for kind, want := range map[string]bool{"overlay": false, "tmpfs": true} {
		_, p := inMounts(t, kind)
		root := openTestRoot(t, fmt.Sprintf("/proc/%d/root", p.Key.Pid))
		st, err := root.stat(p.Exe, inRoot)
		if err != nil {
			t.Fatal(err)
		}
		packaged := &index{stale: true} // any path may be
		if unpackaged(packaged, root, mapping{path: p.Exe, inode: st.inode}, true) {
			t.Errorf("%s: the mapped file is another", kind)
		}
		if unpackaged(packaged, root, mapping{path: p.Exe, inode: st.inode + 1}, true) != want {
			t.Errorf("%s: a file of another number is the mapped one: %t", kind, want)
		}
	}
}

// kernelNumbers reads the inode and the device of a process's exe as the kernel has them, from the
// first mapping of it in /proc/PID/maps.
func kernelNumbers(t *testing.T, p *event.Process) (path string, id fileID) {
	t.Helper()
	path, id, err := firstMapping(p)
	if err != nil {
		t.Fatal(err)
	}
	return path, id
}

func TestHashInChroot(t *testing.T) {
	needRoot(t)
	jail := t.TempDir()
	path := copyExe(t, filepath.Join(jail, "prog"))
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "DIR="+jail)
	h := start(t, cmd, "chroot")
	p := observed(t, h.cmd.Process.Pid)
	p.Exe = path // the kernel gives the path from the namespace's root, whatever the process's is
	r := resolver(t)
	expectHash(t, resolve(t, r, p), Hash{sumOf(t, path), Verified})

	h.end()
	settle(t, path)
	gone := observedFile(t, p)
	expectHash(t, resolve(t, r, gone), Hash{sumOf(t, path), Verified})
}
