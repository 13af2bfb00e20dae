package probe

import (
	"fmt"
	"slices"
	"strings"
)

// Family forces one family of hooks; Auto takes the first of each list that works.
type Family string

// The families, in the order in which Auto tries them.
const (
	Auto       Family = "auto"
	Fentry     Family = "fentry"
	Kprobe     Family = "kprobe"
	Tracepoint Family = "tracepoint"
	Cgroup     Family = "cgroup"
)

// Families lists every value that a Family takes.
var Families = []Family{Auto, Fentry, Kprobe, Tracepoint, Cgroup}

// ParseFamily reads a family from its name.
func ParseFamily(s string) (Family, error) {
	if slices.Contains(Families, Family(s)) {
		return Family(s), nil
	}
	names := make([]string, len(Families))
	for i, f := range Families {
		names[i] = string(f)
	}
	return "", fmt.Errorf("unknown hook family %q: it is one of %s", s, strings.Join(names, ", "))
}

// Options says what to watch and how. The zero value watches the whole host with mail ports unset.
type Options struct {
	Family    Family
	MailPorts []uint16 // a connect to one of these is an event by itself
	AllPorts  bool     // every connect is

	// The filters work in the kernel: what does not match costs one look-up and is never recorded.
	NetNS  uint32 // inode number; 0: all
	Pid    uint32 // 0: all
	UID    *uint32
	Cgroup string // directory in a cgroup v2 hierarchy; "": all

	// NoPackets does without the packet hooks, as on a kernel that has none: what is said is then read
	// from the sender's memory, and the answers are not seen.
	NoPackets bool

	// NoStorage keeps the state of connections in a hash, as where tracing programs have no storage in sockets
	// (before 5.11).
	NoStorage bool
}

// portBits is the bit map that the programs test a port against.
func (o *Options) portBits() [8192]uint8 {
	var bits [8192]uint8
	for _, p := range o.MailPorts {
		bits[p>>3] |= 1 << (p & 7)
	}
	return bits
}
