package proc

import (
	"strings"

	"github.com/smtptrace/smtptrace/internal/event"
)

const commLen = 15 // bytes of a name that the kernel keeps (TASK_COMM_LEN less the NUL)

func nameFlags(r *raised, id *Identity, f *facts) {
	p := id.Process
	names := programNames(id)
	arg := argv0(p)
	g, _ := interpreterOf(p, nil)
	if g != nil {
		names = append(names, g.names...)
	}
	fits := f.alias || f.titled || namesExe(p) || fitsAny(arg, names)
	r.when(len(p.Args) > 0 && !fits, Argv0Mismatch)
	if fits && arg != "" {
		names = append(names, arg, p.Args[0])
	}
	if g != nil {
		names = append(names, g.threads...)
	}
	r.when(!f.commAlias && !fitsAny(p.Comm, names), CommMismatch)
	empty := len(p.Args) == 0 && !p.ArgsUnreadable
	r.when(empty || isBracketed(wholeComm(p)) || len(p.Args) > 0 && isBracketed(p.Args[0]), FakeKthread)
	named := func(name string) bool { return mtaNames[name] && !(f.rightful && name == arg) }
	poses := mtaUsers[id.User] || mtaUsers[id.EffectiveUser] || named(arg) || named(p.Comm)
	r.when(poses && (p.ExeSwapped || !isMTAExe(p.Exe)), MTAImpostor)
}

// programNames are the names that a process bears by right.
func programNames(id *Identity) []string {
	names := []string{baseName(id.Process.Exe)}
	if id.Script != nil && id.Script.Path != "" {
		names = append(names, baseName(id.Script.Path))
	}
	return names
}

// namesExe tells whether argv[0] is the exe's name. A file's name may have colons and blanks in it.
func namesExe(p *event.Process) bool {
	exe := []string{baseName(p.Exe)}
	return fitsAny(argv0(p), exe) || len(p.Args) > 0 && fitsAny(baseName(p.Args[0]), exe)
}

// wholeComm is comm, or where that was cut the title of which it is the beginning.
func wholeComm(p *event.Process) string {
	if len(p.Comm) == commLen && p.Comm[commLen-1] != ']' && len(p.Args) > 0 && strings.HasPrefix(p.Args[0], p.Comm) {
		return p.Args[0]
	}
	return p.Comm
}

// argv0 is the name in argv[0]: the last component, without the dash of a login shell, and of a title
// ("nginx: master process", "lsphp:/srv/x.php") what stands before the first colon or blank.
func argv0(p *event.Process) string {
	if len(p.Args) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(p.Args[0], " ")
	name = strings.TrimSuffix(name, ":")
	if colon := strings.IndexByte(name, ':'); colon >= 0 && strings.IndexByte(name, '/') > colon {
		name = name[:colon]
	}
	name = baseName(strings.TrimPrefix(name, "-"))
	name, _, _ = strings.Cut(name, ":")
	return name
}

// fitsAny tells whether a name, which may have been cut where the kernel cuts a comm, is one of a
// list's, with or without a version behind either.
func fitsAny(name string, names []string) bool {
	for _, n := range names {
		if name == n || len(name) == commLen && strings.HasPrefix(n, name) {
			return true
		}
		if rest, ok := strings.CutPrefix(n, name); ok && name != "" && isVersion(rest) {
			return true
		}
		if rest, ok := strings.CutPrefix(name, n); ok && n != "" && isVersion(rest) {
			return true
		}
	}
	return false
}

func isVersion(s string) bool { return strings.Trim(s, "0123456789.-") == "" }

// isBracketed tells a name that looks as ps shows a kernel thread, or did before it was cut to a comm.
func isBracketed(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) > 2 && s[0] == '[' && (s[len(s)-1] == ']' || len(s) == commLen)
}
