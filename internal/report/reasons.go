package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// suspects counts connections that may be what was asked for, and names the first few.
type suspects struct {
	count      uint64
	who        []suspect
	unexpected bool // one of them is
}

// suspect is a process and where it connected to, as a person says it.
type suspect struct{ who, to string }

// maxSuspects is how many are named in a sentence.
const maxSuspects = 3

func (s *suspects) add(r *record.Record) {
	s.count++
	s.unexpected = s.unexpected || !r.Expected
	if len(s.who) == maxSuspects {
		return
	}
	parts := record.PartsOf(r)
	one := suspect{"an unknown process", strings.TrimPrefix(parts.Peer, "→ ")}
	if r.Process.Executable != "" || r.Process.Name != "" {
		one.who = parts.Program
		if parts.User != "" {
			one.who = parts.User + "'s " + parts.Program
		}
	}
	if !slices.Contains(s.who, one) {
		s.who = append(s.who, one)
	}
}

// words is "www-data's /tmp/x connected to 198.51.100.25:25 and 3 more connections", with did for the verb.
func (s *suspects) words(did, noun string) string {
	var list []string
	for _, one := range s.who {
		list = append(list, one.who+" "+did+" "+one.to)
	}
	words := strings.Join(list, ", ")
	if more := s.count - uint64(len(s.who)); more > 0 {
		words += ", and " + count(more, "more "+noun)
	}
	return words
}

func (a *Answer) connectUnexplained(*time.Location) (string, uint64) {
	var list []string
	n := a.unexplained.count
	if n > 0 {
		list = append(list, a.unexplained.words("connected to", "connection")+", and what "+verb(n, "it", "they")+" said is not known")
	}
	if a.Crowded {
		list = append(list, fmt.Sprintf("more than %s at once: not all of them were followed through the logs", count(maxPending, "connection")))
		n++
	}
	return strings.Join(list, "; "), n
}

func (a *Answer) sessionUnseen(*time.Location) (string, uint64) {
	s := &a.unseen
	return s.words("had a session with", "session") + ", and not all of what " + verb(s.count, "it", "they") + " said is known", s.count
}

func (a *Answer) sessionEncrypted(*time.Location) (string, uint64) {
	s, hint := &a.encrypted, ""
	if s.unexpected && a.Asked.ofHELO() {
		hint = " (if it is meant to send, --expect it from now on)"
	}
	return s.words("had an encrypted session with", "session") + hint, s.count
}

func (a *Answer) openBeforeStart(*time.Location) (string, uint64) {
	var list []string
	n := a.adopted.count
	if n > 0 {
		list = append(list, a.adopted.words("was connected before the start to", "connection")+", and what was said before is not known")
	}
	var other, omitted uint64
	untold, unknown := false, false
	for i := range a.Coverage {
		o := &a.Coverage[i].Older
		n, other, omitted = n+o.mail.count+o.omitted+o.other, other+o.other, omitted+o.omitted
		untold, unknown = untold || o.untold, unknown || o.unknown
		if o.mail.count > 0 {
			list = append(list, o.mail.words("was connected before the start to", "connection")+", and what was said is not known")
		}
	}
	if omitted > 0 {
		list = append(list, count(omitted, "more connection")+" to mail ports "+verb(omitted, "was", "were")+" open before the start")
	}
	if other > 0 {
		list = append(list, count(other, "connection")+" to other ports "+verb(other, "was", "were")+" open before the start, and what was said is not known")
	}
	if unknown {
		list, n = append(list, "not all connections from before the start are known"), n+1
	}
	if untold {
		list, n = append(list, "these logs do not say which connections were open before the start"), n+1
	}
	return strings.Join(list, "; "), n
}

func (a *Answer) forwardedNotWatched(*time.Location) (string, uint64) {
	var list []string
	for i := range a.Coverage {
		c := &a.Coverage[i]
		switch {
		case c.Forwarded == "":
		case c.Forwarded == "yes":
			list = append(list, c.name()+" forwards packets for others, and mail in them was not watched")
		default:
			list = append(list, "it is not known whether "+c.name()+" forwards packets for others, and mail in them was not watched")
		}
	}
	return strings.Join(list, "; "), uint64(len(list))
}

func (a *Answer) questionUnclear(*time.Location) (string, uint64) {
	var list []string
	if a.Asked.ofProgram() {
		list = append(list, "you asked about certain programs only, and this says nothing of others")
	}
	n := uint64(0)
	if a.alike.count > 0 {
		list, n = append(list, a.alike.words("had a session with", "session")+", which "+verb(a.alike.count, "fits", "fit")+
			" in all but what may have changed on the way, such as the recipient or the port"), a.alike.count-1
	}
	if c := a.Clues; c != nil {
		list = append(list, escaped(c.Doubts)...)
		if a.Asked.Window.From.IsZero() {
			list = append(list, "what you pasted gives no time: the mail may be older than these logs")
		}
		if c.Dated && c.When.Local {
			list = append(list, "the time of the mail has no zone")
		}
		if c.Foreign {
			list = append(list, "the address that the mail came from is not one of this host (if it is behind NAT, name that address with --own)")
		}
		if c.Own && !slices.ContainsFunc(a.Coverage, func(c Coverage) bool { return c.Host.ID == a.Asked.Home }) {
			list = append(list, "the mail came from an address of this host, and these are the logs of another: ask with those of this host")
		}
	}
	return strings.Join(list, "; "), n + uint64(len(list))
}

// escaped makes what somebody else wrote safe to show.
func escaped(list []string) (safe []string) {
	for _, one := range list {
		safe = append(safe, record.Escape(one, 300))
	}
	return safe
}

func (a *Answer) clockSet(in *time.Location) (string, uint64) {
	var list []string
	for i := range a.Coverage {
		c := &a.Coverage[i]
		for _, s := range c.Steps {
			list = append(list, fmt.Sprintf("the clock of %s was set by %s before %s, or it slept: earlier times may be wrong (a mail after that would be certain)",
				c.name(), s.By.Round(time.Second), s.Until.In(in).Format(time.DateTime+" MST")))
		}
	}
	return some(list), uint64(len(list))
}

func (a *Answer) filtered(*time.Location) (string, uint64) {
	var list []string
	for i := range a.Coverage {
		c := &a.Coverage[i]
		for _, f := range c.Filters {
			list = append(list, c.name()+": "+filterWords(&f))
		}
	}
	return some(list), uint64(len(list))
}

// filterWords say what a run left out.
func filterWords(f *record.Filters) string {
	var list []string
	if f.Narrow() {
		list = append(list, "the tracer watched "+f.Words())
	}
	if f.Connects == "none" {
		list = append(list, "connects were not recorded")
	}
	if lacking := lackingPorts(f); len(lacking) > 0 {
		list = append(list, fmt.Sprintf("%s %s not watched as mail ports", strings.Trim(fmt.Sprint(lacking), "[]"), verb(uint64(len(lacking)), "was", "were")))
	}
	return strings.Join(list, ", ")
}

func (a *Answer) notWatched(in *time.Location) (string, uint64) {
	if len(a.Coverage) == 0 {
		return "no run of smtptrace is in these logs", 1
	}
	var list []string
	for i := range a.Coverage {
		c := &a.Coverage[i]
		for _, g := range c.Gaps {
			if g.Why != Narrow {
				list = append(list, c.name()+": "+g.words(in))
			}
		}
	}
	if a.tooManyRuns {
		list = append(list, fmt.Sprintf("there are more than %s: some were left out", count(maxRuns, "run")))
	}
	return some(list), uint64(len(list))
}

func (a *Answer) lost(*time.Location) (string, uint64) {
	var sum record.Losses
	for i := range a.Coverage {
		sum.Add(&a.Coverage[i].Lost)
	}
	return "the tracer lost " + sum.Words(), sum.Total()
}

func (a *Answer) logTorn(*time.Location) (string, uint64) {
	var list []string
	n := a.Damage().Asked
	if n > 0 {
		list = append(list, unreadWords(n))
	}
	for i := range a.Logs {
		if l := &a.Logs[i]; l.Err != nil {
			list, n = append(list, record.Escape(l.Path+": "+l.note(), 200)), n+1
		}
	}
	return some(list), n
}

// unreadWords say how many lines may be records of the window.
func unreadWords(n uint64) string {
	return count(n, "line") + " of the logs, maybe of the window, could not be read"
}

// name is how a person calls the host.
func (c *Coverage) name() string { return cmp.Or(record.Escape(c.Host.Name, 80), "this host") }

// some joins the first few.
func some(list []string) string {
	const most = 3
	if len(list) > most {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(list, "; ")
}
