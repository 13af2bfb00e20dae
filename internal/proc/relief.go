package proc

import (
	"sync"
	"sync/atomic"
	"time"
)

// relief keeps workers going where a file system does not answer: NFS without its server makes whoever
// looks wait without end. A worker that is stuck gets a substitute, and leaves when it comes back.
type relief struct {
	patience time.Duration
	work     sync.WaitGroup
	away     atomic.Int32  // workers that are stuck and have a substitute
	stalled  atomic.Uint64 // times that one was
}

// maxAway bounds the substitutes: each stuck worker costs a thread.
const maxAway = 32

// turn does one piece of a worker's work, which says by moving that it is not stuck. True: a substitute has
// taken the worker's place, who is to leave.
func (r *relief) turn(substitute func(), work func(moving func())) (leave bool) {
	var mu sync.Mutex
	over := false
	timer := time.AfterFunc(r.patience, func() {
		mu.Lock()
		defer mu.Unlock()
		if over || leave {
			return
		}
		r.stalled.Add(1)
		if r.away.Add(1) > maxAway {
			r.away.Add(-1)
			return
		}
		leave = true
		r.work.Go(substitute)
	})
	work(func() { timer.Reset(r.patience) })
	timer.Stop()
	mu.Lock()
	defer mu.Unlock()
	over = true
	if leave {
		r.away.Add(-1)
	}
	return leave
}

// wait waits for all workers to end, but not for stuck ones; false: there are such.
func (r *relief) wait() bool {
	ended := make(chan struct{})
	go func() {
		r.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-time.After(r.patience):
		return false
	}
}
