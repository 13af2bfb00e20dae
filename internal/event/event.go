// Package event decodes what the kernel programs sent.
package event

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/smtptrace/smtptrace/bpf"
)

// Kind tells which part of an Event is filled.
type Kind = bpf.SmtptraceEventKind

// The kinds of events.
const (
	KindProcess = bpf.SmtptraceEventKindEVENT_PROCESS
	KindConn    = bpf.SmtptraceEventKindEVENT_CONN
	KindPayload = bpf.SmtptraceEventKindEVENT_PAYLOAD
	KindDNS     = bpf.SmtptraceEventKindEVENT_DNS
)

// Event is one decoded event. Its slices point into the bytes it was decoded from.
type Event struct {
	Kind    Kind
	Conn    Conn
	Payload Payload
	Process RawProcess
	DNS     DNS
}

// Decode fills e from one record of the ring buffer, without allocating. It takes any bytes: what is
// short or does not fit is an error, and e is then not to be used.
func (e *Event) Decode(raw []byte) error {
	if len(raw) < 4 {
		return fmt.Errorf("event of %d bytes has no kind", len(raw))
	}
	e.Kind = Kind(binary.NativeEndian.Uint32(raw))
	switch e.Kind {
	case KindConn:
		return e.Conn.decode(raw)
	case KindPayload:
		return e.Payload.decode(raw)
	case KindProcess:
		return e.Process.decode(raw)
	case KindDNS:
		return e.DNS.decode(raw)
	}
	return fmt.Errorf("event of unknown kind %d", e.Kind)
}

// view copies the struct T out of raw: the bytes need not be aligned, and may be short.
func view[T any](raw []byte, out *T) error {
	size := int(unsafe.Sizeof(*out))
	if len(raw) < size {
		return fmt.Errorf("%T has %d bytes, not %d", *out, len(raw), size)
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(out)), size), raw)
	return nil
}

// ProcessKey names one program in one process, unique for one boot: pid, start time in nanoseconds of
// CLOCK_BOOTTIME, and a number that each exec raises.
type ProcessKey = bpf.SmtptraceProcessKey

// addrPort reads an address as struct tuple holds it: IPv4 in the first 4 bytes. An IPv4 address that
// is mapped into IPv6 is given as IPv4.
func addrPort(family uint16, addr [16]byte, port uint16) netip.AddrPort {
	switch family {
	case afINET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addr[:4])), port)
	case afINET6:
		return netip.AddrPortFrom(netip.AddrFrom16(addr).Unmap(), port)
	}
	return netip.AddrPort{}
}

const (
	afINET  = 2
	afINET6 = 10
)
