package proc

import (
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// findScript finds the script of a reading, and keeps the one of an earlier reading: a program that
// names itself anew still runs it. Of one that began before we watched, and whose argv[0] is no name of
// the interpreter, the arguments were written over, and name no script.
func (s *study) findScript(v view, l *live) {
	if s.id.Script != nil {
		s.missScript(v)
		return
	}
	if s.p.ExecArgs == nil && !namesExe(s.p) && !s.facts.alias && baseName(s.p.Exe) != "busybox" {
		return
	}
	args := s.facts.args
	if args == nil || s.p.ArgsChanged() {
		args = scriptArgs(s.p)
	}
	script, where := scriptOf(s.p, args)
	if script == nil {
		return
	}
	s.id.Script = script
	began := programBegan(s.p)
	if where == inPath && v.start != nil {
		s.searchScript(script, v.start, began, true)
	}
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
	at := script.Path
	if script.Relative {
		var ok bool
		if at, ok = root.inside(at); !ok {
			return
		}
	}
	s.facts.scriptDir = hasWritableDir(root, path.Join("/", at), s.p, s.facts.owner)
	got := openScript(at, root, began)
	if g, _ := interpreterOf(s.p, args); got.status == Deleted && g.suffix != "" {
		if whole := openScript(at+g.suffix, root, began); whole.status != Deleted {
			got, script.Path = whole, script.Path+g.suffix
		}
	}
	missing := got.status == Deleted
	if missing && script.Relative {
		got.status = Gone // the process may have been in another directory when it began
	}
	if got.file == nil && l != nil && l.same && holdsDeleted(script.Path, l, began) {
		got.status, missing = Deleted, false
	}
	if got.file == nil && missing && where == inCwdOrPath && v.start != nil && absentSince(root, path.Dir(at), began) {
		script.Path = path.Base(at)
		s.searchScript(script, v.start, began, false)
	}
	script.Status, script.Deleted = got.status, got.status == Deleted
	if got.file == nil {
		return
	}
	script.Status = Pending
	s.hash(got, nil, func(h Hash, o outcome) {
		next := *script
		next.SHA256, next.Status = h.SHA256, h.Status
		if o.deleted { // and written before that, perhaps
			next.SHA256, next.Status, next.Deleted = "", Deleted, true
		}
		s.id.Script = &next
	})
}

// searchScript looks for a script in PATH.
func (s *study) searchScript(script *Script, root *rootDir, began span, executable bool) {
	script.search(s.facts.path, root, began, executable)
	s.facts.scriptDir = !script.Relative && hasWritableDir(root, script.Path, s.p, s.facts.owner)
}

// missScript looks whether a script that was found once is still there.
func (s *study) missScript(v view) {
	path, root := s.id.Script.Path, v.start
	if s.id.Script.Relative {
		root = v.space
	}
	if s.id.Script.Status != Verified || s.id.Script.Deleted || root == nil {
		return
	}
	if s.id.Script.Relative {
		path, _ = root.inside(path)
	}
	if _, err := root.stat(path, inRoot); isMissing(err) {
		next := *s.id.Script
		next.Deleted = true
		s.id.Script = &next
	}
}

// span is a time that is known to lie between two others, in ns since the epoch.
type span struct{ from, to int64 }

// programBegan tells when a program began, which is before the process did where that is a fork: what it read
// then may have been changed before the fork. Where the exec was not seen, a fork's was after the boot.
func programBegan(p *event.Process) span {
	switch {
	case p.ExecNs != 0:
		return span{wallNs(p.ExecNs), wallNs(p.ExecNs)}
	case p.Forked:
		return span{wallNs(0), wallNs(p.Key.StartNs)}
	}
	return span{wallNs(p.Key.StartNs), wallNs(p.Key.StartNs)}
}

// openScript finds a script by its path. Its content is taken for what ran only if neither the file nor
// a link that leads to it has changed since the process began; if one changed right then, nobody can tell.
func openScript(path string, root *rootDir, began span) found {
	f, st, err := root.open(path, inRoot)
	switch {
	case err == nil && !linksSettled(root, path, began.from):
		f.Close()
		return found{status: Gone}
	case err == nil && settled(st.ctimeNs, began.from):
		return found{file: f, stat: st, status: Verified}
	case err == nil:
		f.Close()
		if st.ctimeNs < began.to {
			return found{status: Gone}
		}
		return found{status: Replaced}
	case isMissing(err):
		return found{status: Deleted}
	}
	return found{status: Gone}
}

// holdsDeleted looks for a deleted script among the files that the process has open: shells keep theirs open, and
// Perl if it ends in data. What is in it counts for nothing: it may have been written since, and its mtime set back.
func holdsDeleted(path string, l *live, began span) bool {
	fd, err := unix.Openat(l.dir, "fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	dir := os.NewFile(uintptr(fd), "fd")
	defer dir.Close()
	names, _ := dir.Readdirnames(maxHeld)
	for _, name := range names {
		if link, err := readlinkAt(fd, name); err != nil || link != path+" (deleted)" {
			continue
		}
		st, err := statAt(fd, name, 0)
		if err == nil && st.regular() && st.nlink == 0 && settled(st.mtimeNs, began.from) {
			return true
		}
	}
	return false
}

const maxHeld = 512
