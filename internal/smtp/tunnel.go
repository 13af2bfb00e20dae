package smtp

import (
	"bytes"
	"strconv"
	"strings"
)

// Via is a proxy that a connection goes through.
type Via struct {
	Kind    string // "http-connect", "socks4", "socks5", "proxy-v1" or "proxy-v2"
	Address string // host:port asked for; with PROXY the destination it names; empty if unknown
	Source  string // with PROXY the host:port it names as the client
	Refused bool   // the proxy refused; not known where State is Other
}

// Bounds of what is kept of proxies.
const (
	maxVias = 4
	maxHost = 255 // RFC 1928 section 4
)

// vias are the preambles said on a connection, outermost first.
type vias struct {
	list    [maxVias]via
	said    int           // by the client
	refused [maxVias]bool // the server's answers, in order; PROXY has none
	replied int
}

type via struct {
	kind    viaKind
	host    [maxHost]byte
	hostN   int
	port    uint16
	source  [maxHost]byte
	sourceN int
	srcPort uint16
}

type viaKind uint8

const (
	viaConnect viaKind = iota
	viaSOCKS4
	viaSOCKS5
	viaProxy1
	viaProxy2
)

var viaNames = [...]string{"http-connect", "socks4", "socks5", "proxy-v1", "proxy-v2"}

func (v *vias) reset() { v.said, v.replied = 0, 0 }

// add returns room for another proxy; beyond maxVias the last is overwritten.
func (v *vias) add(kind viaKind) *via {
	if v.said < maxVias {
		v.said++
	}
	w := &v.list[v.said-1]
	*w = via{kind: kind}
	return w
}

// answer notes a proxy's answer. It may come before the request was seen.
func (v *vias) answer(refused bool) {
	if v.replied < maxVias {
		v.refused[v.replied] = refused
		v.replied++
	}
}

func (w *via) setHost(host []byte) { w.hostN = copy(w.host[:], host) }

// mailPort says whether mail is to be expected at the address asked for.
func (w *via) mailPort() bool {
	switch w.port {
	case 25, 465, 587, 2525:
		return true
	}
	return false
}

func joinHostPort(host []byte, port uint16) string {
	if len(host) == 0 {
		return ""
	}
	h := string(host)
	if strings.Contains(h, ":") {
		h = "[" + h + "]"
	}
	return h + ":" + strconv.Itoa(int(port))
}

// proxySignature begins PROXY protocol version 2 (haproxy's proxy-protocol.txt, section 2.2).
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// sniff looks at the first bytes of the client, or at the first behind a preamble, for what is
// not lines. They are held until they are told apart.
func (p *Parser) sniff(data []byte) []byte {
	c := &p.client
	p.early.clientSpoke() // unless it is a preamble: that starts again
	for len(data) > 0 {
		c.held[c.n] = data[0]
		c.n++
		c.off++
		data = data[1:]
		switch first := c.held[:c.n]; {
		case first[0] == recordHandshake && isRecordHead(first) && c.n < recordHead:
			continue
		case first[0] == recordHandshake && isRecordHead(first):
			p.implicitTLS()
			return data
		case (first[0] == 4 || first[0] == 5) && c.n < 2:
			continue
		case first[0] == 5 && first[1] > 0:
			p.clientPre(socks5Methods, int(first[1]))
			return data
		case first[0] == 4 && (first[1] == 1 || first[1] == 2):
			p.clientPre(socks4Request, 6)
			return data
		case string(first) == proxySignature:
			p.clientPre(proxyHeader, 4)
			return data
		case c.n < len(proxySignature) && string(first) == proxySignature[:c.n]:
			continue
		}
		p.unsniff()
		return data
	}
	return nil
}

// unsniff takes the bytes held as the start of a line.
func (p *Parser) unsniff() {
	c := &p.client
	held := c.pre.buf[:copy(c.pre.buf[:], c.held[:c.n])]
	c.off -= uint64(len(held))
	c.newLine()
	c.mode = clientLines
	for rest := held; len(rest) > 0; {
		rest = p.readLine(rest)
	}
}

// implicitTLS takes the bytes held as the start of a ClientHello.
func (p *Parser) implicitTLS() {
	c := &p.client
	c.mode = clientTLSHello
	p.hello.feed(c.held[:c.n])
	p.said.client = clientTLS
	p.judgeState()
	p.advance()
}

// connectLine takes "CONNECT host:port HTTP/1.1" (RFC 9110 section 9.3.6). There are spam bots that
// put "/" before the version, and proxies that let them. It reports false if the line is not of
// this form.
func (p *Parser) connectLine(arg []byte) bool {
	target, version := firstArg(arg), trim(afterFirstArg(arg))
	if string(firstArg(version)) == "/" {
		version = trimLeft(afterFirstArg(version))
	}
	if !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return false
	}
	colon := bytes.LastIndexByte(target, ':')
	if colon < 0 {
		return false
	}
	port, ok := number(target[colon+1:])
	if !ok || port > 65535 {
		return false
	}
	host := target[:colon]
	host = host[bytes.LastIndexByte(host, '@')+1:] // a password has no place here, and is sent all the same
	w := p.via.add(viaConnect)
	w.setHost(bytes.Trim(host, "[]"))
	w.port = uint16(port)
	p.client.mode = clientHeaders
	p.said.tunnel()
	p.judgeState()
	return true
}

// proxyLine takes "TCP4 source destination sourceport destinationport" of PROXY protocol version 1
// (proxy-protocol.txt, section 2.1).
func (p *Parser) proxyLine(arg []byte) bool {
	family := firstArg(arg)
	if !equalFold(family, "TCP4") && !equalFold(family, "TCP6") && !equalFold(family, "UNKNOWN") {
		return false
	}
	var field [4][]byte
	for i := range field {
		arg = afterFirstArg(arg)
		field[i] = firstArg(arg)
	}
	w := p.via.add(viaProxy1)
	w.sourceN = copy(w.source[:], field[0])
	w.setHost(field[1])
	from, _ := number(field[2])
	to, _ := number(field[3])
	w.srcPort, w.port = uint16(from), uint16(to)
	p.enterTunnel()
	return true
}

// enterTunnel starts again behind the client's preamble.
func (p *Parser) enterTunnel() {
	c := &p.client
	w := &p.via.list[p.via.said-1]
	mail := w.mailPort()
	if w.kind >= viaProxy1 {
		mail = mail || p.said.mailPort
	}
	c.mode = clientSniff
	c.newLine()
	p.said.tunnel()
	p.said.mailPort = mail
	p.early.restart()
	p.judgeState()
}

// loseTunnel gives up on a preamble that cannot be read.
func (p *Parser) loseTunnel() {
	p.client.mode = clientOpaque
	p.said.tunnel()
	p.judgeState()
}

// statusLine takes the first line of an HTTP proxy's answer.
func (p *Parser) statusLine(line []byte) bool {
	s := &p.server
	if !bytes.HasPrefix(line, []byte("HTTP/1.")) || len(line) < len("HTTP/1.1 200") {
		return false
	}
	s.ok = line[len("HTTP/1.1 ")] == '2'
	s.mode = serverHeaders
	p.via.answer(!s.ok)
	return true
}

// endHeaders goes on behind an HTTP answer: in the tunnel, or with the answer to another try.
func (p *Parser) endHeaders() {
	s := &p.server
	s.mode = serverRefusal
	if s.ok {
		s.mode = serverSniff
	}
}

// export returns the exported form. Of what is not SMTP the answers may not have been read.
func (v *vias) export(s State) []Via {
	var list []Via
	answered := v.refused[:v.replied]
	if s == Other {
		answered = nil
	}
	for i := range v.list[:v.said] {
		w := &v.list[i]
		refused := false
		if w.kind < viaProxy1 && len(answered) > 0 {
			refused, answered = answered[0], answered[1:]
		}
		list = append(list, Via{
			Kind: viaNames[w.kind], Refused: refused,
			Address: joinHostPort(w.host[:w.hostN], w.port),
			Source:  joinHostPort(w.source[:w.sourceN], w.srcPort),
		})
	}
	return list
}
