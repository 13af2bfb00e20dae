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

// Parts calls cut for bytes that were counted and not copied, show for those that were, in the order of
// the stream. A cut reaches through the end of a line, but for the last of an unaligned payload.
func (p *Payload) Parts(cut func(n uint64, aligned bool), show func([]byte)) {
	pending, at := p.before, 0
	for i, s := range p.kernel.Segments[:p.segments] {
		if s.Shown > 0 {
			if pending > 0 {
				cut(pending, true)
			}
			show(p.kernel.Data[at : at+int(s.Shown)])
			at += int(s.Shown)
			pending = 0
		}
		pending += uint64(s.Cut)
		if i == p.segments-1 && pending > 0 {
			cut(pending, !p.Unaligned)
		}
	}
}
