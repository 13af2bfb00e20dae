package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// The JSON of an answer is one object. Its names are those of the records (ECS where it has one),
// and the evidence is the records themselves.

type jsonAnswer struct {
	Time    time.Time       `json:"@timestamp"`
	ECS     jsonECS         `json:"ecs"`
	Event   jsonEvent       `json:"event"`
	Tracer  jsonSchema      `json:"smtptrace"`
	Message string          `json:"message"`
	Answer  Finding         `json:"answer"`
	Reasons *[]Reason       `json:"reasons,omitempty"` // where it is not found
	Clues   *received.Clues `json:"received,omitempty"`
	Query   jsonQuery       `json:"query"`

	Sessions   uint64            `json:"sessions"`
	Unfinished uint64            `json:"unfinished"`
	Attempts   uint64            `json:"attempts"`
	Unwatched  uint64            `json:"unwatched"` // connections that were not followed
	Unsure     uint64            `json:"unsure"`
	Programs   []jsonProgram     `json:"programs"`
	Unclear    []jsonProgram     `json:"unsure_programs,omitempty"`
	Beside     []jsonProgram     `json:"programs_beside,omitempty"` // not asked for, but unexpected in that time
	Explained  []Explained       `json:"explained,omitempty"`       // encrypted, and taken to be another: where it is cleared
	Evidence   []json.RawMessage `json:"evidence"`
	LeftOut    uint64            `json:"evidence_omitted"`
	Coverage   []jsonCoverage    `json:"coverage"`
	Logs       []jsonLog         `json:"logs"`
	Repeated   uint64            `json:"repeated"`
	Forgetful  bool              `json:"repeated_unknown,omitempty"`
	Crowded    bool              `json:"unfinished_omitted,omitempty"`
}

type jsonECS struct {
	Version string `json:"version"`
}

type jsonEvent struct {
	Action string `json:"action"` // report
}

type jsonSchema struct {
	Schema int `json:"schema"`
}

type jsonQuery struct {
	Start      *time.Time `json:"start,omitempty"`
	End        *time.Time `json:"end,omitempty"`
	Conditions []string   `json:"conditions,omitempty"`
}

type jsonProgram struct {
	Verdict      record.Verdict `json:"verdict"`
	Expected     bool           `json:"expected"`
	Process      jsonProcess    `json:"process"`
	User         jsonUser       `json:"user"`
	Systemd      jsonSystemd    `json:"systemd"`
	Container    jsonContainer  `json:"container"`
	Sessions     uint64         `json:"sessions"`
	Hidden       uint64         `json:"sessions_under_tls"`
	Messages     uint64         `json:"messages"`
	Recipients   uint64         `json:"recipients"`
	Attempts     uint64         `json:"attempts"`
	Unwatched    uint64         `json:"unwatched"`
	Destinations []string       `json:"destinations"`
	Beyond       bool           `json:"more_destinations,omitempty"`
	SMTP         jsonSMTP       `json:"smtp"`
	Flags        []string       `json:"flags,omitempty"`
	Next         []string       `json:"next,omitempty"` // what to look at, in words
	First        time.Time      `json:"first"`
	Last         time.Time      `json:"last"`
	Words        string         `json:"message"`
}

type jsonProcess struct {
	PID        uint32     `json:"pid"`
	Name       string     `json:"name,omitempty"`
	Executable string     `json:"executable,omitempty"`
	Args       []string   `json:"args,omitempty"`
	Ancestors  []string   `json:"ancestors,omitempty"`
	Script     jsonScript `json:"script"`
	Hash       jsonHash   `json:"hash"`
}

type jsonScript struct {
	Path string `json:"path,omitempty"`
}

type jsonHash struct {
	SHA256 string `json:"sha256,omitempty"`
}

type jsonSystemd struct {
	Unit string `json:"unit,omitempty"`
}

type jsonContainer struct {
	ID    string    `json:"id,omitempty"`
	Name  string    `json:"name,omitempty"`
	Image jsonImage `json:"image"`
}

type jsonImage struct {
	Name string `json:"name,omitempty"`
}

type jsonSMTP struct {
	HELOs []string `json:"helos,omitempty"`
}

type jsonHost struct {
	Name string `json:"name,omitempty"`
}

type jsonUser struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type jsonCoverage struct {
	Host    jsonHost    `json:"host"`
	Start   time.Time   `json:"start"`
	End     time.Time   `json:"end"`
	Watched float64     `json:"watched_seconds"`
	Share   float64     `json:"watched_share"` // 0 to 1
	Lost    uint64      `json:"lost"`
	Words   string      `json:"lost_kinds,omitempty"`
	Older   uint64      `json:"older_connections,omitempty"` // from before the start, that nobody can explain
	Unknown bool        `json:"older_unknown,omitempty"`     // there may be more
	Gaps    []jsonGap   `json:"gaps"`
	Runs    []jsonWatch `json:"runs"`
}

type jsonGap struct {
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason Why       `json:"reason"`
	Only   string    `json:"only,omitempty"`
}

type jsonWatch struct {
	Start       time.Time         `json:"start"`
	End         time.Time         `json:"end"`
	Interrupted bool              `json:"interrupted"`
	Only        string            `json:"only,omitempty"` // the filters; empty: the whole host
	Hooks       map[string]string `json:"hooks"`
	Forwarding  bool              `json:"forwarding"`
	Lost        uint64            `json:"lost"`
}

type jsonLog struct {
	Path    string `json:"path"`
	Records uint64 `json:"records"`
	Torn    uint64 `json:"torn"`
	Foreign uint64 `json:"foreign"`
	Newer   uint64 `json:"newer"`
	TooLong uint64 `json:"too_long"`
	Note    string `json:"note,omitempty"`
}

// JSON is the answer as one line, safe to show on a terminal.
func (a *Answer) JSON() ([]byte, error) {
	j := jsonAnswer{
		Time: a.Now.UTC(), ECS: jsonECS{record.ECSVersion}, Event: jsonEvent{"report"}, Tracer: jsonSchema{record.Schema},
		Message: a.Sentence(time.UTC), Query: a.jsonQuery(),
		Sessions: a.Sessions, Unfinished: a.Unfinished, Attempts: a.Attempts, Unwatched: a.Unwatched, Unsure: a.Unsure,
		Programs: jsonPrograms(a.Programs), Clues: a.Clues, Unclear: jsonPrograms(a.Unclear), Beside: jsonPrograms(a.besides()),
		Evidence: []json.RawMessage{}, LeftOut: a.LeftOut, Coverage: []jsonCoverage{}, Repeated: a.Repeated, Forgetful: a.Forgetful, Crowded: a.Crowded,
	}
	finding, reasons := a.Conclude(time.UTC)
	if j.Answer = finding; finding != Found {
		reasons = append([]Reason{}, reasons...)
		j.Reasons = &reasons
	}
	if finding == Cleared {
		j.Explained = a.Explained
	}
	encoder := record.NewEncoder()
	for i := range a.Evidence {
		j.Evidence = append(j.Evidence, bytes.Clone(bytes.TrimSpace(encoder.Encode(&a.Evidence[i]))))
	}
	for i := range a.Coverage {
		j.Coverage = append(j.Coverage, jsonCoverageOf(&a.Coverage[i]))
	}
	for i := range a.Logs {
		l := &a.Logs[i]
		j.Logs = append(j.Logs, jsonLog{
			l.Path, l.Records, l.Damage.Torn, l.Damage.Foreign, l.Damage.Newer, l.Damage.TooLong, l.note(),
		})
	}
	raw, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("write the answer as JSON: %w", err)
	}
	return append(record.Disarm(nil, raw), '\n'), nil
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

func (a *Answer) jsonQuery() (q jsonQuery) {
	if w := a.Asked.Window; !w.From.IsZero() {
		q.Start = utc(w.From)
	}
	if w := a.Asked.Window; !w.To.IsZero() {
		q.End = utc(w.To)
	}
	q.Conditions = a.Asked.Words()
	return q
}

func jsonPrograms(programs []record.Program) []jsonProgram {
	list := []jsonProgram{}
	for i := range programs {
		p := &programs[i]
		parts := p.Parts()
		j := jsonProgram{
			Verdict: p.Verdict, Expected: p.Expected,
			Process: jsonProcess{
				p.Process.PID, p.Process.Name, p.Process.Executable, p.Process.Args, p.Process.Ancestors,
				jsonScript{p.Process.Script.Path}, jsonHash{p.Process.Hash.SHA256},
			},
			User: jsonUser{p.User.ID, p.User.Name}, Systemd: jsonSystemd{p.Key.Unit},
			Container: jsonContainer{p.Container.ID, p.Container.Name, jsonImage{p.Container.Image.Name}},
			Sessions:  p.Sessions, Hidden: p.Hidden, Messages: p.Messages, Recipients: p.Recipients, Attempts: p.Attempts, Unwatched: p.Unwatched,
			Destinations: []string{}, Beyond: p.Beyond, SMTP: jsonSMTP{p.HELOs}, Flags: p.Flags, Next: p.Next(time.UTC), First: p.First.UTC(), Last: p.Last.UTC(),
			Words: parts.Headline + ": " + parts.Program,
		}
		for _, d := range p.Destinations {
			j.Destinations = append(j.Destinations, d.String())
		}
		slices.Sort(j.Destinations)
		list = append(list, j)
	}
	return list
}

func jsonCoverageOf(c *Coverage) jsonCoverage {
	j := jsonCoverage{
		Host: jsonHost{c.Host.Name}, Start: c.Window.From.UTC(), End: c.Window.To.UTC(), Watched: c.Watched.Seconds(),
		Share: c.Share(), Lost: c.Lost.Total(), Older: c.Older.count(), Unknown: c.Older.unknown || c.Older.untold, Gaps: []jsonGap{}, Runs: []jsonWatch{},
	}
	if j.Lost > 0 {
		j.Words = c.Lost.Words()
	}
	for i := range c.Gaps {
		g := &c.Gaps[i]
		j.Gaps = append(j.Gaps, jsonGap{g.From.UTC(), g.To.UTC(), g.Why, g.Filters.Words()})
	}
	for i := range c.Runs {
		w := &c.Runs[i]
		hooks := map[string]string{}
		for _, h := range w.Tracer.Hooks {
			hooks[h.Question] = h.Name
		}
		j.Runs = append(j.Runs, jsonWatch{
			w.From.UTC(), w.To.UTC(), w.Interrupted, w.Tracer.Filters.Words(), hooks, w.Tracer.Forwarding, w.Lost.Total(),
		})
	}
	return j
}
