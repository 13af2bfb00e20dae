package check

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func (h *host) cgroup() Row {
	const name = "cgroup v2"
	point, err := h.cgroupRoot()
	if err != nil {
		return unsure(name, "the mounts are not known", "")
	}
	if point != "" {
		return have(name, "its root is at "+point)
	}
	if systems, err := h.read("/proc/filesystems"); err == nil && !strings.Contains(systems, "\tcgroup2") {
		return lack(name, "this kernel has no cgroup v2 (CONFIG_CGROUPS)", "boot a distribution's kernel")
	}
	err = h.kernel.mountCgroup()
	return h.answered(name, "not mounted; the tracer mounts it for itself", err, func() Row {
		return lack(name, "cgroup v2 is not mounted, and cannot be: "+reason(err),
			"mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")
	})
}

// cgroupRoot finds where the root of the v2 hierarchy is mounted; "" where it is not (proc(5), mountinfo).
func (h *host) cgroupRoot() (string, error) {
	mounts, err := h.read("/proc/self/mountinfo")
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		f := strings.Fields(before)
		if len(f) > 4 && f[3] == "/" && strings.HasPrefix(after, "cgroup2 ") {
			return f[4], nil
		}
	}
	return "", err
}

func (h *host) cgroupBPF() Row {
	const name = "cgroup BPF"
	point, err := h.cgroupRoot()
	if err == nil {
		err = h.kernel.cgroupBPF(point)
	}
	return h.answered(name, "packet hooks can be attached", err, func() Row {
		if errors.Is(err, unix.EINVAL) {
			return lack(name, "this kernel was built without CONFIG_CGROUP_BPF, and the packet hooks need it",
				"boot a distribution's kernel")
		}
		if errors.Is(err, os.ErrPermission) {
			return lack(name, "the kernel refuses BPF programs on cgroups", denials)
		}
		return unsure(name, "not known: "+reason(err), "")
	})
}
