package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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
	read := map[uint32]bool{}   // by network namespace
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
	left := maxDescriptors
	for _, p := range holders {
		dir := filepath.Join(procfs, number(p.pid))
		for _, inode := range held(filepath.Join(dir, "fd"), open, &left) {
			uid, ok := realUID(dir)
			if !ok {
				continue // it has ended
			}
			s := open[inode]
			s.PID, s.UID = p.pid, uid
			s.Executable, _ = os.Readlink(filepath.Join(dir, "exe"))
			list = append(list, s)
		}
		if left == 0 {
			return list, errDescriptors
		}
	}
	return list, nil
}

// maxDescriptors bounds how many are looked at, which takes seconds then: any user may have millions, and records
// wait for the list.
const maxDescriptors = 1 << 20

var errDescriptors = errors.New("look for their processes: more than a million files are open")

// holder is a process that may have sockets.
type holder struct{ pid, netns uint32 }

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
		dir := filepath.Join(procfs, e.Name())
		var ns unix.Stat_t
		if unix.Stat(filepath.Join(dir, "ns", "net"), &ns) != nil || h.NetNS != 0 && uint32(ns.Ino) != h.NetNS {
			continue
		}
		if h.UID != nil {
			if uid, ok := realUID(dir); !ok || uid != *h.UID {
				continue
			}
		}
		list = append(list, holder{uint32(pid), uint32(ns.Ino)})
	}
	slices.SortFunc(list, func(a, b holder) int { return int(a.pid) - int(b.pid) })
	return list, nil
}

// realUID reads a process's real uid from its directory in /proc (proc_pid_status(5)).
func realUID(dir string) (uid uint32, ok bool) {
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	_, rest, found := bytes.Cut(status, []byte("\nUid:\t"))
	if err != nil || !found {
		return 0, false
	}
	_, err = fmt.Sscan(string(rest), &uid)
	return uid, err == nil
}

// cgroupMembers are the processes of a cgroup and of those below it. One of these that is removed meanwhile, or is
// threaded, has none to show: those of its processes are in the cgroup above it (cgroups(7)).
func cgroupMembers(dir string) (map[uint32]bool, error) {
	members := map[uint32]bool{}
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("list the processes of a cgroup: %w", err)
	}
	err = filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil && path == top {
			return err
		}
		if err != nil || e.Name() != "cgroup.procs" {
			return nil
		}
		b, err := os.ReadFile(path)
		for pid := range bytes.FieldsSeq(b) {
			if n, err := strconv.ParseUint(string(pid), 10, 32); err == nil {
				members[uint32(n)] = true
			}
		}
		if filepath.Dir(path) == top {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the processes of cgroup %s: %w", dir, err)
	}
	return members, nil
}

// held are the sockets, by inode, of those that are open which a process holds. Each descriptor takes one of left.
func held(fds string, open map[uint64]Socket, left *int) []uint64 {
	dir, err := os.Open(fds)
	if err != nil {
		return nil // it has ended
	}
	defer dir.Close()
	found := map[uint64]bool{}
	for *left > 0 {
		names, err := dir.Readdirnames(min(1024, *left))
		for _, name := range names {
			link, _ := os.Readlink(filepath.Join(fds, name))
			digits, isSocket := strings.CutPrefix(link, "socket:[")
			inode, err := strconv.ParseUint(strings.TrimSuffix(digits, "]"), 10, 64)
			if _, wanted := open[inode]; isSocket && err == nil && wanted {
				found[inode] = true
			}
		}
		*left -= len(names)
		if err != nil || len(names) == 0 {
			break
		}
	}
	return slices.Sorted(maps.Keys(found))
}
