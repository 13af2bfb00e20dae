package proc

import (
	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// line leads processes through the stages: held first, for they may exit at once, then examined at
// leisure. When the second stage is behind, the first waits, and Observe refuses.
type line struct {
	far      bool
	arrivals chan *entry
	holds    chan hold
}

// hold is a process on its way from the first stage to the second.
type hold struct {
	entry *entry
	live  *live // nil: gone, or out of reach
}

// holds bounds how many processes are held open between the stages, three descriptors each.
const holds = 128

// lineOf keeps processes apart whose file system may make whoever touches it wait without end.
func (r *Resolver) lineOf(p *event.Process) *line {
	if isFar(p.ExeMagic) {
		return r.far
	}
	return r.near
}

// isFar tells file systems that are served by another machine or by a program (statfs(2)).
func isFar(magic uint32) bool {
	switch magic {
	case unix.FUSE_SUPER_MAGIC, unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC,
		unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.CODA_SUPER_MAGIC,
		unix.AUTOFS_SUPER_MAGIC:
		return true
	}
	return false
}

// hold is the first stage: it catches the process before it exits.
func (r *Resolver) hold(l *line) {
	for {
		select {
		case <-r.stop:
			return
		case e := <-l.arrivals:
			p, _ := e.begin()
			var held *live
			leave := r.relief.turn(func() { r.hold(l) }, func(func()) { held, _ = openLive(r.procfs, p) })
			select {
			case l.holds <- hold{e, held}:
			case <-r.stop:
				if held != nil {
					held.close()
				}
				return
			}
			if leave {
				return
			}
		}
	}
}

// exeID is the exe as the kernel numbers it. Where statx numbers files differently, no digest is ever
// stored under it: the kernel's numbers are no other file's there.
func exeID(p *event.Process) fileID {
	return fileID{uint64(p.ExeDev), p.ExeInode, int64(p.ExeCtimeNs), int64(p.ExeSize)}
}

// examine is the second stage.
func (r *Resolver) examine(l *line) {
	for {
		select {
		case <-r.stop:
			return
		case h := <-l.holds:
			if r.relief.turn(func() { r.examine(l) }, func(func()) { r.study(h.entry, h.live, l.far) }) {
				return
			}
		}
	}
}

func (l *line) drain() {
	for {
		select {
		case h := <-l.holds:
			if h.live != nil {
				h.live.close()
			}
		default:
			return
		}
	}
}
