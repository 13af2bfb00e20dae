package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Sentence is the answer in one, or two where others than those asked for are to be looked at. in is the zone for its
// times.
func (a *Answer) Sentence(in *time.Location) string {
	words := a.sentence(in)
	others := a.besides()
	if len(others) == 0 {
		return words
	}
	worst := &others[0]
	who := worst.Parts().Program
	if n := uint64(len(others)) - 1; n > 0 {
		who += " and " + count(n, "other program")
	}
	return words + fmt.Sprintf(" But in that time %s had unexpected sessions: see below.", who)
}

// besides are the programs that were not asked for, and are to be looked at.
func (a *Answer) besides() []record.Program {
	if a.Beside == nil {
		return nil
	}
	return a.Beside.Programs()
}

// scope is what a clearing is of.
const scope = " This covers mail in clear or before STARTTLS on any port, and implicit TLS on mail ports only."

func (a *Answer) sentence(in *time.Location) string {
	finding, reasons := a.Conclude(in)
	covered := a.coveredWords(in)
	switch {
	case len(a.Programs) > 0 && finding == Unsure:
		return a.culprit() + " But it may be another: " + reasonWords(reasons) + "."
	case len(a.Programs) > 0 && (a.watchedWhole(in) || len(a.Coverage) == 0):
		return a.culprit()
	case len(a.Programs) > 0:
		return a.culprit() + " " + covered
	case len(a.Coverage) == 0:
		return "Nothing matches, and that says nothing: no run of smtptrace is in these logs."
	case finding == Cleared:
		return "No local process did it: " + strings.ToLower(covered[:1]) + covered[1:] + a.openWindow(in) + scope
	}
	reasons = slices.DeleteFunc(reasons, func(r Reason) bool { return coverage(r.Code) })
	if len(reasons) == 0 {
		return "Nothing matches in what was watched. " + covered
	}
	return "Nothing matches, but that is not certain: " + reasonWords(reasons) + ". " + covered
}

// openWindow names the window of a clearing where the question has left its beginning open: what was before these logs
// may have been it.
func (a *Answer) openWindow(in *time.Location) string {
	if !a.Asked.Window.From.IsZero() || len(a.Coverage) == 0 {
		return ""
	}
	w := a.Coverage[0].Window
	for i := range a.Coverage {
		w.From, w.To = later(w.From, a.Coverage[i].Window.From), earlier(w.To, a.Coverage[i].Window.To)
	}
	return " The window is what these logs cover, " + spanWords(w.From, w.To, in) + "."
}

// coverage says whether a reason is in the words on the coverage.
func coverage(c Code) bool { return c == NotWatched || c == Lost || c == LogTorn }

// watchedWhole says whether the words on the coverage have nothing to say.
func (a *Answer) watchedWhole(in *time.Location) bool {
	return !slices.ContainsFunc(a.reasons(in), func(r Reason) bool { return coverage(r.Code) || r.Code == Filtered })
}

// reasonWords names the first reasons: all are below.
func reasonWords(reasons []Reason) string {
	const most = 2
	var list []string
	for _, r := range reasons[:min(most, len(reasons))] {
		list = append(list, r.Text)
	}
	if more := uint64(len(reasons) - len(list)); more > 0 {
		list = append(list, "and "+count(more, "more reason")+", see below")
	}
	return strings.Join(list, "; ")
}

// culprit names the worst program.
func (a *Answer) culprit() string {
	p := &a.Programs[0]
	parts := p.Parts()
	who := parts.Program
	if parts.User != "" {
		who += ", user " + parts.User
	}
	if parts.Place != "" {
		who += ", " + parts.Place
	}
	var what []string
	if a.Sessions > 0 {
		what = append(what, count(a.Sessions, "session"))
	}
	if a.Attempts > 0 {
		what = append(what, count(a.Attempts, "failed connect"))
	}
	if a.Unwatched > 0 {
		what = append(what, count(a.Unwatched, "connection")+" not followed")
	}
	words := strings.Join(what, " and ")
	does := verb(a.Sessions+a.Attempts+a.Unwatched, "matches", "match")
	if n := len(a.Programs); n > 1 {
		return fmt.Sprintf("%s of %d programs %s; the worst is %s: %s.", words, n, does, who, parts.Headline)
	}
	return fmt.Sprintf("%s %s, by %s: %s.", words, does, who, parts.Headline)
}

// coveredWords says how much was watched, over all hosts.
func (a *Answer) coveredWords(in *time.Location) string {
	var list []string
	for i := range a.Coverage {
		c := &a.Coverage[i]
		words := fmt.Sprintf("%s of the window watched, %d lost", percent(c.Share()), c.Lost.Total())
		if len(a.Coverage) > 1 {
			words = record.Escape(c.Host.Name, 80) + ": " + words
		}
		for j, g := range c.Gaps {
			if j == 3 {
				words += fmt.Sprintf("; and %d more gaps", len(c.Gaps)-j)
				break
			}
			words += "; " + g.words(in)
		}
		list = append(list, words)
	}
	if n := a.Damage().Asked; n > 0 {
		list = append(list, unreadWords(n))
	}
	return strings.Join(list, ". ") + "."
}

// words says what a gap is: "the tracer was off from 14:20:00 to 14:41:00".
func (g *Gap) words(in *time.Location) string {
	when := spanWords(g.From, g.To, in)
	switch g.Why {
	case Silent:
		return "no heartbeats are in the logs from " + when + ", though the run went on: a part of the log is missing, or the machine slept"
	case Narrow:
		return "from " + when + " the tracer watched " + g.Filters.Words()
	case NoRecord:
		return "these logs have no heartbeats from " + when
	}
	return "the tracer was off from " + when
}

// spanWords is "2026-11-21 14:20:00 to 14:41:00 UTC".
func spanWords(from, to time.Time, in *time.Location) string {
	from, to = from.In(in), to.In(in)
	end := time.DateTime
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		end = time.TimeOnly
	}
	begin := time.DateTime
	if from.Format("-0700") != to.Format("-0700") { // the clock was set meanwhile
		begin, end = begin+" MST", time.DateTime
	}
	return from.Format(begin) + " to " + to.Format(end+" MST")
}

// percent is a share that says 100 % only if it is all, and 0 % only if it is nothing.
func percent(share float64) string {
	switch {
	case share >= 1:
		return "100 %"
	case share <= 0:
		return "0 %"
	}
	return fmt.Sprintf("%.1f %%", min(max(share*100, 0.1), 99.9))
}

// count is "1 session" or "1,234 sessions".
func count(n uint64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " " + noun
}

func verb(n uint64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
