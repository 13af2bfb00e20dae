package proc

import (
	"sync"
	"time"
)

// pace bounds how fast bytes are read: so many a second on the long run, and a burst at once.
type pace struct {
	perSecond float64
	burst     float64
	stop      <-chan struct{}

	mu   sync.Mutex
	left float64
	last time.Time
}

func newPace(perSecond, burst int64, stop <-chan struct{}) *pace {
	return &pace{perSecond: float64(perSecond), burst: float64(burst), left: float64(burst), last: time.Now(), stop: stop}
}

// take waits until n bytes may be read; false: the end has come.
func (p *pace) take(n int) bool {
	p.mu.Lock()
	now := time.Now()
	p.left = min(p.burst, p.left+now.Sub(p.last).Seconds()*p.perSecond) - float64(n)
	p.last = now
	wait := time.Duration(0)
	if p.left < 0 {
		wait = time.Duration(-p.left / p.perSecond * float64(time.Second))
	}
	p.mu.Unlock()
	if wait == 0 {
		select {
		case <-p.stop:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-p.stop:
		return false
	case <-timer.C:
		return true
	}
}
