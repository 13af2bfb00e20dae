package check

import "os"

// place tells whether this process is in a namespace that the kernel started with.
type place int

const (
	unknownPlace place = iota
	initial
	foreign
)

// initialInodes are fixed since Linux 3.8 (include/linux/proc_ns.h), cgroup since 4.6, time since 5.6.
var initialInodes = map[string]string{
	"user":   "user:[4026531837]",
	"pid":    "pid:[4026531836]",
	"cgroup": "cgroup:[4026531835]",
	"time":   "time:[4026531834]",
}

func (h *host) namespace(kind string) place {
	link, err := os.Readlink(h.path("/proc/self/ns/" + kind))
	switch {
	case err != nil:
		return unknownPlace
	case link == initialInodes[kind]:
		return initial
	default:
		return foreign
	}
}

// pidNamespace is required: the kernel names processes by the pids of its first namespace, and the
// self-test would not recognise its own child.
func (h *host) pidNamespace() Row {
	const name = "pid namespace"
	switch h.namespace("pid") {
	case initial:
		return have(name, "the host's")
	case foreign:
		return lack(name, "this is a pid namespace of its own, where the kernel's pids mean nothing",
			h.self.rightsCure())
	default:
		return unsure(name, "/proc/self/ns/pid cannot be read", "")
	}
}

const cgroupNamespaceName = "cgroup namespace"

// cgroupNamespace: the packet hooks are attached to the root that is seen from here.
func (h *host) cgroupNamespace() Row {
	const name = cgroupNamespaceName
	switch h.namespace("cgroup") {
	case initial:
		return have(name, "the host's")
	case foreign:
		return lack(name, "this is a cgroup namespace of its own: of processes outside of it, what they say is not seen",
			h.self.rightsCure())
	default:
		return unsure(name, "/proc/self/ns/cgroup cannot be read", "")
	}
}

func (h *host) timeNamespace() Row {
	const name = "time namespace"
	switch {
	case h.namespace("time") == foreign:
		return lack(name, "this is a time namespace of its own: the start times in its /proc are not the kernel's",
			"run it outside of the time namespace")
	case h.self.err != nil:
		return unsure(name, "not known without /proc", "")
	case !h.exists("/proc/self/ns/time"):
		return have(name, "this kernel has none (CONFIG_TIME_NS)")
	default:
		return have(name, "the host's")
	}
}

// netNamespaces asks for one more, which the self-test needs. The hooks themselves see them all.
func (h *host) netNamespaces() Row {
	const name = "network namespaces"
	limit, err := h.read("/proc/sys/user/max_net_namespaces")
	switch {
	case h.self.err != nil:
		return unsure(name, "not known without /proc", "")
	case !h.exists("/proc/self/ns/net"):
		return lack(name, "this kernel has no network namespaces (CONFIG_NET_NS), and the self-test runs in one",
			"boot a distribution's kernel")
	case err == nil && limit == "0":
		return lack(name, "user.max_net_namespaces is 0, and the self-test runs in a network namespace of its own",
			"sysctl -w user.max_net_namespaces=1024")
	default:
		return have(name, "all are watched; one more can be made for the self-test")
	}
}
