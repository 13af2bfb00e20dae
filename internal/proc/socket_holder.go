package proc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxDescriptors bounds how many are looked at, which takes seconds then: any user may have millions, and records
// wait for the list.
const maxDescriptors = 1 << 20

var errDescriptors = errors.New("look for the processes of the sockets: more than a million files are open")

// process is one of a /proc directory.
type process struct {
	pid, netns uint32
	dir        string // below /proc: its own or, where its first thread has ended, that of another thread
	asked      bool   // its sockets are looked for
	thread     bool   // it is a thread in another namespace than its process
}

// processes lists those of a /proc directory, in the order of their pids, and marks those that h asks for. One that
// ends meanwhile is left out.
func (h *Holders) processes(procfs string) ([]process, error) {
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
	var list []process
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		p := process{pid: uint32(pid), dir: e.Name()}
		if !p.enter(procfs) {
			continue
		}
		p.asked = (h.PID == 0 || p.pid == h.PID) && (members == nil || members[p.pid])
		if p.asked && h.UID != nil {
			dir, err := p.open(procfs)
			if err != nil {
				continue
			}
			uid, ok := realUID(dir)
			unix.Close(dir)
			p.asked = ok && uid == *h.UID
		}
		list = append(append(list, p), p.threads(procfs)...)
	}
	slices.SortFunc(list, func(a, b process) int { return cmp.Compare(a.pid, b.pid) })
	return list, nil
}

// enter finds the network namespace of a process. A first thread that has ended while others go on has none to show,
// and no descriptor.
func (p *process) enter(procfs string) bool {
	namespace := func() bool {
		var ns unix.Stat_t
		err := unix.Stat(filepath.Join(procfs, p.dir, "ns", "net"), &ns)
		p.netns = uint32(ns.Ino)
		return err == nil
	}
	if namespace() {
		return true
	}
	whole := p.dir
	threads, _ := os.ReadDir(filepath.Join(procfs, whole, "task"))
	for _, thread := range threads {
		p.dir = filepath.Join(whole, "task", thread.Name())
		if namespace() {
			return true
		}
	}
	return false
}

// threads are those of its threads that are in other network namespaces, one for each of these.
func (p *process) threads(procfs string) (list []process) {
	names, _ := os.ReadDir(filepath.Join(procfs, number(p.pid), "task"))
	if len(names) < 2 {
		return nil
	}
	seen := map[uint32]bool{p.netns: true}
	for _, name := range names {
		one := *p
		one.dir, one.thread = filepath.Join(number(p.pid), "task", name.Name()), true
		var ns unix.Stat_t
		if unix.Stat(filepath.Join(procfs, one.dir, "ns", "net"), &ns) != nil || seen[uint32(ns.Ino)] {
			continue
		}
		one.netns = uint32(ns.Ino)
		seen[one.netns] = true
		list = append(list, one)
	}
	return list
}

func number(pid uint32) string { return strconv.FormatUint(uint64(pid), 10) }

// open opens the directory of a process, which shows nothing of a later process of the same pid.
func (p *process) open(procfs string) (int, error) {
	return unix.Open(filepath.Join(procfs, p.dir), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// realUID reads a process's real uid from its directory in /proc (proc_pid_status(5)).
func realUID(dir int) (uid uint32, ok bool) {
	status, err := readProc(dir, "status", 4096)
	_, rest, found := bytes.Cut(status, []byte("\nUid:\t"))
	word, _, _ := bytes.Cut(rest, []byte("\t"))
	n, bad := strconv.ParseUint(string(word), 10, 32)
	return uint32(n), err == nil && found && bad == nil
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

// hold finds who has the sockets open, of the processes that are asked for: in whatever namespace these are
// themselves. Each descriptor counts for the bound.
func (t *tables) hold(procfs string, processes []process) error {
	left, hidden := maxDescriptors, 0
	for _, p := range processes {
		if !p.asked || p.thread {
			continue
		}
		dir, err := p.open(procfs)
		if err != nil {
			continue // it has ended
		}
		inodes, err := held(dir, t.byInode, &left)
		if err != nil {
			hidden++
		}
		if len(inodes) > 0 {
			if holder, ok := readHolder(dir, p.pid); ok {
				for _, inode := range inodes {
					for _, i := range t.byInode[inode] {
						t.sockets[i].HeldBy = append(t.sockets[i].HeldBy, holder)
					}
				}
			}
		}
		unix.Close(dir)
		if left == 0 {
			return errDescriptors
		}
	}
	if hidden > 0 {
		return fmt.Errorf("look for the processes of the sockets: %d of them do not show their open files; that takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH", hidden)
	}
	return nil
}

// readHolder reads who a process is, by its directory in /proc; false where it has ended.
func readHolder(dir int, pid uint32) (*Holder, bool) {
	h := &Holder{PID: pid}
	uid, ok := realUID(dir)
	stat, err := readStat(dir)
	if !ok || err != nil {
		return nil, false
	}
	h.UID, h.StartTicks = uid, stat.startTicks
	room := make([]byte, unix.PathMax)
	if n, err := unix.Readlinkat(dir, "exe", room); err == nil {
		h.Executable = string(room[:n])
	}
	return h, true
}

// held are the sockets, by inode, of those that are wanted which a process holds. Each descriptor takes one of left.
// An error: it does not show them.
func held(process int, wanted map[uint64][]int, left *int) ([]uint64, error) {
	fds, err := openProc(process, "fd")
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil, nil // it has ended
	}
	if err != nil {
		return nil, err
	}
	defer fds.Close()
	var found []uint64
	var refused error
	link := make([]byte, len("socket:[]")+20+1)
	for *left > 0 {
		names, err := fds.Readdirnames(min(1024, *left))
		for _, name := range names {
			n, err := unix.Readlinkat(int(fds.Fd()), name, link)
			if errors.Is(err, os.ErrPermission) {
				refused = err
			}
			digits, isSocket := bytes.CutPrefix(link[:max(n, 0)], []byte("socket:["))
			if !isSocket {
				continue
			}
			inode, err := strconv.ParseUint(string(bytes.TrimSuffix(digits, []byte("]"))), 10, 64)
			if _, is := wanted[inode]; err == nil && is {
				found = append(found, inode)
			}
		}
		*left -= len(names)
		if err != nil || len(names) == 0 {
			break
		}
	}
	slices.Sort(found)
	return slices.Compact(found), refused
}
