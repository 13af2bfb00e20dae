package trace

import (
	"fmt"
	"time"

	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

// build makes the record of a draft.
func (t *Tracer) build(d *draft, who, connector *proc.Identity) *record.Record {
	r := t.begin(d)
	switch d.action {
	case record.ActionStart, record.ActionHeartbeat, record.ActionStop:
		r.Tracer.Hooks, r.Tracer.Filters, r.Tracer.Counters = t.opts.Hooks, t.opts.Filters, d.counters
		r.Tracer.Forwards = t.forwards.tell(d.action != record.ActionHeartbeat)
		if d.action == record.ActionStart {
			r.Tracer.Smarthosts, r.Tracer.Own = t.opts.Smarthosts, t.opts.Own
			t.addOpen(r)
		} else { // the start may be rotated away when this is read
			r.Tracer.OpenOmitted, r.Tracer.OpenOther, r.Tracer.OpenUnknown = t.open.omitted, t.open.other, t.open.unknown
		}
		return r
	case record.ActionLost:
		r.Tracer.Lost = d.lost
		return r
	}
	addConn(r, d)
	addIdentity(r, d, who, connector)
	if who != nil && who.Process != nil && who.Process.Recalled {
		r.Tracer.Weak = append(r.Tracer.Weak, "sender_from_proc")
	}
	if d.action == record.ActionConnect {
		if d.conn.EstablishedNs != 0 && r.Event.Outcome == record.OutcomeUnknown {
			r.Event.Outcome = record.Success // of the connect
		}
		r.Error = record.ErrorOf(d.conn.Errno)
	} else {
		t.addSMTP(r, d)
	}
	said, to := d.action != record.ActionConnect, d.conn.Destination
	switch {
	case d.reason == record.NotSMTP && to.Port() == 25:
		r.Flags = append(r.Flags, "port25_not_smtp")
	case d.reason == record.Blocked:
		r.Flags = append(r.Flags, "blocked")
	}
	if said || r.Event.Outcome != record.Success && t.isMailPort(to.Port()) {
		r.Verdict = t.opts.Host.Of(verdict.Subject{Destination: to, Said: said, Auth: loggedIn(&d.said)})
		r.Expected = t.opts.Host.Expected(who, r.Verdict, t.opts.Expected)
	}
	t.names.judge(r, d)
	if d.fanout {
		r.Flags = append(r.Flags, "fanout")
	}
	if r.Verdict == record.DirectMX {
		r.Flags = append([]string{"direct_mx"}, r.Flags...)
	}
	return r
}

// begin makes a record of what a draft says of itself.
func (t *Tracer) begin(d *draft) *record.Record {
	r := &record.Record{Time: d.at, Agent: t.opts.Agent, Host: t.opts.Machine}
	r.Event = record.Event{Action: d.action, Start: d.start, End: d.end}
	if !d.start.IsZero() && !d.end.IsZero() {
		r.Event.Duration = d.end.Sub(d.start)
	}
	if d.conn.ID != 0 {
		r.Event.ID = fmt.Sprintf("%s-%x", t.opts.BootID, d.conn.ID)
	}
	if d.action == record.ActionConnect {
		r.Event.Reason, r.Event.Outcome = d.reason, d.reason.Outcome()
	}
	return r
}

// addOpen lists the connections that were there before the start.
func (t *Tracer) addOpen(r *record.Record) {
	if t.opts.Open == nil {
		return
	}
	open, err := t.opts.Open()
	r.Tracer.Open, r.Tracer.OpenOmitted, r.Tracer.OpenOther = open.List, open.Omitted, open.Other
	if err != nil {
		r.Tracer.OpenUnknown = true
		t.opts.Warn(fmt.Errorf("not all connections from before the start are known: %w", err))
	}
	t.open.other, t.open.omitted, t.open.unknown = open.Other, open.Strange, err != nil
}

// loggedIn says whether AUTH was said, and counts: an MX refuses it, and a client that goes on to mail without
// has not handed in mail as somebody.
func loggedIn(s *smtp.Session) bool {
	mailed := s.Accepted > 0 || len(s.Transactions) > 0
	return s.Auth.Result != smtp.AuthNone && !(s.Auth.Result == smtp.AuthFailure && mailed)
}

func addConn(r *record.Record, d *draft) {
	c := &d.conn
	r.Source = record.Endpoint{IP: c.Source.Addr(), Port: c.Source.Port()}
	r.Destination = record.Endpoint{IP: c.Destination.Addr(), Port: c.Destination.Port()}
	r.Network.Namespace = c.NetNS
	if c.SenderByLock {
		r.Tracer.Weak = append(r.Tracer.Weak, "sender_by_lock")
	}
	if c.Old {
		r.Tracer.Weak = append(r.Tracer.Weak, "adopted")
	}
	if d.gone {
		r.Tracer.Weak = append(r.Tracer.Weak, "end_not_seen")
	}
	switch d.reason {
	case record.NotSMTP, record.Silent, record.Unjudged, record.EndNotSeen, record.Broken:
		r.Source.Bytes, r.Destination.Bytes = c.BytesSent, c.BytesReceived
	}
	if d.action != record.ActionSession {
		return
	}
	if c.Sender.Pid == 0 && c.BytesSent > 0 {
		r.Tracer.Weak = append(r.Tracer.Weak, "sender_unknown")
	}
	r.Event.Sequence, r.SMTP.Since = d.sequence, d.since
	r.Source.Bytes = c.BytesSent - min(c.BytesSent, d.recorded.sent)
	r.Destination.Bytes = c.BytesReceived - min(c.BytesReceived, d.recorded.received)
	if !d.last {
		r.Event.End = time.Time{}
	}
	r.Event.Outcome = record.Failure
	switch {
	case d.unseen() > 0, d.encrypted() && d.said.Accepted <= d.recorded.messages:
		r.Event.Outcome = record.OutcomeUnknown
	case d.said.Accepted > d.recorded.messages:
		r.Event.Outcome = record.Success
	}
}

func (t *Tracer) addSMTP(r *record.Record, d *draft) {
	s := &d.said
	switch s.State {
	case smtp.SMTP:
		r.Network.Protocol = "smtp"
	case smtp.LMTP:
		r.Network.Protocol = "lmtp"
	}
	for _, v := range s.Via {
		r.Via = append(r.Via, record.Via{Protocol: v.Kind, Target: v.Address, Source: v.Source, Refused: v.Refused})
	}
	r.Flags = append(r.Flags, s.Facts.Flags()...)
	if to := d.conn.Destination; to.IsValid() && s.State != smtp.TLS && !t.isMailPort(to.Port()) {
		r.Flags = append(r.Flags, "any_port_smtp")
	}
	if len(s.Via) > 0 {
		r.Flags = append(r.Flags, "proxied")
	}
	p := t.opts.Privacy
	r.SMTP = record.SMTP{
		Since:  r.SMTP.Since,
		Banner: p.Text(s.Banner), FirstReply: p.Text(s.FirstReply.First), LastReply: p.Text(s.LastReply.Last),
		Messages:   s.Accepted - min(s.Accepted, d.recorded.messages),
		Recipients: s.Recipients - min(s.Recipients, d.recorded.recipients),
		TLS:        d.encrypted(), Auth: record.Auth{Mechanism: s.Auth.Mechanism},
		TransactionsOmitted: s.TransactionsOmitted, Unseen: d.unseen(),
	}
	switch s.TLS {
	case smtp.StartTLS:
		r.SMTP.StartTLS = "accepted"
	case smtp.TLSRefused:
		r.SMTP.StartTLS = "refused"
	case smtp.TLSUnused:
		r.SMTP.StartTLS = "unused"
	}
	switch s.Auth.Result {
	case smtp.AuthSuccess:
		r.SMTP.Auth.Outcome = record.Success
	case smtp.AuthFailure:
		r.SMTP.Auth.Outcome = record.Failure
	case smtp.AuthUnknown:
		r.SMTP.Auth.Outcome = record.OutcomeUnknown
	}
	r.TLS.Client = record.TLSClient{ServerName: s.SNI, ALPN: s.ALPN}
	for i, h := range s.Hellos {
		if i == 0 || r.SMTP.HELO == "" && h.Name != "" {
			r.SMTP.Verb, r.SMTP.HELO = h.Verb, h.Name
		}
		r.SMTP.HELOs = append(r.SMTP.HELOs, h.Name)
	}
	if len(r.SMTP.HELOs) < 2 {
		r.SMTP.HELOs = nil
	}
	for i := range s.Transactions {
		if d.action == record.ActionSession {
			mail := t.transaction(&s.Transactions[i])
			mail.Start = d.clock.at(s.Transactions[i].At)
			r.SMTP.Transactions = append(r.SMTP.Transactions, mail)
		}
	}
}
