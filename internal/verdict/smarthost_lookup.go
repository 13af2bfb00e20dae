package verdict

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// How the names of smarthosts are looked up.
const (
	lookupPatience = 5 * time.Second // for one name
	keepAddress    = time.Hour       // after it was last among the answers: they take turns
	maxExchangers  = 16
	maxAddresses   = 256 // of all smarthosts
)

// lookup is what of a net.Resolver is used.
type lookup interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// relays knows the addresses of the smarthosts. A port of 0 stands for any.
type relays struct {
	list   []Smarthost
	dns    lookup
	warn   func(error)
	wake   chan struct{}
	failed atomic.Uint64
	addrs  atomic.Pointer[map[netip.AddrPort]time.Time] // when each was last among the answers
}

// Relays tells the host its smarthosts, once and before the first verdict. Their names are looked up in the
// background, now and with each Refresh, until ctx ends; the first failure of each is told to warn, which
// may be called from another goroutine. The channel is closed when all were looked up once.
func (h *Host) Relays(ctx context.Context, list []Smarthost, warn func(error)) <-chan struct{} {
	h.relays = &relays{list: list, dns: net.DefaultResolver, warn: warn, wake: make(chan struct{}, 1)}
	return h.relays.start(ctx)
}

// LookupsFailed counts the look-ups of smarthosts that failed.
func (h *Host) LookupsFailed() uint64 {
	if h.relays == nil {
		return 0
	}
	return h.relays.failed.Load()
}

func (r *relays) start(ctx context.Context) <-chan struct{} {
	addrs := map[netip.AddrPort]time.Time{}
	names := false
	for _, s := range r.list {
		if a, err := netip.ParseAddr(s.Host); err == nil {
			addrs[netip.AddrPortFrom(a, s.Port)] = time.Time{}
		} else {
			names = true
		}
	}
	r.addrs.Store(&addrs)
	ready := make(chan struct{})
	if !names {
		close(ready)
		return ready
	}
	go func() {
		said := map[string]bool{}
		r.refresh(ctx, said)
		close(ready)
		for {
			select {
			case <-r.wake:
				r.refresh(ctx, said)
			case <-ctx.Done():
				return
			}
		}
	}()
	return ready
}

// again asks for the names to be looked up anew. It never waits.
func (r *relays) again() {
	select {
	case r.wake <- struct{}{}:
	default: // it is about to be done
	}
}

// holds says whether a destination is a smarthost.
func (r *relays) holds(to netip.AddrPort) bool {
	addrs := *r.addrs.Load()
	_, any := addrs[netip.AddrPortFrom(to.Addr(), 0)]
	_, same := addrs[to]
	return any || same
}

// refresh looks the names up. An address that is no longer among the answers is kept for a while.
func (r *relays) refresh(ctx context.Context, said map[string]bool) {
	now := time.Now()
	addrs := maps.Clone(*r.addrs.Load())
	maps.DeleteFunc(addrs, func(_ netip.AddrPort, seen time.Time) bool {
		return !seen.IsZero() && now.Sub(seen) > keepAddress
	})
	for _, s := range r.list {
		if _, err := netip.ParseAddr(s.Host); err == nil {
			continue
		}
		found, err := r.addresses(ctx, s)
		if err != nil && ctx.Err() == nil {
			r.failed.Add(1)
			if !said[s.Host] {
				said[s.Host] = true
				r.warn(fmt.Errorf("look up the smarthost %s: %w: mail to it is not told from other mail", s, err))
			}
		}
		for _, a := range found {
			if len(addrs) < maxAddresses {
				addrs[netip.AddrPortFrom(a.Unmap(), s.Port)] = now
			}
		}
	}
	r.addrs.Store(&addrs)
}

func (r *relays) addresses(ctx context.Context, s Smarthost) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	hosts := []string{s.Host}
	if s.MX {
		list, err := r.dns.LookupMX(ctx, s.Host)
		var failed *net.DNSError
		if err != nil && !(errors.As(err, &failed) && failed.IsNotFound) {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(mx *net.MX) bool { return mx.Host == "." }) // RFC 7505: none
		if len(list) > 0 {
			hosts = nil
		}
		for _, mx := range list[:min(len(list), maxExchangers)] {
			hosts = append(hosts, strings.TrimSuffix(mx.Host, "."))
		}
	}
	var all []netip.Addr
	var failed error
	for _, host := range hosts {
		found, err := r.dns.LookupNetIP(ctx, "ip", host)
		if err != nil {
			failed = err
		}
		all = append(all, found...)
	}
	if len(all) > 0 {
		failed = nil
	}
	return all, failed
}
