package proc

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/lru"
)

// Resolver finds out who processes are, in the background.
type Resolver struct {
	root   *rootDir
	procfs int
	hasher *hasher

	spaces   *namespaces
	names    *accounts
	packages *catalogs
	images   *images
	programs *programs

	near *line // processes whose exe is on a file system that answers
	far  *line // of FUSE, NFS and the like
	stop chan struct{}

	relief *relief // of those who look at files; the hasher has its own

	mu      sync.Mutex
	table   *lru.Map[event.ProcessKey, *entry]
	kept    map[event.ProcessKey]int    // how often each was asked to be kept, and not released
	beyond  map[event.ProcessKey]*entry // of these, the ones that the table had to make room for
	recalls recalls

	refused  atomic.Uint64
	statuses statusCounters
}

type options struct {
	processes, queue, hashes int
	maxFile                  int64
}

// Option changes a default of New.
type Option func(*options)

// WithProcesses bounds how many processes are remembered (2048).
func WithProcesses(n int) Option { return func(o *options) { o.processes = n } }

// WithQueue bounds how many processes wait for a worker (4096).
func WithQueue(n int) Option { return func(o *options) { o.queue = n } }

// WithMaxFile bounds the size in bytes of a file that is hashed (4 GiB).
func WithMaxFile(n int64) Option { return func(o *options) { o.maxFile = n } }

// New starts a resolver whose files, /proc among them, are below the directory root: "/" but in tests.
func New(root string, opts ...Option) (*Resolver, error) {
	r, err := open(root, opts...)
	if err != nil {
		return nil, err
	}
	r.start()
	return r, nil
}

// start lets the workers work.
func (r *Resolver) start() {
	work := &r.relief.work
	for range 2 {
		work.Go(func() { r.hold(r.near) })
		work.Go(func() { r.examine(r.near) })
	}
	work.Go(func() { r.hold(r.far) })
	work.Go(func() { r.examine(r.far) })
	work.Go(func() { r.packages.index(r.root) }) // which takes a while, and is needed soon
	r.hasher.start()
}

// open makes a resolver without workers.
func open(root string, opts ...Option) (*Resolver, error) {
	o := options{processes: 2048, queue: 4096, hashes: 8192, maxFile: 4 << 30}
	for _, opt := range opts {
		opt(&o)
	}
	dir, err := openRoot(unix.AT_FDCWD, root)
	if err != nil {
		return nil, err
	}
	procfs, err := unix.Open(filepath.Join(root, "proc"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		dir.close()
		return nil, fmt.Errorf("open the process directory of %s: %w", root, err)
	}
	stop := make(chan struct{})
	return &Resolver{
		root: dir, procfs: procfs, hasher: newHasher(o.maxFile, o.hashes, stop),
		spaces: newNamespaces(procfs), names: newAccounts(), packages: newCatalogs(), images: newImages(), programs: newPrograms(procfs),
		near:   &line{arrivals: make(chan *entry, o.queue), holds: make(chan hold, holds)},
		far:    &line{far: true, arrivals: make(chan *entry, o.queue), holds: make(chan hold, holds)},
		relief: &relief{patience: 2 * time.Second},
		stop:   stop, table: lru.New[event.ProcessKey, *entry](o.processes),
		kept: map[event.ProcessKey]int{}, beyond: map[event.ProcessKey]*entry{}, recalls: newRecalls(),
	}, nil
}

// Observe takes note of a process that the kernel showed. It never waits and makes no system call: if
// the workers cannot follow it counts the process as refused, and whoever asks for the identity starts
// the work. p is not to be changed afterwards.
func (r *Resolver) Observe(p *event.Process) {
	r.mu.Lock()
	e, ok := r.table.Get(p.Key)
	if !ok {
		e = r.beyond[p.Key]
	}
	if e == nil {
		e = newEntry(p)
		if old, evicted := r.table.Put(p.Key, e); evicted {
			r.retain(old)
		}
	}
	r.mu.Unlock()
	if e.observe(p) {
		r.enqueue(e, p)
	}
}

// enqueue hands an entry to the workers if there is room.
func (r *Resolver) enqueue(e *entry, p *event.Process) {
	select {
	case r.lineOf(p).arrivals <- e:
	default:
		e.refuse()
		r.refused.Add(1)
	}
}

// Identity gives what is known of a process now, and whether that is all: a hash may be pending. It is
// nil for a process that was never observed or is forgotten. One that Observe refused is taken up
// again if there is room. It never waits.
func (r *Resolver) Identity(key event.ProcessKey) (id *Identity, done bool) {
	e := r.entry(key)
	if e == nil {
		return nil, false
	}
	id, done, _ = e.now()
	if !done && e.take() {
		select {
		case r.lineOf(id.Process).arrivals <- e:
		default:
			e.refuse()
		}
	}
	return id, done
}

// Keep has an identity kept for as long as it is not released as often, though others need room. A process may be
// kept before it is observed.
func (r *Resolver) Keep(key event.ProcessKey) {
	r.mu.Lock()
	r.kept[key]++
	r.mu.Unlock()
}

// Release ends a Keep.
func (r *Resolver) Release(key event.ProcessKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept[key]--; r.kept[key] <= 0 {
		delete(r.kept, key)
		delete(r.beyond, key)
	}
}

// maxBeyond bounds what is kept beyond the table. What has no room there is looked for in the kernel's table, and
// in /proc.
const maxBeyond = 8192

// retain keeps an entry that the table had to make room for, if it is asked to be kept. r.mu is held.
func (r *Resolver) retain(e *entry) {
	if r.kept[e.key] > 0 && len(r.beyond) < maxBeyond {
		r.beyond[e.key] = e
	}
}

// Recheck has a process looked at once more, as for the last record of a session: its script may be
// gone by then. What is known stays known. It never waits.
func (r *Resolver) Recheck(key event.ProcessKey) {
	e := r.entry(key)
	if e == nil || !e.reopen() {
		return
	}
	id, _, _ := e.now()
	r.enqueue(e, id.Process)
}

// Wait gives all that can be known of a process, or what is known when ctx ends; nil as for Identity.
func (r *Resolver) Wait(ctx context.Context, key event.ProcessKey) *Identity {
	e := r.entry(key)
	if e == nil {
		return nil
	}
	for {
		id, done, finished := e.now()
		if done {
			return id
		}
		arrivals := r.lineOf(id.Process).arrivals
		if !e.take() {
			arrivals = nil // somebody is at it
		}
		select {
		case arrivals <- e:
			continue
		case <-finished:
			continue
		case <-ctx.Done():
		case <-r.stop:
		}
		if arrivals != nil {
			e.refuse()
		}
		id, _, _ = e.now()
		return id
	}
}

func (r *Resolver) entry(key event.ProcessKey) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.table.Get(key); ok {
		return e
	}
	return r.beyond[key]
}

// Close ends the work. Identities that were not done stay as they are. A worker that waits for a file system
// which does not answer is left behind, with what it holds.
func (r *Resolver) Close() {
	close(r.stop)
	for _, l := range r.hasher.lanes() {
		l.close()
	}
	if !r.relief.wait() || !r.hasher.relief.wait() {
		return
	}
	r.near.drain()
	r.far.drain()
	r.root.close()
	unix.Close(r.procfs)
}
