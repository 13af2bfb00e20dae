package trace

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/lru"
	"github.com/smtptrace/smtptrace/internal/record"
)

// The flag fanout says that a process connected for mail to so many addresses within so long: what a mail
// server does that delivers by itself, and a program that spams.
const (
	fanoutDestinations = 10
	fanoutWindow       = time.Minute
	maxSpreaders       = 1024 // processes that are counted at a time
)

// spread follows where processes connect to. It is the writer's own, but for the count.
type spread struct {
	senders   *lru.Map[event.ProcessKey, *destinations]
	forgotten atomic.Uint64
}

// destinations are the last different ones of a process, with the time of the latest connect to each: the
// window holds enough of them if the oldest is in it.
type destinations struct {
	n  int
	at [fanoutDestinations]struct {
		addr netip.Addr
		time time.Time
	}
}

func newSpread() *spread {
	return &spread{senders: lru.New[event.ProcessKey, *destinations](maxSpreaders)}
}

// mail says whether a draft is of a connection that is for mail, or was tried for it.
func (d *draft) mail() bool {
	switch d.action {
	case record.ActionConnect:
		return d.conn.MailPort
	case record.ActionFirstPayload, record.ActionSession:
		return true
	}
	return false
}

// note takes a connection, and says whether its sender has by now gone to many destinations.
func (s *spread) note(d *draft) bool {
	key, _ := d.sender()
	to := d.conn.Destination.Addr()
	if key.Pid == 0 || !to.IsValid() {
		return false
	}
	known, ok := s.senders.Get(key)
	if !ok {
		known = &destinations{}
		if _, evicted := s.senders.Put(key, known); evicted {
			s.forgotten.Add(1)
		}
	}
	known.add(to, d.start)
	return known.many()
}

func (k *destinations) add(to netip.Addr, at time.Time) {
	oldest := 0
	for i := range k.at[:k.n] {
		if k.at[i].addr == to {
			if at.After(k.at[i].time) {
				k.at[i].time = at
			}
			return
		}
		if k.at[i].time.Before(k.at[oldest].time) {
			oldest = i
		}
	}
	switch {
	case k.n < len(k.at):
		k.at[k.n].addr, k.at[k.n].time = to, at
		k.n++
	case at.After(k.at[oldest].time):
		k.at[oldest].addr, k.at[oldest].time = to, at
	}
}

func (k *destinations) many() bool {
	if k.n < len(k.at) {
		return false
	}
	times := make([]time.Time, 0, fanoutDestinations)
	for i := range k.at {
		times = append(times, k.at[i].time)
	}
	return slices.MaxFunc(times, time.Time.Compare).Sub(slices.MinFunc(times, time.Time.Compare)) <= fanoutWindow
}
