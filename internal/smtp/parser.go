package smtp

// Direction says which side of a connection spoke.
type Direction uint8

const (
	Client Direction = iota // the side that connected
	Server                  // the side that was connected to
)

// Options are what the caller knows of a connection before a byte of it was said.
type Options struct {
	// MailPort says that the port connected to is one where SMTP is to be expected: 25, 465, 587,
	// 2525. Weak evidence then suffices.
	MailPort bool
	// Midstream says that the first bytes of the connection may not have been seen.
	Midstream bool
	// Ordered says that Feed and Gap are called in the order in which the bytes passed. Without it
	// nothing is concluded from that order.
	Ordered bool
}

// Parser follows one connection. The zero Parser is ready, with zero Options. It holds about 7 KB;
// at most 200 KB where the two sides set out to fill it. It is not safe for concurrent use.
type Parser struct {
	opts  Options
	state State
	final bool // state cannot change any more
	ended bool

	said     evidence
	greeting greeting
	early    earliness
	vague    bool   // the last line answered stood for bytes not copied
	doubt    bool   // a reply was given to an empty line, and may be the next line's
	rebuked  bool   // the first reply was taken for a greeting, and is none of a server's
	owed     uint64 // replies due to lines that were given up for want of room
	overlong bool
	overflow bool
	volume   [2]Volume
	via      vias
	client   clientStream
	server   serverStream
	hello    clientHello
	tape     tape
	replies  answers
	d        dialogue
}

// New returns a Parser for a connection.
func New(o Options) *Parser {
	p := new(Parser)
	p.Reset(o)
	return p
}

// Reset makes p ready for another connection. It keeps the memory.
func (p *Parser) Reset(o Options) {
	p.tape.reset()
	p.replies.reset()
	p.d.reset()
	p.client.reset()
	p.server.reset()
	p.hello.reset()
	p.via.reset()
	p.opts, p.state, p.final, p.ended = o, Undecided, false, false
	p.said, p.greeting, p.early = evidence{mailPort: o.MailPort, midstream: o.Midstream}, greetingAwaited, earliness{}
	p.vague, p.doubt, p.rebuked, p.owed, p.overlong, p.overflow = false, false, false, 0, false, false
	p.volume = [2]Volume{}
}

// Feed takes the next bytes of one direction. It keeps no reference to data.
func (p *Parser) Feed(dir Direction, data []byte) {
	p.volume[dir].Bytes += uint64(len(data))
	if p.final && p.state == Other {
		return
	}
	if dir == Client {
		p.feedClient(data)
	} else {
		p.feedServer(data)
	}
}

// Gap tells of n bytes of one direction that are not fed. Aligned ones were counted and cut on
// purpose, through the end of a line: message bodies, BDAT chunks, AUTH secrets, the rest of an
// overlong line, the arguments of an unknown command. Others were lost, and where the next byte
// stands in a line is unknown.
func (p *Parser) Gap(dir Direction, n uint64, aligned bool) {
	if n == 0 {
		return
	}
	v := &p.volume[dir]
	v.Bytes += n
	v.Gaps++
	if aligned {
		v.Cut += n
	} else {
		v.Lost += n
	}
	if p.final && p.state == Other {
		return
	}
	if dir == Client {
		p.gapClient(n, aligned)
	} else {
		p.gapServer(n, aligned)
	}
}

// End tells that neither direction will say more. An open transaction is then at its end.
func (p *Parser) End() {
	if p.ended || p.final && p.state == Other {
		return
	}
	p.endServer()
	p.flush()
	p.d.end()
	p.ended = true
}

// Now says what time it is in what is fed from here on, in whatever unit and from whatever beginning.
func (p *Parser) Now(t uint64) { p.d.now = t }

// State returns what the connection was recognised as so far.
func (p *Parser) State() State { return p.state }

// Final says whether State can change no more, but for SMTP that turns out to be LMTP.
func (p *Parser) Final() bool { return p.final }

// Finished returns the number of finished transactions held, at most 64: those that Interim would tell.
func (p *Parser) Finished() int { return p.d.finished() }

// OpenSince is the time that Now gave last when the transaction began that is under way; 0 if none is.
func (p *Parser) OpenSince() uint64 {
	if m := p.d.current(); m != nil {
		return m.at
	}
	return 0
}

// Full says that addresses are no longer kept for want of room, until Interim or Drain.
func (p *Parser) Full() bool { return p.d.full() }

// Drain forgets the finished transactions without telling them. The sums of the session go on.
func (p *Parser) Drain() {
	p.d.drain()
	p.d.omitted = 0
}

// push puts a client line on the tape and matches what can be matched. If there is no room the
// oldest line is given up.
func (p *Parser) push(e entry, text []byte) {
	for !p.tape.push(e, text) {
		front := p.tape.front()
		p.overflow = true
		p.owed += uint64(front.run)
		p.d.miss(front.next - front.at)
		p.unanswered()
		for p.d.inBody && p.findDot() {
		}
		if p.client.body && e.verb != verbDot {
			return // the line was body
		}
	}
	p.advance()
}
