package check

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// self is this process: who it is and what it may do.
type self struct {
	err       error // /proc could not be read
	uid       string
	effective uint64 // capabilities
	seccomp   bool   // a filter is on it
	userNS    bool   // its user namespace is not the first one: its capabilities hold for nothing here
	container string // the runtime; anyContainer; "" outside
}

func (h *host) readSelf() self {
	status, err := h.read("/proc/self/status")
	s := self{
		err:       err,
		userNS:    h.namespace("user") == foreign,
		container: h.container(),
	}
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		switch key {
		case "Uid": // real, effective, saved, file system
			s.uid = fields[min(1, len(fields)-1)]
		case "CapEff":
			s.effective, err = strconv.ParseUint(fields[0], 16, 64)
			s.err = errors.Join(s.err, err)
		case "Seccomp":
			s.seccomp = fields[0] == "2"
		}
	}
	if s.err == nil && s.uid == "" {
		s.err = errors.New("/proc/self/status names no uid")
	}
	return s
}

func (s *self) can(capability int) bool { return s.effective&(1<<capability) != 0 }

// powerless tells that a refusal by the kernel says nothing about the kernel.
func (s *self) powerless() bool { return s.userNS || s.err != nil || len(s.lacks(needed)) > 0 }

// needed are the capabilities without which the probe does not open. cap_sys_admin makes the
// self-test's network namespace and includes cap_bpf and cap_perfmon; cap_net_admin attaches to
// cgroups and brings the self-test's loopback up.
var needed = []int{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN}

var capabilityNames = map[int]string{
	unix.CAP_DAC_READ_SEARCH: "cap_dac_read_search",
	unix.CAP_NET_ADMIN:       "cap_net_admin",
	unix.CAP_SYS_ADMIN:       "cap_sys_admin",
	unix.CAP_SYS_PTRACE:      "cap_sys_ptrace",
	unix.CAP_SYS_RESOURCE:    "cap_sys_resource",
}

// lacks names those of the capabilities that it has not.
func (s *self) lacks(capabilities []int) []string {
	var names []string
	for _, c := range capabilities {
		if !s.can(c) {
			names = append(names, capabilityNames[c])
		}
	}
	return names
}
