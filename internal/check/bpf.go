package check

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// syscall asks whether bpf(2) creates a map.
func (h *host) syscall() Row {
	const name = "bpf(2)"
	switch err := h.kernel.create(); {
	case err == nil:
		return have(name, "creates maps")
	case h.self.powerless():
		return unsure(name, h.deaf, "")
	case h.self.seccomp && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)):
		return lack(name, "a seccomp filter refuses bpf(2)", h.self.seccompCure())
	case errors.Is(err, unix.ENOSYS):
		return lack(name, "this kernel has no bpf(2): it was built without CONFIG_BPF_SYSCALL",
			"boot a distribution's kernel")
	case errors.Is(err, os.ErrPermission):
		return lack(name, "the kernel refuses bpf(2) even to root: a security module forbids it",
			"look for its denials (dmesg; SELinux: ausearch -m avc), and allow bpf in its policy")
	default:
		return lack(name, "bpf(2) creates no map: "+reason(err), "look in the kernel log (dmesg)")
	}
}

func (s *self) seccompCure() string {
	switch s.container {
	case "":
		return "allow the bpf system call in the unit's SystemCallFilter=, or in whatever started it"
	case "docker", "podman":
		return "start the container with --security-opt seccomp=unconfined, or with a profile that allows bpf"
	case "kubernetes":
		return "give the pod seccompProfile: {type: Unconfined}, or a profile that allows bpf"
	default:
		return "allow the bpf system call in the container's seccomp profile"
	}
}

func (h *host) ring() Row {
	const name = "ring buffer"
	err := h.kernel.ring()
	return h.answered(name, "present", err, func() Row {
		return lack(name, "this kernel has no BPF ring buffer (5.8)", "boot kernel 5.10 or newer")
	})
}

// memlock: before 5.11 maps count against the limit of locked memory, which the tracer lifts for itself
// where it may.
func (h *host) memlock() Row {
	const name = "locked memory"
	if h.since(5, 11) {
		return have(name, "not counted (5.11+)")
	}
	limits, err := h.read("/proc/self/limits")
	m := lockedMemory.FindStringSubmatch(limits)
	switch {
	case err != nil || m == nil:
		return unsure(name, "the limit is not known", "")
	case m[1] == "unlimited":
		return have(name, "unlimited")
	case h.self.can(unix.CAP_SYS_RESOURCE):
		return have(name, "the tracer may lift the limit")
	default:
		return lack(name, fmt.Sprintf("locked memory is limited to %s bytes, and cap_sys_resource is missing to lift it", m[1]),
			"run it with ulimit -l unlimited (in a systemd unit, LimitMEMLOCK=infinity) or with cap_sys_resource")
	}
}

// The second figure is the hard limit (proc_pid_limits(5)).
var lockedMemory = regexp.MustCompile(`Max locked memory +\S+ +(\S+)`)

// lockdown reads the mode (kernel_lockdown(7)). Where securityfs is not mounted, the command line and
// the verifier tell (5.13+; before, the reads fail at run time).
func (h *host) lockdown() Row {
	const name = "lockdown"
	const cure = "boot without lockdown=confidentiality (integrity will do): a running kernel keeps its mode"
	confidential := lack(name, "the kernel is locked down for confidentiality: BPF programs cannot read its memory", cure)
	if modes, err := h.read("/sys/kernel/security/lockdown"); err == nil {
		_, mode, _ := strings.Cut(modes, "[")
		mode, _, _ = strings.Cut(mode, "]")
		if mode == "confidentiality" {
			return confidential
		}
		return have(name, mode)
	}
	if cmdline, _ := h.read("/proc/cmdline"); strings.Contains(" "+cmdline+" ", " lockdown=confidentiality ") {
		return confidential
	}
	err := h.kernel.readMemory()
	return h.answered(name, "BPF programs can read the kernel's memory", err, func() Row {
		if errors.Is(err, ebpf.ErrNotSupported) {
			return lack(name, "BPF programs cannot read the kernel's memory: it is locked down, or older than 5.5", cure)
		}
		return unsure(name, "not known: "+reason(err), "")
	})
}

// btf reads the kernel's description of its own types, by which the programs fit every kernel.
func (h *host) btf() Row {
	const name = "BTF"
	const file = "/sys/kernel/btf/vmlinux"
	switch st, err := os.Stat(h.path(file)); {
	case err == nil && st.Size() > 0:
		return have(name, file)
	case err == nil:
		return lack(name, file+" is empty", "boot a distribution's kernel")
	case !errors.Is(err, os.ErrNotExist):
		return lack(name, fmt.Sprintf("%s cannot be read: %v", file, errors.Unwrap(err)), "run it with sudo")
	case !h.exists("/sys/kernel"):
		return lack(name, "/sys is not mounted, so the kernel's BTF cannot be read", "mount -t sysfs sysfs /sys")
	case h.exists("/sys/kernel/btf"): // the kernel makes the directory for this file only
		return lack(name, file+" is hidden by a mount over its directory", "umount /sys/kernel/btf")
	default:
		return lack(name, file+" is absent: this kernel was built without CONFIG_DEBUG_INFO_BTF",
			"boot a kernel that has it (Debian 11, Ubuntu 20.10, RHEL 8.2 and newer do)")
	}
}
