package smtp

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
		if !m.fromKnown || m.accepted == 0 { // a server takes no message without: its envelope is not this one
			d.miss(0)
		}
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
	if octets > 0 && (code == 500 || code == 502) { // a server without BDAT takes the octets for lines
		d.miss(octets)
	}
	m := d.current()
	if m == nil {
		if refused(code) {
			return
		}
		m = d.begin()
		m.barred = true
	}
	if e.bad {
		if refused(code) && code != 501 {
			d.refuse(q, a)
		}
		if !accepted(code) {
			return
		}
		d.miss(0) // it has read octets, and nobody knows how many
	}
	if accepted(code) {
		d.takes()
		if m.chunked && m.outcome == Refused { // an earlier chunk was, and a server takes no more then
			d.miss(0)
		}
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
	if misunderstood(code) { // the command is refused, and not each recipient
		d.left = 1
	}
	if m.outcome == Refused && refused(code) {
		d.left = 0
		d.close()
		return
	}
	m.outcome = Open
	d.delivery(q, a)
}
