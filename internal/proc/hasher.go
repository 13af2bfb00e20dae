package proc

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/smtptrace/smtptrace/internal/lru"
)

// hasher hashes each content once.
type hasher struct {
	limit int64 // bytes of a file; more is too large
	fast  *lane
	slow  *lane // big files
	far   *lane // files of file systems that may not answer

	relief *relief

	mu      sync.Mutex
	cache   *lru.Map[fileID, digest]
	flights map[fileID][]func(outcome) // being hashed: who waits for it
}

const bigFile = 32 << 20

var (
	errTooLarge = errors.New("file is over the size limit")
	errLost     = errors.New("file cannot be opened any more")
	errFull     = errors.New("too many files are waiting to be hashed")
)

func newHasher(limit int64, entries int, stop <-chan struct{}) *hasher {
	const mib = 1 << 20
	r := &relief{patience: 10 * time.Second}
	return &hasher{
		limit:   limit,
		fast:    newLane(newPace(128*mib, 512*mib, stop), r),
		slow:    newLane(newPace(128*mib, 128*mib, stop), r),
		far:     newLane(newPace(32*mib, 64*mib, stop), r),
		relief:  r,
		cache:   lru.New[fileID, digest](entries),
		flights: map[fileID][]func(outcome){},
	}
}

// start lets the lanes work.
func (h *hasher) start() {
	for _, l := range append(h.lanes(), h.fast) { // which has two workers
		h.relief.work.Go(l.run)
	}
}

// cached gives the digest of a content that was hashed before.
func (h *hasher) cached(id fileID) (digest, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cache.Get(id)
}

// hash takes a file over and calls done once with its digest, at once or from a lane. open gives the
// same file again, should it have to wait closed; nil: nobody can.
func (h *hasher) hash(st stat, far bool, file *os.File, open func() *os.File, done func(outcome)) {
	id := st.fileID
	if id.size > h.limit {
		file.Close()
		done(outcome{err: errTooLarge})
		return
	}
	// A file that changed a moment ago could change again under the same ctime: it speaks for itself only.
	alone := !settled(id.ctimeNs, time.Now().UnixNano())
	if !alone {
		h.mu.Lock()
		d, ok := h.cache.Get(id)
		waiting, flying := h.flights[id]
		full := len(waiting) >= laneJobs
		if !ok && !full {
			h.flights[id] = append(waiting, done)
		}
		h.mu.Unlock()
		if ok || flying {
			file.Close()
		}
		switch {
		case ok:
			done(outcome{digest: d})
			return
		case full:
			done(outcome{err: errFull})
			return
		case flying:
			return
		}
		done = func(o outcome) { h.landed(id, o) }
	}
	j := &job{stat: st, file: file, open: open, done: done}
	if !h.laneOf(id, far).add(j) {
		file.Close()
		done(outcome{err: errFull})
	}
}

func (h *hasher) laneOf(id fileID, far bool) *lane {
	switch {
	case far:
		return h.far
	case id.size > bigFile:
		return h.slow
	}
	return h.fast
}

// landed tells all who wait for one content.
func (h *hasher) landed(id fileID, o outcome) {
	h.mu.Lock()
	waiting := h.flights[id]
	delete(h.flights, id)
	if o.err == nil && !o.deleted { // whether that was all nobody can tell but by the process
		h.cache.Put(id, o.digest)
	}
	h.mu.Unlock()
	for _, done := range waiting {
		done(o)
	}
}

func (h *hasher) evictions() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cache.Evictions()
}

func (h *hasher) lanes() []*lane { return []*lane{h.fast, h.slow, h.far} }
