package proc

import (
	"os"
	"strings"

	"github.com/smtptrace/smtptrace/internal/event"
)

// found is the file that a process runs. file is nil unless the status promises a hash.
type found struct {
	file   *os.File
	stat   stat
	status Status
	fresh  bool // it could be written after the act and nothing tell: it speaks for what ran while it runs
}

func (g found) close() {
	if g.file != nil {
		g.file.Close()
	}
}

// locate finds the file that p runs: through the process while it lives, else by its path in the
// mount namespace.
func (r *Resolver) locate(p *event.Process, l *live) found {
	if l != nil && l.exe != nil && p.ExeInode != 0 {
		if got, ok := running(p, l.exe, l.dir); ok {
			l.same, l.exe = true, nil
			return got
		}
	}
	if p.ExeInode == 0 || p.ExeNlink == 0 || p.ExeTruncated {
		return found{status: Gone}
	}
	return r.byPath(p, l)
}

// running judges the file behind /proc/PID/exe. A process may have begun another program since, so
// that it is the same process proves nothing of the file.
func running(p *event.Process, f *os.File, dir int) (found, bool) {
	st, err := statFd(int(f.Fd()))
	if err != nil || st.size != int64(p.ExeSize) || !sameInode(p, int(f.Fd()), &st, dir) {
		return found{}, false
	}
	status := Verified
	if st.nlink == 0 {
		status = Deleted
		if isMemfd(p) {
			status = Memfd
		}
	}
	if st.ctimeNs == int64(p.ExeCtimeNs) {
		written := st.ctimeNs
		if st.nlink == 0 { // the ctime is that of the deletion
			written = st.mtimeNs
		}
		return found{f, st, status, !settled(written, wallNs(p.TimeNs))}, true
	}
	// Deleting a file moves its ctime. It is still the one that ran if it was born before the act, so that
	// its number was not used again, and not written after it, by its mtime, which its owner can set; but as long
	// as it runs nobody can write it.
	seen := int64(p.ExeCtimeNs)
	if p.ExeNlink > 0 && st.nlink == 0 && st.btimeNs > 0 && st.btimeNs <= seen && st.mtimeNs <= seen &&
		settled(seen, wallNs(p.TimeNs)) {
		return found{f, st, status, true}, true
	}
	return found{}, false
}

// byPath opens the exe's path where the process saw it. The path comes from the kernel, which has no
// links in it: a link that stands there now is another file.
func (r *Resolver) byPath(p *event.Process, l *live) found {
	if p.MntNS == r.spaces.own {
		return inDir(r.root, p, l)
	}
	got := found{status: Gone}
	r.spaces.doors(p, func(root *rootDir) bool {
		if next := inDir(root, p, l); next.status != Gone {
			got = next
		}
		if got.status == Verified {
			root.close()
		}
		return got.status == Verified
	})
	if got.status != Gone {
		return got
	}
	// The namespace may have gone with it. A service's own one has most of the host's files, at the same
	// paths: that file is taken if it is provably the one that ran.
	if host := inDir(r.root, p, l); host.status == Verified {
		return host
	}
	return got
}

func inDir(root *rootDir, p *event.Process, l *live) found {
	path, ok := root.inside(p.Exe)
	if !ok {
		return found{status: Gone}
	}
	f, st, err := root.open(path, noSymlinks)
	if err != nil {
		if isMissing(err) {
			return found{status: Gone}
		}
		return found{status: Replaced}
	}
	dir := -1
	if l != nil {
		dir = l.dir
	}
	if !sameFile(p, int(f.Fd()), &st, dir) {
		f.Close()
		return found{status: Replaced}
	}
	// Written so shortly before the act that a later write could bear the same ctime: nobody can tell.
	if !settled(st.ctimeNs, wallNs(p.TimeNs)) {
		f.Close()
		return found{status: Gone}
	}
	return found{file: f, stat: st, status: Verified}
}

const (
	magicTmpfs   = 0x01021994
	magicHugetlb = 0x958458f6
)

// isMemfd tells a file that memfd_create(2) made: without a link, on the kernel's own tmpfs mount,
// which is in no namespace and so gives no path but the file's name.
func isMemfd(p *event.Process) bool {
	if p.ExeNlink != 0 || p.ExeMagic != magicTmpfs && p.ExeMagic != magicHugetlb {
		return false
	}
	return p.Exe == "/" || strings.HasPrefix(p.Exe, "/memfd:")
}
