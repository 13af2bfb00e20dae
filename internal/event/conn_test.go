package event

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/smtptrace/smtptrace/bpf"
)

// kernelConn is a connection of which every field differs from every other one.
func kernelConn() *bpf.SmtptraceConnEvent {
	k := &bpf.SmtptraceConnEvent{
		Kind: uint32(KindConn), Phase: uint32(PhaseClosed), Conn: 0x1122334455667788,
		TsNs: 5_000_000_000, ConnectNs: 1_000_000_000, EstablishedNs: 1_020_000_000,
		Connector:    bpf.SmtptraceProcessKey{StartNs: 77, Pid: 4242, ExecId: 3},
		Sender:       bpf.SmtptraceProcessKey{StartNs: 99, Pid: 4300, ExecId: 1},
		ConnectorTid: 4243, SenderTid: 4301, BytesSent: 3096, BytesReceived: 512,
		Netns: 4026531840, Errno: uint32(syscall.ECONNRESET), State: uint32(StateSMTP),
		Flags: uint32(bpf.SmtptraceConnFlagCONN_MAIL_PORT),
	}
	tuple(k, afINET, []byte{203, 0, 113, 7}, []byte{198, 51, 100, 25})
	return k
}

func tuple(k *bpf.SmtptraceConnEvent, family uint16, saddr, daddr []byte) {
	copy(k.Tuple.Saddr[:], saddr)
	copy(k.Tuple.Daddr[:], daddr)
	k.Tuple.Family, k.Tuple.Sport, k.Tuple.Dport = family, 41822, 25
}

func TestDecodeConn(t *testing.T) {
	want := Conn{
		ID: 0x1122334455667788, Phase: PhaseClosed, State: StateSMTP,
		TimeNs: 5_000_000_000, ConnectNs: 1_000_000_000, EstablishedNs: 1_020_000_000,
		Connector:    ProcessKey{StartNs: 77, Pid: 4242, ExecId: 3},
		Sender:       ProcessKey{StartNs: 99, Pid: 4300, ExecId: 1},
		ConnectorTid: 4243, SenderTid: 4301,
		Source: netip.MustParseAddrPort("203.0.113.7:41822"), Destination: netip.MustParseAddrPort("198.51.100.25:25"),
		BytesSent: 3096, BytesReceived: 512, NetNS: 4026531840, Errno: syscall.ECONNRESET, MailPort: true,
	}
	if got := decode(t, kernelConn()).Conn; got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecodeConnFlags(t *testing.T) {
	for flag, has := range map[bpf.SmtptraceConnFlag]func(*Conn) bool{
		bpf.SmtptraceConnFlagCONN_MAIL_PORT:      func(c *Conn) bool { return c.MailPort },
		bpf.SmtptraceConnFlagCONN_SYN_LEFT:       func(c *Conn) bool { return c.SynLeft },
		bpf.SmtptraceConnFlagCONN_SENDER_BY_LOCK: func(c *Conn) bool { return c.SenderByLock },
		bpf.SmtptraceConnFlagCONN_TRIED:          func(c *Conn) bool { return c.Tried },
		bpf.SmtptraceConnFlagCONN_CAUGHT:         func(c *Conn) bool { return c.Caught },
	} {
		k := kernelConn()
		k.Flags = uint32(flag)
		if !has(&decode(t, k).Conn) {
			t.Errorf("flag %d is not seen", flag)
		}
		k.Flags = ^uint32(flag)
		if has(&decode(t, k).Conn) {
			t.Errorf("flag %d is seen where it is not", flag)
		}
	}
}

// Addresses as the socket holds them: an IPv6 socket that talks IPv4 has mapped ones.
func TestDecodeConnAddresses(t *testing.T) {
	v6 := func(s string) []byte {
		a := netip.MustParseAddr(s).As16()
		return a[:]
	}
	rubbish := append([]byte{198, 51, 100, 25}, "twelve more "...)
	for _, test := range []struct {
		name         string
		family       uint16
		saddr, daddr []byte
		source, dest string
	}{
		{"IPv4", afINET, []byte{203, 0, 113, 7}, []byte{198, 51, 100, 25}, "203.0.113.7:41822", "198.51.100.25:25"},
		{"IPv4 is the first 4 bytes only", afINET, []byte{127, 0, 0, 1}, rubbish, "127.0.0.1:41822", "198.51.100.25:25"},
		{"IPv6", afINET6, v6("2001:db8::7"), v6("2001:db8:25::25"), "[2001:db8::7]:41822", "[2001:db8:25::25]:25"},
		{"IPv4 mapped into IPv6", afINET6, v6("::ffff:203.0.113.7"), v6("::ffff:198.51.100.25"), "203.0.113.7:41822", "198.51.100.25:25"},
		{"before the kernel has chosen a source", afINET, nil, []byte{198, 51, 100, 25}, "0.0.0.0:41822", "198.51.100.25:25"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := kernelConn()
			k.Tuple.Saddr, k.Tuple.Daddr = [16]byte{}, [16]byte{}
			tuple(k, test.family, test.saddr, test.daddr)
			c := decode(t, k).Conn
			if c.Source.String() != test.source || c.Destination.String() != test.dest {
				t.Errorf("%v → %v, want %s → %s", c.Source, c.Destination, test.source, test.dest)
			}
		})
	}
}

// Of a family that is neither there is no address, rather than a wrong one.
func TestDecodeConnOfAnotherFamily(t *testing.T) {
	k := kernelConn()
	k.Tuple.Family = 1
	if c := decode(t, k).Conn; c.Source.IsValid() || c.Destination.IsValid() {
		t.Errorf("%v → %v, want no address", c.Source, c.Destination)
	}
}
