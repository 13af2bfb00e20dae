package smtp

// unseen is what Session.Unseen tells.
func (p *Parser) unseen() uint64 {
	n := p.d.unseen + p.volume[Client].Lost + p.volume[Server].Lost
	if p.doubt {
		n++
	}
	if p.rebuked && p.volume[Client].Bytes > 0 { // perhaps it answered what the client had said by then
		n++
	}
	if c := p.said.client; (c == clientUnknown || c == clientBinary) && !refused(p.d.last.code) && p.d.last.code != 221 {
		n++ // behind a greeting, nothing that SMTP has, and the server has not turned it away
	}
	if p.client.crypted && p.d.security == TLSRefused || p.server.crypted && p.state != TLS && p.d.security == NoTLS {
		n++ // one of the two speaks TLS, and the other had not agreed
	}
	return n
}

// unreadClient takes octets of a client that is not listened to. TLS is told otherwise.
func (p *Parser) unreadClient(n uint64) {
	if !p.client.crypted && p.client.mode == clientOpaque {
		p.d.miss(n)
	}
}

// unreadServer does so for a server.
func (p *Parser) unreadServer(n uint64) {
	if !p.server.crypted && p.said.client != clientTLS && !p.client.crypted {
		p.d.miss(n)
	}
}

// missDoubt counts a doubt that is not settled when a message is taken over, or some of it.
func (p *Parser) missDoubt(code int) {
	if p.doubt && accepted(code) {
		p.doubt = false
		p.d.miss(0)
	}
}

// missLine counts a line whose reply is not known, or that is not known itself.
func (p *Parser) missLine(e *entry) { p.d.miss(e.next - e.at) }

// answersNothing says whether a reply is left though the client waits for none: it is matched with what
// the client says next, and so is each one behind it.
func (p *Parser) answersNothing() bool {
	c := &p.client
	return p.replies.len() > 0 && p.tape.len() == 0 && p.opts.Ordered && !p.opts.Midstream && c.off == c.start &&
		c.chunk == 0 && !c.body && (c.mode == clientSniff || c.mode == clientLines)
}

// mismatched says whether no server answers the line with this code: the two do not belong together,
// and there is no telling since when.
func (p *Parser) mismatched(e *entry, code int) bool {
	v := e.verb
	switch {
	case v == verbLost, refused(code):
		return false
	case code < 200:
		return true
	case code == 211, code == 214:
		return v > verbLost && v != verbHelp && v != verbNoop && v != verbVrfy && v != verbExpn || v == verbDot
	case code == 220:
		return v != verbStartTLS && v != verbXclient && v != verbUnknown
	case code == 221:
		return v != verbQuit && (v != verbUnknown && v != verbBlank || p.tape.has(verbQuit))
	case code == 235:
		return v != verbAuth && (v != verbUnknown || p.tape.has(verbAuth))
	case accepted(code) && v == verbAuth:
		return true
	case code == 334:
		return v != verbAuth && v != verbUnknown
	case code == 353:
		return v != verbDot && v != verbBdat
	case code == 354:
		return v != verbData
	}
	return goAhead(code)
}

// settle tells whether a reply that only one command draws was given to that command, and no other one
// waits. If so, what was matched before was right. DATA is said again too often to tell.
func (p *Parser) settle(e *entry, code int) {
	switch {
	case p.tape.count[e.verb] > 1:
	case code == 221 && e.verb == verbQuit, code == 235 && e.verb == verbAuth:
		p.doubt = false
	}
}
