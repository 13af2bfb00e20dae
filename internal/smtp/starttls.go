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
	return p.d.tlsDue && (p.client.crypted || p.server.crypted || p.tape.front().verb <= verbLost)
}

// stopListening takes nothing of what is still said, or was said ahead, as SMTP.
func (p *Parser) stopListening() {
	p.tape.reset()
	p.replies.reset()
	p.client.mode, p.client.chunk = clientOpaque, 0
	p.server.mode = serverOpaque
}

// recordHead is the length of what is looked at in a TLS record that begins with a ClientHello: its type, version and
// length, the type of the message and the first two octets of its length (RFC 8446 sections 5.1 and 4).
const recordHead = 8

// isRecordHead says whether b, which is no longer than that, begins such a record: with versions and lengths that one
// can have. The message may go on in the next record.
func isRecordHead(b []byte) bool {
	for i, x := range b {
		fits := false
		switch {
		case i == 0:
			fits = x == recordHandshake
		case i == 1:
			fits = x == 3
		case i == 2:
			fits = x <= 4
		case i == 3:
			fits = x <= 0x40
		case i == 4:
			fits = x > 0 || b[3] > 0
		case i == 5:
			fits = x == 1
		case b[3] == 0 && b[4] == 1: // it has one octet
			fits = x == [...]byte{recordHandshake, 3}[i-6]
		case i == 7 && b[3] == 0 && b[4] == 2:
			fits = x == recordHandshake
		default:
			fits = x == 0 || i == 7 && x <= 0x40
		}
		if !fits {
			return false
		}
	}
	return true
}

// tlsHead takes the head of a TLS record where a line begins: octets of it are held until it is whole, or
// is none. It returns what it did not take.
func (p *Parser) tlsHead(data []byte) []byte {
	c := &p.client
	if c.body || c.maybeBody || c.dropping || c.mode != clientLines || c.n >= recordHead || c.off-c.start != uint64(c.n) {
		return data
	}
	n := min(recordHead-c.n, len(data))
	copy(c.held[c.n:], data[:n])
	if !isRecordHead(c.held[:c.n+n]) {
		return data
	}
	c.n += n
	c.off += uint64(n)
	if c.n == recordHead {
		c.crypted, c.mode = true, clientTLSHello
		p.hello.feed(c.held[:c.n])
	}
	return data[n:]
}

// notTLS goes on in the clear where a server complains in text of what began like TLS: it has had text.
func (p *Parser) notTLS(code int) {
	c := &p.client
	if !p.opts.Ordered || code < 500 || p.server.crypted || c.mode != clientTLSHello && !c.crypted {
		return
	}
	c.mode, c.crypted = clientLines, false
	p.d.miss(c.off - c.start)
	c.newLine()
	if p.said.client == clientTLS {
		p.said.client, p.final = clientUnknown, false
		p.judgeState()
	}
}
