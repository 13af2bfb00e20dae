package proc

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/smtptrace/smtptrace/internal/event"
)

// view is where a process's paths are looked up.
type view struct {
	space *rootDir // the root of its mount namespace; nil: out of reach
	start *rootDir // the root directory that it was started in, which may be below that; nil: not known
	close func()
}

// viewOf finds the roots of a process, through a neighbour if it is gone or in a chroot.
func (r *Resolver) viewOf(p *event.Process, l *live) view {
	v := view{close: func() {}}
	switch {
	case p.MntNS == r.spaces.own:
		v.space = r.root
	case l != nil && l.root != nil && l.root.at == "":
		v.space = l.root
	default:
		r.spaces.doors(p, func(root *rootDir) bool {
			if root.at != "" {
				return false
			}
			v.space, v.close = root, root.close
			return true
		})
		if v.space == nil && l != nil {
			v.space = l.root
		}
	}
	switch {
	case l == nil || l.root == nil:
		// Whether it was in a chroot nobody can tell any more, but by where its program is.
		if isSystemPath(p.Exe) {
			v.start = v.space
		}
	default:
		if _, ok := l.root.inside(p.Exe); ok {
			v.start = l.root
		} else { // the program is not in its root: it went there later
			v.start = v.space
		}
	}
	return v
}

func isSystemPath(exe string) bool {
	return strings.HasPrefix(exe, "/usr/") || strings.HasPrefix(exe, "/bin/") || strings.HasPrefix(exe, "/sbin/")
}

const maxIDMap = 64 << 10 // bytes

// insideID turns an id of the host into that of a process's user namespace, where its root's files
// are written, by /proc/PID/uid_map or gid_map (user_namespaces(7)); ^0: it has none there.
func insideID(idMap []byte, id uint32) uint32 {
	for line := range bytes.Lines(idMap) {
		var inside, outside, count uint64
		if n, _ := fmt.Sscan(string(line), &inside, &outside, &count); n == 3 &&
			uint64(id) >= outside && uint64(id) < outside+count {
			return uint32(uint64(id) - outside + inside)
		}
	}
	return ^uint32(0)
}
