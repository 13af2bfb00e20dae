package trace

import (
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
)

// hold keeps the identities of a connection's processes for as long as there may be records of it.
func (t *Tracer) hold(c *conn) {
	for i, key := range [...]event.ProcessKey{c.last.Connector, c.last.Sender} {
		if key == c.holds[i] {
			continue
		}
		t.holding.release(c.holds[i])
		if key.Pid != 0 {
			t.opts.Resolver.Keep(key)
		}
		c.holds[i] = key
	}
}

// release lets them go.
func (t *Tracer) release(c *conn) {
	for i, key := range c.holds {
		t.holding.release(key)
		c.holds[i] = event.ProcessKey{}
	}
}

// holding are identities that are to be let go, when the last record that needs them has been written for sure.
type holding struct {
	now, before []event.ProcessKey
	turned      time.Time
}

// maxHolding is how many may wait: beyond it those of the half before go sooner.
const maxHolding = 1 << 16

func (h *holding) release(key event.ProcessKey) {
	if key.Pid != 0 {
		h.now = append(h.now, key)
	}
}

// tick lets go of those for which no record waits any more.
func (h *holding) tick(now time.Time, release func(event.ProcessKey)) {
	if now.Sub(h.turned) < sessionPatience+stopPatience && len(h.now) < maxHolding {
		return
	}
	for _, key := range h.before {
		release(key)
	}
	h.before, h.now, h.turned = h.now, h.before[:0], now
}
