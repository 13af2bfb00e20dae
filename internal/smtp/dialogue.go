package smtp

import "bytes"

// MaxHellos bounds how many names of a session are kept: the first ones and the last.
const MaxHellos = 4

// dialogue is the state of an SMTP session as it follows from commands and their replies, in
// order. A nil answer stands for a reply that was not seen; such a command is taken to have
// worked.
type dialogue struct {
	envelope
	hellos        [MaxHellos]hello
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
	tlsDue   bool // STARTTLS was accepted, and nothing was answered since
	quit     bool
	dataSaid bool // DATA or BDAT, or perhaps
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
	*d = dialogue{
		envelope: d.envelope, hellos: d.hellos, banner: d.banner[:0],
		first: d.first, last: d.last, mech: d.mech[:0],
	}
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
	if d.helloCount == MaxHellos { // the first and the last tell most: by the last the mail is sent
		d.hellosOmitted++
		d.helloCount--
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
	m.fromKnown, m.fromCut, m.utf8, m.declared, m.barred = e.found, e.cut, e.utf8, e.size, refused(code)
	var ok bool
	if m.from, ok = d.keep(address, maxArena); !ok {
		m.fromCut = true
		d.miss(uint64(len(address)))
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
		m.barred = true
	}
	switch {
	case accepted(code):
		m.accepted += n
		d.takes()
		d.revive()
	case refused(code):
		m.refused += n
		if m.outcome == Open && m.accepted == 0 {
			d.decided.set(q, a)
		}
	default:
		m.unanswered += n
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

// takes tells that the server went on with the open transaction, of which it may have taken no sender:
// then what was seen of it is not all.
func (d *dialogue) takes() {
	if m := d.current(); m.barred {
		m.barred = false
		d.miss(0)
	}
}

func (d *dialogue) revive() {
	d.current().outcome = Open
	d.decided.clear()
}

// startBody takes the 354 to DATA.
func (d *dialogue) startBody(at uint64) {
	if d.current() == nil {
		d.begin().barred = true
	}
	d.takes()
	d.revive()
	d.inBody, d.bodyAt = true, at
}

// refuseData takes a refusal of DATA. A 503 without recipients only says that they are missing.
func (d *dialogue) refuseData(q *answers, a *answer) {
	if m := d.current(); m != nil && (a.code != 503 || m.accepted > 0) {
		d.refuse(q, a)
	}
}

// end ends the open transaction without a deciding reply: RSET, QUIT, a new HELO or MAIL, the end.
func (d *dialogue) end() {
	m := d.current()
	if m == nil {
		return
	}
	switch {
	case m.outcome != Open || m.offered:
	case m.accepted == 0 && d.decided.code > 0:
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
