package received

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The kinds of texts.
const (
	kindOwnBounce = "a bounce that this host's own mail server wrote"
	kindBounce    = "a bounce of another's server"
	kindARF       = "an abuse report (ARF)"
	kindXARF      = "an abuse report (X-ARF)"
	kindNotice    = "a notice or report in plain words"
	kindBlocklist = "a blocklist's page"
	kindMail      = "a mail"
	kindLog       = "lines of this host's own mail log"
	kindOtherLog  = "lines of another server's log"
)

// letter reads a mail by its kind.
func (r *reader) letter(l *letter) {
	words := l.words.String()
	if l.broken != "" {
		r.c.say("the mail is damaged: %s", l.broken)
	}
	if inner, ok := openLetter(l.inner); ok && !l.arf && !l.dsn && (inner.arf || inner.dsn || inner.xarfed) {
		r.c.say("the report is attached to a mail that passed it on")
		r.letter(inner)
		return
	}
	loose := looseFields(words)
	if len(l.reports) == 0 && len(loose) > 0 {
		l.reports = append(l.reports, loose)
	}
	switch {
	case l.arf || l.field("feedback-type") != "":
		why := "it has the fields of a feedback report"
		if l.field("feedback-type", "source-ip", "user-agent") == "" {
			why = "its type says so, but its fields are missing"
		}
		r.arf(l, why)
	case l.xarfed || l.field("schema-url", "reported-from") != "":
		r.xarf(append(l.xarf, l.reports...), "it has the fields of X-ARF")
		r.c.more(r, l)
	case l.dsn || l.field("reporting-mta", "final-recipient") != "":
		r.bounce(l, "it has the fields of a delivery status")
	case isBounce(l.head, words):
		r.bounce(l, "its sender and words are those of a bounce")
	default:
		r.mail(l, words)
	}
}

func flat(groups []fields) (all fields) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// more takes what the words and the attached mail of a report say beside its fields.
func (c *Clues) more(r *reader, l *letter) {
	r.quoted(l.source(), c.Addr)
	if !c.Dated && c.HELO == "" {
		r.words(l.words.String(), true)
	}
}

// source is where the header of the mail that a letter is about stands.
func (l *letter) source() string {
	if l.inner != "" {
		return l.inner
	}
	return l.words.String()
}

// quoted reads the header of the mail that a report is about.
func (r *reader) quoted(text string, named netip.Addr) bool {
	hops := findHops(text, r.now)
	r.script(text)
	return len(hops) > 0 && r.hops(hops, named)
}

// received are the Received headers of a mail itself.
func (l *letter) received(r *reader) (hops []hop) {
	for _, f := range l.head {
		if f.name == "received" && len(hops) < maxHops {
			if h, ok := parseHop(f.value, r.now); ok {
				hops = append(hops, h)
			}
		}
	}
	return hops
}

// date is when a mail says that it was written.
func (r *reader) date(f fields) (m Moment, ok bool) {
	m, err := readTime(f.get("date"), r.now)
	return m, err == nil
}

// mail reads a mail that is no report by its form: the unwanted mail itself, or a notice that somebody wrote. How a
// notice came here says nothing of the mail that it is about.
func (r *reader) mail(l *letter, words string) {
	c, head := r.c, l.received(r)
	itself := slices.ContainsFunc(head, func(h hop) bool {
		return !h.local && !r.host.named(h.by) && (r.host.ours(h.addr) || r.host.named(h.helo) || r.host.named(h.rdns))
	})
	if n := len(head); n > 0 && head[n-1].local {
		itself = itself || n == 1 || r.host.named(head[n-1].by)
	}
	inner := findHops(l.source(), r.now)
	if itself {
		c.is(kindMail, "its own header says that it came from this host")
		r.script(l.headText())
		r.hops(head, netip.Addr{})
		if len(inner) > 0 || l.inner != "" || complains.MatchString(l.head.get("subject")+"\n"+cut(words)) {
			c.doubt("the mail came from this host, but may be a report that was passed on: paste its text alone")
		}
		if len(inner) > 0 {
			c.say("there is a Received header in its text, too: paste that alone if it is meant")
		}
		return
	}
	if l.inner != "" || len(inner) > 0 {
		c.is(kindNotice, "it quotes the header of another mail")
		if r.quoted(l.source(), r.namedIn(l.head.get("subject")+"\n"+words, inner)) && (c.HELO != "" || c.Addr.IsValid()) {
			return
		}
	}
	if r.logLines(words) {
		return
	}
	came := len(head) > 0 && r.host.near(head[0].by)
	facts := readWords(words, r.now, r.host)
	if facts.searchable(r.host) || came || len(head) == 0 || complains.MatchString(l.head.get("subject")+"\n"+cut(words)) {
		if c.Kind == "" {
			c.is(kindNotice, "its own header is about how it came here, so only its words count")
		}
		if !lists.MatchString(cut(words)) {
			r.ofMail(l.head.get("subject") + "\n" + words)
		}
		r.take(facts)
		if at, ok := r.date(l.head); ok && !c.Dated {
			c.Bound = at.Time
		}
		return
	}
	c.is(kindMail, "nothing in its words is about another mail")
	r.script(l.headText())
	r.hops(head, netip.Addr{})
}

// namedIn is the address that a text names in front of the header that it quotes, if a header of it is about that; not
// valid where it names none, or several.
func (r *reader) namedIn(text string, hops []hop) netip.Addr {
	if at := strings.Index(text, "eceived:"); at >= 0 {
		text = text[:at]
	}
	var f facts
	f.addresses(cut(text), r.host)
	if slices.ContainsFunc(hops, func(h hop) bool { return f.addr.IsValid() && h.addr == f.addr }) {
		return f.addr
	}
	return netip.Addr{}
}

// complains are words of notices: who has them does not paste the unwanted mail itself.
var complains = lazy(`(?i)\b(?:abuse|complaint|blocklist|blacklist|listed|spamtrap|beschwerde|gesperrt|spam (?:from|aus|von)|closed its port|port 25)\b`)

// headText is the header of a mail as text.
func (l *letter) headText() string {
	var b strings.Builder
	for _, f := range l.head {
		fmt.Fprintf(&b, "%s: %s\n", f.name, f.value)
	}
	return b.String()
}

// text reads what is no mail.
func (r *reader) text(text string) {
	c := r.c
	if isHTML.MatchString(text) {
		text = plainText(text)
	}
	text = bare(text)
	if r.logLines(text) {
		return
	}
	loose := looseFields(text)
	l := &letter{reports: []fields{loose}}
	l.words.WriteString(text)
	switch {
	case loose.get("feedback-type") != "" || loose.get("source-ip") != "" && loose.get("arrival-date") != "":
		r.arf(l, "it has the fields of a feedback report")
		return
	case loose.get("reported-from") != "" || loose.get("schema-url") != "":
		r.xarf([]fields{loose}, "it has the fields of X-ARF")
		c.more(r, l)
		return
	case loose.get("reporting-mta") != "" || loose.get("final-recipient") != "":
		r.bounce(l, "it has the fields of a delivery status")
		return
	case isBounce(nil, text):
		r.bounce(l, "its words are those of a bounce")
		return
	}
	hops := findHops(text, r.now)
	if len(hops) == 0 {
		r.words(text, false)
		return
	}
	kind := "a Received header"
	if len(hops) > 1 {
		kind = fmt.Sprintf("%d Received headers", len(hops))
	}
	c.is(kind, "it has "+map[bool]string{true: "its form", false: "their form"}[len(hops) == 1])
	r.script(text)
	r.hops(hops, r.namedIn(text, hops))
	if !c.Dated && c.HELO == "" {
		r.take(readWords(text, r.now, r.host))
	}
}
