package proc

import (
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/lru"
)

// namespaces remembers who was seen in which mount namespace, so that the files of a process that is
// gone can be reached through a neighbour. It holds no descriptor: that would keep a stopped
// container's file systems from being unmounted.
type namespaces struct {
	procfs int
	own    uint32 // the mount namespace of the resolver's root

	mu   sync.Mutex
	seen *lru.Map[uint32, [neighbours]uint32]
}

const neighbours = 4

func newNamespaces(procfs int) *namespaces {
	n := &namespaces{procfs: procfs, seen: lru.New[uint32, [neighbours]uint32](256)}
	if st, err := statAt(procfs, "self/ns/mnt", 0); err == nil {
		n.own = uint32(st.inode)
	}
	return n
}

// note remembers a process as a door to its mount namespace.
func (n *namespaces) note(p *event.Process) {
	if p.MntNS == n.own {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	pids, _ := n.seen.Get(p.MntNS)
	for _, pid := range pids {
		if pid == p.Key.Pid {
			return
		}
	}
	copy(pids[1:], pids[:])
	pids[0] = p.Key.Pid
	n.seen.Put(p.MntNS, pids)
}

// doors opens the root directory of one process after the other that may live in p's mount namespace,
// until use takes one over by returning true.
func (n *namespaces) doors(p *event.Process, use func(*rootDir) bool) {
	n.mu.Lock()
	seen, _ := n.seen.Get(p.MntNS)
	n.mu.Unlock()
	pids := []uint32{p.Key.Pid}
	for _, a := range p.Ancestors {
		pids = append(pids, a.Pid)
	}
	for _, pid := range append(append(pids, seen[:]...), 1) {
		if pid == 0 {
			continue
		}
		if root := n.door(pid, p.MntNS); root != nil {
			if use(root) {
				return
			}
			root.close()
		}
	}
}

// door opens the root directory of a process if it lives in a mount namespace.
func (n *namespaces) door(pid, mntns uint32) *rootDir {
	dir, err := unix.Openat(n.procfs, strconv.Itoa(int(pid)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(dir)
	if st, err := statAt(dir, "ns/mnt", 0); err != nil || uint32(st.inode) != mntns {
		return nil
	}
	root, err := openRootOf(dir)
	if err != nil {
		return nil
	}
	return root
}
