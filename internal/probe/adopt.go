package probe

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/bpf"
)

// Old is a connection that was there before the hooks.
type Old struct {
	Source, Destination netip.AddrPort
	IPv6                bool // of the socket: its addresses may be IPv4's, mapped
}

// maxAdoptions is the room of the adoptions map: see maps.h.
const maxAdoptions = 65536

// iterator is a program that looks at each TCP socket of its reader's network namespace.
type iterator struct {
	program *ebpf.Program
	link    *link.Iter
	refused error // nil: it can be used
}

func (l *loader) iterator(name string) (it iterator) {
	if it.program, it.refused = l.load(name); it.refused != nil {
		return it
	}
	if it.link, it.refused = link.AttachIter(link.IterOptions{Program: it.program}); it.refused != nil {
		it.program.Close()
	}
	return it
}

// run runs the program on each socket there is.
func (it *iterator) run() error {
	r, err := it.link.Open()
	if err != nil {
		return fmt.Errorf("open the iterator: %w", err)
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

func (it *iterator) close() {
	if it.link != nil {
		it.link.Close()
		it.program.Close()
	}
	it.link = nil
}

// Adopt has old connections of one network namespace followed from here on: netns is its inode number, and in calls
// a function on a thread that is in there. It gives the id of each connection, as its events will have it; 0 for one
// that is gone, or could not be adopted.
func (p *Probe) Adopt(netns uint32, list []Old, in func(func() error) error) ([]uint64, error) {
	if p.adopter.refused != nil {
		return make([]uint64, len(list)), fmt.Errorf("adopt connections: %s", reason(p.adopter.refused))
	}
	ids := make([]uint64, 0, len(list))
	for len(ids) < len(list) {
		part := list[len(ids):min(len(ids)+maxAdoptions, len(list))]
		more, err := p.adopt(netns, part, in)
		ids = append(ids, more...)
		if err != nil {
			return append(ids, make([]uint64, len(list)-len(ids))...), fmt.Errorf("adopt connections of network namespace %d: %w", netns, err)
		}
	}
	return ids, nil
}

// adopt is Adopt for as many as the map has room for.
func (p *Probe) adopt(netns uint32, list []Old, in func(func() error) error) ([]uint64, error) {
	m := p.loader.maps["adoptions"]
	ids := make([]uint64, len(list))
	var err error
	for i := range list {
		err = errors.Join(err, m.Update(adoptionKey(netns, &list[i]), uint64(0), ebpf.UpdateAny))
	}
	if err == nil {
		err = in(p.adopter.run)
	}
	for i := range list {
		key := adoptionKey(netns, &list[i])
		if lookup := m.Lookup(key, &ids[i]); lookup != nil && !errors.Is(lookup, ebpf.ErrKeyNotExist) {
			err = errors.Join(err, lookup)
		}
	}
	for i := range list { // two may have the same addresses: all are read first
		if gone := m.Delete(adoptionKey(netns, &list[i])); gone != nil && !errors.Is(gone, ebpf.ErrKeyNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return ids, err
}

// Refresh has the hooks tell how each connection stands that they have told of. in calls a function in each network
// namespace that is watched, one after the other. The hooks must be attached.
func (p *Probe) Refresh(in func(func() error) error) error {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.closed {
		return nil
	}
	if p.refresher.refused != nil {
		return fmt.Errorf("look at the open connections: %s", reason(p.refresher.refused))
	}
	if err := in(p.refresher.run); err != nil {
		return fmt.Errorf("look at the open connections: %w", err)
	}
	return nil
}

func adoptionKey(netns uint32, o *Old) *bpf.SmtptraceAdoptionKey {
	key := &bpf.SmtptraceAdoptionKey{Netns: netns}
	key.Tuple.Sport, key.Tuple.Dport = o.Source.Port(), o.Destination.Port()
	if o.IPv6 {
		key.Tuple.Family = unix.AF_INET6
		key.Tuple.Saddr, key.Tuple.Daddr = o.Source.Addr().As16(), o.Destination.Addr().As16()
		return key
	}
	key.Tuple.Family = unix.AF_INET
	from, to := o.Source.Addr().As4(), o.Destination.Addr().As4()
	copy(key.Tuple.Saddr[:], from[:])
	copy(key.Tuple.Daddr[:], to[:])
	return key
}
