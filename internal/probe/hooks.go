package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Question is what a hook answers. Each has a list of hooks; the first that works is taken.
type Question string

// The questions.
const (
	Connect Question = "connect" // who connects, where to
	Send    Question = "send"    // who sends
	Wire    Question = "wire"    // what was sent, what was answered
	State   Question = "state"   // how it turned out, and how it ended
	Lineage Question = "lineage" // whose child a process is, and what it began as
)

// Questions lists them in the order in which they are answered.
var Questions = []Question{Connect, Send, Wire, State, Lineage}

// Hook is a choice: the hook that answers a question, and why those before it in the list do not.
type Hook struct {
	Question Question  `json:"question"`
	Name     string    `json:"name"`
	Refused  []Refusal `json:"refused,omitempty"`
}

// Refusal is a hook that could not be had, with the kernel's reason.
type Refusal struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// candidate is one way to answer a question: programs that are attached together.
type candidate struct {
	question Question
	family   Family
	name     string
	programs []program
}

type program struct {
	name   string
	attach func(_ *ebpf.Program, cgroup string) ([]link.Link, error)
}

// sockops is the program that runs where tracing programs do not, because they interrupt themselves.
const sockops = "state_sockops"

// candidates is every hook there is, in the order of trying. The send question ends with a hook that
// needs no program: the wire hook finds the sender as the owner of the socket's lock.
var candidates = []candidate{
	{Connect, Fentry, "fentry/tcp_connect", []program{{"connect_fentry", attachTracing}}},
	{Connect, Kprobe, "kprobe/tcp_connect", []program{{"connect_kprobe", attachKprobe("tcp_connect")}}},
	{Connect, Tracepoint, "tp_btf/inet_sock_set_state", []program{{"connect_tracepoint", attachTracing}}},
	{Connect, Cgroup, "cgroup/connect4,6", []program{
		{"connect_cgroup4", attachCgroup(ebpf.AttachCGroupInet4Connect)},
		{"connect_cgroup6", attachCgroup(ebpf.AttachCGroupInet6Connect)},
		{"connect_release", attachCgroup(ebpf.AttachCgroupInetSockRelease)},
	}},
	{Send, Fentry, "fentry/tcp_sendmsg", []program{{"send_fentry", attachTracing}}},
	{Send, Kprobe, "kprobe/tcp_sendmsg", []program{{"send_kprobe", attachKprobe("tcp_sendmsg")}}},
	{Send, Tracepoint, "tp_btf/tcp_sendmsg_locked", []program{{"send_tracepoint", attachTracing}}},
	{Send, Tracepoint, "tp_btf/sock_send_length", []program{{"send_length_tracepoint", attachTracing}}},
	{Send, Auto, "socket lock at cgroup_skb/egress", nil},
	{Wire, Auto, "cgroup_skb/egress,ingress", []program{
		{"wire", attachCgroup(ebpf.AttachCGroupInetEgress, ebpf.AttachCGroupInetIngress)},
	}},
	{Wire, Fentry, "payload at fentry/tcp_sendmsg", []program{{"gather_fentry", attachTracing}}},
	{Wire, Kprobe, "payload at kprobe/tcp_sendmsg", []program{{"gather_kprobe", attachKprobe("tcp_sendmsg")}}},
	{State, Auto, "tp_btf/inet_sock_set_state, sockops", []program{
		{"state_tracepoint", attachTracing},
		{sockops, attachCgroup(ebpf.AttachCGroupSockOps)},
	}},
	{State, Tracepoint, "tp_btf/inet_sock_set_state", []program{{"state_tracepoint", attachTracing}}},
	{State, Cgroup, "sockops", []program{{sockops, attachCgroup(ebpf.AttachCGroupSockOps)}}},
	{Lineage, Tracepoint, "tp_btf/sched_process_fork,exec,exit", []program{
		{"lineage_fork", attachTracing}, {"lineage_exec", attachTracing}, {"lineage_exit", attachTracing},
	}},
	{Lineage, Auto, ofTheMoment, nil},
}

// The parents of the moment and the arguments of the moment are there without any hook.
const ofTheMoment = "parents and arguments of the moment"

// candidatesFor gives a question's list under a family. A forced family answers connect and send by its
// own hooks alone; where it has none for send, the wire hook names the sender. The state is followed by
// tracepoint and sockops both: each sees what the other cannot, an interrupted program and a socket of
// another cgroup. Payload is read at sendmsg only where there are no packet hooks.
func candidatesFor(q Question, f Family, storage, packets bool) []candidate {
	var list []candidate
	for _, c := range candidates {
		atPackets := c.family == Auto
		switch {
		case c.question != q:
		case atPackets && !packets && q != Lineage, q == Wire && !atPackets && packets:
		case q == State && atPackets && f == Cgroup:
		case storage && c.family == Kprobe: // kprobe programs cannot use socket storage
		case c.family == Auto, f == Auto, c.family == f,
			(q == State || q == Lineage) && f != Cgroup && c.family == Tracepoint:
			list = append(list, c)
		}
	}
	if q == Send && packets && (f == Fentry || f == Kprobe) {
		list = list[:len(list)-1]
	}
	return list
}

func attachTracing(p *ebpf.Program, _ string) ([]link.Link, error) {
	l, err := link.AttachTracing(link.TracingOptions{Program: p})
	return []link.Link{l}, err
}

func attachKprobe(symbol string) func(*ebpf.Program, string) ([]link.Link, error) {
	return func(p *ebpf.Program, _ string) ([]link.Link, error) {
		l, err := link.Kprobe(symbol, p, nil)
		return []link.Link{l}, err
	}
}

func attachCgroup(hooks ...ebpf.AttachType) func(*ebpf.Program, string) ([]link.Link, error) {
	return func(p *ebpf.Program, dir string) (links []link.Link, _ error) {
		for _, at := range hooks {
			l, err := link.AttachCgroup(link.CgroupOptions{Path: dir, Attach: at, Program: p})
			if err != nil {
				return nil, errors.Join(fmt.Errorf("attach to cgroup %s: %w", dir, err), closeAll(links))
			}
			links = append(links, l)
		}
		return links, nil
	}
}

func closeAll(links []link.Link) error {
	var errs []error
	for _, l := range links {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
