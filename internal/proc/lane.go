package proc

import (
	"os"
	"sync"
)

// lane hashes one kind of files, in the order of their coming. Slow files have a lane of their own,
// so that nobody waits behind them.
type lane struct {
	pace   *pace
	relief *relief

	mu     sync.Mutex
	wake   *sync.Cond
	jobs   []*job
	pinned int // jobs that hold a descriptor
	closed bool
}

// job is one file to hash. done is called once, by the lane.
type job struct {
	stat stat
	file *os.File        // nil: too many were open already
	open func() *os.File // opens it again; nil: it cannot be
	done func(outcome)
}

const (
	laneJobs = 8192 // waiting in one lane
	lanePins = 128  // of them, held open
	laneBuf  = 64 << 10
)

func newLane(p *pace, r *relief) *lane {
	l := &lane{pace: p, relief: r}
	l.wake = sync.NewCond(&l.mu)
	return l
}

// add takes a job over; false: the lane is full or closed, and the job is the caller's.
func (l *lane) add(j *job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.jobs) >= laneJobs || l.pinned >= lanePins && j.open == nil {
		return false
	}
	if l.pinned >= lanePins {
		j.file.Close()
		j.file = nil
	} else {
		l.pinned++
	}
	l.jobs = append(l.jobs, j)
	l.wake.Signal()
	return true
}

// run works until the lane is closed. Several may run at once.
func (l *lane) run() {
	buf := make([]byte, laneBuf)
	for {
		l.mu.Lock()
		for len(l.jobs) == 0 && !l.closed {
			l.wake.Wait()
		}
		if len(l.jobs) == 0 {
			l.mu.Unlock()
			return
		}
		j := l.jobs[0]
		l.jobs[0] = nil
		l.jobs = l.jobs[1:]
		if j.file != nil {
			l.pinned--
		}
		l.mu.Unlock()

		if l.relief.turn(l.run, func(moving func()) { j.run(buf, l.pace, moving) }) {
			return
		}
	}
}

// run hashes the file. A large one takes its time: each stretch of it is a sign of life.
func (j *job) run(buf []byte, p *pace, moving func()) {
	if j.file == nil {
		j.file = j.open()
	}
	if j.file == nil {
		j.done(outcome{err: errLost})
		return
	}
	o := digestFile(j.file, j.stat, buf, func(n int) bool {
		moving()
		return p.take(n)
	})
	j.file.Close()
	j.done(o)
}

func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake.Broadcast()
}
