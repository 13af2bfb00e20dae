package smtp

// startTLS takes the 220 to STARTTLS. Whether TLS follows is not known before one of the two has
// gone on. What the client says behind it waits, as ever, for its reply.
func (p *Parser) startTLS(a *answer) {
	p.d.end()
	p.popLine()
	p.consume(a)
	p.d.security, p.d.tlsDue = StartTLS, true
}

// inClear tells that the dialogue went on in the clear behind an accepted STARTTLS.
func (d *dialogue) inClear() {
	if d.tlsDue {
		d.tlsDue, d.security = false, TLSUnused
	}
}

// hidden says whether what waits belongs to TLS: it was said in front of the handshake, and the
// server forgets it (RFC 3207 section 4.2), or what came between is lost and it is no command.
func (p *Parser) hidden() bool {
	return p.d.tlsDue && (p.client.crypted || p.server.crypted || p.tape.front().verb < verbHelo)
}

// stopListening takes nothing of what is still said, or was said ahead, as SMTP.
func (p *Parser) stopListening() {
	p.tape.reset()
	p.replies.reset()
	p.client.mode, p.client.chunk = clientOpaque, 0
	p.server.mode = serverOpaque
}
