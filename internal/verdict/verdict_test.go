package verdict

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
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
	h := &Host{read: func() ([]Address, error) { return nil, errors.New("they are made up") }}
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

// Addresses are read beside what goes on. Until that is done those of before count, and it is not done twice at once.
func TestRefresh(t *testing.T) {
	reads, results := make(chan struct{}, 10), make(chan string)
	var failure error
	h := NewHostOf(func() ([]Address, error) {
		reads <- struct{}{}
		if len(reads) == 1 {
			return []Address{{netip.MustParsePrefix("203.0.113.1/24"), false}}, nil
		}
		return []Address{{netip.MustParsePrefix(<-results), true}}, failure
	})
	local := func(want ...string) {
		t.Helper()
		for i, s := range []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"} {
			if got := h.Local(netip.MustParseAddr(s)); got != (want[i] == "local") {
				t.Errorf("%s: %t, want %s", s, got, want[i])
			}
		}
	}
	local("local", "no", "no")
	for range 3 {
		h.Refresh()
	}
	local("local", "no", "no")
	results <- "203.0.113.2/32"
	live.Eventually(t, "the addresses were read", func() bool { return !h.reading.Load() })
	local("no", "local", "no")
	failure = errors.New("no buffer space")
	h.Refresh()
	results <- "203.0.113.3/32"
	live.Eventually(t, "it has failed", func() bool { return !h.reading.Load() })
	local("no", "local", "no")
	if n := len(reads); n != 3 {
		t.Errorf("read %d times", n)
	}
}

// Of a link between two points the own address counts, not that at its other end.
func TestParseAddresses(t *testing.T) {
	var table []byte
	attribute := func(kind uint16, value []byte) []byte {
		b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
		return append(binary.NativeEndian.AppendUint16(b, kind), value...)
	}
	message := func(index uint32, prefix byte, attributes ...[]byte) {
		body := append([]byte{0, prefix, 0, 0}, binary.NativeEndian.AppendUint32(nil, index)...)
		for _, a := range attributes {
			body = append(body, a...)
		}
		head := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
		head = binary.NativeEndian.AppendUint16(head, syscall.RTM_NEWADDR)
		table = append(append(table, append(head, make([]byte, 10)...)...), body...)
	}
	ip := func(s string) []byte { return netip.MustParseAddr(s).AsSlice() }
	message(1, 8, attribute(syscall.IFA_ADDRESS, ip("127.0.0.1")), attribute(syscall.IFA_LOCAL, ip("127.0.0.1")))
	message(1, 128, attribute(syscall.IFA_ADDRESS, ip("::1")))
	message(7, 32, attribute(syscall.IFA_ADDRESS, ip("192.0.2.1")), attribute(syscall.IFA_LOCAL, ip("192.0.2.2")))
	message(7, 32, attribute(syscall.IFA_LOCAL, ip("192.0.2.4")), attribute(syscall.IFA_ADDRESS, ip("192.0.2.3")))
	message(8, 32)
	got, err := parseAddresses(table)
	if err != nil || fmt.Sprint(got) != "map[1:[127.0.0.1/8 ::1/128] 7:[192.0.2.2/32 192.0.2.4/32]]" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := parseAddresses(table[:len(table)-1]); err == nil && len(got) > 2 {
		t.Errorf("cut short: %v", got)
	}
}
