package proc

import (
	"sync"

	"github.com/smtptrace/smtptrace/internal/event"
)

// entry is one process in the resolver's table.
type entry struct {
	key event.ProcessKey

	mu       sync.Mutex
	latest   *event.Process
	identity *Identity     // what is known now; replaced, never changed
	busy     bool          // queued or being worked on
	again    bool          // observed anew meanwhile
	done     chan struct{} // closed when nothing is left to find out
}

func newEntry(p *event.Process) *entry {
	return &entry{key: p.Key, latest: p, identity: &Identity{Process: p, Hash: Hash{Status: Pending}}, done: make(chan struct{})}
}

// observe takes a later reading of the process; true: somebody must work on it.
func (e *entry) observe(p *event.Process) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.latest != p {
		if p.TimeNs < e.latest.TimeNs {
			return false
		}
		if unchanged(e.latest, p) && (e.busy || e.isDone()) {
			return false
		}
	}
	if e.isDone() {
		e.done = make(chan struct{})
		next := *e.identity
		next.Process, _ = unswapped(p, next.facts) // what is known is of that exe
		e.identity = &next
	}
	e.latest = p
	if e.busy {
		e.again = true
		return false
	}
	e.busy = true
	return true
}

// begin gives the reading to work on, and the identity as it was.
func (e *entry) begin() (*event.Process, *Identity) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.again = false
	return e.latest, e.identity
}

// publish shows a state of the work.
func (e *entry) publish(id *Identity) {
	e.mu.Lock()
	e.identity = id
	e.mu.Unlock()
}

// finish ends the work; true: the process changed meanwhile, and must be worked on again.
func (e *entry) finish(id *Identity) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.identity = id
	if e.again {
		return true
	}
	e.busy = false
	close(e.done)
	return false
}

// reopen asks for the work to be done once more; true: the caller is to queue it.
func (e *entry) reopen() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isDone() {
		e.done = make(chan struct{})
	}
	if e.busy {
		e.again = true
		return false
	}
	e.busy = true
	return true
}

// refuse gives up on the work for now: whoever waits may take it up again.
func (e *entry) refuse() {
	e.mu.Lock()
	e.busy = false
	e.mu.Unlock()
}

// take makes the caller the one who queues an entry that was refused.
func (e *entry) take() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy || e.isDone() {
		return false
	}
	e.busy = true
	return true
}

func (e *entry) isDone() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

func (e *entry) now() (*Identity, bool, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.identity, e.isDone(), e.done
}

// unchanged tells that a later reading says nothing new. The exe is the key's: only its link can go.
func unchanged(a, b *event.Process) bool {
	if a.Comm != b.Comm || a.Cwd != b.Cwd || a.Cgroup != b.Cgroup || a.Ppid != b.Ppid ||
		a.UID != b.UID || a.EUID != b.EUID || a.GID != b.GID || a.ExeNlink != b.ExeNlink ||
		a.Recalled != b.Recalled || a.Exe != b.Exe || a.ExeSwapped != b.ExeSwapped || a.MntNS != b.MntNS || len(a.Args) != len(b.Args) {
		return false
	}
	for i := range a.Args {
		if a.Args[i] != b.Args[i] {
			return false
		}
	}
	return true
}
