package proc

import (
	"cmp"
	"fmt"
	"net/netip"
)

// TCPSocket is a line of a table of TCP sockets, and who has the socket open.
type TCPSocket struct {
	NetNS       uint32 // inode number
	IPv6        bool   // it is of AF_INET6; its addresses are IPv4 all the same where that is what it speaks
	State       TCPState
	Source      netip.AddrPort
	Destination netip.AddrPort
	Inode       uint64 // 0: of no file any more, or not yet: TIME_WAIT, SYN_RECV, what was closed and not accepted
	UID         uint32 // who made it; 0 in TIME_WAIT

	// Listens is true where something listens on its port, in its namespace, at its address or at all of its
	// family. Most likely it was accepted then; a client that bound itself to such a port looks the same.
	Listens bool

	// HeldBy are the processes that have it open and were asked for, in the order of their pids. None: it was passed
	// on or closed meanwhile, or only a thread with descriptors of its own has it.
	HeldBy []*Holder
}

// TCPState is a state of include/net/tcp_states.h.
type TCPState uint8

// The states.
const (
	TCPEstablished TCPState = iota + 1
	TCPSynSent
	TCPSynRecv
	TCPFinWait1
	TCPFinWait2
	TCPTimeWait
	TCPClose
	TCPCloseWait
	TCPLastAck
	TCPListen
	TCPClosing
)

// Holder is a process that has sockets open.
type Holder struct {
	PID        uint32
	UID        uint32 // the real one
	StartTicks uint64 // of USER_HZ since boot
	Executable string // as the process sees its path; empty where it cannot be read
}

// Holders says whose sockets are looked for; the zero value is everybody's.
type Holders struct {
	NetNS  uint32 // inode number
	Cgroup string // a directory of cgroup v2, and those below it
	PID    uint32
	UID    *uint32
}

// Sockets lists the TCP sockets of the network namespaces in which a process is that h asks for, or of the one that
// it names; those that listen first in each. Who of the processes that h asks for has them open is listed with each,
// wherever that process is; one that none of them has is listed too. procfs is a /proc directory. With an error the
// list is not complete.
//
// TIME_WAIT is left out. A namespace that only a descriptor or a socket keeps is not seen. It takes about a second for 50,000 sockets, and its time:
// it is nothing for the loop.
func Sockets(procfs string, h Holders) ([]TCPSocket, error) { return h.sockets(procfs, nil) }

// Tables lists them as Sockets does, without who has them open, which is most of the work.
func Tables(procfs string, h Holders) ([]TCPSocket, error) {
	t, _, err := h.tables(procfs, nil)
	return t.sockets, err
}

// sockets is Sockets for those that keep takes; nil takes all.
func (h *Holders) sockets(procfs string, keep func(*TCPSocket) bool) ([]TCPSocket, error) {
	t, processes, err := h.tables(procfs, keep)
	if len(t.byInode) > 0 {
		err = cmp.Or(err, t.hold(procfs, processes))
	}
	return t.sockets, err
}

// tables reads the tables, and lists the processes.
func (h *Holders) tables(procfs string, keep func(*TCPSocket) bool) (*tables, []process, error) {
	t := newTables(keep)
	processes, err := h.processes(procfs)
	if err != nil {
		return t, nil, err
	}
	err = t.read(procfs, processes, h.NetNS)
	if h.NetNS != 0 || *h == (Holders{}) {
		err = cmp.Or(err, t.readMounted(procfs, h.NetNS))
	}
	if h.NetNS != 0 && !t.done[h.NetNS] {
		err = cmp.Or(err, fmt.Errorf("read the socket tables of network namespace %d: no process is in it, and it is mounted nowhere", h.NetNS))
	}
	return t, processes, err
}
