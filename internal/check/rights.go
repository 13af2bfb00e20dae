package check

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

func (h *host) procfs() Row {
	const name = "/proc"
	if h.self.err != nil {
		return lack(name, fmt.Sprintf("/proc cannot be read: %v", h.self.err), "mount -t proc proc /proc")
	}
	return have(name, "mounted")
}

func (h *host) userNamespace() Row {
	const name = "user namespace"
	if !h.self.userNS {
		return have(name, "the host's")
	}
	return lack(name, "root of this user namespace has no rights over the kernel",
		"run it as root on the host, not in a user namespace (unshare, rootless podman, docker's userns-remap)")
}

func (h *host) capabilities() Row {
	const name = "capabilities"
	s := &h.self
	if s.err != nil {
		return unsure(name, "not known without /proc", "")
	}
	who := "uid " + s.uid
	if s.uid == "0" {
		who = "root"
	}
	names := s.lacks(needed)
	switch {
	case len(names) == 0:
		return have(name, who+" has all that are needed")
	case s.container == "":
		return lack(name, who+" lacks "+strings.Join(names, ", "), s.rightsCure())
	default:
		return lack(name, fmt.Sprintf("%s in this %s lacks %s", who, s.box(), strings.Join(names, ", ")), s.rightsCure())
	}
}

// details asks for what user space needs to open another user's /proc entries and files.
func (h *host) details() Row {
	const name = "other users' files"
	if h.self.err != nil {
		return unsure(name, "not known without /proc", "")
	}
	names := h.self.lacks([]int{unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_PTRACE})
	if len(names) == 0 {
		return have(name, "can be read")
	}
	return lack(name, "without "+strings.Join(names, " and ")+
		", programs of other users are named and not hashed", h.self.rightsCure())
}

func (s *self) box() string {
	if s.container == anyContainer {
		return "container"
	}
	return s.container + " container"
}

// rightsCure says how to start the tracer with every right.
func (s *self) rightsCure() string {
	switch s.container {
	case "":
		if s.uid == "0" {
			return "start it with all of root's capabilities: its systemd unit may have a CapabilityBoundingSet="
		}
		return "run it as root, with sudo"
	case "docker", "podman":
		return "run it on the host, or start the container with --privileged --pid=host --cgroupns=host"
	case "kubernetes":
		return "run it on the node, or give the pod privileged: true and hostPID: true"
	default:
		return "run it as root on the host, outside of the container"
	}
}
