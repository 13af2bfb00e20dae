package live

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

const childEnv = "SMTPTRACE_LIVE_CHILD"

// Main is a TestMain whose test binary can also run as one of the named children. In a VM the test
// binary is the only program there is.
func Main(m *testing.M, children map[string]func(args []string) error) {
	name := os.Getenv(childEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := children[name](os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Child is a command that runs this binary as the named child.
func Child(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	return cmd
}

// Eventually waits for a condition, and fails the test when it does not come. The bound is generous: it
// is reached by a failure alone. An emulated machine is slower by far.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	bound := time.Minute
	if InVM() {
		bound = 3 * time.Minute
	}
	for end := time.Now().Add(bound); time.Now().Before(end); {
		if ok() {
			return
		}
		<-time.After(2 * time.Millisecond)
	}
	t.Fatalf("waited in vain for this: %s", what)
}
