package report

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Destination asks where the connection went: an address, a network, a port, an address with its
// port, or a domain.
func Destination(s string) (Term, error) {
	term := func(ok func(r *record.Record) bool) (Term, error) {
		return Term{"dst", s, func(r *record.Record) judgement { return judge(ok(r)) }}, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return term(func(r *record.Record) bool { return r.Destination.IP.Unmap() == a.Unmap() })
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return term(func(r *record.Record) bool { return p.Contains(r.Destination.IP.Unmap()) })
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return term(func(r *record.Record) bool {
			return r.Destination.IP.Unmap() == a.Addr().Unmap() && r.Destination.Port == a.Port()
		})
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(s, ":"), 10, 16); err == nil && n > 0 {
		return term(func(r *record.Record) bool { return uint64(r.Destination.Port) == n })
	}
	if strings.ContainsAny(s, "/: ") || strings.Trim(s, "0123456789.") == "" {
		return Term{}, errors.New("it takes an address, a network such as 198.51.100.0/24, a port, ADDRESS:PORT, or a domain such as *.example.net")
	}
	return Term{"dst", s, toDomain(strings.TrimSuffix(strings.ToLower(s), "."))}, nil
}

// toDomain asks for a name that the record knows for the server: of the address, in TLS, or asked
// of a proxy. A domain stands for the hosts in it, too.
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
		if !found && r.Destination.Domain == "" {
			return unsure // the address may have that name
		}
		return judge(found)
	}
}
