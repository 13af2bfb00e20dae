package trace

import "time"

// ended are the connections that have ended lately. What another CPU says of one at that moment can come behind
// its end, and is not to begin it anew. The ring keeps the order in which room in it was taken, so that what comes
// late does so within the time that a program takes, or is preempted for.
type ended struct {
	now, before map[uint64]struct{}
	turned      time.Time
}

const (
	endedFor  = 2 * time.Second // and up to twice as long
	maxEnded  = 1 << 16         // in half of that; beyond it they are forgotten sooner
	endedRoom = 1024
)

func newEnded() ended {
	return ended{now: make(map[uint64]struct{}, endedRoom), before: make(map[uint64]struct{}, endedRoom)}
}

func (e *ended) add(id uint64) {
	if len(e.now) >= maxEnded {
		e.turn(e.turned)
	}
	e.now[id] = struct{}{}
}

func (e *ended) has(id uint64) bool {
	_, now := e.now[id]
	_, before := e.before[id]
	return now || before
}

// tick forgets those of long ago.
func (e *ended) tick(now time.Time) {
	if now.Sub(e.turned) >= endedFor {
		e.turn(now)
	}
}

func (e *ended) turn(now time.Time) {
	e.now, e.before, e.turned = e.before, e.now, now
	clear(e.now)
}
