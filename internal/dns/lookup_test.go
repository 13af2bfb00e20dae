package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// zone is DNS: "MX example.org." gives names, "a.example." addresses; of all else it knows that it is not.
type zone map[string]string

func (z zone) get(key string) ([]string, error) {
	text, ok := z[key]
	switch {
	case text == "broken":
		return nil, errors.New("server misbehaving")
	case !ok:
		return nil, &net.DNSError{Err: "no such host", Name: key, IsNotFound: true}
	}
	return strings.Fields(text), nil
}

func (z zone) LookupMX(_ context.Context, name string) (list []*net.MX, err error) {
	hosts, err := z.get("MX " + name)
	for _, h := range hosts {
		list = append(list, &net.MX{Host: h})
	}
	return list, err
}

func (z zone) LookupNetIP(_ context.Context, _, host string) (list []netip.Addr, err error) {
	addrs, err := z.get(host)
	for _, a := range addrs {
		list = append(list, netip.MustParseAddr(a))
	}
	return list, err
}

// What is looked up is known in full, of both families; what fails stays unknown and is counted.
func TestLookup(t *testing.T) {
	l := startLookup(t.Context(), zone{
		"MX example.org.": "a.example. b.example.", "a.example.": "198.51.100.25 2001:db8::25",
		"plain.example.": "198.51.100.26", "MX broken.example.": "broken",
	})
	c := NewCache()
	for _, domain := range []string{"example.org", "plain.example", "broken.example", "gone.example"} {
		if !l.Ask(domain) {
			t.Fatalf("no room for %s", domain)
		}
		f := <-l.Found()
		f.Teach(c, now)
	}
	for _, test := range []struct {
		to, domain string
		want       Match
	}{
		{"198.51.100.25", "example.org", Yes}, {"2001:db8::25", "example.org", Yes}, {"198.51.100.26", "example.org", No},
		{"198.51.100.26", "plain.example", Yes}, {"198.51.100.25", "plain.example", No},
		{"198.51.100.25", "broken.example", Unknown}, {"198.51.100.25", "gone.example", Unknown},
	} {
		if got := c.Match(netip.MustParseAddr(test.to), []string{test.domain}, now); got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.to, test.domain, got, test.want)
		}
	}
	if l.Failed() != 1 {
		t.Errorf("%d failed, want 1", l.Failed())
	}
}
