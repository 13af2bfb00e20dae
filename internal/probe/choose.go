package probe

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// NoHookError says that a question has no answer on this host.
type NoHookError struct {
	Question Question
	Family   Family
	Refused  []Refusal
}

func (e *NoHookError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "no hook answers %q", e.Question)
	if e.Family != Auto {
		fmt.Fprintf(&s, " in the %s family", e.Family)
	}
	for i, r := range e.Refused {
		s.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0])
		fmt.Fprintf(&s, "%s: %s", r.Name, r.Reason)
	}
	return s.String()
}

// answer is a chosen hook with its kernel objects.
type answer struct {
	hook     Hook
	programs map[string]*ebpf.Program
	links    []link.Link
}

// choose attaches, for each question, the first hook that loads and attaches. Programs are loaded side
// by side: the verifier's time is most of the start. The wire is attached first: of a connection that began
// before, it would not be known whether its SYN left. What tells of connects comes behind what tells of their ends.
func (p *Probe) choose(f Family) error {
	p.wired, p.stated = make(chan struct{}), make(chan struct{})
	p.answers = make([]answer, len(Questions))
	errs := make([]error, len(Questions))
	var wg sync.WaitGroup
	for i, q := range Questions {
		p.answers[i].hook.Question = q
		wg.Go(func() {
			errs[i] = p.answer(&p.answers[i], f)
			switch q {
			case Wire:
				close(p.wired)
			case State:
				close(p.stated)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// answer attaches the first hook of a's question that was not refused yet.
func (p *Probe) answer(a *answer, f Family) error {
	for _, c := range candidatesFor(a.hook.Question, f, p.loader.storage, p.packets)[len(a.hook.Refused):] {
		programs, links, err := p.attach(c)
		if err == nil {
			a.hook.Name, a.programs, a.links = c.name, programs, links
			return nil
		}
		a.hook.Refused = append(a.hook.Refused, Refusal{c.name, reason(err)})
	}
	return &NoHookError{a.hook.Question, f, a.hook.Refused}
}

// replace gives up a hook that is attached and silent, for the next in its list.
func (p *Probe) replace(q Question, f Family) error {
	a := &p.answers[slices.Index(Questions, q)]
	a.close()
	a.hook.Refused = append(a.hook.Refused, Refusal{a.hook.Name, "attached, but its events do not arrive"})
	return p.answer(a, f)
}

// refuse puts refusals of an earlier attempt before those of a question's hook.
func (p *Probe) refuse(q Question, earlier []Refusal) {
	h := &p.answers[slices.Index(Questions, q)].hook
	h.Refused = append(slices.Clone(earlier), h.Refused...)
}

func (a *answer) detach() error {
	err := closeAll(a.links)
	a.links = nil
	return err
}

func (a *answer) close() error {
	err := a.detach()
	for _, prog := range a.programs {
		prog.Close()
	}
	a.programs = nil
	return err
}

// attach loads and attaches all programs of a candidate, or none.
func (p *Probe) attach(c candidate) (map[string]*ebpf.Program, []link.Link, error) {
	progs := make([]*ebpf.Program, len(c.programs))
	links := make([][]link.Link, len(c.programs))
	errs := make([]error, len(c.programs))
	var wg sync.WaitGroup
	for i, prog := range c.programs {
		wg.Go(func() {
			if progs[i], errs[i] = p.loader.load(prog.name); errs[i] == nil {
				if c.question != Wire {
					<-p.wired
				}
				if c.question == Connect {
					<-p.stated
				}
				links[i], errs[i] = prog.attach(progs[i], p.cgroup.path)
			}
		})
	}
	wg.Wait()
	loaded := map[string]*ebpf.Program{}
	var failed error
	for i, prog := range c.programs {
		loaded[prog.name] = progs[i]
		if errs[i] != nil {
			failed = errs[i]
		}
	}
	if failed == nil {
		return loaded, slices.Concat(links...), nil
	}
	for i := range progs {
		if errs[i] == nil {
			closeAll(links[i])
		}
		if progs[i] != nil {
			progs[i].Close()
		}
	}
	return nil, nil, failed
}
