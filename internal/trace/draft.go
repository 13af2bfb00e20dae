package trace

import (
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp"
)

// draft is a record without what has to be looked up: the loop makes it, the writer completes it.
type draft struct {
	action   record.Action
	at       time.Time
	clock    clock // as it stood then: the loop sets its own anew
	conn     event.Conn
	said     smtp.Session
	sequence uint64
	last     bool
	reason   record.Reason
	recorded sums // by the records before it
	start    time.Time
	end      time.Time
	since    time.Time       // of a session that has records before this one
	counters record.Counters // of start, heartbeat, stop
	lost     record.Losses   // of lost
	gone     bool            // the connection has ended, and how is not known
	torn     bool            // it has not, and what was lost may have been of it
	fanout   bool            // its sender went to many destinations
	due      time.Time       // it is written then, whatever is still to be looked up
}

// draft begins a record of a connection, with what was said so far.
func (t *Tracer) draft(a record.Action, c *conn) draft {
	d := t.draftOf(a, c)
	if c.parser != nil {
		d.said = c.parser.Session()
	}
	return d
}

// draftOf begins a record of a connection.
func (t *Tracer) draftOf(a record.Action, c *conn) draft {
	d := draft{
		action: a, at: t.clock.at(c.heardNs), since: t.clock.at(c.sinceNs), clock: t.clock, conn: c.last, gone: c.gone || !c.known,
		sequence: c.sequence, recorded: c.recorded, start: t.clock.at(c.last.ConnectNs),
	}
	d.conn.ID = c.id
	d.torn = !c.over() && t.torn > c.torn
	if !c.known || c.gone { // its snapshots were lost
		d.at = time.Now()
	}
	if a == record.ActionSession || a == record.ActionConnect {
		d.end = d.at
	}
	return d
}

// sender is who sent and its thread or, where that is not known, who connected.
func (d *draft) sender() (key event.ProcessKey, tid uint32) {
	if d.conn.Sender.Pid == 0 {
		return d.conn.Connector, d.conn.ConnectorTid
	}
	return d.conn.Sender, d.conn.SenderTid
}

// encrypted says whether some of the dialogue was.
func (d *draft) encrypted() bool {
	return d.said.TLS == smtp.ImplicitTLS || d.said.TLS == smtp.StartTLS || d.conn.State == event.StateTLS
}

// unseen counts the octets of the dialogue that are not understood, since the connection began: what the parser has
// missed and, at the end, what the socket has sent and received beyond what the parser has seen. It is all, if nothing
// of it has arrived, and one where it is not known how much.
func (d *draft) unseen() uint64 {
	c := &d.conn
	switch d.said.State {
	case smtp.TLS:
		return 0
	case smtp.Undecided:
		if n := c.BytesSent + c.BytesReceived; !d.encrypted() || d.gone {
			return max(n, d.unsure())
		}
		return 0
	}
	n := d.said.Unseen
	if c.Phase == event.PhaseClosed && !d.encrypted() {
		n += d.said.Client.Missing(c.BytesSent, c.ClientSkipped)
		n += d.said.Server.Missing(c.BytesReceived, c.ServerSkipped)
	}
	return max(n, d.unsure())
}

// clientMissing says whether something that the client has said is lost.
func (d *draft) clientMissing() bool {
	c := &d.conn
	return d.said.Client.Lost > 0 || d.said.Client.Missing(c.BytesSent, c.ClientSkipped) > c.ClientCut
}

// unsure is 1 where it is not known whether something is unseen.
func (d *draft) unsure() uint64 {
	if d.gone || d.torn {
		return 1
	}
	return 0
}

// report says how the run watches, and its sums so far.
func (t *Tracer) report(a record.Action, now time.Time) {
	c, err := t.counters()
	if err == nil && t.opts.Tracked != nil {
		t.opts.Tracked(c)
	}
	t.drafts <- draft{action: a, at: now, start: t.started, end: now, counters: c}
}

// reportLost says what was lost since it was last said.
func (t *Tracer) reportLost(now time.Time) {
	c, err := t.counters()
	if err != nil {
		return // the next tick tries again; the sums are the kernel's
	}
	if t.opts.Tracked != nil {
		t.opts.Tracked(c)
	}
	t.torn = torn(&c.Lost)
	more := c.Lost.Since(&t.lost)
	if more.Total() == 0 {
		return
	}
	t.lost = c.Lost
	t.drafts <- draft{action: record.ActionLost, at: now, lost: more}
}

// torn sums the losses of which a connection that has not ended may have had a part: when it ends, its octets tell.
func torn(l *record.Losses) uint64 { return l.Payloads + l.Unreadable + l.Missed }

func (t *Tracer) counters() (record.Counters, error) {
	k, err := t.source.Counters()
	if err != nil {
		return t.sums, err
	}
	c := t.sums
	c.Events = k.Events
	id := t.opts.Resolver.Counters()
	c.Identity = record.Identities{
		PutOff: id.Refused, Forgotten: id.EvictedProcess, HashesForgotten: id.EvictedHash, HashErrors: id.HashErrors,
		Stalled: id.Stalled, LineagesForgotten: k.LineageMissing,
	}
	c.Verdict = record.Verdicts{
		LookupsFailed: t.opts.Host.LookupsFailed(), SendersForgotten: t.spread.forgotten.Load(),
		AnswersLost: k.LostDNS + t.names.dropped.Load(),
	}
	known := t.names.cache.Counters()
	c.Verdict.AnswersForgotten, c.Verdict.AnswersUnreadable = known.Forgotten+t.names.forgotten.Load(), known.Unreadable
	if t.opts.Lookup != nil {
		c.Verdict.LookupsFailed += t.opts.Lookup.Failed()
	}
	c.Lost = record.Losses{
		Processes: k.LostProcess, Connections: k.LostConn, Snapshots: k.LostSnapshot, Payloads: k.LostPayload,
		Unwatched: k.ConnFull, Unidentified: t.unnamed.Load(), Unreadable: k.Unreadable,
		Undecodable: k.Undecodable, Missed: k.Missed, Dropped: t.dropped, Broken: t.broken.Load(),
	}
	c.Lost.Connections += t.untold
	return c, nil
}
