package event

import (
	"fmt"

	"github.com/smtptrace/smtptrace/bpf"
)

// DNS is a DNS message as it passed this host's sockets: a question for mail exchangers, or an
// answer for them or for addresses.
type DNS struct {
	Direction Direction  // Client: this host asks
	TimeNs    uint64     // CLOCK_BOOTTIME
	Asker     ProcessKey // of a question; zero: not known
	NetNS     uint32
	Message   DNSMessage
}

// DNSMessage is a message, or its beginning.
type DNSMessage struct {
	Len  int // what of Data is filled
	Cut  bool
	Data [len(bpf.SmtptraceDnsEvent{}.Data)]byte
}

func (d *DNS) decode(raw []byte) error {
	var k bpf.SmtptraceDnsEvent
	if err := view(raw, &k); err != nil {
		return err
	}
	d.Direction, d.TimeNs, d.Asker, d.NetNS = Direction(k.Dir), k.TsNs, k.Asker, k.Netns
	if d.Direction > Server || int(k.DataLen) > len(k.Data) || k.DataLen > k.MessageLen {
		return fmt.Errorf("dns event of %d bytes, direction %d", k.DataLen, k.Dir)
	}
	d.Message = DNSMessage{Len: int(k.DataLen), Cut: k.DataLen < k.MessageLen, Data: k.Data}
	return nil
}
