package check

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/probe"
)

// What is said of a host that lacks something is its first row that does.
func TestExplainHost(t *testing.T) {
	failed := errors.New("start the self-test: fork/exec /proc/self/exe: operation not permitted")
	for _, c := range []struct {
		how           string
		spoil         func(f files, k *kernel)
		message, hint string
	}{
		{"not root", notRoot, "uid 65534 lacks cap_net_admin, cap_sys_admin",
			"run it as root, with sudo"},
		{"docker", inDocker, "root in this docker container lacks cap_net_admin, cap_sys_admin",
			"run it on the host, or start the container with --privileged --pid=host --cgroupns=host"},
		{"docker, not root", func(f files, k *kernel) {
			inDocker(f, k)
			f["/proc/self/status"] = nobodyStatus
		}, "uid 65534 in this docker container lacks cap_net_admin, cap_sys_admin",
			"run it on the host, or start the container with --privileged --pid=host --cgroupns=host"},
		{"old", oldKernel, "kernel 5.4.0-42-generic is older than 5.10, and has no BPF ring buffer (5.8)",
			"boot kernel 5.10 or newer (Debian 11, Ubuntu 22.04, RHEL 9)"},
		{"old, not root", func(f files, k *kernel) { oldKernel(f, k); notRoot(f, k) },
			"uid 65534 lacks cap_net_admin, cap_sys_admin", "run it as root, with sudo"},
		{"no BTF, no rights", func(f files, k *kernel) { notRoot(f, k); f.without("/sys/kernel/btf/vmlinux") },
			"uid 65534 lacks cap_net_admin, cap_sys_admin", "run it as root, with sudo"},
		{"no BTF", func(f files, k *kernel) { f.without("/sys/kernel/btf/vmlinux") },
			"/sys/kernel/btf/vmlinux is absent: this kernel was built without CONFIG_DEBUG_INFO_BTF",
			"boot a kernel that has it (Debian 11, Ubuntu 20.10, RHEL 8.2 and newer do)"},
	} {
		t.Run(c.how, func(t *testing.T) {
			checkLines(t, failed, fake(t, c.spoil).rows(), cannot+c.message, c.hint)
		})
	}
}

// Rights says of them what Explain does, and nothing of anything else.
func TestRights(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(f files, k *kernel)
		lacks bool
	}{
		"has all":            {nil, false},
		"not root":           {notRoot, true},
		"docker":             {inDocker, true},
		"a user namespace":   {func(f files, _ *kernel) { f["/proc/self/ns/user"] = "-> user:[4026532199]" }, true},
		"without /proc":      {func(f files, _ *kernel) { clear(f) }, true},
		"old":                {oldKernel, false},
		"the kernel refuses": {func(_ files, k *kernel) { deny(k, unix.EPERM) }, false},
	} {
		h := fake(t, c.spoil)
		message, hint := (&host{root: h.root}).rights()
		if lacks := message != ""; lacks != c.lacks {
			t.Errorf("%s: %q", name, message)
		} else if said, cure := Explain(errors.New("x"), h.rows()); lacks && (message != said || hint != cure) {
			t.Errorf("%s: %q %q, want %q %q", name, message, hint, said, cure)
		}
	}
}

func TestExplainError(t *testing.T) {
	refused := []probe.Refusal{
		{Name: "fentry/tcp_connect", Reason: "operation not permitted by this kernel"},
		{Name: "kprobe/tcp_connect", Reason: "the verifier refused it:\n\tinvalid func"},
	}
	const allowed = "a security module may forbid it: look for its denials (dmesg; SELinux: ausearch -m avc)"
	const limit = "a limit on namespaces or cgroups is reached: see sysctl user.max_net_namespaces"
	apart := []Row{lack("cgroup namespace", "this is a cgroup namespace of its own", "leave it")}
	for _, c := range []struct {
		err           error
		rows          []Row
		message, hint string
	}{
		{&probe.NoHookError{Question: probe.Connect, Family: probe.Auto, Refused: refused}, nil,
			"no hook tells who connects: fentry/tcp_connect: operation not permitted by this kernel; " +
				"kprobe/tcp_connect: the verifier refused it: invalid func", seeCheck},
		{&probe.NoHookError{Question: probe.Connect, Family: probe.Kprobe, Refused: refused[1:]}, nil,
			"no kprobe hook tells who connects: kprobe/tcp_connect: the verifier refused it: invalid func",
			"leave --hooks at auto, which takes the first hook that works"},
		{&probe.NoHookError{Question: probe.Wire, Family: probe.Kprobe}, nil, "no hook tells what is said", seeCheck},
		{&probe.NoHookError{Question: probe.State, Family: probe.Auto}, nil, "no hook tells how a connection ends", seeCheck},
		{fmt.Errorf("open: %w", &probe.NoHookError{Question: probe.Send, Family: probe.Fentry}), nil,
			"no fentry hook tells who sends", "leave --hooks at auto, which takes the first hook that works"},
		{&probe.NoHookError{Question: probe.Connect, Family: probe.Auto, Refused: refused}, apart,
			"this is a cgroup namespace of its own", "leave it"},
		{fmt.Errorf("start the self-test: %w", unix.ENOSPC), nil, "start the self-test: no space left on device", limit},
		{fmt.Errorf("create the maps: map events: %w", unix.ENOMEM), nil,
			"create the maps: map events: cannot allocate memory",
			"its maps need 40 MiB of kernel memory: free some, or raise the memory limit of its cgroup"},
		{fmt.Errorf("create the maps: %w", unix.EMFILE), nil, "create the maps: too many open files",
			"raise its limit of open files (ulimit -n)"},
		{fmt.Errorf("make a cgroup: %w", &os.PathError{Op: "mkdir", Path: "/sys/fs/cgroup/mail/x", Err: unix.EROFS}), nil,
			"make a cgroup: mkdir /sys/fs/cgroup/mail/x: read-only file system",
			"its self-test runs in a cgroup of its own, below the one that is watched: let it make one there"},
		{fmt.Errorf("create the maps: %w", unix.EPERM), nil, "create the maps: operation not permitted", allowed},
		{errors.New("open \x1b[2J/x:\r\n\tno"), nil, "open ?[2J/x: no", seeCheck},
		{errors.New("the child ended: EOF \n"), nil, "the child ended: EOF", seeCheck},
	} {
		t.Run(c.message, func(t *testing.T) {
			checkLines(t, c.err, append(c.rows, fake(t, nil).rows()...), cannot+c.message, c.hint)
		})
	}
}

// checkLines also holds the sentences to the house's form: a line each, lower case, no full stop.
func checkLines(t *testing.T, err error, rows []Row, message, hint string) {
	t.Helper()
	gotMessage, gotHint := Explain(err, rows)
	if gotMessage != message || gotHint != hint {
		t.Errorf("got  %q\n     %q\nwant %q\n     %q", gotMessage, gotHint, message, hint)
	}
	for _, s := range []string{gotMessage, gotHint} {
		if s == "" || strings.ContainsAny(s, "\n\r") || strings.HasSuffix(s, ".") || s[:1] != strings.ToLower(s[:1]) {
			t.Errorf("not one line, lower case, without a full stop: %q", s)
		}
	}
}
