package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/lru"
)

// recalls are the look-ups in /proc of processes whose reading in the kernel is lost, or was never made.
type recalls struct {
	mu    sync.Mutex
	busy  int
	state *lru.Map[event.ProcessKey, recallState]
}

type recallState uint8

const (
	recallBusy recallState = iota + 1
	recallFailed
)

// maxRecalls bounds how many run at once: a file system that does not answer holds one for long.
const maxRecalls = 16

func newRecalls() recalls { return recalls{state: lru.New[event.ProcessKey, recallState](4096)} }

// Recall looks a process up in /proc, by its pid and start time, in the background, and observes what it finds.
// It reports whether that may still bring something: false where there is no such process any more. What is found
// is the program that runs in the process now, and may be another than that of the key, which nothing in /proc
// tells: Process.Recalled says so. It never waits.
func (r *Resolver) Recall(key event.ProcessKey) bool {
	c := &r.recalls
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state, _ := c.state.Get(key); {
	case state == recallFailed:
		return false
	case state == recallBusy || c.busy >= maxRecalls:
		return true
	}
	c.state.Put(key, recallBusy)
	c.busy++
	go func() {
		p, err := readProcess(r.procfs, key)
		if err == nil {
			r.Observe(p)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.busy--
		if errors.Is(err, errEnded) {
			c.state.Put(key, recallFailed)
		} else {
			c.state.Put(key, 0) // it is looked up once more, if it is asked for once more
		}
	}()
	return true
}

// errEnded: there is no such process any more.
var errEnded = errors.New("the process has ended")

// readProcess reads of a process in /proc what the kernel programs read of one.
func readProcess(procfs int, key event.ProcessKey) (*event.Process, error) {
	p := &event.Process{Key: key, Tid: key.Pid, LoginUID: ^uint32(0), Recalled: true}
	l, err := openLive(procfs, p)
	if err != nil {
		if !stillThere(procfs, key) {
			err = errEnded
		}
		return nil, err
	}
	defer l.close()
	status, err := l.read("status", 64<<10)
	if err != nil {
		return nil, err
	}
	ids := statusWords(status, "Uid")
	if len(ids) < 2 {
		return nil, fmt.Errorf("/proc/%d/status has no uids", key.Pid)
	}
	p.UID, p.EUID = ids[0], ids[1]
	if ids := statusWords(status, "Gid"); len(ids) > 0 {
		p.GID = ids[0]
	}
	if ids := statusWords(status, "PPid"); len(ids) > 0 {
		p.Ppid = ids[0]
	}
	p.Comm = statusName(status)
	p.MntNS, p.PidNS = l.namespace("mnt"), l.namespace("pid")
	if login, err := l.read("loginuid", 32); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(login)), 10, 32); err == nil {
			p.LoginUID = uint32(n)
		}
	}
	if args, err := l.read("cmdline", 256); err == nil {
		p.ArgsTruncated = len(args) == 256
		if args = bytes.TrimRight(args, "\x00"); len(args) > 0 {
			p.Args = strings.Split(string(args), "\x00")
		}
	}
	p.Cwd = l.link("cwd")
	p.Cgroup = l.cgroup()
	if err := l.readExe(p); err != nil {
		return nil, err
	}
	p.Ancestors = readAncestors(procfs, p.Ppid)
	again, err := readStat(l.dir)
	if err != nil || again.startTicks != l.stat.startTicks {
		return nil, errEnded
	}
	return p, nil
}

// stillThere says whether a process may live: it does not if its pid is nobody's, or another's.
func stillThere(procfs int, key event.ProcessKey) bool {
	dir, err := unix.Openat(procfs, strconv.Itoa(int(key.Pid)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return !errors.Is(err, unix.ENOENT)
	}
	defer unix.Close(dir)
	st, err := readStat(dir)
	return err == nil && st.started(key.StartNs) || err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, os.ErrNotExist)
}

// statusWords are the numbers of a line of proc_pid_status(5).
func statusWords(status []byte, name string) (list []uint32) {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name+":"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	for word := range bytes.FieldsSeq(line) {
		n, err := strconv.ParseUint(string(word), 10, 32)
		if err != nil {
			return nil
		}
		list = append(list, uint32(n))
	}
	return list
}

// statusName is the comm: the first line, in which \n and \\ are escaped (fs/proc/array.c, proc_task_name).
func statusName(status []byte) string {
	line, _, _ := bytes.Cut(status, []byte("\n"))
	name, _ := bytes.CutPrefix(line, []byte("Name:\t"))
	return strings.NewReplacer(`\n`, "\n", `\\`, `\`).Replace(string(name))
}

// namespace is the inode number of one of the process's namespaces; 0 if it cannot be read.
func (l *live) namespace(name string) uint32 {
	st, err := statAt(l.dir, "ns/"+name, 0)
	if err != nil {
		return 0
	}
	return uint32(st.inode)
}

// link reads a link of the process's /proc directory; "" if it cannot be read.
func (l *live) link(name string) string {
	room := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(l.dir, name, room)
	if err != nil {
		return ""
	}
	return string(room[:n])
}

// cgroup is the path in the v2 hierarchy, or that in v1's memory or pids where all tasks are in the v2 root.
func (l *live) cgroup() string {
	b, err := l.read("cgroup", 64<<10)
	if err != nil {
		return ""
	}
	var v1, v2 string
	for line := range strings.Lines(string(b)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[1] == "":
			v2 = parts[2]
		case parts[1] == "memory" || parts[1] == "pids" && v1 == "":
			v1 = parts[2]
		}
	}
	if v1 != "" && (v2 == "" || v2 == "/") {
		return v1
	}
	return v2
}

// readExe reads what is said of the exe. A kernel thread has none.
func (l *live) readExe(p *event.Process) error {
	if l.exe == nil {
		if _, err := unix.Readlinkat(l.dir, "exe", make([]byte, 1)); err == unix.ENOENT {
			p.Kthread = true
			return nil
		}
		return fmt.Errorf("the exe of process %d cannot be read", p.Key.Pid)
	}
	fd := int(l.exe.Fd())
	st, err := statFd(fd)
	if err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	p.ExeInode, p.ExeSize, p.ExeCtimeNs, p.ExeNlink = st.inode, uint64(st.size), uint64(st.ctimeNs), st.nlink
	p.ExeDev, p.ExeMagic, p.ExeMode = uint32(st.dev), uint32(fs.Type), uint32(st.mode)
	p.Exe = l.link("exe")
	if st.nlink == 0 {
		p.Exe = strings.TrimSuffix(p.Exe, " (deleted)")
	}
	return nil
}

// readAncestors follows the parents, the nearest first, as far as they live.
func readAncestors(procfs int, pid uint32) (list []event.Ancestor) {
	for len(list) < 8 && pid != 0 {
		dir, err := unix.Openat(procfs, strconv.Itoa(int(pid)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return list
		}
		status, err := readProc(dir, "status", 64<<10)
		stat, failed := readStat(dir)
		exe, _ := statAt(dir, "exe", 0)
		unix.Close(dir)
		if err != nil || failed != nil {
			return list
		}
		list = append(list, event.Ancestor{
			Pid: pid, StartNs: stat.startTicks * (1e9 / userHz), Comm: statusName(status), ExeInode: exe.inode,
		})
		pid = 0
		if up := statusWords(status, "PPid"); len(up) > 0 {
			pid = up[0]
		}
	}
	return list
}
