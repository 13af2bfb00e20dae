package report

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Destination asks where the connection went: an address, a network, a port, an address with its
// port, or a domain.
func Destination(s string) (Term, error) {
	term := func(ok func(a netip.AddrPort) bool) (Term, error) {
		return Term{"dst", s, false, toAddress(ok)}, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return term(func(to netip.AddrPort) bool { return to.Addr() == a.Unmap().WithZone("") })
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return term(func(to netip.AddrPort) bool { return p.Contains(to.Addr()) })
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return term(func(to netip.AddrPort) bool { return to.Addr() == a.Addr().Unmap() && to.Port() == a.Port() })
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(s, ":"), 10, 16); err == nil && n > 0 {
		return term(func(to netip.AddrPort) bool { return uint64(to.Port()) == n })
	}
	if strings.ContainsAny(s, "/: ") || strings.Trim(s, "0123456789.") == "" {
		return Term{}, errors.New("it takes an address, a network such as 198.51.100.0/24, a port, ADDRESS:PORT, or a domain such as *.example.net")
	}
	return Term{"dst", s, false, toDomain(strings.TrimSuffix(strings.ToLower(s), "."))}, nil
}

// toAddress asks for the server: the other end of the connection or, through proxies, what they were asked for.
func toAddress(ok func(netip.AddrPort) bool) func(*record.Record) judgement {
	return func(r *record.Record) judgement {
		d := &r.Destination
		to := netip.AddrPortFrom(d.IP.Unmap().WithZone(""), d.Port)
		is := func(to netip.AddrPort) bool { return ok(to) || ok(netip.AddrPortFrom(embedded(to.Addr()), to.Port())) }
		found, certain := is(to), d.IP.IsValid() && d.Port != 0 && !maybeProxied(r) && !localNAT64.Contains(to.Addr())
		for i := range r.Via {
			target, err := netip.ParseAddrPort(r.Via[i].Target)
			target = netip.AddrPortFrom(target.Addr().Unmap(), target.Port())
			certain = certain && err == nil && !localNAT64.Contains(target.Addr()) // else it is a name
			found = found || err == nil && is(target)
		}
		switch {
		case found:
			return yes
		case !certain:
			return unsure
		}
		return no
	}
}

// maybeProxied says whether there may have been a proxy of which the record does not tell. None is at a mail port.
func maybeProxied(r *record.Record) bool {
	return !slices.Contains(mailPorts, r.Destination.Port) && (unheard(r) || gapped(r))
}

// toDomain asks for a name that the record knows for the server: of the address, in TLS, or asked
// of a proxy. A domain stands for the hosts in it, too. An address may have any number of names: that it has another
// says nothing.
func toDomain(domain string) func(*record.Record) judgement {
	like := func(name string) bool {
		name = strings.ToLower(name)
		return name != "" && (glob(domain, name) || glob("*."+domain, name))
	}
	return func(r *record.Record) judgement {
		found := like(r.Destination.Domain) || like(r.TLS.Client.ServerName)
		for i := range r.Via {
			host, _, _ := strings.Cut(r.Via[i].Target, ":")
			found = found || like(host)
		}
		if found {
			return yes
		}
		return unsure
	}
}

// The prefixes of NAT64: in the first the address of the server is the last 32 bits (RFC 6052), in the other it may be
// anywhere (RFC 8215).
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
)

// embedded is the address behind one of NAT64, any other itself.
func embedded(a netip.Addr) netip.Addr {
	if !nat64.Contains(a) {
		return a
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
