package smtp

// settleChunk drops what was taken for lines within the chunk of the BDAT in front, and makes the
// octets still to come part of it. It reports whether the chunk is complete, or will not be.
func (p *Parser) settleChunk(final bool) bool {
	c, e := &p.client, p.tape.front()
	p.tape.dropInside(e.next)
	e = p.tape.front()
	if c.off >= e.next {
		return true
	}
	if c.chunk == 0 && !c.body {
		c.chunk, c.chunkEnd = e.next-c.off, 0
		c.newLine()
	}
	return final
}

// chunkOctets counts the octets of a BDAT chunk that were sent.
func (p *Parser) chunkOctets(e *entry) uint64 {
	from := e.next - e.size
	if p.client.off <= from {
		return 0
	}
	return min(e.size, p.client.off-from)
}

// dropInside drops the entries behind the front one that begin before offset end.
func (t *tape) dropInside(end uint64) {
	i := t.head + 1
	for i < len(t.entries) && t.entries[i].at < end {
		i++
	}
	if i--; i > t.head {
		t.entries[i] = t.entries[t.head]
		t.head = i
	}
}

// startTLS takes what both sides say from here on as TLS. at is the client's offset behind the
// STARTTLS line: if nothing was said there yet, a ClientHello is expected.
func (p *Parser) startTLS(at uint64) {
	c := &p.client
	fresh := c.off == at && c.n == 0
	p.tape.reset()
	p.replies.reset()
	p.server.mode = serverOpaque
	if c.mode == clientTLSHello {
		return
	}
	c.mode, c.chunk = clientOpaque, 0
	if fresh {
		c.mode = clientTLSStart
	}
}
