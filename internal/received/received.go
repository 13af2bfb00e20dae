// Package received reads what others say of a mail that left this host: bounces, abuse reports, notices, headers, logs.
package received

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
)

// MaxInput is how many octets are read. A report has a few kilobytes; what is larger is cut.
const MaxInput = 4 << 20

// Clues are what was found. All texts are as somebody else wrote them: escape them before they are shown. A field
// that is not certain is empty, and Words and Doubts say why.
type Clues struct {
	Kind   string   // what the text was taken for: a bounce of another's server, …
	Words  []string // what was understood, a sentence each, lower case, without full stop
	Doubts []string // why an answer to this clears nobody, likewise

	When   Moment
	Dated  bool          // there is a time
	Until  time.Time     // the latest that it can have been; zero: When alone counts
	Before time.Duration // it may have been that much earlier
	Bound  time.Time     // without a time: it was before this

	HELO     string
	Other    []string     // further names that it may have been: a text may name one to show how it should be
	Addr     netip.Addr   // this host, as the other side saw it
	Port     uint16       // likewise: the source port
	To       []netip.Addr // the servers that it may have gone to
	Rcpt     string
	Reply    string // what the server answered
	QueueID  string // of this host's mail server
	HandedIn HandedIn

	Foreign bool // Addr is not an address of this host
	Own     bool // Addr is one of this host, and no loopback address

	logged bool // the text is this host's own log: a time without a zone is local
	sawBy  string
}

// HandedIn is who gave the mail to this host's mail server.
type HandedIn struct {
	User    string  `json:"user,omitempty"`
	UID     *uint32 `json:"uid,omitempty"`
	Client  string  `json:"client,omitempty"` // the address of an SMTP client
	Account string  `json:"account,omitempty"`
	Script  string  `json:"script,omitempty"`
}

// Found says whether anything was found that a log can be searched for.
func (c *Clues) Found() bool {
	return c.Dated || c.HELO != "" || len(c.To) > 0
}

// Sure says whether To is what this host's own mail server said: nothing is translated between.
func (c *Clues) Sure() bool { return c.Kind == kindOwnBounce || c.Kind == kindLog }

// empty says whether nothing at all was understood.
func (c *Clues) empty() bool {
	return !c.Found() && !c.Addr.IsValid() && c.Rcpt == "" && c.HandedIn == (HandedIn{}) && c.QueueID == "" && c.Bound.IsZero()
}

// Read reads at most 4 MiB of what was pasted on a host. An error says that nothing was understood.
func Read(r io.Reader, now time.Time, host Host) (*Clues, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxInput))
	if err != nil {
		return nil, fmt.Errorf("read what was received: %w", err)
	}
	text := plain(raw)
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("read what was received: it is empty")
	}
	mails := splitMbox(text)
	c, at := &Clues{}, 0
	for i, one := range mails {
		if next := readOne(one, now, &host); i == 0 || next.weight() > c.weight() {
			c, at = next, i
		}
	}
	if c.empty() {
		return nil, fmt.Errorf("read what was received: it names neither a time nor a HELO name")
	}
	if len(mails) > 1 {
		c.say("%d mails are in it, and number %d was read: the first that tells most of this host", len(mails), at+1)
		c.doubt("what you pasted has %d mails, and only one of them was searched for: paste the others alone", len(mails))
	}
	c.finish(&host)
	return c, nil
}

// readOne reads a mail or any other text.
func readOne(text string, now time.Time, host *Host) *Clues {
	r := &reader{now: now, host: host, c: &Clues{}}
	text = dequote(text)
	if objects, ok := xarfJSON(text); ok {
		r.xarf(objects, "it is JSON with the fields of X-ARF")
	} else if l, ok := openLetter(text); ok {
		r.letter(l)
		if text += "\n" + l.words.String(); l.second {
			r.c.doubt(onlyFirst)
		}
	} else {
		r.text(text)
	}
	r.otherTimes(text)
	return r.c
}

// otherTimes adds a doubt if the text has a time that was not searched for, since that may be the mail's. Times in the
// header fields of a mail do not count: hops compares those with each other.
func (r *reader) otherTimes(text string) {
	c := r.c
	if !c.Dated || len(c.Doubts) > 0 || c.Kind == kindBounce || c.Kind == kindOwnBounce {
		return
	}
	var rest strings.Builder
	skip := false
	for line := range strings.Lines(text[:min(len(text), maxLook)]) {
		bare := strings.TrimLeft(line, "> \t")
		if folded := line != "" && (line[0] == ' ' || line[0] == '\t'); !folded || !skip {
			name, _, found := strings.Cut(bare, ":")
			skip = found && headerOf[strings.ToLower(name)]
		}
		if !skip && rest.Len() < maxWords {
			rest.WriteString(line)
		}
	}
	from, to, _ := c.Span()
	flat := rest.String()
	found := findDates(flat)
	other := hasMoreDates(flat, found)
	for _, at := range found {
		m, err := readTime(strings.Trim(flat[at[0]:at[1]], " ,.;()"), r.now)
		other = other || err != nil || m.Time.Before(from.Add(-beside)) || m.Time.After(to.Add(beside)) && m.Time.Before(r.now)
	}
	if other {
		c.doubt("what you pasted has another time than the one that was searched for, and that may be the mail's (--at asks for it)")
	}
}

// beside is how far apart two times of one mail are.
const beside = 15 * time.Minute

// headerOf are the fields of a mail's header that have a time.
var headerOf = map[string]bool{"received": true, "date": true, "x-received": true, "delivery-date": true, "resent-date": true, "dkim-signature": true, "arc-seal": true}

// reader is one text that is being read.
type reader struct {
	now  time.Time
	host *Host
	c    *Clues

	reporter string // the server that wrote a bounce; "" if that is not known
}

// is names what the text was taken for, and why.
func (c *Clues) is(kind, why string) {
	c.Kind = kind
	c.say("taken for this kind because %s", why)
}

func (c *Clues) say(format string, args ...any) {
	if len(c.Words) < 50 {
		c.Words = append(c.Words, fmt.Sprintf(format, args...))
	}
}

// doubt says what keeps an answer from being certain.
func (c *Clues) doubt(format string, args ...any) {
	if len(c.Doubts) < 10 {
		c.Doubts = append(c.Doubts, fmt.Sprintf(format, args...))
	}
}

// weight says how much was found: more if it is about this host.
func (c *Clues) weight() (n int) {
	for _, has := range []bool{c.Dated, c.HELO != "", c.Addr.IsValid(), len(c.To) > 0, c.HandedIn != HandedIn{}} {
		if has {
			n++
		}
	}
	if c.Own {
		n += 10
	}
	return n
}

// Span is the earliest and the latest moment that it may have been. exact is true where that is an instant and its
// margin; both times are zero where there is no time.
func (c *Clues) Span() (from, to time.Time, exact bool) {
	if !c.Dated {
		return from, to, false
	}
	m := &c.When
	from, to = m.Time.Add(-m.Margin-c.Before), m.End().Add(m.Margin)
	if c.Until.After(to) {
		to = c.Until
	}
	return from, to, c.Until.IsZero() && c.Before == 0 && !m.Day && m.Later.IsZero()
}

// MarshalJSON writes the object received of a report.
func (c *Clues) MarshalJSON() ([]byte, error) {
	j := struct {
		Kind        string     `json:"kind"`
		Understood  []string   `json:"understood"`
		Time        *time.Time `json:"time,omitempty"`
		Until       *time.Time `json:"until,omitempty"`
		Uncertainty int64      `json:"uncertainty,omitempty"` // seconds
		HELO        string     `json:"helo,omitempty"`
		IP          string     `json:"ip,omitempty"`
		Port        uint16     `json:"port,omitempty"`
		Destination string     `json:"destination,omitempty"`
		Recipient   string     `json:"recipient,omitempty"`
		Reply       string     `json:"reply,omitempty"`
		QueueID     string     `json:"queue_id,omitempty"`
		HandedIn    *HandedIn  `json:"handed_in,omitempty"`
	}{
		Kind: c.Kind, Understood: append([]string{}, c.Words...),
		HELO: c.HELO, Port: c.Port, Recipient: c.Rcpt, Reply: c.Reply, QueueID: c.QueueID,
	}
	if len(c.Other) > 0 {
		j.HELO = "" // it may be another
	}
	if from, to, exact := c.Span(); c.Dated {
		at := c.When.Time.UTC()
		if j.Time, j.Uncertainty = &at, int64(c.When.Margin/time.Second); !exact {
			from, to = from.UTC(), to.UTC()
			j.Time, j.Until, j.Uncertainty = &from, &to, 0
		}
	}
	if c.Addr.IsValid() {
		j.IP = c.Addr.String()
	}
	if len(c.To) == 1 {
		j.Destination = c.To[0].String()
	}
	if c.HandedIn != (HandedIn{}) {
		j.HandedIn = &c.HandedIn
	}
	return json.Marshal(j)
}
