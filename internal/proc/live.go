package proc

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// live is a running process, held by descriptors: what is opened through it is of that process or
// fails, whatever becomes of its pid.
type live struct {
	dir  int      // its directory in /proc, O_PATH
	exe  *os.File // what it runs now; nil: not readable, or handed on
	same bool     // exe is the file that the kernel saw
	root *rootDir // its root directory; nil: not readable
	stat procStat
}

// procStat is what proc_pid_stat(5) says.
type procStat struct {
	session    int
	startTicks uint64 // of USER_HZ since boot
}

// userHz is the kernel's clock tick as user space sees it, on every architecture of Go's (times(2)).
const userHz = 100

// openLive holds a process. The exe comes first: the process may exit at any moment.
func openLive(procfs int, p *event.Process) (*live, error) {
	dir, err := unix.Openat(procfs, strconv.Itoa(int(p.Key.Pid)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", p.Key.Pid, err)
	}
	l := &live{dir: dir}
	if fd, err := unix.Openat(dir, "exe", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
		l.exe = os.NewFile(uintptr(fd), "exe")
	}
	l.root, _ = openRootOf(dir)
	l.stat, err = readStat(dir)
	if err == nil && !l.stat.started(p.Key.StartNs) {
		err = fmt.Errorf("process %d is another one by now", p.Key.Pid)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// started compares a start time, to the tick: the kernel rounds down.
func (s procStat) started(ns uint64) bool { return s.startTicks == ns/(1e9/userHz) }

func (l *live) close() {
	unix.Close(l.dir)
	if l.exe != nil {
		l.exe.Close()
	}
	if l.root != nil {
		l.root.close()
	}
}

// stillRuns gives a question to ask once, after l is closed, too: does the process still run that file?
// Then nobody has written it meanwhile (deny_write_access in the kernel's fs/exec.c).
func (l *live) stillRuns(exe *stat) func() bool {
	dir, err := unix.FcntlInt(uintptr(l.dir), unix.F_DUPFD_CLOEXEC, 0)
	return func() bool {
		if err != nil {
			return false
		}
		defer unix.Close(dir)
		st, err := statAt(dir, "exe", 0)
		return err == nil && st.dev == exe.dev && st.inode == exe.inode
	}
}

// runs tells that a process still runs a file, as stillRuns does.
func (r *Resolver) runs(p *event.Process, exe *stat) bool {
	l, err := openLive(r.procfs, p)
	if err != nil {
		return false
	}
	defer l.close()
	return l.stillRuns(exe)()
}

// open opens a file of the process's /proc directory.
func (l *live) open(name string) (*os.File, error) { return openProc(l.dir, name) }

// read reads a file of the process's /proc directory, at most limit bytes of it.
func (l *live) read(name string, limit int64) ([]byte, error) { return readProc(l.dir, name, limit) }

func openProc(dir int, name string) (*os.File, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /proc/PID/%s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func readProc(dir int, name string, limit int64) ([]byte, error) {
	f, err := openProc(dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read /proc/PID/%s: %w", name, err)
	}
	return b, nil
}

func readStat(dir int) (procStat, error) {
	b, err := readProc(dir, "stat", 4096)
	if err != nil {
		return procStat{}, err
	}
	return parseStat(b)
}

// parseStat takes the fields behind the comm, which may hold anything, parentheses too.
func parseStat(b []byte) (procStat, error) {
	end := bytes.LastIndexByte(b, ')')
	fields := strings.Fields(string(b[end+1:]))
	const session, start = 6 - 3, 22 - 3 // fields count from 1; the third stands first here
	if end < 0 || len(fields) <= start {
		return procStat{}, fmt.Errorf("/proc/PID/stat has %d fields behind the comm", len(fields))
	}
	var s procStat
	var err error
	if s.session, err = strconv.Atoi(fields[session]); err != nil {
		return procStat{}, fmt.Errorf("session in /proc/PID/stat: %w", err)
	}
	if s.startTicks, err = strconv.ParseUint(fields[start], 10, 64); err != nil {
		return procStat{}, fmt.Errorf("start time in /proc/PID/stat: %w", err)
	}
	return s, nil
}
