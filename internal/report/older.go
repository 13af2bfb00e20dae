package report

import (
	"net/netip"

	"github.com/smtptrace/smtptrace/internal/record"
)

// older is what was open before runs, and is not known to have been anything but the mail that was asked for.
type older struct {
	mail    suspects // to mail ports, and not adopted
	omitted uint64   // more of these
	other   uint64   // to other ports, neither adopted nor explained
	unknown bool     // there may be more
	untold  bool     // the logs do not say
}

// add takes what a run says of it: its start or, where that is not in the logs any more, a heartbeat. Nobody followed these connections, so that they count for as long as the run goes
// on. A version of before did not look at other ports.
func (o *older) add(r *run, q *Query) {
	t := &r.tracer
	if t.Forwards == "" {
		o.untold = true
	}
	type ends struct{ from, to netip.AddrPort }
	counted := map[ends]bool{} // however many processes have it open
	for i := range t.Open {
		c := &t.Open[i]
		one := ends{c.Source.AddrPort(), c.Destination.AddrPort()}
		as := record.Record{
			Event:  record.Event{Action: record.ActionConnect, Reason: record.Adopted},
			Source: c.Source, Destination: c.Destination,
			Identity: record.Identity{
				Process: record.Process{PID: c.Process.PID, Name: c.Process.Name, Executable: c.Process.Executable}, User: c.User,
			},
		}
		if c.Adopted || counted[one] || q.excludes(&as) {
			continue
		}
		counted[one] = true
		o.mail.add(&as)
	}
	o.omitted += t.OpenOmitted
	o.other += t.OpenOther
	o.unknown = o.unknown || t.OpenUnknown
}

// count is how many connections these are, as far as they are counted.
func (o *older) count() uint64 { return o.mail.count + o.omitted + o.other }
