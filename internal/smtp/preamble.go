package smtp

import "net/netip"

// preambleStep is a field of a binary proxy preamble.
type preambleStep uint8

const (
	socks5Methods  preambleStep = iota // the methods offered (RFC 1928 section 3)
	socks5Next                         // version: 1 for user and password, 5 for the request
	socks5User                         // length of the user name (RFC 1929)
	socks5Password                     // length of the password
	socks5Request                      // command, reserved, address type (RFC 1928 section 4)
	socks5NameLen                      // length of a domain name
	socks5Address                      // address and port
	socks4Request                      // port and address (SOCKS4.protocol)
	socks4User                         // one octet of the user name
	socks4Name                         // one octet of the host name (SOCKS4A.protocol)
	proxyHeader                        // version, family and length (proxy-protocol.txt section 2.2)
	proxyAddresses                     // the addresses
	socks5Method                       // server: the method chosen
	socks5Login                        // server: the result of the login
	socks5Reply                        // server: version, reply, reserved, address type
	socks5ReplyLen                     // server: length of a domain name
	socks5ReplyEnd                     // server: address and port
	socks4Reply                        // server: the reply
)

const maxPreamble = 255 + 2

// preamble collects the fields of a binary preamble. Secrets are passed over, not collected.
type preamble struct {
	step    preambleStep
	buf     [maxPreamble]byte
	n, need int
	skip    int // octets to pass over first
	octets  int // octets taken by one-octet steps, to bound them
	atyp    byte
	user    bool // the client offers user and password
}

func (r *preamble) start(step preambleStep, need int) {
	r.step, r.n, r.need, r.octets = step, 0, need, 0
}

// take collects bytes for the present field and returns the rest; full says that it is complete.
func (r *preamble) take(data []byte) (rest []byte, full bool) {
	k := min(r.skip, len(data))
	r.skip -= k
	data = data[k:]
	if r.skip > 0 {
		return nil, false
	}
	k = copy(r.buf[r.n:r.need], data)
	r.n += k
	return data[k:], r.n == r.need
}

// clientPre begins a binary preamble of the client.
func (p *Parser) clientPre(step preambleStep, need int) {
	c := &p.client
	c.n = 0
	c.mode = clientPreamble
	c.pre = preamble{}
	c.pre.start(step, need)
	p.said.tunnel()
	p.judgeState()
}

// clientPreamble takes bytes of a preamble of the client.
func (p *Parser) clientPreamble(data []byte) []byte {
	c := &p.client
	rest, full := c.pre.take(data)
	c.off += uint64(len(data) - len(rest))
	if full {
		p.clientField(c.pre.buf[:c.pre.need])
	}
	return rest
}

// clientField takes a complete field and chooses the next.
func (p *Parser) clientField(b []byte) {
	r := &p.client.pre
	switch r.step {
	case socks5Methods:
		for _, m := range b {
			r.user = r.user || m == 2
		}
		r.start(socks5Next, 1)
	case socks5Next:
		switch {
		case b[0] == 5:
			r.start(socks5Request, 3)
		case b[0] == 1 && r.user:
			r.start(socks5User, 1)
		default:
			p.loseTunnel()
		}
	case socks5User:
		r.skip = int(b[0])
		r.start(socks5Password, 1)
	case socks5Password:
		r.skip = int(b[0])
		r.start(socks5Next, 1)
	case socks5Request:
		if r.atyp = b[2]; b[0] != 1 || addressLen(r.atyp) == 0 {
			p.loseTunnel() // BIND and UDP ASSOCIATE lead elsewhere
			return
		}
		if r.atyp == 3 {
			r.start(socks5NameLen, 1)
			return
		}
		r.start(socks5Address, addressLen(r.atyp)+2)
	case socks5NameLen:
		r.start(socks5Address, int(b[0])+2)
	case socks5Address:
		w := p.via.add(viaSOCKS5)
		host := b[:len(b)-2]
		if r.atyp == 3 {
			w.setHost(host)
		} else {
			w.setHost(appendIP(w.host[:0], host))
		}
		w.port = uint16(b[len(b)-2])<<8 | uint16(b[len(b)-1])
		p.enterTunnel()
	case socks4Request, socks4User, socks4Name:
		p.socks4Field(b)
	case proxyHeader, proxyAddresses:
		p.proxyField(b)
	}
}

// addressLen is the length of an address type of SOCKS5 (RFC 1928 section 5); 0 if unknown.
func addressLen(atyp byte) int {
	switch atyp {
	case 1:
		return 4
	case 3:
		return 1
	case 4:
		return 16
	}
	return 0
}

func appendIP(dst, ip []byte) []byte {
	a, _ := netip.AddrFromSlice(ip)
	return a.AppendTo(dst)
}

// socks4Field takes port and address, then the octets of the user name through a NUL, and of the
// host name where the address is 0.0.0.x.
func (p *Parser) socks4Field(b []byte) {
	r := &p.client.pre
	switch r.step {
	case socks4Request:
		w := p.via.add(viaSOCKS4)
		w.port = uint16(b[0])<<8 | uint16(b[1])
		if ip := b[2:6]; ip[0]|ip[1]|ip[2] != 0 || ip[3] == 0 {
			w.setHost(appendIP(w.host[:0], ip))
		}
		r.start(socks4User, 1)
		return
	case socks4User:
		if b[0] != 0 {
			break
		}
		if p.via.list[p.via.said-1].hostN > 0 {
			p.enterTunnel()
			return
		}
		r.start(socks4Name, 1)
		return
	case socks4Name:
		w := &p.via.list[p.via.said-1]
		if b[0] == 0 {
			p.enterTunnel()
			return
		}
		if w.hostN < maxHost {
			w.host[w.hostN] = b[0]
			w.hostN++
		}
	}
	r.n = 0
	if r.octets++; r.octets > 2*maxHost {
		p.loseTunnel()
	}
}

// proxyField takes the header of PROXY version 2 and the addresses behind it, as far as they are
// IP; what follows them is passed over.
func (p *Parser) proxyField(b []byte) {
	r := &p.client.pre
	if r.step == proxyHeader {
		p.via.add(viaProxy2)
		length, want := int(b[2])<<8|int(b[3]), 0
		switch b[1] >> 4 {
		case 1:
			want = 12
		case 2:
			want = 36
		}
		if b[0]>>4 != 2 || length < want {
			p.loseTunnel()
			return
		}
		r.atyp = byte(want)
		r.octets = length - want
		if want > 0 {
			r.step, r.n, r.need = proxyAddresses, 0, want
			return
		}
	} else {
		w := &p.via.list[p.via.said-1]
		ip := (len(b) - 4) / 2
		w.sourceN = len(appendIP(w.source[:0], b[:ip]))
		w.setHost(appendIP(w.host[:0], b[ip:2*ip]))
		w.srcPort = uint16(b[2*ip])<<8 | uint16(b[2*ip+1])
		w.port = uint16(b[2*ip+2])<<8 | uint16(b[2*ip+3])
	}
	rest := r.octets
	p.enterTunnel()
	p.client.chunk = uint64(rest)
}

// serverPreamble takes bytes of a SOCKS proxy's answers.
func (p *Parser) serverPreamble(data []byte) []byte {
	s := &p.server
	rest, full := s.pre.take(data)
	if full {
		p.serverField(s.pre.buf[:s.pre.need])
	}
	return rest
}

// serverField takes a complete field and chooses the next.
func (p *Parser) serverField(b []byte) {
	s := &p.server
	r := &s.pre
	switch r.step {
	case socks5Method:
		switch b[1] {
		case 0:
			r.start(socks5Reply, 4)
		case 2:
			r.start(socks5Login, 2)
		default:
			s.mode = serverOpaque
			p.via.answer(true)
		}
	case socks5Login:
		r.start(socks5Reply, 4)
	case socks5Reply:
		p.via.answer(b[1] != 0)
		switch n := addressLen(b[3]); {
		case n == 0:
			s.mode = serverOpaque
		case b[3] == 3:
			r.start(socks5ReplyLen, 1)
		default:
			r.start(socks5ReplyEnd, n+2)
		}
	case socks5ReplyLen:
		r.start(socks5ReplyEnd, int(b[0])+2)
	case socks4Reply:
		p.via.answer(b[1] != 0x5a)
		s.mode = serverSniff
	case socks5ReplyEnd:
		s.mode = serverSniff
	}
}
