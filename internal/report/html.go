package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// maxListed is how many programs the page lists; the worst are first.
const maxListed = 50

// page is what the template shows. All texts are escaped as for a terminal, and by the template for
// HTML.
type page struct {
	Host, Answer, Asked, Made string
	Cleared                   bool
	ClueKind                  string
	Clues                     []string
	Programs                  []pageProgram
	MorePrograms              int
	Reasons, Unclear          []string
	Beside                    []pageProgram
	BesideHead                string
	Charts                    []chart
	AxisFrom, AxisTo          string
	Rows                      []pageRow
	LeftOut                   string
	Coverage, Logs            []string
}

type pageProgram struct {
	record.Parts
	Bad         bool
	Sums, Times string
	HELOs       string
	Started     string
	Next        []string
}

type pageRow struct {
	record.Parts
	Bad  bool
	When string
	PID  uint32
}

// HTML is the answer as a page in one file, without script and without anything from elsewhere. Its
// times are in UTC: who reads it may be anywhere.
func (a *Answer) HTML() ([]byte, error) {
	finding, reasons := a.Conclude(time.UTC)
	p := page{
		Host: a.hostNames(), Answer: a.Sentence(time.UTC), Asked: a.askedWords(time.UTC), Made: a.Now.UTC().Format(time.DateTime + " MST"),
		Cleared: finding == Cleared && len(a.besides()) == 0, Coverage: a.coverageLines(time.UTC), Logs: a.logLines(),
	}
	if a.Clues != nil {
		p.ClueKind = a.Clues.Kind
		for _, w := range a.Clues.Words {
			p.Clues = append(p.Clues, record.Escape(w, 400))
		}
	}
	for i := range min(len(a.Programs), maxListed) {
		p.Programs = append(p.Programs, pageProgramOf(&a.Programs[i]))
	}
	p.MorePrograms = len(a.Programs) - len(p.Programs)
	others := a.besides()
	for i := range min(len(others), maxListed) {
		p.Beside, p.BesideHead = append(p.Beside, pageProgramOf(&others[i])), besideHead
	}
	for _, r := range reasons {
		p.Reasons = append(p.Reasons, r.Text)
	}
	p.Unclear = a.unclearLines()
	p.Charts, p.AxisFrom, p.AxisTo = a.charts()
	for i := range a.Evidence {
		r := &a.Evidence[i]
		p.Rows = append(p.Rows, pageRow{
			record.PartsOf(r), bad(r.Verdict, r.Expected), r.Time.UTC().Format("2006-01-02 15:04:05.000"), r.Process.PID,
		})
	}
	if a.LeftOut > 0 {
		p.LeftOut = count(a.LeftOut, "more record") + " left out, none worse than these"
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("write the answer as HTML: %w", err)
	}
	return out.Bytes(), nil
}

func (a *Answer) hostNames() string {
	var names []string
	for i := range a.Coverage {
		names = append(names, record.Escape(a.Coverage[i].Host.Name, 80))
	}
	return strings.Join(names, ", ")
}

// bad says whether a reader has to look at it.
func bad(v record.Verdict, expected bool) bool {
	return !expected && (v == record.DirectMX || v == record.SMTPOddPort)
}

func pageProgramOf(q *record.Program) pageProgram {
	v := pageProgram{Parts: q.Parts(), Bad: bad(q.Verdict, q.Expected)}
	var sums []string
	if q.Sessions > 0 {
		sums = append(sums, count(q.Sessions, "session"), count(q.Messages, "message"), count(q.Recipients, "recipient"))
	}
	if q.Hidden > 0 {
		sums = append(sums, count(q.Hidden, "session")+" under TLS")
	}
	if q.Attempts > 0 {
		sums = append(sums, count(q.Attempts, "failed connect"))
	}
	if q.Unwatched > 0 {
		sums = append(sums, count(q.Unwatched, "connection")+" not followed")
	}
	destinations := count(uint64(len(q.Destinations)), "destination")
	if q.Beyond {
		destinations = "more than " + destinations
	}
	v.Sums = strings.Join(append(sums, destinations), ", ")
	v.Times = spanWords(q.First, q.Last, time.UTC)
	var names []string
	for _, h := range q.HELOs {
		names = append(names, record.Escape(h, 80))
	}
	v.HELOs = strings.Join(names, " ")
	v.Started = record.Escape(strings.Join(q.Process.Ancestors, ", "), 120)
	v.Next = q.Next(time.UTC)
	return v
}
