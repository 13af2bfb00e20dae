package trace

import (
	"sync/atomic"
	"time"

	"github.com/smtptrace/smtptrace/internal/dns"
	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/lru"
	"github.com/smtptrace/smtptrace/internal/record"
)

// maxAskers bounds the processes that are remembered to have asked for an MX.
const maxAskers = 4096

// names is what DNS said. The loop puts messages in, and never waits; all else is the writer's own, but for
// the counts.
type names struct {
	messages  chan event.DNS
	dropped   atomic.Uint64 // messages
	forgotten atomic.Uint64 // askers

	cache   *dns.Cache
	askers  *lru.Map[asker, struct{}]
	lookup  *dns.Lookup // nil: nothing is looked up
	pending map[string]bool
}

// asker is a process, whatever program it runs by now.
type asker struct {
	pid     uint32
	startNs uint64
}

func newNames(lookup *dns.Lookup) *names {
	return &names{
		messages: make(chan event.DNS, 512), cache: dns.NewCache(), askers: lru.New[asker, struct{}](maxAskers),
		lookup: lookup, pending: map[string]bool{},
	}
}

// put takes a message from the loop.
func (n *names) put(d *event.DNS) {
	select {
	case n.messages <- *d:
	default:
		n.dropped.Add(1)
	}
}

// settle learns what has come so far: all that came before a draft that is at hand.
func (n *names) settle() {
	for {
		select {
		case d := <-n.messages:
			n.learn(&d)
		default:
			n.found()
			return
		}
	}
}

func (n *names) learn(d *event.DNS) {
	if d.Direction == event.Client {
		if d.Asker.Pid != 0 {
			if _, evicted := n.askers.Put(asker{d.Asker.Pid, d.Asker.StartNs}, struct{}{}); evicted {
				n.forgotten.Add(1)
			}
		}
		return
	}
	n.cache.Learn(d.Message.Data[:d.Message.Len], d.Message.Cut, time.Now())
}

// found takes the look-ups that are done.
func (n *names) found() {
	for n.lookup != nil {
		select {
		case f := <-n.lookup.Found():
			f.Teach(n.cache, time.Now())
			delete(n.pending, f.Domain)
		default:
			return
		}
	}
}

// ask has looked up what a session's match needs, if that is wanted.
func (n *names) ask(d *draft) {
	if n.lookup == nil || d.action != record.ActionSession {
		return
	}
	for _, domain := range d.domains() {
		if !n.pending[domain] && !n.cache.Knows(d.conn.Destination.Addr(), domain, time.Now()) && n.lookup.Ask(domain) {
			n.pending[domain] = true
		}
	}
}

// waits says whether something of a draft is still being looked up.
func (n *names) waits(d *draft) bool {
	if len(n.pending) == 0 || d.action != record.ActionSession {
		return false
	}
	for _, domain := range d.domains() {
		if n.pending[domain] {
			return true
		}
	}
	return false
}

// judge says what DNS has to say of a connection. The match is of sessions with another host.
func (n *names) judge(r *record.Record, d *draft) {
	key, _ := d.sender()
	if _, asked := n.askers.Get(asker{key.Pid, key.StartNs}); asked {
		r.Flags = append(r.Flags, "self_mx_query")
	}
	if d.action == record.ActionSession && r.Verdict != "" && r.Verdict != record.Local {
		r.MXMatch = string(n.cache.Match(d.conn.Destination.Addr(), d.domains(), time.Now()))
	}
}

// domains are those of a session's recipients, whatever of them may be shown.
func (d *draft) domains() (list []string) {
	for i := range d.said.Transactions {
		list = append(list, d.said.Transactions[i].Domains()...)
	}
	return list
}
