package live

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// Kernel is the running kernel's version as two numbers.
func Kernel(t testing.TB) (major, minor int) {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(string(b)), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	return major, minor
}

// RefusesProbes is true for the hook families kprobe and fentry on a kernel that was built without
// kprobes: then neither can be had, and a test of them may be skipped. So it is for fentry on arm64
// before 6.4, which loads it and cannot attach it. On any other kernel they must work.
func RefusesProbes(t testing.TB, family string) bool {
	if family != "kprobe" && family != "fentry" {
		return false
	}
	if major, minor := Kernel(t); runtime.GOARCH == "arm64" && family == "fentry" && (major < 6 || major == 6 && minor < 4) {
		return true
	}
	symbols, err := os.ReadFile("/proc/kallsyms")
	return err == nil && !strings.Contains(string(symbols), " register_kprobe\n")
}

// InVM is true in a guest of scripts/vm/run, where everything takes many times as long.
func InVM() bool { return os.Getenv("SMTPTRACE_VM") != "" }

// Thorough skips a test where there is time for the main things alone: in VMs, unless they are asked for
// more.
func Thorough(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("a thorough test, and this is a short run: see scripts/test-vm")
	}
}

// NotInVM skips a test of what is the same on every kernel.
func NotInVM(t testing.TB) {
	t.Helper()
	if InVM() {
		t.Skip("the same on every kernel, and tested on the machine's own")
	}
}
