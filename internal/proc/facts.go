package proc

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// facts are what the flags are judged from, besides the identity itself. What was read from a live
// process is kept for later readings, when it may be gone.
type facts struct {
	ran         *event.Process // the reading that showed the exe that the program began as
	swapped     bool           // a later one did not
	exe         string         // the whole path, where the kernel's was cut
	args        []string       // the whole command line, or what the kernel showed
	leader      bool           // of its session
	seen        bool           // leader and environment were read
	preload     bool
	execPid     int       // SYSTEMD_EXEC_PID; 0: not set
	path        string    // PATH; "": not set, or too long
	ancestors   []string  // names of the ancestors' programs
	libraries   []mapping // but for the exe
	database    bool      // there is one of packages, and it was asked for the exe
	owned       *owned
	digest      *digest // of the exe
	imaged      *digest // of the file that its container's image has at its path
	unlinked    bool    // the exe had no name when it was opened
	writableDir bool
	scriptDir   bool // the same of the script's path
	owner       bool // what is owned by the user of the process is its own to change
	alias       bool // argv[0] leads to the exe
	rightful    bool // and does for everybody on the host, or in the container
	commAlias   bool // comm leads to the exe
	titled      bool // argv[0] is a script of this interpreter, which was not seen to begin as another
}

const maxCmdline = 64 << 10

// gather reads what is lost when the process exits.
func (f *facts) gather(p *event.Process, l *live) {
	if l == nil || !l.same {
		return
	}
	f.seen, f.leader = true, l.stat.session == int(p.Key.Pid)
	if env, err := l.open("environ"); err == nil {
		f.environ(env)
		env.Close()
	}
	if maps, err := l.open("maps"); err == nil {
		f.libraries = mappedFiles(maps, p)
		maps.Close()
	}
	if p.ArgsTruncated {
		if b, err := l.read("cmdline", maxCmdline); err == nil {
			f.args = wholeArgs(p.Args, b)
		}
	}
}

// unswapped is a reading with the exe of an earlier one, if the process has had another file called so since. It runs
// no other program, by its key: where its exec was not seen, that file's number tells it.
func unswapped(p *event.Process, f *facts) (q *event.Process, swapped bool) {
	if f == nil || f.ran == nil || f.ran.ExeInode == 0 || p.ExeInode == 0 {
		return p, p.ExeSwapped
	}
	was := f.ran
	if !p.ExeSwapped && p.ExeInode == was.ExeInode && p.ExeDev == was.ExeDev {
		return p, false
	}
	one := *p
	one.Exe, one.ExeInode, one.ExeSize, one.ExeCtimeNs = was.Exe, was.ExeInode, was.ExeSize, was.ExeCtimeNs
	one.ExeDev, one.ExeNlink, one.ExeMagic, one.ExeMode = was.ExeDev, was.ExeNlink, was.ExeMagic, was.ExeMode
	one.ExeTruncated, one.ExeSwapped = was.ExeTruncated, false
	return &one, true
}

// wholeArgs takes a command line for the one that the kernel showed the beginning of, if it begins so.
func wholeArgs(shown []string, cmdline []byte) []string {
	all := strings.TrimRight(string(cmdline), "\x00")
	if !strings.HasPrefix(all, strings.Join(shown, "\x00")) {
		return nil
	}
	return strings.Split(all, "\x00")
}

// hasWritableDir looks at the directories on the exe's path in a root, as far as they still exist.
func hasWritableDir(root *rootDir, exe string, p *event.Process, owner bool) bool {
	for dir := path.Dir(exe); ; dir = path.Dir(dir) {
		if st, err := root.stat(dir, noSymlinks); err == nil && st.dir() && writable(&st, p, owner) {
			return true
		}
		if dir == "/" || dir == "." {
			return false
		}
	}
}

func writable(st *stat, p *event.Process, owner bool) bool {
	if st.mode&unix.S_IWOTH != 0 {
		return true
	}
	if !owner {
		return false
	}
	return st.mode&unix.S_IWUSR != 0 && (st.uid == p.UID || st.uid == p.EUID) ||
		st.mode&unix.S_IWGRP != 0 && st.gid == p.GID
}

var programDirs = []string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/local/bin/", "/usr/local/sbin/", "/usr/lib/"}

// leadsTo tells whether a program's name is a link to the exe in a directory that only root changes.
func leadsTo(root *rootDir, name string, p *event.Process) bool {
	if name == "" {
		return false
	}
	for _, dir := range programDirs {
		st, err := root.stat(dir+name, inRoot)
		if err == nil && st.inode == p.ExeInode && st.ctimeNs == int64(p.ExeCtimeNs) {
			return true
		}
	}
	return false
}

// isScriptOf tells whether a program's name is that of a script in such a directory for the interpreter that runs
// (execve(2)), as that of a server in Perl is.
func isScriptOf(root *rootDir, name string, p *event.Process) bool {
	g, _ := interpreterOf(p, nil)
	if g == nil || name == "" {
		return false
	}
	for _, dir := range programDirs {
		f, _, err := root.open(dir+name, inRoot)
		if err != nil {
			continue
		}
		head := make([]byte, 256)
		n, _ := f.ReadAt(head, 0)
		f.Close()
		line, _, _ := strings.Cut(string(head[:n]), "\n")
		line, ok := strings.CutPrefix(line, "#!")
		words := strings.Fields(line)
		if ok && len(words) > 1 && baseName(words[0]) == "env" {
			words = words[1:]
			if words[0] == "-S" && len(words) > 1 {
				words = words[1:]
			}
		}
		return ok && len(words) > 0 && slices.Contains(g.names, unversioned(baseName(words[0])))
	}
	return false
}
