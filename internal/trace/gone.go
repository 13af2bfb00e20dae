package trace

import (
	"net/netip"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
)

// Live are the TCP connections that the kernel's socket tables list.
type Live map[Socket]struct{}

// Socket names one. Of a socket without a source port, since none is chosen yet, the destination alone counts:
// Add puts each in both ways.
type Socket struct {
	NetNS               uint32 // inode number
	Source, Destination netip.AddrPort
}

// Add adds a connection.
func (l Live) Add(netns uint32, source, destination netip.AddrPort) {
	l[Socket{netns, source, destination}] = struct{}{}
	l[Socket{NetNS: netns, Destination: destination}] = struct{}{}
}

// Has reports whether it lists a connection.
func (l Live) Has(netns uint32, source, destination netip.AddrPort) bool {
	if source.Port() == 0 {
		source = netip.AddrPort{}
	}
	_, there := l[Socket{netns, source, destination}]
	return there
}

// gone finds the connections whose end was lost: after snapshots were lost it has the socket tables read, beside
// the loop, and those that they do not list any more have ended.
type gone struct {
	lost    uint64    // snapshots, as the last reading that began knew them
	began   time.Time // of the reading that runs
	reading chan Live // nil: none runs; closed without a word: the tables could not be read
	failed  uint      // readings that came to nothing, in a row: each makes the next one wait for twice as long
}

// goneAgain is how long it takes at least from one reading to the next, and gonePatience how long the end of the run
// waits for the last one.
const (
	goneAgain    = 2 * time.Second
	gonePatience = 5 * time.Second
)

// tickGone takes what a reading has found, and begins another where more snapshots were lost.
func (t *Tracer) tickGone(now time.Time) {
	g := &t.gone
	select {
	case live, ok := <-g.reading:
		g.reading = nil
		if !ok {
			g.lost, g.failed = 0, min(g.failed+1, 10) // it is tried again
		} else {
			g.failed = 0
			t.closeGone(live)
		}
	default:
	}
	if t.lost.Snapshots > g.lost && g.reading == nil && t.opts.Live != nil && now.Sub(g.began) >= goneAgain<<g.failed {
		t.readLive(now, t.lost.Snapshots)
	}
}

func (t *Tracer) readLive(now time.Time, lost uint64) {
	g := &t.gone
	g.lost, g.began = lost, now
	g.reading = make(chan Live, 1)
	warn := g.failed == 0
	go func(found chan Live) {
		defer t.survive(0)
		defer close(found)
		live, err := t.opts.Live()
		if err == nil {
			found <- live
		} else if warn {
			t.opts.Warn(err)
		}
	}(g.reading)
}

// finishGone does so once more at the end of the run, and waits for it: for the connections of which the hooks have not
// just told that they go on. Of those from before the start sockops does not tell the end.
func (t *Tracer) finishGone() {
	g := &t.gone
	c, err := t.counters()
	if t.opts.Live == nil || err != nil || !t.anyGone() {
		return
	}
	patience := time.After(gonePatience)
	if g.reading != nil { // it may have begun too early
		select {
		case <-g.reading:
		case <-patience:
			return
		}
	}
	t.readLive(time.Now(), c.Lost.Snapshots)
	select {
	case live, ok := <-g.reading:
		if ok {
			t.closeGone(live)
		}
	case <-patience:
	}
}

func (t *Tracer) anyGone() bool {
	for _, c := range t.conns {
		if c.known && c.last.Phase != event.PhaseOpen {
			return true
		}
	}
	return false
}

// closeGone ends the connections of before a reading that are not among what it has found.
func (t *Tracer) closeGone(live Live) {
	for _, c := range t.conns {
		if c.known && c.heardAt.Before(t.gone.began) && !live.Has(c.last.NetNS, c.last.Source, c.last.Destination) {
			t.guard(c.id, func() {
				c.gone = true
				t.close(c)
			})
		}
	}
}
