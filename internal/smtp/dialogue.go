package smtp

import "bytes"

const maxHellos = 4

// dialogue is the state of an SMTP session as it follows from commands and their replies, in
// order. A nil answer stands for a reply that was not seen; such a command is taken to have
// worked.
type dialogue struct {
	envelope
	hellos        [maxHellos]hello
	helloCount    int
	hellosOmitted uint64
	banner        []byte
	first, last   replyText

	lmtp    bool   // the last accepted hello was LHLO
	inAuth  bool   // 334 was given: the next line is an AUTH response
	inBody  bool   // 354 was given: lines are body until "."
	left    uint64 // replies still due after the end of a message
	perRcpt bool   // of these, the last one decides (PRDR), not the first 2yz
	bodyAt  uint64 // stream offset of the body

	mech     []byte
	auth     AuthResult
	security Security
	quit     bool
	dataSaid bool // DATA or BDAT
	probed   bool // a transaction with accepted recipients was given up
	noHelo   bool
}

type hello struct {
	name []byte
	verb verb
	code int
}

func (d *dialogue) reset() {
	d.envelope.reset()
	for i := range d.hellos {
		d.hellos[i].name = d.hellos[i].name[:0]
	}
	d.first.clear()
	d.last.clear()
	*d = dialogue{envelope: d.envelope, hellos: d.hellos, banner: d.banner[:0], first: d.first, last: d.last, mech: d.mech[:0]}
}

// clone copies what later calls change in place.
func (d *dialogue) clone() {
	d.envelope.clone()
	for i := range d.hellos {
		d.hellos[i].name = bytes.Clone(d.hellos[i].name)
	}
	d.banner = bytes.Clone(d.banner)
	d.first.clone()
	d.last.clone()
	d.mech = bytes.Clone(d.mech)
}

func codeOf(a *answer) int {
	if a == nil {
		return 0
	}
	return a.code
}

// hello takes HELO, EHLO or LHLO. An accepted one resets like RSET (RFC 5321 section 4.1.4).
func (d *dialogue) hello(v verb, name []byte, a *answer) {
	code := codeOf(a)
	if !refused(code) {
		d.end()
		d.lmtp = v == verbLhlo
	}
	for i := range d.hellos[:d.helloCount] {
		if h := &d.hellos[i]; h.verb == v && bytes.Equal(h.name, name) {
			h.code = code
			return
		}
	}
	if d.helloCount == maxHellos {
		d.hellosOmitted++
		return
	}
	h := &d.hellos[d.helloCount]
	h.verb, h.code, h.name = v, code, append(h.name[:0], name...)
	d.helloCount++
}

// mail takes MAIL FROM. Within a transaction it is an error (RFC 5321 section 4.1.4): refused for
// its form or place it changes nothing, otherwise it begins a new transaction.
func (d *dialogue) mail(e *entry, address []byte, q *answers, a *answer) {
	code := codeOf(a)
	if m := d.current(); m != nil && m.outcome == Open && code >= 500 && code <= 504 {
		return
	}
	d.end()
	m := d.begin()
	m.fromKnown, m.fromCut, m.utf8, m.declared = e.found, e.cut, e.utf8, e.size
	var ok bool
	if m.from, ok = d.keep(address, maxArena); !ok {
		m.fromCut = true
	}
	if refused(code) {
		d.refuse(q, a)
	}
}

// rcpt takes one RCPT TO, or a run whose addresses were not kept. The first reply to accept a
// recipient shows that the transaction lives, whatever was refused before.
func (d *dialogue) rcpt(e *entry, address []byte, n uint64, q *answers, a *answer) {
	code := codeOf(a)
	m := d.current()
	if m == nil {
		if code == 503 {
			return
		}
		m = d.begin()
	}
	switch {
	case a == nil:
		m.unanswered += n
	case accepted(code):
		m.accepted += n
		d.revive()
	default:
		m.refused += n
		if m.outcome == Open && m.accepted == 0 {
			d.decided.set(q, a)
		}
	}
	if len(address) == 0 && e.cut {
		m.rcptsOmitted += n
		return
	}
	d.addRcpt(address, code, e.cut)
}

// refuse marks the open transaction as refused. It stays open for what the client still says.
func (d *dialogue) refuse(q *answers, a *answer) {
	if m := d.current(); m != nil && m.outcome == Open {
		m.outcome = Refused
		d.decided.set(q, a)
	}
}

func (d *dialogue) revive() {
	d.current().outcome = Open
	d.decided.clear()
}

// startBody takes the 354 to DATA.
func (d *dialogue) startBody(at uint64) {
	if d.current() == nil {
		d.begin()
	}
	d.revive()
	d.inBody, d.bodyAt = true, at
}

// refuseData takes a refusal of DATA. A 503 without recipients only says that they are missing.
func (d *dialogue) refuseData(q *answers, a *answer) {
	if m := d.current(); m != nil && (a.code != 503 || m.accepted > 0) {
		d.refuse(q, a)
	}
}

// endBody takes the final "." or the last chunk: the message is offered, and replies are due.
func (d *dialogue) endBody() {
	m := d.current()
	m.offered = true
	d.offered++
	d.left = 1
	if d.lmtp && m.accepted > 1 {
		d.left = m.accepted
	}
}

// delivery takes one of the replies to an offered message: one in SMTP, one for each accepted
// recipient in LMTP (RFC 2033 section 4.2), and with PRDR after 353 as many and a last one.
func (d *dialogue) delivery(q *answers, a *answer) {
	m := d.current()
	if a.code == 353 && !d.lmtp && !d.perRcpt {
		d.perRcpt, d.left = true, m.accepted+1
		return
	}
	d.left--
	switch {
	case d.perRcpt && d.left > 0:
	case accepted(a.code) && m.outcome != Accepted:
		m.outcome = Accepted
		d.decided.set(q, a)
		d.accepted++
		if !d.lmtp {
			m.delivered = m.accepted
			d.recipients += m.delivered
		}
	case m.outcome != Accepted:
		m.outcome = Refused
		d.decided.set(q, a)
	}
	if d.lmtp && accepted(a.code) {
		m.delivered++
		d.recipients++
	}
	if d.left == 0 {
		d.perRcpt = false
		d.close()
	}
}

// chunk takes BDAT and its octets. After a refused chunk later ones are refused for its sake, so
// that the first refusal is the one kept.
func (d *dialogue) chunk(e *entry, octets uint64, q *answers, a *answer) {
	code := codeOf(a)
	d.dataSaid = true
	m := d.current()
	if m == nil {
		if refused(code) {
			return
		}
		m = d.begin()
	}
	if e.bad {
		if refused(code) && code != 501 {
			d.refuse(q, a)
		}
		return
	}
	m.chunked = true
	m.size += octets
	if !e.last {
		if refused(code) {
			d.refuse(q, a)
		}
		return
	}
	d.endBody()
	if a == nil {
		d.end()
		return
	}
	if m.outcome == Refused && refused(code) {
		d.left = 0
		d.close()
		return
	}
	m.outcome = Open
	d.delivery(q, a)
}

// end ends the open transaction without a deciding reply: RSET, QUIT, a new HELO or MAIL, the end.
func (d *dialogue) end() {
	m := d.current()
	if m == nil {
		return
	}
	switch {
	case m.outcome != Open || m.offered:
	case m.accepted == 0 && m.refused > 0:
		m.outcome = Refused
	default:
		m.outcome = Aborted
		d.probed = d.probed || m.accepted > 0
	}
	d.inBody, d.left, d.perRcpt = false, 0, false
	d.close()
}

// closing takes a 421, by which a server ends the session (RFC 5321 section 3.8).
func (d *dialogue) closing(q *answers, a *answer) {
	if m := d.current(); m != nil && m.outcome == Open {
		d.refuse(q, a)
	}
	if d.current() != nil {
		d.end()
	}
}

// note keeps the first and the last reply.
func (d *dialogue) note(q *answers, a *answer) {
	if d.first.code == 0 {
		d.first.set(q, a)
	}
	d.last.set(q, a)
}

// authSaid takes AUTH. After a success the mechanism is settled.
func (d *dialogue) authSaid(mech []byte) {
	if d.auth == AuthSuccess {
		return
	}
	d.auth = AuthUnknown
	d.mech = append(d.mech[:0], mech...)
}

// authReply takes a reply to AUTH or to an AUTH response (RFC 4954 section 4).
func (d *dialogue) authReply(code int) {
	d.inAuth = code == 334
	switch {
	case d.auth == AuthSuccess:
	case accepted(code):
		d.auth = AuthSuccess
	case refused(code):
		d.auth = AuthFailure
	}
}
