package received

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// words reads a text by its plain words alone.
func (r *reader) words(text string, within bool) {
	f := readWords(text, r.now, r.host)
	if !within {
		kind, why := kindNotice, "it has no form that is known, so its words count"
		if lists.MatchString(cut(text)) {
			kind, why = kindBlocklist, "it says of an address that it is or was listed, or seen"
		}
		r.c.is(kind, why)
	}
	if !lists.MatchString(cut(text)) {
		r.ofMail(text)
	}
	r.take(f)
}

// ofMail doubts a report that has no word of mail.
func (r *reader) ofMail(text string) {
	if !ofMail.MatchString(cut(text)) || notMail.MatchString(cut(text)) {
		r.c.doubt("it does not say that it is about mail: other traffic is not what was searched for")
	}
}

var (
	ofMail  = lazy(`(?i)mail|spam|smtp|\b(?:HELO|EHLO)|HELO|messag|phish|bounce|trap|port 25\b|почт|рассыл|пошт|メール|邮件|correo|courriel|E-Post|\bpost(?:fix|master)|\bMX\b`)
	notMail = lazy(`(?i)\bssh|brute.?force|port.?scan|\bd?dos\b|ddos|login.?attack|\bsql|web.?attack|scanning|\brdp\b|\btelnet`)
)

// take takes from plain words what is not known by then.
func (r *reader) take(f facts) {
	c := r.c
	if !f.exact && (c.HELO == "" && len(f.helos) > 0 || !c.Dated && f.dated) {
		c.doubt("what time and name it tells of was read from plain words, which may mean another: ask the reporter for a header, or say --at and --helo yourself")
	}
	if c.HELO == "" && len(f.helos) > 0 {
		c.HELO, c.Other = f.helos[0], f.helos[1:]
		words := fmt.Sprintf("the host was seen with the HELO name `%s`", c.HELO)
		for _, other := range c.Other {
			words += fmt.Sprintf(", or `%s`", other)
		}
		c.say("%s", words)
	}
	if !c.Dated && f.dated {
		c.When, c.Dated, c.Before, c.Until = f.when, true, f.before, f.span
		switch {
		case f.times > 0 && !f.span.IsZero():
			c.say("it has %d more times, and does not say which of them is that of the mail: it may be any of them (--at chooses one)", f.times)
		case f.times > 0:
			c.say("it has %d more times like the first, which was taken (--at chooses another)", f.times)
			c.doubt(onlyFirst)
		}
		if f.aside > 0 {
			c.say("it has %d times: the words beside this one say that it is that of the mail (--at chooses another)", f.aside+1+f.times)
		}
		if !f.marked {
			c.doubt("the text does not say that this is when the mail was sent (--at says when)")
		}
		if f.unread {
			c.doubt("the text has more times than the one that was taken, and one of those may be that of the mail (--at chooses one)")
		}
		if f.before > 0 {
			c.say("it says that the mail may have left up to %s before", hours(f.before))
		}
	}
	if !c.Dated && !f.bound.IsZero() {
		c.Bound = f.bound
		c.say("the only times in it are those of reporting, listing or removal, so the mail was before %s", f.bound.UTC().Format(sayLayout))
	}
	if !c.Addr.IsValid() {
		c.Addr = f.addr
	}
	if c.Port == 0 {
		c.Port = f.port
	}
	if len(c.To) == 0 {
		c.To = f.to
	}
	for _, words := range f.unsure {
		c.say("%s", words)
		c.doubt("%s", words)
	}
}

// onlyFirst is why a text that tells of several mails clears nobody.
const onlyFirst = "what you pasted tells of several times, and only one was searched for (--at asks for another)"

// sayLayout is how a time is told in a sentence.
const sayLayout = "2006-01-02 15:04:05 -0700"

// hours says a duration without what is zero.
func hours(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	words := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if short, is := strings.CutSuffix(words, zero); is {
			words = short + zero[:1]
		}
	}
	return words
}

// finish says what was found, and what is missing.
func (c *Clues) finish(h *Host) {
	c.assume()
	c.doubtNames()
	if _, off := c.When.Time.Zone(); c.Dated && c.sawBy == "" && !c.logged && (c.When.Time.Unix()+int64(off))%86400 == 0 {
		c.doubt("midnight may stand for the whole day: ask the reporter for the time of day")
	}
	c.sayWhen()
	c.sayAddr(h)
	switch {
	case c.Rcpt != "" && c.HELO != "":
		c.say("it was for `%s`: --rcpt narrows to that", c.Rcpt)
	case c.Rcpt != "":
		c.say("it was for `%s`", c.Rcpt)
	}
	switch len(c.To) {
	case 0:
	case 1:
		c.say("it went to %s", c.To[0])
	default:
		c.say("it went to one of %d servers", len(c.To))
	}
	if c.Reply != "" {
		c.say("the server answered `%s`", c.Reply)
	}
	if c.QueueID != "" {
		c.say("this host's mail server had it as `%s`: look for that in its log", c.QueueID)
	}
	c.missing()
	for _, doubt := range c.Doubts {
		if !slices.Contains(c.Words, doubt) && doubt != sentItself {
			c.say("%s", doubt)
		}
	}
}

// plainHELO matches an unchanged domain or address literal, as a client says it (RFC 5321 section 4.1.1.1).
var plainHELO = lazy(`^(?:[\w-]+(?:\.[\w-]+)*\.?|\[(?:IPv6:)?[0-9A-Fa-f.:]+\]|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)$`)

// hiddenHELO matches a name that was made unreadable, or turned into a link. In a header, any other characters may be
// what the client said.
var hiddenHELO = lazy(defanged + `|<|…|\*\*|%[0-9A-Fa-f]{2}`)

// noHELO matches words that stand for a missing name.
var noHELO = lazy(`(?i)^(?:` + noWords + `|source|nil|na|mismatch|redacted|hidden|local|\d{1,4})$`)

// doubtNames removes names that no client says in HELO, and doubts a name without a dot in a report, which may be any
// word.
func (c *Clues) doubtNames() {
	all := append([]string{c.HELO}, c.Other...)
	c.HELO, c.Other = "", nil
	for _, name := range all {
		if name == "" {
			continue
		}
		certain := !noHELO.MatchString(name) && !hiddenHELO.MatchString(name) && (c.sawBy != "" && name[0] != '[' || plainHELO.MatchString(name))
		if !certain || c.sawBy == "" && !strings.ContainsAny(name, ".:") {
			c.doubt("whether `%s` is the name that the host gave in HELO is not certain: ask the reporter for the line itself", bounded(name))
		}
		switch {
		case !certain:
		case c.HELO == "":
			c.HELO = name
		default:
			c.Other = append(c.Other, name)
		}
	}
}

// missing says what cannot be searched for, and what to ask the reporter for.
func (c *Clues) missing() {
	switch {
	case !c.Found():
		c.doubt("what you pasted names no time, no HELO name and no destination: ask the reporter for the Received header, " +
			"or for the time with its zone and the name in HELO")
	case !c.Dated:
		c.say("no time was found: ask the reporter when it was, with the zone")
	case c.HELO == "" && len(c.To) == 0 && c.HandedIn == (HandedIn{}):
		c.say("no HELO name and no destination was found, so every session of that time matches: ask the reporter for the Received header")
	}
}

// assume widens a time that somebody else wrote without its zone: it may be that of any place.
func (c *Clues) assume() {
	if !c.Dated || !c.When.Local || c.logged {
		return
	}
	_, east := c.When.Time.Zone()
	off := time.Duration(east) * time.Second
	c.When.Margin += max(widest-off, off+12*time.Hour)
}

func (c *Clues) sayWhen() {
	if !c.Dated {
		return
	}
	at := c.When.Time
	words := at.Format(sayLayout)
	if utc := at.UTC(); at.Format("-0700") != "+0000" {
		words += utc.Format(", which is 2006-01-02 15:04:05 UTC")
	}
	if c.When.Margin > 0 {
		words += fmt.Sprintf(", give or take %s", hours(c.When.Margin))
	}
	switch {
	case c.When.Vague != "":
		words += fmt.Sprintf(" (the zone `%s` is not known or may be one of several, so that UTC is assumed, and any other allowed for)", c.When.Vague)
	case c.When.Local && c.logged:
		words += fmt.Sprintf(" (this host's own log gives no zone: %s is assumed)", at.Format("-07:00"))
	case c.When.Local:
		words += fmt.Sprintf(" (no zone was given: %s is assumed, and any other allowed for)", at.Format("-07:00"))
	}
	if !c.When.Later.IsZero() {
		words += c.When.Later.Format(", or 15:04:05 -0700: the clock was set back that night")
	}
	if from, to, exact := c.Span(); !exact && !c.When.Day {
		words += fmt.Sprintf("; it may have been from %s to %s", from.UTC().Format(time.DateTime), to.UTC().Format(time.DateTime+" UTC"))
	}
	c.say("the time is %s", words)
}

func (c *Clues) sayAddr(h *Host) {
	switch a := c.Addr; {
	case !a.IsValid():
	case h.Local != nil && h.Local(a):
		c.say("it came from %s, an address of this host", a)
		if c.Own = Public(a) || h.added(a); !c.Own {
			c.doubt("%s is an address that many hosts have: ask the reporter for the public one that the mail came from", a)
		}
	case slices.Contains(h.Logged, a):
		c.say("it came from %s, an address that sessions in these logs came from", a)
	case slices.Contains(h.Told, a):
		c.say("it came from %s, as servers call this host in their answers", a)
		if slices.ContainsFunc(h.Told, func(b netip.Addr) bool { return b != a && b.Is4() == a.Is4() }) {
			c.doubt("servers called this host by several addresses: whether %s is one of them is not certain (name it with --own)", a)
		}
	case h.added(a):
		c.Own = true
		c.say("it came from %s, an address of this host, as --own says", a)
	case h.Local == nil && len(h.Own) == 0:
		c.say("it came from %s", a)
	default:
		c.Foreign = true
		c.say("it came from %s, which is not an address of this host: it may be behind NAT, or the log of another host; if it is ours, say so with --own %s", a, a)
	}
}
