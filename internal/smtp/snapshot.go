package smtp

import "slices"

var helloNames = map[verb]string{verbHelo: "HELO", verbEhlo: "EHLO", verbLhlo: "LHLO"}

// Session summarises the connection as far as it was fed. What was said and not answered yet is
// in it. It may be called at any time and changes nothing.
func (p *Parser) Session() Session {
	var q Parser
	p.flushInto(&q)
	return q.session()
}

// Interim is Session but for the transactions: it tells those that nothing can change any more, and
// forgets them, so that each is told once. The sums are of the transactions told so far. Where State
// is Undecided, Tunnel or Other nothing is told, and nothing is forgotten.
func (p *Parser) Interim() Session {
	var q Parser
	p.flushInto(&q)
	s := q.session()
	switch s.State {
	case Undecided, Tunnel, Other:
		return s
	}
	d := &p.d
	s.Transactions = nil
	for i := range d.mails[:d.finished()] {
		s.Transactions = append(s.Transactions, d.transaction(&d.mails[i]))
	}
	s.TransactionsOmitted = d.omitted
	s.Offered, s.Accepted, s.Recipients = d.offered, d.accepted, d.recipients
	if m := d.current(); m != nil && m.offered { // as LMTP and PRDR have it, some of its replies are there
		s.Offered--
		s.Recipients -= m.delivered
		if m.outcome == Accepted {
			s.Accepted--
		}
	}
	s.Unseen = p.unseen()
	s.Facts = p.facts(&s)
	p.Drain()
	return s
}

// flushInto makes q a copy that has concluded as if nothing more were to come.
func (p *Parser) flushInto(q *Parser) {
	*q = *p
	q.tape.clone()
	q.replies.queue = slices.Clone(p.replies.queue)
	q.replies.text = slices.Clone(p.replies.text)
	q.d.clone()
	q.flush()
}

// flush concludes as if nothing more were to come.
func (p *Parser) flush() {
	d := &p.d
	for {
		switch {
		case p.step(true):
		case d.inBody:
			p.cutBody()
		case p.replies.len() > 0 && p.replies.front().code == 0:
			p.replies.pop()
		case p.tape.len() > 0 && p.hidden():
			p.tape.reset()
		case p.tape.len() > 0:
			d.inClear()
			p.unanswered()
		case p.replies.len() > 0:
			a := p.replies.front()
			if a.code == 421 {
				d.closing(&p.replies, a)
			}
			if !farewell(a.code) || p.replies.len() > 1 || a.run > 1 {
				d.miss(0)
			}
			p.consumeStray(a)
		default:
			return
		}
	}
}

// farewell says whether a server sends the code unasked, before it closes for want of patience or of
// time (RFC 5321 section 3.8; qmail and Exchange say 451).
func farewell(code int) bool { return code == 421 || code == 451 }

// cutBody takes the body as it stands. Its reply may be there though its end was not seen.
func (p *Parser) cutBody() {
	d := &p.d
	d.inBody = false
	d.current().size += p.client.off - d.bodyAt
	if p.replies.len() > 0 {
		switch a := p.replies.front(); {
		case refused(a.code):
			d.refuse(&p.replies, a)
			p.consumeStray(a)
		case a.code == 250: // it took some other line for the end
			d.miss(0)
			d.endBody()
			d.delivery(&p.replies, a)
			p.consume(a)
		}
	}
}

// session builds the summary.
func (p *Parser) session() Session {
	s := Session{State: p.state, Via: p.via.export(p.state), Client: p.volume[Client], Server: p.volume[Server]}
	switch p.state {
	case Undecided, Tunnel, Other:
		return s
	}
	d := &p.d
	s.Banner = string(d.banner)
	for _, h := range d.hellos[:d.helloCount] {
		s.Hellos = append(s.Hellos, Hello{Verb: helloNames[h.verb], Name: string(h.name), Code: h.code})
	}
	s.HellosOmitted = d.hellosOmitted
	for i := range d.mails {
		s.Transactions = append(s.Transactions, d.transaction(&d.mails[i]))
	}
	s.TransactionsOmitted = d.omitted
	s.Offered, s.Accepted, s.Recipients = d.offered, d.accepted, d.recipients
	s.FirstReply, s.LastReply = d.first.reply(), d.last.reply()
	s.TLS = d.security
	switch {
	case p.state == TLS:
		s.TLS = ImplicitTLS
	case p.client.crypted && s.TLS != TLSRefused:
		s.TLS = StartTLS // whatever the two had said, if that was seen
	}
	if p.hello.valid {
		s.SNI, s.ALPN = string(p.hello.sni[:p.hello.sniN]), p.hello.protocols()
	}
	s.Auth = Auth{Mechanism: string(d.mech), Result: d.auth}
	s.Quit, s.Overlong, s.Overflow, s.Unseen = d.quit, p.overlong, p.overflow, p.unseen()
	s.Facts = p.facts(&s)
	return s
}
