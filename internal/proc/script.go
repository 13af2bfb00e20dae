package proc

import (
	"path"
	"strings"

	"github.com/smtptrace/smtptrace/internal/event"
)

// Script is the file of a program that an interpreter runs, as its arguments name it: those at its exec,
// or, where that was not seen, those of the moment, which are its own memory and may have been changed. Of one that
// was found through PATH there is a path and no hash: the environment is the process's memory, too.
type Script struct {
	Path     string // absolute; relative only if the working directory is not known
	Module   string // "" but for python -m and a Java class: a name that no path is known of
	Relative bool   // the argument was relative, and read from the working directory at the act, if it began there
	SHA256   string // "" unless Status is verified
	Deleted  bool   // nothing is at the path any more
	Status   Status
}

// scriptArgs are the arguments to read a script from: without the last if it may be cut off.
func scriptArgs(p *event.Process) []string {
	args, truncated := p.Args, p.ArgsTruncated
	if p.ExecArgs != nil {
		args, truncated = p.ExecArgs, p.ExecArgsTruncated
	}
	if truncated {
		return args[:max(0, len(args)-1)]
	}
	return args
}

// scriptOf reads the script out of a command line; nil: the exe is no interpreter, or runs no file. One that is
// looked for in PATH alone has a name, and not yet a path.
func scriptOf(p *event.Process, args []string) (*Script, lookup) {
	g, args := interpreterOf(p, args)
	if g == nil {
		return nil, inCwd
	}
	name, module, where := g.script(args)
	if strings.Contains(name, "/") {
		where = inCwd
	}
	switch {
	case module != "":
		return &Script{Module: module, Status: Gone}, where
	case strings.TrimSpace(name) == "": // also what is left of arguments behind a title
		return nil, where
	case isOwn(name):
		return &Script{Path: name, Status: Gone}, where
	case path.IsAbs(name):
		return &Script{Path: below("/", name), Status: Pending}, where
	case where == inPath || where == elsewhere || p.Cwd == "" || p.CwdTruncated || p.CwdMoved:
		return &Script{Path: name, Relative: true, Status: Gone}, where
	}
	return &Script{Path: below(p.Cwd, name), Relative: true, Status: Pending}, where
}

// isOwn tells a path that means another file to each process, such as the /dev/fd/63 of bash <(…).
func isOwn(name string) bool {
	for _, dir := range [...]string{"/dev/fd/", "/proc/self/", "/proc/thread-self/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return name == "/dev/stdin"
}

// below joins a name to a real directory. A ".." behind a part of the name stays: that may be a link.
func below(dir, name string) string {
	named, climbs := false, false
	for part := range strings.SplitSeq(name, "/") {
		climbs = climbs || named && part == ".."
		named = named || part != "" && part != "." && part != ".."
	}
	if climbs {
		return strings.TrimSuffix(dir, "/") + "/" + strings.TrimLeft(name, "/")
	}
	return path.Join(dir, name)
}

// baseName is the last component of a path or of a program's name.
func baseName(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[i+1:]
	}
	return p
}
