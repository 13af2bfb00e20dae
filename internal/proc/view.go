package proc

import (
	"bytes"
	"fmt"

	"github.com/smtptrace/smtptrace/internal/event"
)

// view is where a process's paths are looked up.
type view struct {
	space *rootDir // the root of its mount namespace; nil: out of reach
	own   *rootDir // its own root directory, which may be below that; nil likewise
	close func()
}

// viewOf finds the roots of a process, through a neighbour if it is gone.
func (r *Resolver) viewOf(p *event.Process, l *live) view {
	v := view{close: func() {}}
	if l != nil {
		v.own = l.root
	}
	if p.MntNS == r.spaces.own {
		v.space = r.root
	} else if v.space = v.own; v.space == nil {
		r.spaces.doors(p, func(root *rootDir) bool {
			v.space, v.close = root, root.close
			return true
		})
	}
	if v.own == nil {
		v.own = v.space
	}
	return v
}

// insideID turns an id of the host into that of a process's user namespace, where its root's files
// are written, by /proc/PID/uid_map or gid_map (user_namespaces(7)).
func insideID(idMap []byte, id uint32) uint32 {
	for line := range bytes.Lines(idMap) {
		var inside, outside, count uint64
		if n, _ := fmt.Sscan(string(line), &inside, &outside, &count); n == 3 &&
			uint64(id) >= outside && uint64(id) < outside+count {
			return uint32(uint64(id) - outside + inside)
		}
	}
	return id
}
