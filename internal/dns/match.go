package dns

import (
	"net/netip"
	"strings"
	"time"
)

// Match says whether an address is one that a domain's mail goes to.
type Match string

// The answers.
const (
	Yes     Match = "yes"
	No      Match = "no"      // all of them are known, and it is none
	Unknown Match = "unknown" // clears nobody
)

// Match says whether mail to one of these domains goes to the address: that of one of its MX or, where it has
// none, its own (RFC 5321 section 5.1).
func (c *Cache) Match(to netip.Addr, domains []string, now time.Time) Match {
	answer := No
	if len(domains) == 0 {
		answer = Unknown
	}
	for _, d := range domains {
		switch c.matchOne(to, canonical(d), now) {
		case Yes:
			return Yes
		case Unknown:
			answer = Unknown
		}
	}
	return answer
}

// Knows says whether Match has an answer for a domain.
func (c *Cache) Knows(to netip.Addr, domain string, now time.Time) bool {
	return c.matchOne(to, canonical(domain), now) != Unknown
}

func (c *Cache) matchOne(to netip.Addr, domain string, now time.Time) Match {
	if literal, ok := strings.CutPrefix(domain, "["); ok { // RFC 5321 section 4.1.3
		a, err := netip.ParseAddr(strings.TrimPrefix(strings.TrimSuffix(literal, "]"), "ipv6:"))
		switch {
		case err != nil:
			return Unknown
		case a.Unmap() == to:
			return Yes
		}
		return No
	}
	e, known := c.domains.Get(domain)
	if !known || e.until.Before(now) {
		return Unknown
	}
	hosts, answer := e.hosts, No
	if !e.whole {
		answer = Unknown
	} else if len(hosts) == 0 {
		hosts = []string{domain}
	}
	for _, name := range hosts {
		switch c.matchHost(to, name, now) {
		case Yes:
			return Yes
		case Unknown:
			answer = Unknown
		}
	}
	return answer
}

func (c *Cache) matchHost(to netip.Addr, name string, now time.Time) Match {
	if name == "" { // a null MX: the domain takes no mail (RFC 7505)
		return No
	}
	h, known := c.hosts.Get(name)
	if !known {
		return Unknown
	}
	for _, a := range h.addrs {
		if a.addr == to && !a.until.Before(now) {
			return Yes
		}
	}
	if h.whole[family(to)].Before(now) {
		return Unknown
	}
	return No
}
