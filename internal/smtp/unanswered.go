package smtp

// unanswered tells the dialogue that the reply to the front line will not be seen.
func (p *Parser) unanswered() {
	d, e := &p.d, p.tape.front()
	if d.left > 0 {
		d.end()
		p.popLine()
		return
	}
	if d.inAuth {
		d.inAuth = false
		p.popLine()
		return
	}
	p.check(e)
	switch e.verb {
	case verbHelo, verbEhlo, verbLhlo:
		d.hello(e.verb, p.tape.bytes(e.text), nil)
	case verbMail:
		d.mail(e, p.tape.bytes(e.text), nil, nil)
	case verbRcpt:
		d.rcpt(e, p.tape.bytes(e.text), uint64(e.run), nil, nil)
		e.run = 1
	case verbUnknown:
		if e.vague {
			p.missLine(e)
		}
		p.tape.drop()
		return
	case verbBlank:
		p.tape.drop()
		return
	case verbData:
		d.dataSaid = true
		if p.tape.len() > 1 && p.tape.at(1).vague && !p.tape.has(verbDot) { // body, or commands: the kernel did not know either
			d.miss(0)
		}
		if p.looksLikeBody() {
			d.startBody(e.next)
		}
	case verbBdat:
		p.settleChunk(true)
		e = p.tape.front()
		d.chunk(e, p.chunkOctets(e), nil, nil)
	case verbRset:
		d.end()
	case verbQuit:
		d.quit = true
		d.end()
	case verbAuth:
		d.authSaid(p.tape.bytes(e.text))
	}
	p.popLine()
}

// looksLikeBody guesses, without a reply to the DATA in front, whether what follows is body: a
// "." line comes, or the next line is no command.
func (p *Parser) looksLikeBody() bool {
	t := &p.tape
	if t.has(verbDot) || t.has(verbBlank) {
		for i := 1; i < t.len(); i++ {
			if t.at(i).endsBody() {
				return true
			}
		}
	}
	return t.len() > 1 && t.at(1).verb == verbUnknown || t.len() == maxEntries
}

// resync takes up matching after lost replies: the next reply answers the last waiting line that
// it can, as it does with a client that waits for each reply.
func (p *Parser) resync() bool {
	if p.replies.len() < 2 {
		return false
	}
	p.replies.pop()
	p.d.left, p.owed, p.vague = min(p.d.left, 1), 0, false
	code := p.replies.front().code
	at, found := uint64(0), false
	for i := range p.tape.len() {
		if e := p.tape.at(i); e.plausible(code) {
			at, found = e.at, true
		}
	}
	for found && p.tape.len() > 0 {
		if p.d.inBody && !p.findDot() || p.tape.front().at >= at {
			break
		}
		p.unanswered()
	}
	return true
}

// plausible says whether code can answer the line.
func (e *entry) plausible(code int) bool {
	switch {
	case code == 221:
		return e.verb == verbQuit
	case code == 235:
		return e.verb == verbAuth || e.verb == verbUnknown
	case goAhead(code):
		return e.takesGoAhead(code)
	case accepted(code):
		return e.verb != verbData && e.verb != verbAuth && e.verb != verbBlank
	case code == 450, code == 550, code == 551, code == 553: // a mailbox
		return e.verb != verbData
	}
	return true
}

// syntaxError says whether a reply can answer an empty line.
func syntaxError(code int) bool { return code >= 500 && code <= 503 || code == 421 || code == 221 }

// takesGoAhead says whether a 3yz reply can answer the line.
func (e *entry) takesGoAhead(code int) bool {
	switch code {
	case 354:
		return e.verb == verbData || e.verb == verbUnknown || e.verb == verbLost
	case 334:
		return e.verb == verbAuth || e.verb == verbUnknown || e.verb == verbLost
	}
	return true
}

// skipTo gives up the lines before the command which a 354 or 334 must belong to: their replies
// were not seen. Without such a command it may still come.
func (p *Parser) skipTo(code int, final bool) bool {
	wanted := verbData
	if code == 334 {
		wanted = verbAuth
	}
	if !p.tape.has(wanted) && !final {
		return false
	}
	p.missLine(p.tape.front())
	p.unanswered()
	return true
}
