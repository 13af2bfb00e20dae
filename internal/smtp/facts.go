package smtp

import (
	"net/netip"
	"slices"
	"strings"
)

// Facts are the protocol flags of a session. Each is true only if it is certain from what was
// seen.
type Facts struct {
	// HeloLoopback: a HELO, EHLO or LHLO gave a name of the machine itself: "localhost", a name
	// that begins with "localhost." or ends in ".localhost" or ".localdomain", or an address in
	// 127.0.0.0/8 or ::1, in brackets (RFC 5321 section 4.1.3) or not.
	HeloLoopback bool
	// HeloBare: a HELO, EHLO or LHLO gave neither a domain name with a dot in it nor an address in
	// brackets, as RFC 5321 section 4.1.1.1 asks: a bare host name, a bare address, or nothing.
	HeloBare bool
	// HeloDefaults: a HELO, EHLO or LHLO gave what these libraries send unless they are told a
	// name. It does not say that one of them was at work.
	HeloDefaults []string
	// NoHelo: MAIL, RCPT, DATA or BDAT was said in a connection watched from its beginning, before
	// any HELO, EHLO or LHLO.
	NoHelo bool
	// EarlyTalker: in a connection watched from its beginning the client said something before the
	// server's greeting was complete (RFC 5321 section 3.1). Only with Options.Ordered.
	EarlyTalker bool
	// RcptProbe: a transaction with an accepted recipient was given up by the client, with RSET,
	// QUIT, a new HELO or MAIL, or by the end, and neither DATA nor BDAT was said in the session, and
	// all of it was seen: no TLS, nothing lost.
	RcptProbe bool
	// BlocklistReply: the server refused the connection, or decided a transaction or the session, with
	// a reply that names a blocklist.
	BlocklistReply bool
}

// Flags returns the names of the facts that hold.
func (f *Facts) Flags() []string {
	var list []string
	for _, x := range []struct {
		is   bool
		name string
	}{
		{f.HeloLoopback, "helo_loopback"}, {f.HeloBare, "helo_bare"}, {f.NoHelo, "no_helo"},
		{f.EarlyTalker, "early_talker"}, {f.RcptProbe, "rcpt_probe"},
		{f.BlocklistReply, "blocklist_reply"},
	} {
		if x.is {
			list = append(list, x.name)
		}
	}
	for _, library := range f.HeloDefaults {
		list = append(list, "helo_default:"+library)
	}
	return list
}

// isLoopback says whether a HELO name means the machine itself.
func isLoopback(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" || strings.HasPrefix(name, "localhost.") ||
		strings.HasSuffix(name, ".localhost") || strings.HasSuffix(name, ".localdomain") {
		return true
	}
	a, ok := addressLiteral(name)
	if !ok {
		a, _ = netip.ParseAddr(name)
	}
	return a.Unmap().IsLoopback()
}

// isBare says whether a HELO name is neither a domain name with a dot nor an address in brackets.
func isBare(name string) bool {
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		return false
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return !strings.Contains(strings.Trim(name, "."), ".")
}

// addressLiteral reads "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3), and the
// latter also without its tag.
func addressLiteral(name string) (netip.Addr, bool) {
	if !strings.HasPrefix(name, "[") || !strings.HasSuffix(name, "]") {
		return netip.Addr{}, false
	}
	inner := name[1 : len(name)-1]
	if len(inner) > 5 && strings.EqualFold(inner[:5], "ipv6:") {
		inner = inner[5:]
	}
	a, err := netip.ParseAddr(inner)
	return a, err == nil
}

// earliness follows whether the client spoke before it was greeted.
type earliness struct {
	spoke   bool
	early   bool // it spoke before the greeting was complete
	greeted bool
	lost    bool // bytes of the server were lost before
}

func (e *earliness) clientSpoke() {
	if !e.spoke {
		e.spoke, e.early = true, !e.greeted
	}
}

func (e *earliness) restart() { e.spoke, e.early = false, false }
func (e *earliness) greet()   { e.greeted = true }
func (e *earliness) lose()    { e.lost = e.lost || !e.greeted }

// facts concludes from a session that is summarised.
func (p *Parser) facts(s *Session) Facts {
	f := Facts{NoHelo: p.d.noHelo}
	for _, h := range s.Hellos {
		f.HeloLoopback = f.HeloLoopback || isLoopback(h.Name)
		f.HeloBare = f.HeloBare || isBare(h.Name)
		f.HeloDefaults = appendDefaults(f.HeloDefaults, h)
	}
	f.EarlyTalker = (s.State == SMTP || s.State == LMTP) && p.opts.Ordered && !p.opts.Midstream &&
		p.early.early && !p.early.lost && p.greeting == greetingSeen
	f.RcptProbe = p.d.probed && !p.d.dataSaid && s.TLS != StartTLS && !s.Overflow &&
		s.Client.Lost+s.Server.Lost == 0
	f.BlocklistReply = blocklisted(s.FirstReply) || blocklisted(s.LastReply) ||
		slices.ContainsFunc(s.Transactions, func(t Transaction) bool { return blocklisted(t.Reply) })
	return f
}
