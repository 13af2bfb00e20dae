package event

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/smtptrace/smtptrace/bpf"
)

// Phase tells why a snapshot of a connection was sent.
type Phase = bpf.SmtptraceConnPhase

// The phases of a connection.
const (
	PhaseConnect     = bpf.SmtptraceConnPhaseCONN_CONNECT
	PhaseEstablished = bpf.SmtptraceConnPhaseCONN_ESTABLISHED
	PhaseFailed      = bpf.SmtptraceConnPhaseCONN_FAILED
	PhaseSMTP        = bpf.SmtptraceConnPhaseCONN_SMTP
	PhaseSender      = bpf.SmtptraceConnPhaseCONN_SENDER
	PhaseClosed      = bpf.SmtptraceConnPhaseCONN_CLOSED
	PhaseUnwatched   = bpf.SmtptraceConnPhaseCONN_UNWATCHED // it is the only one of its connection
	PhaseAdopted     = bpf.SmtptraceConnPhaseCONN_ADOPTED   // it goes to a mail port, and was there before the hooks
	PhaseOpen        = bpf.SmtptraceConnPhaseCONN_OPEN      // it goes on
)

// State is the kernel's judgement of what is said on a connection.
type State = bpf.SmtptraceConnState

// The states of a connection.
const (
	StateNew   = bpf.SmtptraceConnStateSTATE_NEW
	StateSMTP  = bpf.SmtptraceConnStateSTATE_SMTP
	StateTLS   = bpf.SmtptraceConnStateSTATE_TLS
	StateOther = bpf.SmtptraceConnStateSTATE_OTHER
)

// Conn is a whole snapshot of a connection: each replaces the one before it.
type Conn struct {
	ID            uint64
	Phase         Phase
	State         State
	TimeNs        uint64 // CLOCK_BOOTTIME, like all below
	ConnectNs     uint64
	EstablishedNs uint64 // 0: not established
	Connector     ProcessKey
	Sender        ProcessKey // zero: not known
	ConnectorTid  uint32
	SenderTid     uint32
	Source        netip.AddrPort // port 0: the kernel has not chosen one yet
	Destination   netip.AddrPort
	BytesSent     uint64 // payload, without retransmissions; of an adopted connection, since then
	BytesReceived uint64 // likewise
	ClientCut     uint64 // octets of the client that were cut and are in no payload event yet
	ServerCut     uint64
	ClientSkipped int32 // octets that say nothing and are in no payload event: blank lines before the first, urgent
	ServerSkipped int32 // data; less the marks in payload events that nobody has said
	NetNS         uint32
	Errno         syscall.Errno // at PhaseFailed and PhaseClosed; 0: none

	MailPort     bool
	SynLeft      bool // a SYN passed the host's own firewall
	SenderByLock bool // the sender is known from the socket's lock, not from a send hook
	Tried        bool // a segment was made, whether it left or not
	Caught       bool // the connect hook missed it, and sockops has caught it
	Told         bool // an earlier snapshot of it has reached the ring
	Old          bool // its beginning was before the hooks
	Greeted      bool // the server's greeting names SMTP
}

func (c *Conn) decode(raw []byte) error {
	var k bpf.SmtptraceConnEvent
	if err := view(raw, &k); err != nil {
		return err
	}
	flags := bpf.SmtptraceConnFlag(k.Flags)
	*c = Conn{
		ID: k.Conn, Phase: Phase(k.Phase), State: State(k.State),
		TimeNs: k.TsNs, ConnectNs: k.ConnectNs, EstablishedNs: k.EstablishedNs,
		Connector: k.Connector, Sender: k.Sender,
		ConnectorTid: k.ConnectorTid, SenderTid: k.SenderTid,
		Source:      addrPort(k.Tuple.Family, k.Tuple.Saddr, k.Tuple.Sport),
		Destination: addrPort(k.Tuple.Family, k.Tuple.Daddr, k.Tuple.Dport),
		BytesSent:   k.BytesSent, BytesReceived: k.BytesReceived,
		ClientCut: k.ClientCut, ServerCut: k.ServerCut, ClientSkipped: k.ClientSkipped, ServerSkipped: k.ServerSkipped,
		NetNS: k.Netns, Errno: syscall.Errno(k.Errno),
		MailPort:     flags&bpf.SmtptraceConnFlagCONN_MAIL_PORT != 0,
		SynLeft:      flags&bpf.SmtptraceConnFlagCONN_SYN_LEFT != 0,
		SenderByLock: flags&bpf.SmtptraceConnFlagCONN_SENDER_BY_LOCK != 0,
		Tried:        flags&bpf.SmtptraceConnFlagCONN_TRIED != 0,
		Caught:       flags&bpf.SmtptraceConnFlagCONN_CAUGHT != 0,
		Told:         flags&bpf.SmtptraceConnFlagCONN_TOLD != 0,
		Old:          flags&bpf.SmtptraceConnFlagCONN_OLD != 0,
		Greeted:      flags&bpf.SmtptraceConnFlagCONN_GREETED != 0,
	}
	if c.Phase < PhaseConnect || c.Phase > PhaseOpen {
		return fmt.Errorf("connection event of unknown phase %d", k.Phase)
	}
	return nil
}
