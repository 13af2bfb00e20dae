package verdict

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/smtptrace/smtptrace/internal/record"
)

// answers is DNS: "a.example" gives addresses, "MX example.org" gives names.
type answers struct {
	sync.Mutex
	names map[string]string
	asked chan string // each name that is looked up, in the end
}

func (a *answers) get(key string) ([]string, error) {
	a.Lock()
	defer a.Unlock()
	if text, ok := a.names[key]; ok {
		return strings.Fields(text), nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: key, IsNotFound: true}
}

func (a *answers) LookupMX(_ context.Context, name string) (list []*net.MX, err error) {
	hosts, err := a.get("MX " + name)
	for _, h := range hosts {
		list = append(list, &net.MX{Host: h})
	}
	return list, err
}

func (a *answers) LookupNetIP(_ context.Context, _, host string) (list []netip.Addr, err error) {
	addrs, err := a.get(host)
	for _, addr := range addrs {
		list = append(list, netip.MustParseAddr(addr))
	}
	defer func() { a.asked <- host }()
	return list, err
}

// TestRelay: mail to a smarthost is relay, by its address and, where one is given, its port; it stays so
// while its name changes its address, and a connect on which nothing was said stays an attempt.
func TestRelay(t *testing.T) {
	dns := &answers{asked: make(chan string, 16), names: map[string]string{
		"MX example.org": "mx1.example.org. mx2.example.org.", "mx1.example.org": "198.51.100.1",
		"mx2.example.org": "198.51.100.2 ::ffff:198.51.100.3", "mail.example": "198.51.100.4", "example.org": "198.51.100.9",
	}}
	var warnings []error
	h := testHost(nil, "203.0.113.7/24")
	h.relays = &relays{dns: dns, wake: make(chan struct{}, 1), warn: func(err error) { warnings = append(warnings, err) }}
	for _, text := range []string{"example.org", "mail.example:587", "192.0.2.25:26", "gone.example"} {
		s, err := ParseSmarthost(text)
		if err != nil {
			t.Fatal(err)
		}
		s.MX = text == "example.org"
		h.relays.list = append(h.relays.list, s)
	}
	<-h.relays.start(t.Context())
	check := func(want map[string]record.Verdict) {
		t.Helper()
		for to, verdict := range want {
			if got := h.Of(Subject{Destination: netip.MustParseAddrPort(to), Said: true, Auth: to == "198.51.100.1:2526"}); got != verdict {
				t.Errorf("%s: %s, want %s", to, got, verdict)
			}
		}
	}
	check(map[string]record.Verdict{
		"198.51.100.1:25": record.Relay, "198.51.100.2:587": record.Relay, "198.51.100.3:25": record.Relay,
		"198.51.100.1:2526": record.Relay, "198.51.100.9:25": record.DirectMX,
		"198.51.100.4:587": record.Relay, "198.51.100.4:25": record.DirectMX,
		"192.0.2.25:26": record.Relay, "192.0.2.25:25": record.DirectMX, "203.0.113.7:25": record.Local,
	})
	if got := h.Of(Subject{Destination: netip.MustParseAddrPort("198.51.100.1:25")}); got != record.Attempt {
		t.Errorf("nothing was said: %s", got)
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0].Error(), "look up the smarthost gone.example: ") || h.LookupsFailed() != 1 {
		t.Errorf("%d failed: %v", h.LookupsFailed(), warnings)
	}

	for len(dns.asked) > 0 {
		<-dns.asked
	}
	dns.Lock()
	dns.names["mail.example"] = "198.51.100.5"
	dns.Unlock()
	h.Refresh()
	for name := range dns.asked {
		if name == "gone.example" { // the last in the list
			break
		}
	}
	h.relays.again() // taken up when the refresh before it is over
	for name := range dns.asked {
		if name == "gone.example" {
			break
		}
	}
	check(map[string]record.Verdict{"198.51.100.4:587": record.Relay, "198.51.100.5:587": record.Relay})
	if len(warnings) != 1 || h.LookupsFailed() < 2 {
		t.Errorf("said again: %d failed: %v", h.LookupsFailed(), warnings)
	}
}
