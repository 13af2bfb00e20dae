package verdict

import (
	"net"
	"net/netip"
	"testing"

	"github.com/smtptrace/smtptrace/internal/record"
)

// testHost is a host with these addresses, as an interface has them.
func testHost(bridges []string, others ...string) *Host {
	a := &addresses{own: map[netip.Addr]bool{}}
	for _, s := range bridges {
		a.add(netip.MustParsePrefix(s), true)
	}
	for _, s := range others {
		a.add(netip.MustParsePrefix(s), false)
	}
	h := &Host{}
	h.own.Store(a)
	return h
}

func TestVerdict(t *testing.T) {
	h := testHost([]string{"172.17.0.1/16", "fd00:17::1/64", "fe80::42:1/64"}, "203.0.113.7/24", "2001:db8::7/64", "fe80::7/64")
	for _, test := range []struct {
		destination string
		said, auth  bool
		want        record.Verdict
	}{
		// Said to somebody's MX.
		{"198.51.100.25:25", true, false, record.DirectMX},
		{"[2001:db8:25::25]:25", true, false, record.DirectMX},

		// A neighbour is not this host, nor is one on a network that every interface has.
		{"203.0.113.8:25", true, false, record.DirectMX},
		{"[2001:db8::8]:25", true, false, record.DirectMX},
		{"[fe80::8]:25", true, false, record.DirectMX},
		{"172.18.0.2:25", true, false, record.DirectMX},

		// Handed to a provider.
		{"198.51.100.25:465", true, false, record.Submission},
		{"198.51.100.25:587", true, false, record.Submission},
		{"198.51.100.25:2525", true, false, record.Submission},
		{"198.51.100.25:25", true, true, record.Submission},
		{"198.51.100.25:8025", true, true, record.Submission},

		// Where it does not belong.
		{"198.51.100.25:80", true, false, record.SMTPOddPort},
		{"198.51.100.25:2526", true, false, record.SMTPOddPort},
		{"[2001:db8:25::25]:26", true, false, record.SMTPOddPort},

		// Nothing was said.
		{"198.51.100.25:25", false, false, record.Attempt},
		{"198.51.100.25:587", false, false, record.Attempt},

		// To this host and what hangs on it, whatever the port and whatever was said.
		{"127.0.0.1:25", true, false, record.Local},
		{"127.8.8.8:587", true, true, record.Local},
		{"[::1]:2526", true, false, record.Local},
		{"0.0.0.0:25", true, false, record.Local},
		{"[::]:25", true, false, record.Local},
		{"203.0.113.7:25", true, false, record.Local},
		{"[2001:db8::7]:25", true, false, record.Local},
		{"[fe80::7]:25", true, false, record.Local},
		{"172.17.0.1:25", true, false, record.Local},
		{"172.17.255.254:25", true, false, record.Local},
		{"[fd00:17::2]:25", true, false, record.Local},
		{"[fe80::42:1]:25", true, false, record.Local},
		{"127.0.0.1:25", false, false, record.Local},
	} {
		s := Subject{Destination: netip.MustParseAddrPort(test.destination), Said: test.said, Auth: test.auth}
		if got := h.Of(s); got != test.want {
			t.Errorf("%s said=%t auth=%t: %s, want %s", test.destination, test.said, test.auth, got, test.want)
		}
	}
}

// A host without addresses still knows loopback, and takes nothing else for itself.
func TestVerdictWithoutAddresses(t *testing.T) {
	h := testHost(nil)
	if !h.Local(netip.MustParseAddr("127.0.0.1")) || h.Local(netip.MustParseAddr("203.0.113.7")) || h.Local(netip.Addr{}) {
		t.Error("loopback alone is local")
	}
}

// The addresses that the machine really has, of both families.
func TestNewHostKnowsItsAddresses(t *testing.T) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	h := NewHost()
	for _, a := range list {
		if p := netip.MustParsePrefix(a.String()); !h.Local(p.Addr()) {
			t.Errorf("%v is not local", p)
		}
	}
	for _, s := range []string{"198.51.100.25", "2001:db8:25::25"} { // documentation addresses: nobody's own
		if h.Local(netip.MustParseAddr(s)) {
			t.Errorf("%s is local", s)
		}
	}
	h.Refresh()
	for _, a := range list {
		if p := netip.MustParsePrefix(a.String()); !h.Local(p.Addr()) {
			t.Errorf("%v is not local any more", p)
		}
	}
}
