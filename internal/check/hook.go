package check

import (
	"errors"

	"github.com/cilium/ebpf"
)

// The cure of a hook that is not to be had is the next one in its list.
const nextHook = "none is needed while another hook answers"

func (h *host) jit() Row {
	const name = "JIT"
	err := h.kernel.jit()
	return h.answered(name, "on", err, func() Row {
		if !errors.Is(err, ebpf.ErrNotSupported) {
			return unsure(name, "not known: "+reason(err), "")
		}
		return lack(name, "off: programs are interpreted, which is slow, and fentry does not work",
			"sysctl -w net.core.bpf_jit_enable=1")
	})
}

func (h *host) fentry() Row {
	const name = "fentry"
	err := h.kernel.fentry()
	return h.typed(name, "attaches", err, func() Row {
		return lack(name, "refused: "+reason(err), nextHook)
	})
}

// kprobes: a kprobe program loads on a kernel without kprobes; the perf event source tells (4.17+).
func (h *host) kprobes() Row {
	const name = "kprobes"
	for _, p := range []string{
		"/sys/bus/event_source/devices/kprobe/type", "/sys/kernel/tracing/kprobe_events",
		"/sys/kernel/debug/tracing/kprobe_events",
	} {
		if h.exists(p) {
			return have(name, p)
		}
	}
	if !h.exists("/sys/bus/event_source") {
		return unsure(name, "/sys does not show event sources", "")
	}
	return lack(name, "this kernel has no kprobe events (CONFIG_KPROBE_EVENTS)", nextHook)
}

func (h *host) storage() Row {
	const name = "socket storage"
	err := h.kernel.storage()
	return h.typed(name, "in tracing programs", err, func() Row {
		return lack(name, "not in tracing programs (5.11): connections are kept in a hash of fixed size", "")
	})
}
