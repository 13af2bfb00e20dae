package event

import (
	"fmt"

	"github.com/smtptrace/smtptrace/bpf"
)

// Direction tells who spoke.
type Direction = bpf.SmtptraceDirection

// The two directions of a connection: the side that connected, and the side that answered.
const (
	Client = bpf.SmtptraceDirectionDIR_CLIENT
	Server = bpf.SmtptraceDirectionDIR_SERVER
)

// Payload is one stretch of one direction of a connection's stream.
type Payload struct {
	ID        uint64 // of the connection
	Direction Direction
	TimeNs    uint64
	Raw       bool   // octets of a TLS handshake, not lines
	Lost      uint64 // bytes before this stretch that nobody has seen
	Unaligned bool   // the last cut does not reach the end of a line

	before   uint64
	segments int
	kernel   bpf.SmtptracePayloadEvent
}

func (p *Payload) decode(raw []byte) error {
	k := &p.kernel
	if err := view(raw, k); err != nil {
		return err
	}
	p.ID, p.Direction, p.TimeNs = k.Conn, Direction(k.Dir), k.TsNs
	p.Raw, p.Unaligned = k.Raw != 0, k.Unaligned != 0
	p.Lost, p.before = k.Lost, k.Before
	p.segments = int(k.SegmentsLen)
	if p.segments > len(k.Segments) || int(k.DataLen) > len(k.Data) || p.Direction > Server {
		return fmt.Errorf("payload event of %d segments, %d bytes, direction %d", k.SegmentsLen, k.DataLen, k.Dir)
	}
	shown := 0
	for _, s := range k.Segments[:p.segments] {
		shown += int(s.Shown)
	}
	if shown != int(k.DataLen) {
		return fmt.Errorf("payload event shows %d bytes in its segments, %d in all", shown, k.DataLen)
	}
	return nil
}

// Part is a piece of a payload: bytes that were shown, or a number that was cut. A cut reaches through
// the end of a line, but for an unaligned one.
type Part struct {
	Data    []byte // points into the event
	Cut     uint64 // 0: Data
	Aligned bool
}

// Parts yields the pieces in the order of the stream.
func (p *Payload) Parts(yield func(Part) bool) {
	cut, at := p.before, 0
	for _, s := range p.kernel.Segments[:p.segments] {
		if s.Shown > 0 {
			if cut > 0 && !yield(Part{Cut: cut, Aligned: true}) {
				return
			}
			if !yield(Part{Data: p.kernel.Data[at : at+int(s.Shown)]}) {
				return
			}
			at += int(s.Shown)
			cut = 0
		}
		cut += uint64(s.Cut)
	}
	if cut > 0 {
		yield(Part{Cut: cut, Aligned: !p.Unaligned})
	}
}
