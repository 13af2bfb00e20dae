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
			g.lost = 0 // it is tried again
		} else {
			t.closeGone(live)
		}
	default:
	}
	if t.lost.Snapshots > g.lost && g.reading == nil && t.opts.Live != nil && now.Sub(g.began) >= goneAgain {
		t.readLive(now, t.lost.Snapshots)
	}
}

func (t *Tracer) readLive(now time.Time, lost uint64) {
	g := &t.gone
	g.lost, g.began = lost, now
	g.reading = make(chan Live, 1)
	go func(found chan Live) {
		live, err := t.opts.Live()
		if err == nil {
			found <- live
		} else {
			t.opts.Warn(err)
		}
		close(found)
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
	if g.reading != nil { // it may have begun too early
		if _, ok := <-g.reading; !ok {
			return
		}
	}
	t.readLive(time.Now(), c.Lost.Snapshots)
	select {
	case live, ok := <-g.reading:
		if ok {
			t.closeGone(live)
		}
	case <-time.After(gonePatience):
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
