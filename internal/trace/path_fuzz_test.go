package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime/debug"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/bpf"
	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp/smtptest"
)

// path plays what the kernel sends of several connections whose truth is known, in any order that can be, and
// with any part of it lost, to a tracer as it is.
type path struct {
	*smtptest.Choices
	t        testing.TB
	tracer   *Tracer
	common   [][]byte // events that are of no connection
	keys     []event.ProcessKey
	steps    []pathStep
	lines    []*pathConn
	now      uint64
	counters event.Counters
	panics   []string
}

// pathStep is an event, or something that happens to the tracer.
type pathStep struct {
	raw []byte
	do  func()
}

// pathConn is a connection as the kernel knows it, and what it came to.
type pathConn struct {
	bpf.SmtptraceConnEvent
	d           *smtptest.Dialogue
	pieces      []smtptest.Piece
	rest        uint64 // cut and in no piece
	stage       int    // of its states
	lost        [2]uint64
	told, heard bool
	ended       bool // so the tracer was told
	unwatched   bool
	old         bool
	missed      bool // something of its dialogue did not arrive
	silent      bool // so, and the kernel did not say so
}

// rawEvent is an event as it stands in the ring: Go has the kernel's layout.
func rawEvent[T any](k *T) []byte {
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(k)), unsafe.Sizeof(*k)))
}

// newPath makes up the connections and what is told of them.
func newPath(t testing.TB, stage *stage, data []byte) *path {
	p := &path{Choices: smtptest.NewChoices(data), t: t, now: stage.source.script.now}
	for _, step := range stage.source.script.steps {
		p.common = append(p.common, step.raw)
	}
	for _, key := range stage.source.script.keys {
		p.keys = append(p.keys, key)
	}
	careful := p.One(2) // nothing is lost, and all is seen from its beginning to its end
	for range 1 + p.N(4) {
		p.lines = append(p.lines, p.newConn(careful))
	}
	for _, raw := range p.common {
		p.send(raw)
	}
	for live := append([]*pathConn(nil), p.lines...); len(live) > 0; {
		i := p.N(len(live))
		for range 1 + p.N(6) {
			if !p.step(live[i], careful) {
				live = append(live[:i], live[i+1:]...)
				break
			}
		}
		p.meanwhile(careful)
	}
	return p
}

func (p *path) newConn(careful bool) *pathConn {
	c := &pathConn{d: smtptest.New(p.Choices)}
	c.pieces, c.rest = smtptest.Kernel(c.d.Packets)
	c.Kind, c.Conn, c.Netns = uint32(event.KindConn), uint64(len(p.lines)+1)<<8, 4026531840
	c.Tuple.Family, c.Tuple.Sport, c.Tuple.Dport = unix.AF_INET, uint16(40000+len(p.lines)), smtptest.Of(p.Choices, uint16(25), 25, 587)
	copy(c.Tuple.Saddr[:], netip.MustParseAddr("203.0.113.7").AsSlice())
	copy(c.Tuple.Daddr[:], netip.MustParseAddr("198.51.100.25").AsSlice())
	c.Connector = p.keys[p.N(len(p.keys))]
	c.ConnectorTid = c.Connector.Pid
	c.Flags = uint32(bpf.SmtptraceConnFlagCONN_SYN_LEFT | bpf.SmtptraceConnFlagCONN_MAIL_PORT)
	if careful {
		return c
	}
	switch p.N(12) {
	case 0:
		c.unwatched = true
	case 1: // it was there before the tracer
		c.old, c.missed, c.stage = true, true, 2
		c.pieces = c.pieces[p.N(len(c.pieces)):]
		c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_OLD)
	case 2: // it is not over when the run is
		c.pieces, c.missed = c.pieces[:p.N(len(c.pieces))], true
		c.rest, c.stage = 0, 10
	}
	return c
}

// step sends the next of what there is to say of a connection; false: that was all.
func (p *path) step(c *pathConn, careful bool) bool {
	p.now += 1 + uint64(p.N(1000))*1000
	c.TsNs = p.now
	switch c.stage % 10 {
	case 0:
		c.ConnectNs = p.now
		p.snapshot(c, event.PhaseConnect, careful)
	case 1:
		if c.unwatched {
			return false
		}
		c.EstablishedNs = p.now
		p.snapshot(c, event.PhaseEstablished, careful)
	case 2:
		if c.old {
			c.EstablishedNs = p.now
			p.snapshot(c, event.PhaseAdopted, careful)
		}
		c.State = uint32(event.StateSMTP)
		p.snapshot(c, event.PhaseSMTP, careful)
	case 3:
		if p.One(2) {
			c.Sender = p.keys[p.N(len(p.keys))]
			c.SenderTid = c.Sender.Pid
			p.snapshot(c, event.PhaseSender, careful)
		}
	default:
		if len(c.pieces) > 0 {
			p.payload(c, careful)
			return true
		}
		if c.stage >= 10 { // it goes on
			return false
		}
		p.end(c, careful)
		return false
	}
	c.stage++
	return true
}

// snapshot sends the state of a connection, or loses it.
func (p *path) snapshot(c *pathConn, phase event.Phase, careful bool) {
	if c.unwatched {
		phase = event.PhaseUnwatched
		p.counters.ConnFull++
	}
	c.Phase = uint32(phase)
	if !careful && p.One(20) {
		p.counters.LostSnapshot++
		return
	}
	if c.told {
		c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_TOLD)
	}
	c.told = true
	p.send(rawEvent(&c.SmtptraceConnEvent))
}

// payload sends one or several of the pieces that come next, or loses them.
func (p *path) payload(c *pathConn, careful bool) {
	k := bpf.SmtptracePayloadEvent{Kind: uint32(event.KindPayload), Conn: c.Conn, TsNs: p.now, SegmentsLen: 1}
	first := c.pieces[0]
	c.pieces = c.pieces[1:]
	if first.Server {
		k.Dir = uint8(event.Server)
	}
	k.Before = first.Cut
	for n := 0; ; {
		k.Segments[n].Shown += uint16(copy(k.Data[k.DataLen:], first.Data))
		k.DataLen += uint32(len(first.Data))
		if len(c.pieces) == 0 || c.pieces[0].Server != first.Server || p.One(6) {
			break
		}
		next := c.pieces[0]
		switch {
		case next.Cut > 0 && next.Cut < 1<<16 && k.Segments[n].Cut == 0:
			k.Segments[n].Cut = uint16(next.Cut)
			next.Data = nil
		case int(k.DataLen)+len(next.Data) > bpfPayload || next.Cut > 0:
			next.Server = !first.Server // no room
		case k.Segments[n].Cut > 0:
			if n++; n == len(k.Segments) {
				next.Server = !first.Server
				break
			}
			k.SegmentsLen++
		}
		if next.Server != first.Server {
			break
		}
		first = next
		c.pieces = c.pieces[1:]
	}
	passed := k.Before + uint64(k.DataLen)
	for _, s := range k.Segments {
		passed += uint64(s.Cut)
	}
	c.heardOf(&k, passed)
	switch {
	case careful || !p.One(40):
	case p.One(2):
		p.counters.LostPayload++
		c.missed = true
		c.lost[k.Dir] += passed
		return
	default: // nobody knows
		c.missed, c.silent = true, true
		return
	}
	k.Lost, c.lost[k.Dir] = c.lost[k.Dir], 0
	c.heard = true
	p.send(rawEvent(&k))
}

const bpfPayload = 248

// heardOf counts the octets of the socket.
func (c *pathConn) heardOf(k *bpf.SmtptracePayloadEvent, passed uint64) {
	if k.Dir == uint8(event.Server) {
		c.BytesReceived += passed
	} else {
		c.BytesSent += passed
	}
}

func (p *path) end(c *pathConn, careful bool) {
	c.ClientCut = c.rest
	c.BytesSent += c.rest
	if !careful && p.One(10) {
		p.counters.LostSnapshot++
		if !c.told && !c.heard {
			p.counters.LostConn++
		}
		return
	}
	if c.told {
		c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_TOLD)
	}
	c.Phase, c.ended = uint32(event.PhaseClosed), true
	p.send(rawEvent(&c.SmtptraceConnEvent))
	if !careful && p.One(4) { // another CPU is late
		c.Phase = uint32(event.PhaseSender)
		c.TsNs--
		p.send(rawEvent(&c.SmtptraceConnEvent))
	}
}

// meanwhile lets something else happen.
func (p *path) meanwhile(careful bool) {
	switch p.N(24) {
	case 0: // every session is recorded, though it goes on
		p.steps = append(p.steps, pathStep{do: func() { p.tick(sessionEvery + time.Second) }})
	case 1:
		p.send(p.common[p.N(len(p.common))])
	case 2:
		p.steps = append(p.steps, pathStep{do: func() { p.tick(tickEvery) }})
	}
	if careful {
		return
	}
	switch p.N(100) {
	case 0: // all is forgotten
		p.steps = append(p.steps, pathStep{do: func() { p.tick(forgetAfter + time.Second) }})
		for _, c := range p.lines {
			c.missed = true
		}
	case 1: // of a connection of which nothing else is known
		k := bpf.SmtptracePayloadEvent{Kind: uint32(event.KindPayload), Conn: 1<<40 + uint64(p.N(3)), TsNs: p.now, Dir: uint8(p.N(2)), SegmentsLen: 1}
		k.DataLen = uint32(copy(k.Data[:], smtptest.Of(p.Choices, "RCPT TO:<x@y.example>\r\n", "250 ok\r\n", ".\r\n", "\x16\x03", "")))
		k.Segments[0].Shown, k.Segments[0].Cut = uint16(k.DataLen), uint16(p.N(300))
		k.Lost, k.Unaligned = uint64(p.N(2)), uint8(p.N(2))
		p.send(rawEvent(&k))
	case 2: // another event is late, or comes twice
		if n := len(p.steps); n > 0 && p.steps[n-1].raw != nil && binary.NativeEndian.Uint32(p.steps[n-1].raw) == uint32(event.KindConn) {
			p.send(p.steps[n-1].raw)
		}
	case 3: // an event that makes no sense
		p.steps = append(p.steps, pathStep{raw: []byte{byte(p.N(6)), 0, 0, 0, byte(p.N(256))}})
	}
}

func (p *path) send(raw []byte) {
	p.counters.Events++
	p.steps = append(p.steps, pathStep{raw: raw})
}

func (p *path) tick(after time.Duration) {
	now := time.Now()
	p.tracer.heartbeat = now.Add(after) // that reads the machine's addresses
	p.tracer.tick(now.Add(after))
}

func (p *path) Read(e *event.Event) error {
	for len(p.steps) > 0 {
		s := p.steps[0]
		p.steps = p.steps[1:]
		if s.do != nil {
			s.do()
			continue
		}
		if e.Decode(s.raw) != nil {
			p.counters.Undecodable++
			continue
		}
		return nil
	}
	return io.EOF
}

func (p *path) SetDeadline(time.Time)             {}
func (p *path) Counters() (event.Counters, error) { return p.counters, nil }
func (p *path) Process(event.ProcessKey, *event.Event) error {
	return errors.New("no such process")
}

// play plays it, and gives the records.
func (p *path) play(o Options) story {
	var log bytes.Buffer
	out, err := output.Open(output.Stdout, output.Options{Stdout: &log, Format: output.JSON})
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	o.Output = out
	o.Warn = func(err error) { p.t.Errorf("warning: %v", err) }
	o.Debug = func(text string) { p.panics = append(p.panics, text) }
	o.Stop = func() {}
	p.tracer = New(p, o)
	if err := p.tracer.Run(); err != nil {
		p.t.Fatal(err)
	}
	for _, text := range p.panics {
		p.t.Error(text)
	}
	var list story
	for line := range bytes.Lines(log.Bytes()) {
		r, err := record.Decode(line)
		if err != nil {
			p.t.Fatalf("%v: %s", err, line)
		}
		list = append(list, r)
	}
	return list
}

// check holds the records against the truth, and counts the sessions of which nothing is unseen.
func (p *path) check(s story) (seen int) {
	lost := p.counters.Lost() > 0
	for _, c := range p.lines {
		id := fmt.Sprintf("boot-%x", c.Conn)
		var sum struct{ messages, recipients, accepted, omitted, unseen, sessions uint64 }
		unsure, last := c.unwatched, false
		for i := range s {
			r := &s[i]
			if r.Event.ID != id {
				continue
			}
			if r.Event.Action != record.ActionSession {
				unsure = unsure || r.Event.Action == record.ActionConnect && r.Event.Reason != record.Established
				continue
			}
			sum.sessions++
			sum.messages += r.SMTP.Messages
			sum.recipients += r.SMTP.Recipients
			sum.omitted += r.SMTP.TransactionsOmitted
			sum.unseen = max(sum.unseen, r.SMTP.Unseen)
			for _, x := range r.SMTP.Transactions {
				if x.Outcome == "accepted" {
					sum.accepted++
				}
			}
			last = last || !r.Event.End.IsZero()
			if r.SMTP.Unseen > 0 && r.SMTP.Messages == 0 && r.Event.Outcome != record.OutcomeUnknown {
				p.t.Errorf("%s: %d octets unseen, no message and outcome %s", id, r.SMTP.Unseen, r.Event.Outcome)
			}
		}
		if sum.omitted == 0 && sum.accepted != sum.messages {
			p.t.Errorf("%s: %d messages, and %d transactions accepted", id, sum.messages, sum.accepted)
		}
		mails, recipients := len(c.d.Mails), 0
		for _, m := range c.d.Mails {
			recipients += len(m.Rcpts)
		}
		switch {
		case sum.sessions == 0:
			if mails > 0 && c.ended && !unsure && !lost {
				p.t.Errorf("%s: no session, and nothing says that there may be one: %s", id, s.actions())
			}
		case sum.unseen > 0, unsure && c.missed:
		case c.ended && !(c.old || c.unwatched):
			seen++
			if int(sum.messages) != mails || int(sum.recipients) != recipients {
				p.t.Errorf("%s: nothing unseen, %d messages to %d, want %d to %d (missed %v, without a word %v)\n%+v", id, sum.messages,
					sum.recipients, mails, recipients, c.missed, c.silent, c.d.Mails)
			}
		case int(sum.messages) > mails && !c.silent && !lost:
			p.t.Errorf("%s: nothing unseen, %d messages, and there were no more than %d", id, sum.messages, mails)
		}
	}
	return seen
}

// pathStage is what all paths share: the processes are known to the resolver already.
func pathStage(t testing.TB) *stage {
	s := newStage(t)
	s.learn("process 7 /usr/bin/perl\n process 8 /usr/sbin/exim4 uid=33\n dns A mx.example 198.51.100.25\n dns ask 7 y.example")
	return s
}

// FuzzPath goes the whole way from the kernel's events to the records: whatever is lost on it, no connection makes the
// tracer fail, and none is told of falsely as if all of it had been seen.
func FuzzPath(f *testing.F) {
	for seed := range byte(32) {
		f.Add([]byte{seed, seed * 17, seed * 31, 200 - seed, seed ^ 0x55, seed * 3})
	}
	stage := pathStage(f)
	f.Cleanup(func() { debug.SetGCPercent(100) })
	debug.SetGCPercent(1000) // a tracer has large queues
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		p := newPath(t, stage, data)
		s := p.play(stage.options)
		if p.check(s); t.Failed() && len(s) < 200 && os.Getenv("SMTPTRACE_PATH") != "" {
			for _, c := range p.lines {
				t.Logf("%x: ended %v, old %v, unwatched %v\n%s", c.Conn, c.ended, c.old, c.unwatched, conversation(c.d))
			}
		}
	})
}

func conversation(d *smtptest.Dialogue) (text string) {
	for _, x := range d.Packets {
		who := "C"
		if x.Server {
			who = "S"
		}
		text += fmt.Sprintf("\n%s %.300q", who, x.Data)
	}
	return text
}

// What the fuzzer holds the records to is not empty: of most connections all is seen.
func TestPathSeen(t *testing.T) {
	stage := pathStage(t)
	seen, all := 0, 0
	for seed := range 200 {
		p := newPath(t, stage, []byte{byte(seed), byte(seed * 5), byte(seed * 7), byte(seed * 13)})
		seen += p.check(p.play(stage.options))
		all += len(p.lines)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if t.Logf("nothing unseen of %d connections of %d", seen, all); seen < all/4 {
		t.Errorf("nothing unseen of %d connections of %d", seen, all)
	}
}
