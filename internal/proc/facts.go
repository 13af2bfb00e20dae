package proc

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// facts are what the flags are judged from, besides the identity itself. What was read from a live
// process is kept for later readings, when it may be gone.
type facts struct {
	args        []string // the whole command line, or what the kernel showed
	leader      bool     // of its session
	seen        bool     // leader and environment were read
	preload     bool
	execPid     int      // SYSTEMD_EXEC_PID; 0: not set
	ancestors   []string // names of the ancestors' programs
	libraries   []string // mapped files, but for the exe
	database    bool     // of packages, in the root of the exe
	owned       *owned
	digest      *digest // of the exe
	unlinked    bool    // the exe had no name when it was opened
	writableDir bool
	alias       bool // argv[0] leads to the exe
}

const (
	maxEnviron  = 256 << 10
	maxMaps     = 1 << 20
	maxCmdline  = 64 << 10
	maxMappings = 512
)

// gather reads what is lost when the process exits.
func (f *facts) gather(p *event.Process, l *live) {
	if l == nil || !l.same {
		return
	}
	f.seen, f.leader = true, l.stat.session == int(p.Key.Pid)
	if env, err := l.read("environ", maxEnviron); err == nil {
		f.preload = environ(env, "LD_PRELOAD") != "" || environ(env, "LD_AUDIT") != ""
		f.execPid, _ = strconv.Atoi(environ(env, "SYSTEMD_EXEC_PID"))
	}
	if maps, err := l.read("maps", maxMaps); err == nil {
		f.libraries = mappedFiles(maps, p.ExeInode)
	}
	if p.ArgsTruncated {
		if b, err := l.read("cmdline", maxCmdline); err == nil {
			f.args = wholeArgs(p.Args, b)
		}
	}
}

// environ finds a variable in /proc/PID/environ (proc_pid_environ(5)).
func environ(b []byte, name string) string {
	for v := range bytes.SplitSeq(b, []byte{0}) {
		if len(v) > len(name) && v[len(name)] == '=' && string(v[:len(name)]) == name {
			return string(v[len(name)+1:])
		}
	}
	return ""
}

// wholeArgs takes a command line for the one that the kernel showed the beginning of, if it begins so.
func wholeArgs(shown []string, cmdline []byte) []string {
	all := strings.TrimRight(string(cmdline), "\x00")
	if !strings.HasPrefix(all, strings.Join(shown, "\x00")) {
		return nil
	}
	return strings.Split(all, "\x00")
}

// mappedFiles lists the files in /proc/PID/maps (proc_pid_maps(5)) that are mapped to be executed.
func mappedFiles(maps []byte, exe uint64) []string {
	var files []string
	for line := range strings.Lines(string(maps)) {
		// address perms offset dev inode path
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 6)
		if len(fields) < 6 || len(fields[1]) < 3 || fields[1][2] != 'x' || fields[4] == "0" {
			continue
		}
		name := strings.TrimLeft(fields[5], " ")
		inode, err := strconv.ParseUint(fields[4], 10, 64)
		if err != nil || inode == exe || !strings.HasPrefix(name, "/") || isVolatile(name) {
			continue
		}
		name = strings.TrimSuffix(strings.ReplaceAll(name, `\012`, "\n"), " (deleted)")
		if !slices.Contains(files, name) && len(files) < maxMappings {
			files = append(files, name)
		}
	}
	return files
}

// isVolatile tells mappings that never were a file on disk.
func isVolatile(name string) bool {
	for _, prefix := range [...]string{"/memfd:", "/dev/zero", "/SYSV", "/anon_hugepage", "/dev/shm/"} {
		if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, " (deleted)") {
			return true
		}
	}
	return false
}

// hasWritableDir looks at the directories on a path, as far as they still exist.
func hasWritableDir(root *rootDir, p *event.Process) bool {
	for dir := path.Dir(p.Exe); ; dir = path.Dir(dir) {
		if st, err := root.stat(dir, noSymlinks); err == nil && st.dir() && writable(&st, p) {
			return true
		}
		if dir == "/" || dir == "." {
			return false
		}
	}
}

func writable(st *stat, p *event.Process) bool {
	if st.mode&unix.S_IWOTH != 0 {
		return true
	}
	if p.UID == 0 || p.EUID == 0 {
		return false
	}
	return st.mode&unix.S_IWUSR != 0 && (st.uid == p.UID || st.uid == p.EUID) ||
		st.mode&unix.S_IWGRP != 0 && st.gid == p.GID
}

// leadsTo tells whether a program's name is a link to the exe in a directory that only root changes.
func leadsTo(root *rootDir, name string, p *event.Process) bool {
	if name == "" {
		return false
	}
	for _, dir := range [...]string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/local/bin/", "/usr/local/sbin/", "/usr/lib/"} {
		st, err := root.stat(dir+name, inRoot)
		if err == nil && st.inode == p.ExeInode && st.ctimeNs == int64(p.ExeCtimeNs) {
			return true
		}
	}
	return false
}
