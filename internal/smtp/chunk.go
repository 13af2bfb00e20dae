package smtp

// settleChunk drops what was taken for lines within the chunk of the BDAT in front, and makes the
// octets still to come part of it. It reports whether the chunk is complete, or will not be.
func (p *Parser) settleChunk(final bool) bool {
	c, e := &p.client, p.tape.front()
	p.tape.dropInside(e.next)
	if e = p.tape.front(); c.maybeBody && !p.tape.has(verbData) {
		c.leaveMaybeBody() // what looked like DATA was in the chunk
	}
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
