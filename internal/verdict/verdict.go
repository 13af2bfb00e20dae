// Package verdict says what role a session plays, and whether its sender was to be expected.
package verdict

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Host knows the addresses of this machine and of its own networks (bridges for containers).
type Host struct {
	MntNS uint32 // the tracer's mount namespace, by its inode number: see Expected

	read    func() ([]Address, error)
	reading atomic.Bool
	own     atomic.Pointer[addresses]
	relays  *relays // nil: no smarthost is known
}

type addresses struct {
	own     map[netip.Addr]bool
	bridges []netip.Prefix // networks that this machine is the gateway of
}

// NewHost reads the addresses of this network namespace.
func NewHost() *Host { return NewHostOf(interfaceAddresses) }

// NewHostOf is NewHost with the addresses that read gives. It may take its time; it is not called twice at once.
func NewHostOf(read func() ([]Address, error)) *Host {
	h := &Host{MntNS: ownMountNamespace(), read: read}
	h.own.Store(&addresses{})
	h.load()
	return h
}

// Refresh has them read again, and the smarthosts looked up: addresses come and go while the tracer runs. It never
// waits: with thousands of interfaces that takes seconds. What cannot be read stays as it was.
func (h *Host) Refresh() {
	if h.relays != nil {
		h.relays.again()
	}
	if h.reading.CompareAndSwap(false, true) { // else it is being done
		go func() {
			defer h.reading.Store(false)
			h.load()
		}()
	}
}

func (h *Host) load() {
	list, err := h.read()
	if err != nil {
		return
	}
	a := &addresses{own: map[netip.Addr]bool{}}
	for _, address := range list {
		a.add(address.Prefix, address.Bridge)
	}
	h.own.Store(a)
}

// add takes the address of an interface. Every interface has the same link-local network: being in it
// says nothing about where another address is.
func (a *addresses) add(address netip.Prefix, bridge bool) {
	a.own[address.Addr()] = true
	if bridge && !address.Addr().IsLinkLocalUnicast() {
		a.bridges = append(a.bridges, address.Masked())
	}
}

// Local says whether an address is this machine, or a container on one of its bridges.
func (h *Host) Local(a netip.Addr) bool {
	known := h.own.Load()
	return a.IsLoopback() || a.IsUnspecified() || known.own[a] ||
		slices.ContainsFunc(known.bridges, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Subject is what a verdict rests on.
type Subject struct {
	Destination netip.AddrPort
	Said        bool // SMTP or TLS was spoken
	Auth        bool // AUTH was said; not where it was refused and mail was sent all the same
}

// submissionPorts are where mail programs hand mail to their provider: RFC 8314 section 3.3 (465), RFC
// 6409 (587), and 2525, which has no standard.
var submissionPorts = []uint16{465, 587, 2525}

// Of gives the verdict.
func (h *Host) Of(s Subject) record.Verdict {
	switch port := s.Destination.Port(); {
	case h.Local(s.Destination.Addr()):
		return record.Local
	case !s.Destination.IsValid(): // its snapshots were lost
		return ""
	case !s.Said:
		return record.Attempt
	case h.relays != nil && h.relays.holds(s.Destination):
		return record.Relay
	case s.Auth || slices.Contains(submissionPorts, port):
		return record.Submission
	case port == 25:
		return record.DirectMX
	}
	return record.SMTPOddPort
}
