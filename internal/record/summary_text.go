package record

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxListed is how many programs are listed: the rest would push the worst off the screen.
const maxListed = 50

// Text is the answer, in lines for a person. now ends the time that was watched, unless a stop record
// came; times are shown in its location.
func (s *Summary) Text(now time.Time, color bool) string {
	if len(s.programs) == 0 {
		dst := append([]byte(nil), "Nothing that was watched sent mail"...)
		if s.tracer.Filters.Connects != "none" {
			dst = append(dst, " or tried to"...)
		}
		switch {
		case s.lost().Total() > 0:
			dst = append(dst, ", as far as was seen"...)
		case s.older:
			dst = append(dst, ", but on connections from before the start, which were not watched"...)
		}
		dst = append(dst, ": "...)
		return string(append(s.appendCoverage(dst, now), '\n'))
	}
	dst := s.AppendPrograms(append([]byte(nil), "Who sent mail or tried to, the worst first:\n\n"...), now.Location(), color)
	dst = append(dst, "\nWatched "...)
	return string(append(s.appendCoverage(dst, now), '\n'))
}

// AppendPrograms appends the programs, the worst first, some lines each; times are shown in the location.
func (s *Summary) AppendPrograms(dst []byte, in *time.Location, color bool) []byte {
	others := s.others
	for i, p := range s.ranked() {
		if i >= maxListed {
			others.add(&p.tally)
			continue
		}
		dst = p.appendHeading(dst, i+1, color)
		dst = p.appendDeeds(dst, in)
		dst = p.appendTraits(dst, in)
	}
	if others != (tally{}) {
		dst = append(dst, "    other programs: "...)
		dst = append(others.appendSums(dst), '\n')
	}
	return dst
}

// appendHeading appends " 1. DIRECT-MX unexpected  pid 4242 /usr/bin/perl (as httpd) /tmp/dm.cgi  www-data  apache2.service".
func (p *program) appendHeading(dst []byte, n int, color bool) []byte {
	if n < 10 {
		dst = append(dst, ' ')
	}
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, ". "...)
	as := Record{Event: Event{Action: ActionSession}, Verdict: p.verdict, Expected: p.expected}
	if color {
		dst = append(dst, as.color()...)
	}
	dst = appendHeadline(dst, &as)
	if color {
		dst = append(dst, colorReset...)
	}
	dst = append(dst, "  "...)
	dst = appendPID(dst, p.who.Process.PID)
	dst = appendProgram(dst, &p.who.Process)
	if p.who.User.Name != "" || p.who.User.ID != "" {
		dst = append(dst, "  "...)
		dst = appendUser(dst, &p.who.User)
	}
	if place := appendPlace(nil, p.key.Unit, &p.who.Container); len(place) > 0 {
		dst = append(append(dst, "  "...), place...)
	}
	return append(dst, '\n')
}

// appendDeeds appends "    3 sessions, 3 messages, 9 recipients; 2 destinations; 2026-11-21 14:31:07 to 14:35:12; HELO a b".
func (p *program) appendDeeds(dst []byte, in *time.Location) []byte {
	dst = append(dst, "    "...)
	dst = p.appendSums(dst)
	dst = p.appendKinds(dst)
	dst = append(dst, "; "...)
	if p.beyond {
		dst = append(dst, "more than "...)
	}
	dst = appendCount(dst, uint64(len(p.destinations)), "destination")
	dst = p.appendDestinations(dst)
	dst = append(dst, "; "...)
	dst = appendSpan(dst, p.first.In(in), p.last.In(in))
	if len(p.helos) > 0 {
		dst = append(dst, "; HELO"...)
	}
	for _, name := range p.helos {
		dst = append(dst, ' ')
		dst = appendToken(dst, name, maxName)
	}
	if p.moreHELOs {
		dst = append(dst, " and more"...)
	}
	return append(dst, '\n')
}

// appendDestinations appends " (192.0.2.1:25, 198.51.100.25:25, …)".
func (p *program) appendDestinations(dst []byte) []byte {
	const most = 3
	for i, d := range slices.SortedFunc(maps.Keys(p.destinations), netip.AddrPort.Compare) {
		if i == most {
			dst = append(dst, ", …"...)
			break
		}
		dst = append(dst, []string{" (", ", "}[min(i, 1)]...)
		dst = appendAddress(dst, &Endpoint{IP: d.Addr(), Port: d.Port()})
	}
	if len(p.destinations) > 0 {
		dst = append(dst, ')')
	}
	return dst
}

// appendTraits appends a line each of flags, of who started it, and of what to look at next.
func (p *program) appendTraits(dst []byte, in *time.Location) []byte {
	line := func(name, text string) {
		if text != "" {
			dst = append(append(append(append(dst, "    "...), name...), text...), '\n')
		}
	}
	line("flags: ", Escape(strings.Join(p.flags, " "), maxList))
	line("started by: ", Escape(strings.Join(p.who.Process.Ancestors, ", "), maxPath))
	for _, words := range p.scene(in).next() {
		line("next: ", words)
	}
	return dst
}

func (t *tally) appendSums(dst []byte) []byte {
	start := len(dst)
	count := func(n uint64, noun string) {
		if len(dst) > start {
			dst = append(dst, ", "...)
		}
		dst = appendCount(dst, n, noun)
	}
	if t.sessions > 0 || t.messages > 0 {
		count(t.sessions, "session")
		count(t.messages, "message")
		count(t.recipients, "recipient")
	}
	if t.hidden > 0 {
		count(t.hidden, "session")
		dst = append(dst, " under TLS"...)
	}
	if t.attempts > 0 {
		count(t.attempts, "failed connect")
	}
	if t.unwatched > 0 {
		count(t.unwatched, "connection")
		dst = append(append(dst, ' '), Unwatched.words()...)
	}
	if t.untold > 0 {
		count(t.untold, "connection")
		dst = append(dst, " on which it is not known what was said"...)
	}
	return dst
}

// appendKinds appends " (2 direct-mx, 1 local, 4 refused)", where that says more than the heading.
func (p *program) appendKinds(dst []byte) []byte {
	start := len(dst)
	number := func(n uint64) {
		if len(dst) == start {
			dst = append(dst, " ("...)
		} else {
			dst = append(dst, ", "...)
		}
		dst = strconv.AppendUint(dst, n, 10)
		dst = append(dst, ' ')
	}
	for i, v := range severity {
		if n := p.verdicts[i]; n > 0 && (n < p.sessions || v != p.verdict) {
			number(n)
			dst = appendLabel(dst, v)
		}
	}
	for i, reason := range failures {
		if n := p.reasons[i]; n > 0 {
			number(n)
			dst = append(dst, reason.words()...)
		}
	}
	if len(dst) > start {
		dst = append(dst, ')')
	}
	return dst
}

// appendCoverage appends "web1 (kernel 6.1.0) from … to … (1h0m0s); connect by …; lost nothing".
func (s *Summary) appendCoverage(dst []byte, now time.Time) []byte {
	until := s.until
	if until.IsZero() {
		until = now
	}
	dst = appendHost(dst, &s.host)
	dst = appendFilters(dst, &s.tracer.Filters)
	if !s.since.IsZero() {
		since, until := s.since.In(now.Location()), until.In(now.Location())
		if s.tracer.Filters.Narrow() {
			dst = append(dst, ',')
		}
		dst = append(dst, " from "...)
		dst = appendSpan(dst, since, until)
		dst = until.AppendFormat(dst, " MST (")
		dst = append(dst, until.Sub(since).Round(time.Second).String()...)
		dst = append(dst, ')')
	}
	dst = appendHooks(dst, s.tracer.Hooks)
	dst = appendSmarthosts(dst, s.smarthosts)
	dst = append(dst, "; lost "...)
	return appendLosses(dst, s.lost())
}

// appendSpan appends "2026-11-21 14:31:07 to 14:35:12", with the second date where it is another.
func appendSpan(dst []byte, from, to time.Time) []byte {
	dst = from.AppendFormat(dst, time.DateTime)
	dst = append(dst, " to "...)
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return to.AppendFormat(dst, time.TimeOnly)
	}
	return to.AppendFormat(dst, time.DateTime)
}
