package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestDescriptors: what a run has open does not grow with what it has seen.
func TestDescriptors(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	cell.Serve(mx)
	tr := start(t, cell, probe.Auto)
	open := func() int {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", tr.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	sent := tr.warm(cell, mx)
	before := open()
	cell.Run(live.Child("spray", mx, "200"))
	tr.await(record.ActionSession, sent+200)
	live.Eventually(t, fmt.Sprintf("%d descriptors are open, as before", before), func() bool { return open() <= before })
	tr.stop()
}

// TestReadyFile: it is there from when the run is ready to its end, and one that a run before it has left does not
// stand for this one.
func TestReadyFile(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	if err := os.WriteFile(ready, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	child := live.Child("smtptrace", "run", "--cgroup", cell.Cgroup, "--privacy", "none", "--ready-file", ready, "-o", filepath.Join(dir, "log"))
	var stderr bytes.Buffer
	child.Stderr = &stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := func() string { b, _ := os.ReadFile(ready); return strings.TrimSpace(string(b)) }
	live.Eventually(t, "the file of before is gone", func() bool { return said() != "1" })
	if s := said(); s != "" && s != strconv.Itoa(child.Process.Pid) {
		t.Errorf("it says %q", s)
	}
	live.Eventually(t, "ready", func() bool { return said() == strconv.Itoa(child.Process.Pid) })
	child.Process.Signal(syscall.SIGTERM)
	if err := child.Wait(); err != nil {
		t.Errorf("%v: %s", err, &stderr)
	}
	if _, err := os.Stat(ready); err == nil {
		t.Error("it is still there")
	}
}

// TestEndedAtItsStart: a run that is told to end before it is ready leaves nothing behind, and fails nothing.
func TestEndedAtItsStart(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	child := live.Child("smtptrace", "run", "--cgroup", cell.Cgroup, "--privacy", "none", "-o", log)
	var stderr bytes.Buffer
	child.Stderr = &stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	below := func() int {
		list, err := filepath.Glob(filepath.Join(cell.Cgroup, "smtptrace-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	live.Eventually(t, "its self-test", func() bool { return below() == 1 })
	child.Process.Signal(syscall.SIGTERM)
	if err := child.Wait(); err != nil || strings.Contains(stderr.String(), "error") {
		t.Errorf("%v: %s", err, &stderr)
	}
	if n := below(); n != 0 {
		t.Errorf("%d cgroups are left", n)
	}
}
