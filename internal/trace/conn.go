package trace

import (
	"slices"
	"syscall"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp"
)

// conn is a connection as far as it was followed.
type conn struct {
	id     uint64
	last   event.Conn   // the latest snapshot
	known  bool         // there was one
	mail   bool         // it goes to a mail port
	parser *smtp.Parser // nil: nothing of the dialogue has arrived
	unread bool         // what arrives is passed over: there was no parser to be had
	gone   bool         // it has ended, and the snapshot that would say so is lost
	torn   uint64       // what was lost of dialogues when it began: see Tracer.torn

	connected  bool // its connect record is written
	announced  bool // its first_payload record is written
	spoken     bool // the client has said something
	sequence   uint64
	recordedAt time.Time
	heardAt    time.Time
	heardNs    uint64              // when what was heard last happened
	sinceNs    uint64              // from when on the next session record tells; 0: from the beginning
	recorded   sums                // what the session records so far have told
	holds      [2]event.ProcessKey // whose identities are kept for it: the connector's and the sender's
}

// sums are what a session record tells as a difference to the one before it.
type sums struct{ messages, recipients, sent, received uint64 }

// update takes a snapshot, unless a later one came before it from another CPU.
func (t *Tracer) update(c *conn, e *event.Conn) {
	c.heardNs = max(c.heardNs, e.TimeNs)
	if c.known && (c.over() || e.TimeNs < c.last.TimeNs && e.Phase != event.PhaseClosed && e.Phase != event.PhaseFailed) {
		return
	}
	if !c.known {
		c.mail = e.MailPort && t.isMailPort(e.Destination.Port())
	}
	c.last, c.known, c.heardAt = *e, true, time.Now()
	if e.ConnectNs == 0 && e.Connector.Pid == 0 && t.opts.Owner != nil {
		c.last.Connector = t.opts.Owner(c.id, e.Sender)
	}
	t.hold(c)
}

func (t *Tracer) isMailPort(port uint16) bool {
	return slices.Contains(t.opts.Filters.MailPorts, port)
}

// feed takes a stretch of the dialogue.
func (t *Tracer) feed(c *conn, p *event.Payload) {
	dir := smtp.Direction(p.Direction)
	c.spoken = c.spoken || dir == smtp.Client
	c.heardAt, c.heardNs = time.Now(), max(c.heardNs, p.TimeNs)
	if !t.listens(c) {
		return
	}
	c.parser.Now(p.TimeNs)
	if p.Lost > 0 {
		c.parser.Gap(dir, p.Lost, false)
	}
	for part := range p.Parts {
		if part.Cut > 0 {
			c.parser.Gap(dir, part.Cut, part.Aligned)
		} else {
			c.parser.Feed(dir, part.Data)
		}
	}
}

// state is what the dialogue was found to be.
func (c *conn) state() smtp.State {
	if c.parser == nil {
		return smtp.Undecided
	}
	return c.parser.State()
}

// recognised reports whether the connection deserves a session record. Where nothing of the dialogue has
// arrived the kernel's word must do.
func (c *conn) recognised() bool {
	state := c.state()
	switch {
	case state == smtp.SMTP, state == smtp.LMTP:
		return true
	case state == smtp.TLS, c.parser == nil && c.last.State == event.StateTLS:
		return c.mail || !c.known
	}
	return c.parser == nil && c.last.State == event.StateSMTP && c.last.MailPort == c.mail
}

// undecided is true for a connect of which it is not known how it turned out.
func (c *conn) undecided() bool {
	return c.known && c.last.EstablishedNs == 0 && !c.over()
}

// over is true for the last snapshot of a connection.
func (c *conn) over() bool {
	return c.last.Phase == event.PhaseClosed || c.last.Phase == event.PhaseFailed
}

// follow writes the records that have become due.
func (t *Tracer) follow(c *conn) {
	if !c.connected && c.known {
		switch {
		case c.last.Phase == event.PhaseFailed:
			t.connect(c, failure(&c.last))
		case c.last.EstablishedNs != 0 && c.last.ConnectNs != 0:
			t.connect(c, record.Established)
		case c.last.EstablishedNs != 0 && c.mail:
			t.connect(c, record.Adopted)
		}
	}
	if !c.announced && c.known && c.spoken && c.recognised() {
		c.announced = true
		t.drafts <- t.draft(record.ActionFirstPayload, c)
	}
	switch {
	case c.known && c.over():
		t.close(c)
	case c.known && c.last.Old && !c.mail && c.last.State == event.StateOther:
		t.close(c) // on no mail port, and no SMTP: nothing more is to be said of it
	case c.parser != nil && c.recognised():
		if n := c.parser.Finished(); n >= sessionMails || n > 0 && c.parser.Full() {
			t.interim(c)
		}
	}
}

// close writes the last record of a connection that is over, and lets it go.
func (t *Tracer) close(c *conn) {
	c.end()
	switch {
	case c.recognised():
		t.session(c, true)
	case c.last.EstablishedNs != 0:
		t.unexplained(c)
	case !c.connected: // it is over, and neither of what says how has arrived
		t.connect(c, record.EndNotSeen)
	}
	t.ended.add(c.id)
	t.forget(c)
}

// end ends the dialogue.
func (c *conn) end() {
	if c.parser == nil {
		return
	}
	if c.last.ClientCut > 0 && !c.gone { // the end came in the middle of a body
		c.parser.Gap(smtp.Client, c.last.ClientCut, true)
	}
	if c.last.ServerCut > 0 && !c.gone { // or of a line that is no reply
		c.parser.Gap(smtp.Server, c.last.ServerCut, true)
	}
	c.parser.End()
}

// connect writes the record of how a connect turned out, if there is to be one.
func (t *Tracer) connect(c *conn, reason record.Reason) {
	c.connected = true
	if t.opts.Connects == ConnectsNone || t.opts.Connects == ConnectsMail && !c.last.MailPort {
		return
	}
	t.sums.Connects++
	d := t.draft(record.ActionConnect, c)
	d.reason = reason
	if reason == record.Established { // the snapshot that says so may be a later one
		d.at = t.clock.at(c.last.EstablishedNs)
		d.end = d.at
	}
	t.drafts <- d
}

// unwatched writes that there was no room to follow a connection, in the kernel or here.
func (t *Tracer) unwatched(e *event.Conn) {
	c := conn{id: e.ID, last: *e, known: true, heardNs: e.TimeNs}
	t.hold(&c)
	t.connect(&c, record.Unwatched)
	t.release(&c)
}

// unexplained writes what is known of a connection whose dialogue no session record tells, if it goes to a mail
// port, greeted as SMTP, or is from before the start and has said something.
func (t *Tracer) unexplained(c *conn) {
	old := c.last.Old && (c.connected || c.last.State != event.StateOther)
	d := t.draft(record.ActionConnect, c)
	if t.opts.Connects == ConnectsNone || !c.mail && !c.last.Greeted && !old && !(c.last.State == event.StateSMTP && d.clientMissing()) {
		return
	}
	switch {
	case c.gone:
		d.reason = record.EndNotSeen
	case c.last.BytesSent == 0 && (c.over() || c.last.Phase == event.PhaseOpen):
		d.reason = record.Silent
	case c.last.State == event.StateOther || c.state() == smtp.Other:
		d.reason = record.NotSMTP
	default:
		d.reason = record.Unjudged
	}
	t.drafts <- d
}

// session writes the last record of a session: it has ended, or is followed no longer.
func (t *Tracer) session(c *conn, ended bool) {
	t.sums.Sessions++
	if !ended || c.sequence > 0 {
		c.sequence++
	}
	d := t.draft(record.ActionSession, c)
	d.last = ended
	t.drafts <- d
}

// interim writes a record of a session that goes on. What is not decided yet is left to the next one.
func (t *Tracer) interim(c *conn) {
	c.sequence++
	d := t.draftOf(record.ActionSession, c)
	c.sinceNs = c.heardNs
	if c.parser != nil {
		d.said = c.parser.Interim()
		if open := c.parser.OpenSince(); open != 0 {
			c.sinceNs = min(c.sinceNs, open)
		}
	}
	t.drafts <- d
	c.recordedAt = time.Now()
	c.recorded = sums{d.said.Accepted, d.said.Recipients, c.last.BytesSent, c.last.BytesReceived}
}

// finish says what is known of the connections that outlive the run.
func (t *Tracer) finish() {
	t.finishGone()
	if c, err := t.counters(); err == nil {
		t.torn = torn(&c.Lost)
	}
	for _, c := range t.conns {
		t.guard(c.id, func() {
			if c.recognised() {
				t.session(c, false)
			} else if c.undecided() {
				t.connect(c, record.StillOpen)
			} else if c.known && (c.last.Phase == event.PhaseOpen || c.last.Old) {
				t.unexplained(c)
			} else {
				t.shed(c)
			}
			t.release(c)
		})
	}
	now := time.Now()
	t.reportLost(now)
	t.report(record.ActionStop, now)
}

// failure tells why a connect failed. Of a connect whose SYN never reached the network layer's exit the
// host's own firewall is the reason, whatever error the kernel made of it: the packet hook is behind the
// output and postrouting chains (ip_finish_output). Before them a route is found and a port chosen
// (tcp_v4_connect).
func failure(c *event.Conn) record.Reason {
	switch {
	case !c.SynLeft && !c.Tried:
		return record.NotSent
	case !c.SynLeft:
		return record.Blocked
	}
	switch c.Errno {
	case syscall.ECONNREFUSED:
		return record.Refused
	case syscall.ETIMEDOUT:
		return record.TimedOut
	case syscall.ECONNRESET:
		return record.Reset
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH:
		return record.Unreachable
	case syscall.EPERM, syscall.EACCES:
		return record.Blocked
	}
	return record.GivenUp
}
