package smtp

// gapClient takes n bytes of the client that are not fed.
func (p *Parser) gapClient(n uint64, aligned bool) {
	c := &p.client
	if c.chunk > 0 {
		k := min(n, c.chunk)
		c.chunk -= k
		c.off += k
		n -= k
		c.newLine()
		if c.chunk == 0 {
			p.advance()
		}
		if n == 0 {
			return
		}
	}
	switch c.mode {
	case clientOpaque, clientTLSHello:
		c.off += n
		p.unreadClient(n)
		return
	case clientPreamble:
		c.off += n
		p.loseTunnel()
		return
	case clientSniff:
		p.early.clientSpoke()
		p.unsniff()
	}
	// A line that begins with a dot and goes on is no end of a body, and may be followed by others.
	dot := c.n > 0 && c.held[0] == '.'
	if inLine := c.off > c.start; inLine && !dot {
		known := c.judged && !c.dropping || !c.judged && isKnown(c.held[:c.n])
		c.long = c.long || known
		c.off += n
		p.endLine(c.held[:c.n])
	} else {
		e := entry{at: c.start, next: c.off + n, run: 1, vague: true}
		c.off += n
		c.newLine()
		if !c.body && c.mode == clientLines && aligned && !(c.maybeBody && p.tape.extend(c.off)) {
			p.push(e, nil)
		}
	}
	if !aligned {
		p.lostClient(n)
	}
}

// isKnown says whether a line that was cut begins with a command.
func isKnown(line []byte) bool { return parseCommand(line).verb > verbLost }

// lostClient goes on after lost bytes: the next byte is taken for the start of a line, which it
// is where whole segments were lost, and which does no harm where it is not.
func (p *Parser) lostClient(n uint64) {
	c := &p.client
	c.tls = false
	if c.body {
		c.bodyLost = true
		return
	}
	if c.mode == clientLines {
		p.push(entry{at: c.off - n, next: c.off, run: 1, verb: verbLost, vague: true}, nil)
	}
}

// gapServer takes n bytes of the server that are not fed. Where they were cut they are the rest
// of a line; a whole line that is not shown says nothing.
func (p *Parser) gapServer(n uint64, aligned bool) {
	s := &p.server
	switch s.mode {
	case serverOpaque:
		p.unreadServer(n)
		return
	case serverPreamble:
		s.mode = serverOpaque
		return
	}
	s.started = true
	whole := s.n == 0 && !s.dropping
	if !whole {
		p.endReplyLine(s.held[:s.n])
	}
	if aligned {
		if whole && n > uint64(len("\r\n")) && s.mode == serverLines && p.said.replied && !s.multi {
			p.d.miss(n)
		}
		return
	}
	s.multi = false
	if s.mode == serverLines {
		p.replies.push(0, nil, nil)
		p.early.lose()
		p.advance()
	}
}
