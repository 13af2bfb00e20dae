package probe

import (
	"fmt"
	"slices"

	"github.com/smtptrace/smtptrace/bpf"
	"github.com/smtptrace/smtptrace/internal/event"
)

// Counters sums what the programs counted on each CPU, and what the agent and the kernel add.
func (p *Probe) Counters() (event.Counters, error) {
	var cpus []bpf.SmtptraceCounterSet
	if err := p.loader.maps["counters"].Lookup(uint32(0), &cpus); err != nil {
		return event.Counters{}, fmt.Errorf("read the loss counters: %w", err)
	}
	c := event.Counters{Undecodable: p.undecodable}
	for _, k := range cpus {
		c.Events += k.Events
		c.LostProcess += k.LostProcess
		c.LostConn += k.LostConn
		c.LostSnapshot += k.LostSnapshot
		c.LostPayload += k.LostPayload
		c.ConnFull += k.ConnFull
		c.Unreadable += k.Unreadable
		c.LostDNS += k.LostDns
		c.LineageMissing += k.LineageMissing
	}
	for i := range p.answers {
		a := &p.answers[i] // no copy: Drain changes its links meanwhile
		switch q := a.hook.Question; {
		case q == Lineage: // the parents of the moment are named then
			continue
		case q == Send && p.packets: // a record without a sender says so
			continue
		case (q == Connect || q == State) && p.answers[slices.Index(Questions, State)].programs[sockops] != nil:
			continue // sockops has seen it
		}
		for name, prog := range a.programs {
			stats, err := prog.Stats()
			if err != nil {
				return c, fmt.Errorf("read the statistics of %s: %w", name, err)
			}
			c.Missed += stats.RecursionMisses
		}
	}
	return c, nil
}
