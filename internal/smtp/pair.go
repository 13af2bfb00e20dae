package smtp

// greeting is what is known of the server's first reply.
type greeting uint8

const (
	greetingAwaited greeting = iota
	greetingSeen
	greetingMissed // the session began without one, or before it was watched
)

// advance matches commands with replies as far as both are there.
func (p *Parser) advance() {
	for p.step(false) {
	}
}

// step matches one pair. It reports false when it needs more. final says that no more will come.
func (p *Parser) step(final bool) bool {
	if p.greeting == greetingAwaited {
		return p.greet(final)
	}
	if p.d.inBody {
		return p.findDot()
	}
	if p.said.client == clientTLS && p.replies.len() > 0 {
		p.consume(p.replies.front()) // a server that answers TLS in clear
		return true
	}
	if p.tape.len() == 0 || p.replies.len() == 0 {
		return false
	}
	a := p.replies.front()
	switch {
	case a.code == 0:
		return p.resync()
	case p.owed > 0:
		p.owed--
		p.consumeStray(a)
		return true
	}
	return p.pair(p.tape.front(), a, final)
}

// greet takes the first reply if it is a greeting: 220, or a refusal to talk (RFC 5321 section
// 3.1). Where the start of the connection was not seen, only a 220 which is no answer counts.
func (p *Parser) greet(final bool) bool {
	if p.replies.len() == 0 {
		if final {
			p.greeting = greetingMissed
		}
		return final
	}
	a := p.replies.front()
	is := a.code == 220 || refused(a.code)
	if p.opts.Midstream && a.code != 0 {
		if p.tape.len() == 0 {
			if !final {
				return false
			}
			is = a.code == 220 || a.code == 421 || a.code == 554
		} else {
			v := p.tape.front().verb
			is = a.code == 220 && v != verbStartTLS && v != verbXclient
		}
	}
	if !is {
		if a.code != 0 && !p.opts.Midstream {
			p.d.miss(0)
		}
		p.greeting = greetingMissed
		return true
	}
	p.greeting = greetingSeen
	shown := *a
	if misunderstood(a.code) { // no greeting, but an answer to one who talks early
		p.rebuked = true
		shown = p.replies.concealed(shown)
	}
	p.d.banner = append(p.d.banner[:0], p.replies.line(shown.first)...)
	p.consume(&shown)
	return true
}

// consume notes a reply and takes it off the queue.
func (p *Parser) consume(a *answer) {
	p.d.inClear()
	p.d.note(&p.replies, a)
	p.replies.pop()
}

// consumeStray consumes a reply of which it is not known what it answers.
func (p *Parser) consumeStray(a *answer) {
	if misunderstood(a.code) || a.code >= 500 && p.d.auth != AuthNone {
		shown := p.replies.concealed(*a)
		a = &shown
	}
	p.consume(a)
}

// findDot looks for the end of the body among the waiting lines. Where there is none yet, the
// client's lines are body from here on.
func (p *Parser) findDot() bool {
	for p.tape.len() > 0 {
		e := p.tape.front()
		if e.endsBody() {
			p.client.body = false
			p.d.inBody = false
			p.d.current().size += e.at - uint64(e.dotted) - p.d.bodyAt
			p.d.endBody()
			return true
		}
		p.tape.drop()
	}
	p.client.enterBody()
	return false
}

// pair gives reply a to the front line e.
func (p *Parser) pair(e *entry, a *answer, final bool) bool {
	d := &p.d
	code := a.code
	switch {
	case d.left > 0 && code == 354: // the reply to the message before was not seen
		return p.skipTo(code, final)
	case d.left > 0:
		p.pairDelivery(a)
		return true
	case d.inAuth:
		if code != 235 && code != 334 && !refused(code) {
			d.miss(0)
		}
		if e.found || e.verb == verbBdat { // no base64 (RFC 4954 section 4), but a command with its argument
			p.missLine(e)
		}
		p.doubt = p.doubt && refused(code)
		p.popLine()
		d.authReply(code)
		shown := p.replies.concealed(*a) // some repeat what they were told
		p.consume(&shown)
		return true
	case e.verb == verbLost && p.tape.len() > 1,
		e.verb == verbBlank && !syntaxError(code):
		p.popLine()
		return true
	case p.vague && (code == 500 || code == 502) && e.verb >= verbMail && e.verb <= verbNoop:
		p.consumeStray(a) // one more for the lines that were not copied
		return true
	case goAhead(code) && !e.takesGoAhead(code):
		return p.skipTo(code, final)
	case e.verb == verbData && accepted(code):
		d.miss(0)
		p.consumeStray(a) // never an answer to DATA: a stray reply
		return true
	case e.verb == verbBdat && !p.settleChunk(final):
		return false
	}
	if p.vague && misunderstood(code) { // perhaps still of the lines that were not copied
		shown := p.replies.concealed(*a)
		a = &shown
	}
	e = p.tape.front()
	p.vague = e.vague
	p.apply(e, a)
	return true
}

// pairDelivery gives a reply to an offered message.
func (p *Parser) pairDelivery(a *answer) {
	if p.mismatched(p.tape.front(), a.code) {
		p.d.miss(0)
	}
	p.missDoubt(a.code)
	p.d.delivery(&p.replies, a)
	if a.code == 421 && p.d.left > 0 {
		p.d.end()
	}
	if p.d.left == 0 {
		p.popLine()
	}
	p.consume(a)
}

// apply tells the dialogue that line e was answered by a, and takes both off their queues.
func (p *Parser) apply(e *entry, a *answer) {
	d, q := &p.d, &p.replies
	code := a.code
	p.check(e)
	if p.mismatched(e, code) {
		d.miss(0)
	}
	p.settle(e, code)
	if d.mayEcho(e, code) {
		shown := q.concealed(*a)
		a = &shown
	}
	switch e.verb {
	case verbHelo, verbEhlo, verbLhlo:
		d.hello(e.verb, p.tape.bytes(e.text), a)
	case verbMail:
		d.mail(e, p.tape.bytes(e.text), q, a)
	case verbRcpt:
		d.rcpt(e, p.tape.bytes(e.text), 1, q, a)
	case verbData:
		d.dataSaid = true
		if goAhead(code) {
			d.startBody(e.next)
		} else {
			d.refuseData(q, a)
		}
	case verbLost:
		if code == 354 { // DATA was among what was lost
			d.dataSaid = true
			d.startBody(e.next)
		}
	case verbUnknown: // perhaps BURL (RFC 4468), whose URL is a secret: the kernel does not show it
		d.dataSaid = d.dataSaid || accepted(code)
		if accepted(code) && code != 221 || e.vague { // the server knows it, and so it may be anything
			p.missLine(e)
		}
	case verbBlank:
		p.doubt = p.doubt || p.opts.Ordered && p.tape.len() > 1
	case verbBdat:
		if e.bad && accepted(code) && p.tape.len() > 1 && p.tape.at(1).vague {
			p.tape.dropNext() // its octets
		}
		p.missDoubt(code)
		d.chunk(e, p.chunkOctets(e), q, a)
	case verbRset:
		if accepted(code) {
			d.end()
		}
	case verbQuit:
		d.quit = true
		d.end()
	case verbAuth:
		d.authSaid(p.tape.bytes(e.text))
		d.authReply(code)
	case verbStartTLS:
		if code == 220 {
			p.startTLS(a)
			return
		}
		if d.security == NoTLS {
			d.security = TLSRefused
		}
	case verbTurn:
		if accepted(code) { // the two change roles (RFC 2645 section 5.3)
			d.end()
			p.consume(a)
			p.stopListening()
			return
		}
	}
	if code == 421 {
		d.closing(q, a)
	}
	if d.left == 0 {
		p.popLine()
	}
	p.consume(a)
}

// popLine takes the front line off the tape: it was no body. Without a 354 a DATA makes no body
// possible.
func (p *Parser) popLine() {
	e := *p.tape.front()
	p.tape.pop()
	if e.verb == verbData && p.client.maybeBody && !p.d.inBody && !p.tape.has(verbData) {
		p.leaveMaybeBody()
	}
	if e.pending {
		p.sawStrong(e.verb)
	}
}

// check notes a cut line, and mail commands before any hello.
func (p *Parser) check(e *entry) {
	p.overlong = p.overlong || e.long
	if e.partial || e.verb == verbDot { // it ends a message that nobody saw begin, or is no dot at all
		p.missLine(e)
	}
	switch e.verb {
	case verbMail, verbRcpt, verbData, verbBdat:
		if p.d.helloCount == 0 && !p.opts.Midstream && p.volume[Client].Lost == 0 {
			p.d.noHelo = true
		}
	}
}
