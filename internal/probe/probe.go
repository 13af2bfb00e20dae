// Package probe owns every kernel object: it loads, chooses and attaches the hooks, proves that they
// work, reads their events and counts what was lost.
package probe

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/smtptrace/smtptrace/internal/event"
)

// Probe is a set of attached hooks and the ring buffer that they write to.
type Probe struct {
	answers   []answer // one a question
	loader    *loader
	cgroup    *cgroupDir
	reader    *ringbuf.Reader
	selftest  *selftest
	adopter   iterator      // gives old connections their state
	refresher iterator      // tells how each connection stands
	packets   bool          // the wire is watched by packet hooks
	wired     chan struct{} // closed when the wire hook is attached
	stated    chan struct{} // closed when what tells of ends is

	ending sync.Mutex // held by Drain and Close
	closed bool

	record      ringbuf.Record // reused: reading does not allocate
	backlog     [][]byte       // events of others that came during the self-test
	undecodable uint64
}

// Open loads and attaches the hooks, and returns when events really arrive. An error names the question
// that no hook answers, with each hook's reason.
func Open(o Options) (*Probe, error) {
	if o.Family == "" {
		o.Family = Auto
	}
	p := &Probe{packets: !o.NoPackets}
	err := p.open(o)
	var none *NoHookError
	if errors.As(err, &none) && none.Question == Wire && p.packets {
		p.Close()
		o.NoPackets = true
		withPackets := none.Refused
		p = &Probe{}
		if err = p.open(o); err == nil {
			p.refuse(Wire, withPackets)
		}
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Probe) open(o Options) (err error) {
	p.loader = newLoader()
	if p.cgroup, err = openCgroup(o.Cgroup); err != nil {
		return err
	}
	if p.selftest, err = startSelftest(p.cgroup); err != nil {
		return fmt.Errorf("start the self-test: %w", err)
	}
	storage := p.packets && o.Family != Kprobe && !o.NoStorage && TryStorage(p.loader.cache) == nil
	if err = p.loader.makeMaps(&o, p.cgroup, p.selftest, storage); err != nil {
		return err
	}
	if p.reader, err = ringbuf.NewReader(p.loader.maps["events"]); err != nil {
		return fmt.Errorf("map the ring buffer: %w", err)
	}
	var iterators sync.WaitGroup
	iterators.Go(func() { p.adopter = p.loader.iterator("adopt_tcp") })
	iterators.Go(func() { p.refresher = p.loader.iterator("refresh_tcp") })
	err = p.choose(o.Family)
	iterators.Wait()
	if err != nil {
		return err
	}
	if err := p.prove(o); err != nil {
		return err
	}
	p.selftest.close()
	p.loader.done()
	return nil
}

// Hooks tells which hook answers each question, and why not those before it in the list.
func (p *Probe) Hooks() []Hook {
	hooks := make([]Hook, len(p.answers))
	for i := range p.answers {
		hooks[i] = p.answers[i].hook
	}
	return hooks
}

// Read waits for the next event and decodes it into e. It allocates nothing. Errors: os.ErrClosed after
// Close, os.ErrDeadlineExceeded at the deadline, io.EOF after Drain when all is read. An event that
// cannot be decoded is counted and passed over.
func (p *Probe) Read(e *event.Event) error {
	for {
		if len(p.backlog) > 0 {
			p.record.RawSample = append(p.record.RawSample[:0], p.backlog[0]...)
			p.backlog = p.backlog[1:]
		} else if err := p.reader.ReadInto(&p.record); errors.Is(err, ringbuf.ErrFlushed) {
			return io.EOF
		} else if err != nil {
			return err
		}
		if err := e.Decode(p.record.RawSample); err == nil {
			return nil
		}
		p.undecodable++
	}
}

// SetDeadline bounds the waiting of Read.
func (p *Probe) SetDeadline(t time.Time) { p.reader.SetDeadline(t) }

// Drain detaches the hooks and lets Read give what is still in the ring, then io.EOF. It may be called
// while another goroutine reads, drains or closes. After Close it does nothing.
func (p *Probe) Drain() error {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.closed {
		return nil
	}
	return errors.Join(p.detach(), p.reader.Flush())
}

// Process looks a process up in the kernel's own table, for an agent that has forgotten it.
func (p *Probe) Process(key event.ProcessKey, e *event.Event) error {
	raw, err := p.loader.maps["processes"].LookupBytes(key)
	if err != nil {
		return fmt.Errorf("look up process %d: %w", key.Pid, err)
	}
	if raw == nil {
		return fmt.Errorf("process %d: %w", key.Pid, ebpf.ErrKeyNotExist)
	}
	return e.Decode(raw)
}

// detach ends with the wire, so that no connection begins without it.
func (p *Probe) detach() error {
	var errs []error
	for _, q := range []Question{Connect, State, Lineage, Send, Wire} {
		if i := slices.Index(Questions, q); i < len(p.answers) {
			errs = append(errs, p.answers[i].detach())
		}
	}
	return errors.Join(errs...)
}

// Close detaches the hooks and frees every kernel object. It may be called while another goroutine reads, drains or
// closes, and again: then it does nothing. Counters and Process are not to be called any more.
func (p *Probe) Close() error {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	var err error
	for i := range p.answers {
		err = errors.Join(err, p.answers[i].close())
	}
	if p.reader != nil {
		err = errors.Join(err, p.reader.Close())
	}
	p.adopter.close()
	p.refresher.close()
	if p.loader != nil {
		p.loader.close()
	}
	if p.selftest != nil {
		p.selftest.close()
		p.selftest.netnsFile.Close()
	}
	if p.cgroup != nil {
		p.cgroup.close()
	}
	return err
}
