package smtp

// startTLS takes what both sides say from here on as TLS. at is the client's offset behind the
// STARTTLS line: if nothing was said there yet, a ClientHello is expected.
func (p *Parser) startTLS(at uint64) {
	c := &p.client
	mode := clientOpaque
	switch {
	case c.mode == clientTLSHello:
		mode = clientTLSHello
	case c.off == at && c.n == 0:
		mode = clientTLSStart
	}
	p.stopListening()
	c.mode = mode
}

// stopListening takes nothing of what is still said, or was said ahead, as SMTP.
func (p *Parser) stopListening() {
	p.tape.reset()
	p.replies.reset()
	p.client.mode, p.client.chunk = clientOpaque, 0
	p.server.mode = serverOpaque
}
