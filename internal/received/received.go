// Package received reads what others say of a mail that came from here: a Received header, a bounce, an
// abuse report, a blocklist's page. It finds when it was and how the client introduced itself.
package received

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Clues are what was found. All texts are as somebody else wrote them: escape them before they are
// shown.
type Clues struct {
	Kind    string // a Received header, a bounce, …
	When    Moment
	Dated   bool // there is a time
	HELO    string
	Other   []string   // further names that it may have been: a text may name one to show how it should be
	Addr    netip.Addr // where the mail came from
	Rcpt    string
	Foreign bool     // that is not an address of this host
	Own     bool     // that is one of this host, and no loopback address
	Words   []string // what was understood, a sentence each, lower case, without full stop

	here string // the name of this host, with its domain where that is known
	ours bool   // the header is one that this host wrote
}

// Read reads at most 4 MiB of what was pasted. own says whether an address is one of this host's;
// nil: not known. here is this host's name, with its domain where that is known; "": not known. An error says that
// nothing was found to look for.
func Read(r io.Reader, now time.Time, own func(netip.Addr) bool, here string) (*Clues, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxInput))
	if err != nil {
		return nil, fmt.Errorf("read what was received: %w", err)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, fmt.Errorf("read what was received: it is empty")
	}
	mails := splitMbox(raw)
	c, at := &Clues{}, 0
	for i, one := range mails {
		if next := readOne(one, now, own, here); i == 0 || next.weight(own) > c.weight(own) {
			c, at = next, i
		}
	}
	if !c.Dated && c.HELO == "" {
		return nil, fmt.Errorf("read what was received: it names neither a time nor a HELO name")
	}
	if len(mails) > 1 {
		c.Words = slices.Insert(c.Words, 0, fmt.Sprintf("of %d mails, number %d was read: the first that tells most of this host", len(mails), at+1))
	}
	c.sayWhen()
	c.sayAddr(own)
	if c.Rcpt != "" {
		c.say("it was for `%s`: --rcpt narrows to that", c.Rcpt)
	}
	return c, nil
}

// readOne reads a mail, or what is none.
func readOne(raw []byte, now time.Time, own func(netip.Addr) bool, here string) *Clues {
	c := &Clues{here: here}
	if l, ok := openLetter(raw); ok {
		c.letter(l, now, own)
	} else {
		c.text(string(raw), now, own)
	}
	return c
}

// weight says how much was found: more if it is of this host.
func (c *Clues) weight(own func(netip.Addr) bool) (n int) {
	for _, has := range []bool{c.Dated, c.HELO != "", c.Addr.IsValid()} {
		if has {
			n++
		}
	}
	if own != nil && public(c.Addr) && own(c.Addr) {
		n += 10
	}
	return n
}

func (c *Clues) say(format string, args ...any) {
	c.Words = append(c.Words, fmt.Sprintf(format, args...))
}

// letter looks first into the mail that this one is about. One that came from this host itself is about itself:
// what is in its text was made by whoever sent it.
func (c *Clues) letter(l *letter, now time.Time, own func(netip.Addr) bool) {
	c.Kind = l.kind
	head, quoted := findHops(l.head, now), findHops(l.inner.String(), now)
	if len(quoted) == 0 {
		quoted = findHops(l.words.String(), now)
	}
	itself := own != nil && slices.ContainsFunc(head, func(h hop) bool { return public(h.addr) && own(h.addr) && !c.isHere(h.by) })
	switch {
	case itself:
		c.hop(head, own)
		if len(quoted) > 0 {
			c.say("it came from this host; there is a Received header in its text, too: paste that alone if it is meant")
		}
	case len(quoted) > 0:
		c.hop(quoted, own)
	case len(l.report) == 0:
		said := findListing(l.words.String(), now)
		if said.dated && (len(said.helos) > 0 || own != nil && said.addr.IsValid() && own(said.addr)) {
			c.listing(said)
			return
		}
		c.hop(head, own)
	}
	if a, _ := findAddr(l.field("Source-Ip")); a.IsValid() && !c.Addr.IsValid() {
		c.Addr = a
	}
	for _, field := range []string{"Arrival-Date", "Received-Date"} {
		m, err := ParseTime(l.field(field), now)
		if err == nil && !c.Dated {
			c.When, c.Dated = m, true
			c.say("the time is that of its field %s", field)
		}
	}
	_, failed, _ := strings.Cut(l.field("Final-Recipient"), ";") // rfc822; user@example.net
	for _, rcpt := range []string{l.field("Original-Rcpt-To"), failed} {
		if rcpt = strings.Trim(rcpt, "<> "); c.Rcpt == "" && strings.Contains(rcpt, "@") {
			c.Rcpt = rcpt
		}
	}
	if !c.Dated || c.HELO == "" && !c.ours {
		c.listing(findListing(l.words.String(), now))
	}
}

// text reads what is no mail.
func (c *Clues) text(text string, now time.Time, own func(netip.Addr) bool) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	if isHTML.MatchString(text) {
		text = plainText(text)
	}
	if hops := findHops(text, now); len(hops) > 0 {
		c.Kind = "a Received header"
		if len(hops) > 1 {
			c.Kind = fmt.Sprintf("%d Received headers", len(hops))
		}
		c.hop(hops, own)
		if c.Dated || c.HELO != "" {
			return
		}
	}
	c.Kind = "a text, such as a blocklist's page"
	c.listing(findListing(text, now))
}

// hop takes the Received header that was written of this host: the one with its address, else the
// uppermost with a public one, else the uppermost. What this host wrote itself is of who handed the mail in.
func (c *Clues) hop(hops []hop, own func(netip.Addr) bool) {
	first := func(ok func(h *hop) bool) int {
		return slices.IndexFunc(hops, func(h hop) bool { return !c.isHere(h.by) && ok(&h) })
	}
	i := -1
	if own != nil {
		i = first(func(h *hop) bool { return public(h.addr) && own(h.addr) })
	}
	if i < 0 {
		i = first(func(h *hop) bool { return public(h.addr) })
	}
	if i < 0 {
		i = first(func(*hop) bool { return true })
	}
	if i < 0 {
		if len(hops) > 0 {
			c.handedIn(&hops[0])
		}
		return
	}
	h := &hops[i]
	if len(hops) > 1 {
		c.say("of %d Received headers, number %d from the top is about the host that sent it", len(hops), i+1)
	}
	if h.by != "" {
		c.say("`%s` wrote it, by its own clock", h.by)
	}
	for _, words := range []string{h.explainName(), h.explainWith()} {
		if words != "" {
			c.say("%s", words)
		}
	}
	c.When, c.Dated, c.HELO, c.Addr, c.Rcpt = h.when, h.dated, h.helo, h.addr, h.rcpt
}

// isHere says whether a server's name is that of this host, in full or without its domain. Where the domain is
// not known, mail.example.net is not taken for the host "mail": that is what the servers of others are called, too.
func (c *Clues) isHere(by string) bool {
	by, here := strings.ToLower(by), strings.ToLower(c.here)
	short, _, _ := strings.Cut(here, ".")
	return by != "" && by != "localhost" && (by == here || by == short)
}

// handedIn takes of a header that this host wrote when the mail came here: it went on soon. How the host
// introduced itself then is not in it.
func (c *Clues) handedIn(h *hop) {
	c.When, c.Dated, c.Rcpt, c.ours = h.when, h.dated, h.rcpt, true
	from := h.helo
	if h.addr.IsValid() {
		from = strings.TrimSpace(from + " " + h.addr.String())
	}
	c.say("`%s` is this host: the header tells who handed the mail in (`%s`) and when, not how it was sent on", h.by, from)
}

func (c *Clues) listing(l listing) {
	if c.HELO == "" && len(l.helos) > 0 {
		c.HELO, c.Other = l.helos[0], l.helos[1:]
		words := fmt.Sprintf("the host was seen with the HELO name `%s`", c.HELO)
		for _, other := range c.Other {
			words += fmt.Sprintf(", or `%s`", other)
		}
		c.say("%s", words)
	}
	if !c.Dated && l.dated {
		c.When, c.Dated = l.when, true
		if l.times > 1 {
			c.say("it has %d times, of which the one that is most like that of the last mail was taken: --at chooses another", l.times)
		}
	}
	if !c.Addr.IsValid() {
		c.Addr = l.addr
	}
}

func (c *Clues) sayWhen() {
	if !c.Dated {
		c.say("no time was found")
		return
	}
	words := c.When.Time.Format("2006-01-02 15:04:05 -0700")
	if utc := c.When.Time.UTC(); c.When.Time.Format("-0700") != "+0000" {
		words += utc.Format(", which is 2006-01-02 15:04:05 UTC")
	}
	if c.When.Margin > 0 {
		words += fmt.Sprintf(", give or take %s", c.When.Margin)
	}
	if c.When.Local {
		words += fmt.Sprintf(" (no zone was given: %s is assumed)", c.When.Time.Format("-07:00"))
	}
	if !c.When.Later.IsZero() {
		words += c.When.Later.Format(", or 15:04:05 -0700: the clock was set back that night")
	}
	c.say("the time is %s", words)
}

func (c *Clues) sayAddr(own func(netip.Addr) bool) {
	switch {
	case !c.Addr.IsValid():
	case own == nil:
		c.say("it came from %s", c.Addr)
	case own(c.Addr):
		c.Own = c.Addr.IsGlobalUnicast()
		c.say("it came from %s, an address of this host", c.Addr)
	default:
		c.Foreign = true
		c.say("it came from %s, which is not an address of this host: it may be behind NAT, or the log of another host", c.Addr)
	}
}
