package check

import (
	"errors"

	"github.com/smtptrace/smtptrace/internal/probe"
)

// Report is all that smtptrace check says.
type Report struct {
	Rows   []Row        `json:"requirements"`
	Hooks  []probe.Hook `json:"hooks"` // Name is empty for a question that no hook answers
	Unseen []string     `json:"not_seen"`
	Error  string       `json:"error,omitempty"` // why tracing fails, as Explain says it
	Hint   string       `json:"hint,omitempty"`
}

// Run checks this host and then really attaches, with the given options, for a moment.
func Run(o probe.Options) *Report {
	r := &Report{Rows: Host(), Hooks: []probe.Hook{}}
	p, err := probe.Open(o)
	if err != nil {
		r.fail(err)
	} else {
		r.Hooks = p.Hooks()
		if err := p.Close(); err != nil {
			r.fail(err)
		}
	}
	r.Unseen = unseen(r.Rows)
	return r
}

func (r *Report) fail(err error) {
	if r.Error, r.Hint = Explain(err, r.Rows); r.Hint == seeCheck {
		r.Hint = "" // it is here
	}
	var none *probe.NoHookError
	if errors.As(err, &none) {
		r.Hooks = []probe.Hook{{Question: none.Question, Refused: none.Refused}}
	}
}

// OK tells that the tracer works here: nothing that is required is missing, and the hooks attached.
func (r *Report) OK() bool {
	for _, row := range r.Rows {
		if row.Required && row.Status == Missing {
			return false
		}
	}
	return r.Error == ""
}

// unseen is what no hook sees.
func unseen(rows []Row) []string {
	list := []string{
		"packets of raw sockets (AF_PACKET) and of TCP stacks in user space",
		"traffic that this host forwards for others",
		"connections that were past their first payload when the tracer started",
	}
	for _, r := range rows {
		if r.Name == cgroupNamespaceName && r.Status == Missing {
			list = append(list, "what processes outside of this cgroup namespace say")
		}
	}
	return list
}
