package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/trace"
)

// older are the connections from before the start.
type older struct {
	list []oldConn
	byID map[uint64]*oldConn // the adopted ones
	err  error               // not all are known
}

type oldConn struct {
	proc.TCPSocket
	id   uint64 // as its events have it; 0: it is not adopted
	mail bool
}

// adoptOlder has the connections followed that are there already. Those that were accepted here are left alone,
// unless they lead to a mail port.
func adoptOlder(p *probe.Probe, f *runFlags) *older {
	o := &older{byID: map[uint64]*oldConn{}}
	sockets, err := proc.Sockets("/proc", f.holders())
	if err != nil {
		o.err = fmt.Errorf("list the connections: %w", err)
	}
	for i := range sockets {
		s := &sockets[i]
		mail := slices.Contains(f.mailPorts, s.Destination.Port())
		if speaks(s.State) && (mail || !s.Listens) && (!f.ofProcesses() || len(s.HeldBy) > 0) {
			o.list = append(o.list, oldConn{TCPSocket: *s, mail: mail})
		}
	}
	slices.SortStableFunc(o.list, func(a, b oldConn) int { return cmp.Compare(a.NetNS, b.NetNS) })
	if len(o.list) > 0 {
		o.err = errors.Join(o.err, o.adopt(p, f), o.adoptRest(p, f))
	}
	for i := range o.list {
		if c := &o.list[i]; c.id != 0 {
			o.byID[c.id] = c
		}
	}
	return o
}

// speaks says whether a client may still send in this state: not once its own end is acknowledged.
func speaks(s proc.TCPState) bool {
	switch s {
	case proc.TCPEstablished, proc.TCPSynSent, proc.TCPFinWait1, proc.TCPCloseWait, proc.TCPLastAck, proc.TCPClosing:
		return true
	}
	return false
}

// adopt adopts them, one network namespace after the other.
func (o *older) adopt(p *probe.Probe, f *runFlags) error {
	networks, err := proc.Networks("/proc", f.holders())
	if err != nil {
		return err
	}
	for _, n := range networks {
		var indices []int
		var list []probe.Old
		for i := range o.list {
			if c := &o.list[i]; c.NetNS == n.Inode {
				indices = append(indices, i)
				list = append(list, probe.Old{Source: c.Source, Destination: c.Destination, IPv6: c.IPv6})
			}
		}
		if len(list) == 0 {
			continue
		}
		ids, failed := p.Adopt(n.Inode, list, n.Do)
		for at, id := range ids {
			o.list[indices[at]].id = id
		}
		err = errors.Join(err, failed)
	}
	return err
}

// adoptRest tries once more to adopt what is not, and forgets what is gone.
func (o *older) adoptRest(p *probe.Probe, f *runFlags) error {
	adopted := func(c oldConn) bool { return c.id != 0 }
	if !slices.ContainsFunc(o.list, func(c oldConn) bool { return c.id == 0 }) {
		return nil
	}
	live, err := f.live()
	if err != nil {
		return err
	}
	o.list = slices.DeleteFunc(o.list, func(c oldConn) bool {
		return !adopted(c) && !live.Has(c.NetNS, c.Source, c.Destination)
	})
	rest := &older{list: slices.DeleteFunc(slices.Clone(o.list), adopted)}
	o.list = slices.DeleteFunc(o.list, func(c oldConn) bool { return !adopted(c) })
	if len(rest.list) > 0 {
		err = rest.adopt(p, f)
	}
	o.list = append(rest.list, o.list...)
	return err
}

// maxOpen bounds the list of connections in the start record.
const maxOpen = 64

// open lists those that go to mail ports, and counts the others that are not adopted: those that are gone by then
// are among these.
func (o *older) open() (trace.Open, error) {
	var open trace.Open
	for i := range o.list {
		c := &o.list[i]
		switch {
		case !c.mail && c.id == 0:
			open.Other++
		case !c.mail:
		case len(open.List) < maxOpen:
			open.List = append(open.List, c.records()...)
		case c.id == 0:
			open.Omitted++
		}
		if c.mail && c.id == 0 {
			open.Strange++
		}
	}
	return open, o.err
}

// records is one for each process that has it open, and one if none has.
func (c *oldConn) records() (list []record.Open) {
	r := record.Open{
		Source:      record.Endpoint{IP: c.Source.Addr(), Port: c.Source.Port()},
		Destination: record.Endpoint{IP: c.Destination.Addr(), Port: c.Destination.Port()},
		Adopted:     c.id != 0,
	}
	if len(c.HeldBy) == 0 {
		r.User.ID = strconv.FormatUint(uint64(c.UID), 10)
		return []record.Open{r}
	}
	for _, h := range c.HeldBy[:min(len(c.HeldBy), maxHolders)] {
		r.Process = record.Parent{PID: h.PID, Executable: h.Executable}
		r.User = record.User{ID: strconv.FormatUint(uint64(h.UID), 10)}
		list = append(list, r)
	}
	return list
}

// maxHolders bounds how many processes are listed that share a connection, as the children of a server do.
const maxHolders = 4

// owner names the process that had an adopted connection open; the sender, if it is one that had.
func (o *older) owner(id uint64, sender event.ProcessKey) event.ProcessKey {
	c := o.byID[id]
	if c == nil || len(c.HeldBy) == 0 {
		return event.ProcessKey{}
	}
	const tick = 1e9 / 100 // USER_HZ
	for _, h := range c.HeldBy {
		if h.PID == sender.Pid && h.StartTicks == sender.StartNs/tick {
			return sender
		}
	}
	h := c.HeldBy[0]
	return event.ProcessKey{Pid: h.PID, StartNs: h.StartTicks * tick}
}

// live lists the connections that there are.
func (f *runFlags) live() (trace.Live, error) {
	sockets, err := proc.Tables("/proc", f.holders())
	if err != nil {
		return nil, fmt.Errorf("look which connections have ended: %w", err)
	}
	live := trace.Live{}
	for i := range sockets {
		if s := &sockets[i]; s.State != proc.TCPTimeWait && s.State != proc.TCPListen && s.State != proc.TCPClose {
			live.Add(s.NetNS, s.Source, s.Destination)
		}
	}
	return live, nil
}

// inNetworks calls do in each network namespace that is watched.
func (f *runFlags) inNetworks(do func() error) error {
	networks, err := proc.Networks("/proc", f.holders())
	for i := range networks {
		err = errors.Join(err, networks[i].Do(do))
	}
	return err
}

func (f *runFlags) holders() proc.Holders {
	return proc.Holders{NetNS: f.netns, Cgroup: f.cgroup, PID: f.pid, UID: f.uid}
}

// ofProcesses says whether only some processes are watched.
func (f *runFlags) ofProcesses() bool { return f.cgroup != "" || f.pid != 0 || f.uid != nil }
