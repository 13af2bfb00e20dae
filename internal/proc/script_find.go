package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// findScript finds the script of a reading, and keeps the one of an earlier reading: a program that
// names itself anew still runs it.
func (s *study) findScript(v view, l *live) {
	if s.id.Script != nil {
		return
	}
	args := s.facts.args
	if args == nil {
		args = scriptArgs(s.p)
	}
	script := scriptOf(s.p, args)
	if script == nil {
		return
	}
	s.id.Script = script
	if script.Status != Pending {
		return
	}
	root := v.start
	if script.Relative { // to the working directory, which the kernel gives from the namespace's root
		root = v.space
	}
	if script.Status = Gone; root == nil {
		return
	}
	startNs := wallNs(s.p.Key.StartNs)
	got := openScript(script, root, startNs)
	if got.file == nil && l != nil && l.same {
		if held, ok := heldScript(script.Path, l, startNs); ok {
			got = held
		}
	}
	script.Status, script.Deleted = got.status, got.status == Deleted
	if got.file == nil {
		return
	}
	script.Status = Pending
	s.hash(got, nil, func(h Hash, _ digest) {
		next := *script
		next.SHA256, next.Status = h.SHA256, h.Status
		s.id.Script = &next
	})
}

// openScript finds a script by its path. Its content is taken for what ran only if the file has not
// changed since the process began; if it changed right then, nobody can tell.
func openScript(s *Script, root *rootDir, startNs int64) found {
	f, st, err := root.open(s.Path, inRoot)
	switch {
	case err == nil && settled(st.ctimeNs, startNs):
		return found{f, st, Verified}
	case err == nil:
		f.Close()
		if st.ctimeNs < startNs {
			return found{status: Gone}
		}
		return found{status: Replaced}
	case isMissing(err) && !s.Relative:
		return found{status: Deleted}
	}
	return found{status: Gone}
}

// heldScript looks for a deleted script among the files that the process has open: shells keep theirs
// open, and Perl if it ends in data.
func heldScript(path string, l *live, startNs int64) (found, bool) {
	fd, err := unix.Openat(l.dir, "fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return found{}, false
	}
	dir := os.NewFile(uintptr(fd), "fd")
	defer dir.Close()
	names, _ := dir.Readdirnames(maxHeld)
	for _, name := range names {
		if link, err := readlinkAt(fd, name); err != nil || link != path+" (deleted)" {
			continue
		}
		n, err := unix.Openat(fd, name, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		st, err := statFd(n)
		if err != nil || !st.regular() || st.nlink > 0 || !settled(st.mtimeNs, startNs) {
			unix.Close(n)
			continue
		}
		f, err := reopen(n)
		unix.Close(n)
		if err == nil {
			return found{f, st, Deleted}, true
		}
	}
	return found{}, false
}

const maxHeld = 512
