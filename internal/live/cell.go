// Package live gives tests a network namespace and a cgroup of their own, so that the tracer watches
// what the test itself started and nothing else of the machine.
package live

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Cell is a network namespace with its loopback up, and a cgroup.
type Cell struct {
	Cgroup string // directory in the v2 hierarchy
	NetNS  uint32 // inode number

	t     testing.TB
	dir   *os.File
	calls chan func()
}

// NewCell makes a cell, which goes with the test. Without root the test is skipped.
func NewCell(t testing.TB) *Cell {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces, cgroups and BPF programs")
	}
	c := &Cell{t: t, calls: make(chan func())}
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == ' ' {
			return '-'
		}
		return r
	}, t.Name())
	c.Cgroup = filepath.Join(cgroupRoot(t), fmt.Sprintf("smtptrace-%s-%d", name, os.Getpid()))
	if err := os.Mkdir(c.Cgroup, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.dir, err = os.Open(c.Cgroup); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.dir.Close()
		Eventually(t, "the cgroup is empty", func() bool { return os.Remove(c.Cgroup) == nil })
	})
	ready := make(chan error)
	go c.thread(ready)
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(c.calls) })
	return c
}

// thread is the OS thread that lives in the namespace. It is never unlocked, so it ends with its
// goroutine. It is not the first one: that does not end, and its namespaces are taken for the test's.
func (c *Cell) thread(ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		locked := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(locked)
			c.thread(ready)
		}()
		<-locked
		runtime.UnlockOSThread()
		return
	}
	ready <- func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare the network: %w", err)
		}
		st := syscall.Stat_t{}
		if err := syscall.Stat(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), &st); err != nil {
			return err
		}
		c.NetNS = uint32(st.Ino)
		return LinkUp("lo")
	}()
	for f := range c.calls {
		f()
	}
}

// Do runs f on a thread in the namespace: the sockets that f opens and the processes that it starts
// are in there.
func (c *Cell) Do(f func()) {
	done := make(chan struct{})
	c.calls <- func() { defer close(done); f() }
	<-done
}

// Start starts cmd in the namespace and in the cgroup, or one below it that cmd names, with its errors on
// the test's.
func (c *Cell) Start(cmd *exec.Cmd) {
	c.t.Helper()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if !cmd.SysProcAttr.UseCgroupFD {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(c.dir.Fd())
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	var err error
	c.Do(func() { err = cmd.Start() })
	if err != nil {
		c.t.Fatal(err)
	}
}

// Run starts cmd and waits for its end.
func (c *Cell) Run(cmd *exec.Cmd) {
	c.t.Helper()
	c.Start(cmd)
	if err := cmd.Wait(); err != nil {
		c.t.Fatalf("%s: %v", cmd, err)
	}
}

// LinkUp brings a network interface of this thread's namespace up.
func LinkUp(name string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

func cgroupRoot(t testing.TB) string {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir
		}
	}
	t.Skip("needs a mounted cgroup v2 hierarchy")
	return ""
}
