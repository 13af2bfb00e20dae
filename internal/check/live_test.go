package check

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
)

// The capabilities that the tracer needs here, and no others.
func least(t *testing.T) []string {
	names := []string{"cap_net_admin", "cap_sys_admin"}
	if major, minor := live.Kernel(t); major == 5 && minor < 11 {
		names = append(names, "cap_sys_resource")
	}
	return names
}

// ownHost skips where the sentences would speak of the container that the tests run in.
func ownHost(t *testing.T) {
	t.Helper()
	if c := newHost("/", runningKernel).self.container; c != "" {
		t.Skipf("runs in a container (%s), where other things are said", c)
	}
}

func checkReport(t *testing.T, r *Report, message, hint string) {
	t.Helper()
	if message != "" {
		message = cannot + message
	}
	if r.Error != message || r.Hint != hint {
		t.Errorf("got  %q\n     %q\nwant %q\n     %q", r.Error, r.Hint, message, hint)
	}
	if r.OK() != (message == "") {
		t.Errorf("OK is %v of %+v", r.OK(), r.Rows)
	}
	if message != "" {
		return
	}
	for i, q := range probe.Questions {
		if i >= len(r.Hooks) || r.Hooks[i].Question != q || r.Hooks[i].Name == "" {
			t.Errorf("hooks %+v", r.Hooks)
		}
	}
}

func TestLeastCapabilities(t *testing.T) {
	live.Thorough(t)
	ownHost(t)
	const self = "/proc/self/exe"
	const unit = "start it with all of root's capabilities: its systemd unit may have a CapabilityBoundingSet="
	const memlock = "run it with ulimit -l unlimited (in a systemd unit, LimitMEMLOCK=infinity) or with cap_sys_resource"
	names := least(t)
	for _, user := range []string{"root ", "nobody "} {
		t.Run(user+"with the least", func(t *testing.T) {
			checkReport(t, restricted(t, self, user+strings.Join(names, ","), 0), "", "")
		})
	}
	for i, name := range names {
		t.Run("root without "+name, func(t *testing.T) {
			message, hint := "root lacks "+name, unit
			if name == "cap_sys_resource" {
				message, hint = "locked memory is limited to 65536 bytes, and cap_sys_resource is missing to lift it", memlock
			}
			others := slices.Delete(slices.Clone(names), i, i+1)
			checkReport(t, restricted(t, self, "root "+strings.Join(others, ","), 0), message, hint)
		})
	}
	t.Run("setcap with the least", func(t *testing.T) {
		checkReport(t, restricted(t, setcap(t, names...), "uid 65534", 0), "", "")
	})
}

func TestRestricted(t *testing.T) {
	ownHost(t)
	// What leads out of a namespace depends on whose image this machine was made from.
	container, known := map[string]string{
		"":       "run it as root on the host, outside of the container",
		"docker": "run it on the host, or start the container with --privileged --pid=host --cgroupns=host",
	}[newHost("/", runningKernel).containerMark()]
	for _, c := range []struct {
		name, how     string
		namespaces    uintptr
		message, hint string
	}{
		{"not at all", "", 0, "", ""},
		{"not root", "uid 65534", 0, "uid 65534 lacks cap_net_admin, cap_sys_admin",
			"run it as root, with sudo"},
		{"seccomp EPERM", "seccomp 1", 0, "a seccomp filter refuses bpf(2)",
			"allow the bpf system call in the unit's SystemCallFilter=, or in whatever started it"},
		{"seccomp ENOSYS", "seccomp 38", 0, "a seccomp filter refuses bpf(2)",
			"allow the bpf system call in the unit's SystemCallFilter=, or in whatever started it"},
		{"BTF hidden", "hide /sys/kernel/btf", unix.CLONE_NEWNS,
			"/sys/kernel/btf/vmlinux is hidden by a mount over its directory", "umount /sys/kernel/btf"},
		{"BTF absent", "hide /sys/kernel", unix.CLONE_NEWNS,
			"/sys/kernel/btf/vmlinux is absent: this kernel was built without CONFIG_DEBUG_INFO_BTF",
			"boot a kernel that has it (Debian 11, Ubuntu 20.10, RHEL 8.2 and newer do)"},
		{"no sysfs", "hide /sys", unix.CLONE_NEWNS, "/sys is not mounted, so the kernel's BTF cannot be read",
			"mount -t sysfs sysfs /sys"},
		{"user namespace", "", unix.CLONE_NEWUSER, "root of this user namespace has no rights over the kernel",
			"run it as root on the host, not in a user namespace (unshare, rootless podman, docker's userns-remap)"},
		{"pid namespace", "proc", unix.CLONE_NEWNS | unix.CLONE_NEWPID,
			"this is a pid namespace of its own, where the kernel's pids mean nothing", container},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.hint == container && !known {
				t.Skip("this machine has the mark of an unexpected container runtime")
			}
			checkReport(t, restricted(t, "/proc/self/exe", c.how, c.namespaces), c.message, c.hint)
		})
	}
}

// The namespaces that weaken and do not prevent.
func TestNamespaceRows(t *testing.T) {
	for row, flag := range map[string]uintptr{"cgroup namespace": unix.CLONE_NEWCGROUP, "time namespace": unix.CLONE_NEWTIME} {
		t.Run(row, func(t *testing.T) {
			if row == "time namespace" && !newHost("/", runningKernel).exists("/proc/self/ns/time") {
				t.Skip("this kernel was built without CONFIG_TIME_NS")
			}
			rows := restrictedRows(t, "", flag)
			for _, name := range []string{"cgroup namespace", "time namespace"} {
				want := OK
				if name == row {
					want = Missing
				}
				if got := find(t, rows, name); got.Status != want {
					t.Errorf("%+v", got)
				}
			}
		})
	}
}

// A host without a cgroup v2 mount, as one with v1 alone: the tracer mounts the hierarchy for itself.
func TestPrivateCgroup(t *testing.T) {
	rows := restrictedRows(t, "unmount", unix.CLONE_NEWNS)
	for name, found := range map[string]string{
		"cgroup v2":  "not mounted; the tracer mounts it for itself",
		"cgroup BPF": "packet hooks can be attached",
	} {
		if got := find(t, rows, name); got.Status != OK || got.Found != found {
			t.Errorf("%+v", got)
		}
	}
}

// For a kernel that was booted with lockdown=confidentiality (scripts/vm/run --append).
func TestLockedDown(t *testing.T) {
	if mode := newHost("/", runningKernel).lockdown(); mode.Status == OK {
		t.Skip("this kernel is not locked down for confidentiality")
	}
	checkReport(t, restricted(t, "/proc/self/exe", "", 0),
		"the kernel is locked down for confidentiality: BPF programs cannot read its memory",
		"boot without lockdown=confidentiality (integrity will do): a running kernel keeps its mode")
}

// What the rows say of this kernel is what the probe finds when it tries.
func TestRowsAgreeWithTheProbe(t *testing.T) {
	live.Thorough(t)
	cell := live.NewCell(t)
	ownHost(t)
	rows := Host()
	for _, r := range rows {
		if r.Required && r.Status != OK {
			t.Errorf("%+v", r)
		}
	}
	for row, family := range map[string]probe.Family{"fentry": probe.Fentry, "kprobes": probe.Kprobe} {
		p, err := probe.Open(probe.Options{Family: family, MailPorts: []uint16{25}, Cgroup: cell.Cgroup, NetNS: cell.NetNS})
		if err == nil {
			p.Close()
		}
		var none *probe.NoHookError
		if err != nil && !errors.As(err, &none) {
			t.Fatal(err)
		}
		if got := find(t, rows, row); (got.Status == OK) != (err == nil) {
			t.Errorf("%+v, and the probe says %v", got, err)
		}
	}
	want := OK
	if major, minor := live.Kernel(t); major == 5 && minor < 11 {
		want = Missing
	}
	if got := find(t, rows, "socket storage"); got.Status != want {
		t.Errorf("%+v", got)
	}
}
