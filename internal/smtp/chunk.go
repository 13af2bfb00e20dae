package smtp

// settleChunk drops what was taken for lines within the chunk of the BDAT in front, and makes the
// octets still to come part of it. It reports whether the chunk is complete, or will not be.
func (p *Parser) settleChunk(final bool) bool {
	c, e := &p.client, p.tape.front()
	p.tape.dropInside(e.next)
	if e = p.tape.front(); c.maybeBody && !p.tape.has(verbData) {
		p.leaveMaybeBody() // what looked like DATA was in the chunk
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

// breakLine ends a line where an assumed chunk ends: if the chunk is one, a command begins here.
func (p *Parser) breakLine() {
	c := &p.client
	e := entry{at: c.start, next: c.off, run: 1, split: c.split}
	c.dotted = 0
	if line := c.held[:c.n]; !c.split && (string(line) == "." || string(line) == ".\r") {
		c.dotted = uint8(c.n)
	}
	c.newLine()
	c.split, c.chunkEnd = true, 0
	p.push(e, nil)
}

// unreadChunk gives up the chunk that the client was to send, where the server has refused the BDAT
// before an octet of it came, as a command that it does not know: it reads none, and a client that
// has waited for that sends none.
func (p *Parser) unreadChunk() bool {
	c := &p.client
	if !p.opts.Ordered || p.tape.len() == 0 || p.replies.len() == 0 || !misunderstood(p.replies.front().code) {
		return false
	}
	e := p.tape.front()
	if e.verb != verbBdat || c.chunk != e.size || c.off != e.next-e.size {
		return false
	}
	e.next -= e.size
	e.size, e.last, e.bad = 0, false, true
	c.chunk, c.unread = 0, true
	p.advance()
	return true
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
	n := 1
	for n < t.n && t.at(n).at < end {
		t.count[t.at(n).verb]--
		n++
	}
	if n--; n > 0 {
		*t.at(n) = *t.front()
		t.head += n
		t.n -= n
	}
}

// dropNext drops the entry behind the front one.
func (t *tape) dropNext() {
	t.count[t.at(1).verb]--
	*t.at(1) = *t.front()
	t.head++
	t.n--
}
