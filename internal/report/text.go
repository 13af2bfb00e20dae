package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// How much the text shows; JSON and HTML have all that was kept.
const (
	maxShown    = 50 // gaps, and runs
	maxEvidence = 10 // more would push the answer off the screen
	maxAlike    = 3  // of one program, as long as others are not shown
)

const besideHead = "Not asked for, but unexpected in that time"

// Text is the answer for a person, its times in the zone of a.Now.
func (a *Answer) Text(color bool) string {
	in := a.Now.Location()
	var b strings.Builder
	if a.Clues == nil {
		fmt.Fprintf(&b, "%s\n\nAsked: %s\n", a.Sentence(in), a.askedWords(in))
	} else { // what was asked is not what the user typed
		fmt.Fprintf(&b, "Asked: %s\n\n%s\n\n", a.askedWords(in), a.Sentence(in))
		fmt.Fprintf(&b, "Understood %s:\n", a.Clues.Kind)
		for _, w := range a.Clues.Words {
			fmt.Fprintf(&b, "  - %s\n", record.Escape(w, 400))
		}
	}
	if _, reasons := a.Conclude(in); len(reasons) > 0 {
		b.WriteString("\nNot certain, because:\n")
		for _, r := range reasons {
			fmt.Fprintf(&b, "  - %s\n", r.Text)
		}
	}
	if len(a.Programs) > 0 {
		b.WriteString("\nPrograms, the worst first:\n\n")
		b.Write(a.Summary.AppendPrograms(nil, in, color))
		a.evidenceText(&b, in, color)
	}
	if lines := a.unclearLines(); len(lines) > 0 {
		b.WriteString("\nWho else it could be:\n")
		for _, line := range lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if len(a.besides()) > 0 {
		fmt.Fprintf(&b, "\n%s:\n\n", besideHead)
		b.Write(a.Beside.AppendPrograms(nil, in, color))
	}
	b.WriteString("\nCoverage:\n")
	for _, line := range a.coverageLines(in) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("\nLogs:\n")
	for _, line := range a.logLines() {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	return b.String()
}

// unclearLines name who may have done it, for all that is known.
func (a *Answer) unclearLines() (lines []string) {
	const most = 10
	for i := range a.Unclear {
		if i == most {
			return append(lines, "and "+count(uint64(len(a.Unclear)-most), "more program"))
		}
		p := &a.Unclear[i]
		parts := p.Parts()
		n := p.Sessions + p.Unwatched + p.Untold + p.Attempts
		lines = append(lines, strings.Join([]string{parts.Headline, parts.Program, parts.User, count(n, "connection")}, "  "))
	}
	return lines
}

// askedWords says what was asked for.
func (a *Answer) askedWords(in *time.Location) string {
	w := a.Asked.Window
	var parts []string
	switch {
	case !w.From.IsZero() && !w.To.IsZero():
		parts = append(parts, spanWords(w.From, w.To, in))
	case !w.From.IsZero():
		parts = append(parts, "since "+w.From.In(in).Format(time.DateTime+" MST"))
	case !w.To.IsZero():
		parts = append(parts, "until "+w.To.In(in).Format(time.DateTime+" MST"))
	}
	parts = append(parts, a.Asked.Words()...)
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

func (a *Answer) evidenceText(b *strings.Builder, in *time.Location, color bool) {
	b.WriteString("\nEvidence:\n\n")
	shown := worst(a.Evidence, maxEvidence)
	left := a.LeftOut + uint64(len(a.Evidence)-len(shown))
	for i := range shown {
		r := shown[i]
		r.Time = r.Time.In(in)
		fmt.Fprintf(b, "%s %s\n", r.Time.Format(time.DateOnly), record.Text(&r, color))
		for _, line := range details(&r) {
			fmt.Fprintf(b, "           %s\n", line)
		}
	}
	if left > 0 {
		fmt.Fprintf(b, "           %s left out, none worse than these\n", count(left, "more record"))
	}
}

// details say what the line of a record does not.
func details(r *record.Record) (lines []string) {
	p := record.PartsOf(r)
	if p.Flags != "" {
		lines = append(lines, "flags "+p.Flags)
	}
	if p.Origin != "" {
		lines = append(lines, p.Origin)
	}
	if p.Weak != "" {
		lines = append(lines, "not certain: "+p.Weak)
	}
	return lines
}

// worst picks the worst n records, in the order of time: of those alike, some of each program before more of one.
func worst(list []record.Record, n int) (picked []record.Record) {
	if len(list) <= n {
		return list
	}
	type nth struct{ severity, round, at int }
	order, shown := make([]nth, len(list)), map[record.Key]int{}
	for i := range list {
		key := record.KeyOf(&list[i])
		order[i] = nth{record.Severity(list[i].Verdict, list[i].Expected), shown[key] / maxAlike, i}
		shown[key]++
	}
	slices.SortFunc(order, func(a, b nth) int {
		return cmp.Or(cmp.Compare(a.severity, b.severity), cmp.Compare(a.round, b.round), cmp.Compare(a.at, b.at))
	})
	order = order[:n]
	slices.SortFunc(order, func(a, b nth) int { return cmp.Compare(a.at, b.at) })
	for _, o := range order {
		picked = append(picked, list[o.at])
	}
	return picked
}

// coverageLines say what was watched, how, and what was not.
func (a *Answer) coverageLines(in *time.Location) (lines []string) {
	if len(a.Coverage) == 0 {
		return []string{"none: there is no start, heartbeat or stop record in these logs"}
	}
	for i := range a.Coverage {
		c := &a.Coverage[i]
		name := "this host"
		if c.Host.Name != "" {
			name = record.Escape(c.Host.Name, 80)
		}
		lines = append(lines, fmt.Sprintf("%s: %s of %s was watched; lost %s", name, percent(c.Share()),
			spanWords(c.Window.From, c.Window.To, in), c.Lost.Words()))
		for j := range c.Gaps {
			if j == maxShown {
				lines = append(lines, fmt.Sprintf("  and %d more gaps", len(c.Gaps)-j))
				break
			}
			lines = append(lines, "  gap: "+c.Gaps[j].words(in))
		}
		for j := range c.Runs {
			if j == maxShown {
				lines = append(lines, fmt.Sprintf("  and %d more runs", len(c.Runs)-j))
				break
			}
			lines = append(lines, "  "+c.Runs[j].words(in))
		}
		if c.Forwarded != "" {
			lines = append(lines, "  not watched: mail that this host only forwards, such as that of a guest behind NAT or VPN")
		}
	}
	return append(lines, a.explainedLines()...)
}

// words says how a run watched: "from … to …, the whole host; connect by …; lost nothing".
func (w *Watch) words(in *time.Location) string {
	s := "from " + spanWords(w.From, w.To, in)
	if w.Interrupted {
		s += ", where it broke off"
	}
	if f := w.Tracer.Filters; f.Narrow() {
		s += ", " + f.Words()
	} else {
		s += ", the whole host"
	}
	if w.Tracer.Filters.Connects == "none" {
		s += ", no failed connects"
	}
	for _, h := range w.Tracer.Hooks {
		s += "; " + record.Escape(h.Question, 40) + " by " + record.Escape(h.Name, 80)
	}
	if open := w.Tracer.OpenWords(); open != "" {
		s += "; " + open
	}
	if w.Lost.Total() > 0 {
		s += "; lost " + w.Lost.Words()
	}
	return s
}

// logLines say what was read, and what is wrong with it.
func (a *Answer) logLines() (lines []string) {
	lines = append(lines, fmt.Sprintf("%s, %s", count(uint64(len(a.Logs)), "file"), count(a.Records, "record")))
	if a.Repeated > 0 {
		lines = append(lines, count(a.Repeated, "matching record")+" in more than one log, counted once")
	}
	if a.Crowded {
		lines = append(lines, "more than 10,000 sessions at once: of those whose end is not in the logs, some are left out")
	}
	if a.Forgetful {
		lines = append(lines, "more than 4 million matches: one that is in two logs may be counted twice")
	}
	for i := range a.Logs {
		log := &a.Logs[i]
		var notes []string
		for _, d := range []struct {
			n    uint64
			noun string
			is   [2]string
		}{
			{log.Damage.Torn, "line", [2]string{"ends too early", "end too early"}},
			{log.Damage.Foreign, "line", [2]string{"is no record", "are no records"}},
			{log.Damage.Newer, "record", [2]string{"is of a newer smtptrace: use that", "are of a newer smtptrace: use that"}},
			{log.Damage.TooLong, "line", [2]string{"is longer than any record", "are longer than any record"}},
		} {
			if d.n > 0 {
				notes = append(notes, count(d.n, d.noun)+" "+verb(d.n, d.is[0], d.is[1]))
			}
		}
		if note := log.note(); note != "" {
			notes = append(notes, note)
		}
		if len(notes) > 0 {
			lines = append(lines, record.Escape(log.Path, 120)+": "+record.Escape(strings.Join(notes, "; "), 400))
		}
	}
	return lines
}
