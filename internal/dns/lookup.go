package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// How domains are looked up, on behalf of the user: what is asked shows a name server to whom mail goes.
const (
	lookupPatience = 5 * time.Second // for a domain and its exchangers
	lookupEvery    = 50 * time.Millisecond
	lookupWorkers  = 4
	lookupQueue    = 256
	lookupTTL      = 600 // the system's resolver does not tell; seconds
)

// resolver is what of a net.Resolver is used.
type resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Lookup asks the system's name servers for the MX of domains, a few at a time.
type Lookup struct {
	dns    resolver
	asked  chan string
	found  chan Found
	failed atomic.Uint64
}

// Found is what was found of a domain.
type Found struct {
	Domain string
	hosts  []string
	addrs  map[string][]netip.Addr
	whole  bool
}

// StartLookup looks up until ctx ends.
func StartLookup(ctx context.Context) *Lookup { return startLookup(ctx, net.DefaultResolver) }

func startLookup(ctx context.Context, r resolver) *Lookup {
	l := &Lookup{dns: r, asked: make(chan string, lookupQueue), found: make(chan Found, lookupQueue+lookupWorkers)}
	pace := time.NewTicker(lookupEvery)
	context.AfterFunc(ctx, pace.Stop)
	for range lookupWorkers {
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case domain := <-l.asked:
					select {
					case <-pace.C:
					case <-ctx.Done():
						return
					}
					l.found <- l.find(ctx, domain)
				}
			}
		}()
	}
	return l
}

// Ask has a domain looked up; false: there is no room. Whoever asks must take what is found.
func (l *Lookup) Ask(domain string) bool {
	select {
	case l.asked <- domain:
		return true
	default:
		l.failed.Add(1)
		return false
	}
}

// Found gives what was found, also of a domain of which that is nothing.
func (l *Lookup) Found() <-chan Found { return l.found }

// Failed counts the look-ups that failed, or for which there was no room.
func (l *Lookup) Failed() uint64 { return l.failed.Load() }

func (l *Lookup) find(ctx context.Context, domain string) Found {
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	f := Found{Domain: domain, addrs: map[string][]netip.Addr{}}
	list, err := l.dns.LookupMX(ctx, domain+".")
	var none *net.DNSError
	if err != nil && !(errors.As(err, &none) && none.IsNotFound) {
		l.failed.Add(1)
		return f
	}
	hosts := make([]string, 0, len(list))
	for _, mx := range list[:min(len(list), maxMX)] {
		hosts = append(hosts, canonical(mx.Host))
	}
	f.hosts, f.whole = hosts, len(list) <= maxMX
	if len(hosts) == 0 {
		hosts = []string{domain}
	}
	for _, host := range hosts {
		addrs, err := l.dns.LookupNetIP(ctx, "ip", host+".")
		if err != nil && !(errors.As(err, &none) && none.IsNotFound) {
			l.failed.Add(1)
			continue
		}
		f.addrs[host] = addrs
	}
	if len(list) == 0 && len(f.addrs[domain]) == 0 { // no such name, or none that could be asked for
		f.hosts = nil
	}
	return f
}

// Teach tells a cache what was found. Of a name that is not there nothing is known.
func (f *Found) Teach(c *Cache, now time.Time) {
	if f.hosts == nil {
		return
	}
	c.LearnMX(f.Domain, f.hosts, f.whole, now, lookupTTL)
	for host, addrs := range f.addrs {
		c.LearnHost(host, addrs, true, true, now, lookupTTL)
	}
}
