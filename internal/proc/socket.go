package proc

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Socket is a TCP connection and a process that has it open.
type Socket struct {
	PID         uint32
	Executable  string // as the process sees its path; empty where it cannot be read
	UID         uint32 // the real one
	Source      netip.AddrPort
	Destination netip.AddrPort
}

// Holders says whose sockets are looked for; the zero value is everybody's.
type Holders struct {
	NetNS  uint32 // inode number
	Cgroup string // a directory of cgroup v2, and those below it
	PID    uint32
	UID    *uint32
}

// Connections lists the established connections to the ports, once for each process that has one open, in
// the order of their pids. procfs is a /proc directory. Only the tables of those network namespaces are
// read in which a process is that h asks for.
func Connections(procfs string, h Holders, ports []uint16) ([]Socket, error) {
	holders, err := h.in(procfs)
	if err != nil {
		return nil, err
	}
	open := map[uint64]Socket{} // by inode
	read := map[uint32]bool{}
	for _, p := range holders {
		if read[p.netns] {
			continue
		}
		for _, table := range []string{"tcp", "tcp6"} {
			err := readTable(filepath.Join(procfs, number(p.pid), "net", table), ports, open)
			read[p.netns] = read[p.netns] || err == nil // else another process may still be there to show it
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	var list []Socket
	for _, p := range holders {
		for _, inode := range sockets(filepath.Join(procfs, number(p.pid), "fd")) {
			if s, ok := open[inode]; ok {
				s.PID, s.UID = p.pid, p.uid
				s.Executable, _ = os.Readlink(filepath.Join(procfs, number(p.pid), "exe"))
				list = append(list, s)
			}
		}
	}
	return list, nil
}

// holder is a process that may have sockets.
type holder struct {
	pid, uid uint32
	netns    uint32
}

func number(pid uint32) string { return strconv.FormatUint(uint64(pid), 10) }

// in lists the processes of a /proc directory that h asks for. One that ends meanwhile is left out.
func (h *Holders) in(procfs string) ([]holder, error) {
	entries, err := os.ReadDir(procfs)
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	var members map[uint32]bool
	if h.Cgroup != "" {
		if members, err = cgroupMembers(h.Cgroup); err != nil {
			return nil, err
		}
	}
	var list []holder
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || h.PID != 0 && uint32(pid) != h.PID || members != nil && !members[uint32(pid)] {
			continue
		}
		p := holder{pid: uint32(pid)}
		dir := filepath.Join(procfs, e.Name())
		var ns unix.Stat_t
		if unix.Stat(filepath.Join(dir, "ns", "net"), &ns) != nil || h.NetNS != 0 && uint32(ns.Ino) != h.NetNS {
			continue
		}
		p.netns = uint32(ns.Ino)
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		if err != nil {
			continue
		}
		if _, rest, ok := bytes.Cut(status, []byte("\nUid:\t")); ok {
			fmt.Sscan(string(rest), &p.uid)
		}
		if h.UID == nil || p.uid == *h.UID {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b holder) int { return int(a.pid) - int(b.pid) })
	return list, nil
}

// cgroupMembers are the processes of a cgroup and of those below it.
func cgroupMembers(dir string) (map[uint32]bool, error) {
	members := map[uint32]bool{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "cgroup.procs" {
			return err
		}
		b, err := os.ReadFile(path)
		for pid := range bytes.FieldsSeq(b) {
			if n, err := strconv.ParseUint(string(pid), 10, 32); err == nil {
				members[uint32(n)] = true
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the processes of cgroup %s: %w", dir, err)
	}
	return members, nil
}

// sockets are the inodes of the sockets that a process has open.
func sockets(fds string) (inodes []uint64) {
	entries, err := os.ReadDir(fds)
	if err != nil {
		return nil // it has ended
	}
	seen := map[uint64]bool{}
	for _, e := range entries {
		link, _ := os.Readlink(filepath.Join(fds, e.Name()))
		var inode uint64
		if _, err := fmt.Sscanf(link, "socket:[%d]", &inode); err == nil {
			seen[inode] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
