// Package dns learns from the answers that this host receives which addresses a domain's mail goes to.
package dns

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/smtptrace/smtptrace/internal/lru"
)

// What is kept. A name's answers are kept for the time that they say, within bounds: a mail session may be
// recorded long after its domain was looked up.
const (
	maxDomains   = 4096
	maxHosts     = 16384
	maxMX        = 32 // of a domain
	maxAddresses = 64 // of a host
	minLife      = 10 * time.Minute
	maxLife      = time.Hour
)

// Cache is what the answers said. It is for one goroutine, but for Counters. Answers are taken as they come: who
// can answer this host's questions can make it believe anything, so a match speaks for nobody.
type Cache struct {
	domains *lru.Map[string, *exchangers]
	hosts   *lru.Map[string, *host]

	forgotten, unreadable atomic.Uint64
}

// Counters counts what was left undone.
type Counters struct {
	Forgotten  uint64 // names, to make room
	Unreadable uint64 // messages that are no DNS
}

// exchangers is what was answered to the question for a domain's MX.
type exchangers struct {
	hosts []string // none, and complete: mail goes to the domain's own addresses
	whole bool     // these are all
	until time.Time
}

// host is what was answered to the questions for a host's addresses.
type host struct {
	addrs []hostAddr
	whole [2]time.Time // IPv4, IPv6: until when addrs are all there are
}

type hostAddr struct {
	addr  netip.Addr
	until time.Time
}

// NewCache makes an empty cache.
func NewCache() *Cache {
	return &Cache{domains: lru.New[string, *exchangers](maxDomains), hosts: lru.New[string, *host](maxHosts)}
}

// Counters may be called at any time.
func (c *Cache) Counters() Counters {
	return Counters{Forgotten: c.forgotten.Load(), Unreadable: c.unreadable.Load()}
}

// canonical is a name as a key: in lower case, without the dot at its end.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// life is until when an answer is kept.
func life(now time.Time, ttl uint32) time.Time {
	return now.Add(min(max(time.Duration(ttl)*time.Second, minLife), maxLife))
}

// LearnMX takes a domain's exchangers; whole, if they are all: none of them then means that there are none.
func (c *Cache) LearnMX(domain string, hosts []string, whole bool, now time.Time, ttl uint32) {
	e := &exchangers{whole: whole && len(hosts) <= maxMX, until: life(now, ttl)}
	for _, h := range hosts[:min(len(hosts), maxMX)] {
		e.hosts = append(e.hosts, canonical(h))
	}
	if _, evicted := c.domains.Put(canonical(domain), e); evicted {
		c.forgotten.Add(1)
	}
}

// LearnHost takes addresses of a host; whole, of each family, if they are all of it.
func (c *Cache) LearnHost(name string, addrs []netip.Addr, v4, v6 bool, now time.Time, ttl uint32) {
	name = canonical(name)
	h, known := c.hosts.Get(name)
	if !known {
		h = &host{}
		if _, evicted := c.hosts.Put(name, h); evicted {
			c.forgotten.Add(1)
		}
	}
	until := life(now, ttl)
	for _, a := range addrs {
		h.add(a.Unmap(), now, until)
	}
	if v4 {
		h.whole[0] = until
	}
	if v6 {
		h.whole[1] = until
	}
}

// add takes an address, in the place of one that has expired or else of the oldest.
func (h *host) add(a netip.Addr, now, until time.Time) {
	free := -1
	for i := range h.addrs {
		if h.addrs[i].addr == a {
			h.addrs[i].until = until
			return
		}
		if h.addrs[i].until.Before(now) || free < 0 {
			free = i
		}
	}
	if len(h.addrs) < maxAddresses {
		h.addrs = append(h.addrs, hostAddr{a, until})
	} else {
		h.addrs[free] = hostAddr{a, until}
	}
}
