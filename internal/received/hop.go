package received

import (
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// hop is one Received header: what a server wrote of the client that handed it a mail.
type hop struct {
	helo  string     // what the client called itself; "" if that is not certain
	rdns  string     // what the server found for its address; "" if it says nothing or is not certain
	addr  netip.Addr // of the client
	style style
	verb  string // HELO or EHLO, where the server says so beside the name
	by    string // the server
	with  string // the protocol, as written
	rcpt  string // "for"
	when  Moment
	dated bool
}

// style is how a server writes down what it knows of the client.
type style int

// The styles.
const (
	heloFirst  style = iota // from HELO (RDNS [IP]): Postfix, Sendmail, Gmail
	plainFirst              // from HELO (IP): Exchange, and qmail where the rDNS is the same
	bareFirst               // from HELO ([IP]): as above, where the server found no name
	eximNamed               // from RDNS ([IP]), by Exim: HELO was the same
	heloInside              // from RDNS (HELO name) (IP): qmail, Yahoo, IronPort; from RDNS ([IP] helo=name): Exim
	addrOnly                // from [IP]
)

var (
	fold     = regexp.MustCompile(`\r?\n[ \t]+`)
	fromPart = regexp.MustCompile(`(?i)^\s*from\s+([^\s()]+)\s*((?:\[[^\s\[\]]*\]\s*)?(?:\((?:[^()]|\([^()]*\))*\)\s*)*)`)
	parens   = regexp.MustCompile(`\(((?:[^()]|\([^()]*\))*)\)`)
	said     = regexp.MustCompile(`(?i)(?:^|\s)(helo|ehlo)[ =]([^\s()]+)`)
	literal  = regexp.MustCompile(`\[(?i:ipv6:)?([0-9A-Fa-f.:]+)(?:%[^\]]*)?\](?::\d+)?`)
	byPart   = regexp.MustCompile(`(?i)\sby\s+([^\s();]+)`)
	withPart = regexp.MustCompile(`(?i)\swith\s+(Microsoft SMTP Server|[^\s();]+)`)
	forPart  = regexp.MustCompile(`(?i)\sfor\s+<?([^\s<>;()]+@[^\s<>;()]+)>?`)
)

// maxHeader bounds a header, in bytes.
const maxHeader = 16 << 10

// parseHop reads the value of a Received header. ok is false if it tells nothing of a client.
func parseHop(value string, now time.Time) (h hop, ok bool) {
	value = strings.TrimSpace(fold.ReplaceAllString(value[:min(len(value), maxHeader)], " "))
	if i := strings.LastIndexByte(value, ';'); i >= 0 {
		if m, err := ParseTime(value[i+1:], now); err == nil {
			h.when, h.dated = m, true
		}
		value = value[:i]
	}
	from := fromPart.FindStringSubmatch(value)
	if from == nil {
		return h, false
	}
	rest := " " + value[len(from[0]):]
	find := func(in *regexp.Regexp) string {
		if m := in.FindStringSubmatch(rest); m != nil {
			return m[1]
		}
		return ""
	}
	h.by, h.with, h.rcpt = find(byPart), find(withPart), find(forPart)
	// Exim alone writes the protocol in lower case; its name may be left out.
	exim := strings.Contains(rest, "(Exim") || h.with != "" && h.with == strings.ToLower(h.with)
	h.client(from[1], from[2], exim)
	return h, true
}

// client reads "from NAME (comment) (comment)".
func (h *hop) client(name, comments string, exim bool) {
	var bare, plain bool                                  // a comment holds the address and nothing else; without brackets
	if rest, ok := strings.CutPrefix(comments, "["); ok { // from HELO [IP]
		inside, behind, _ := strings.Cut(rest, "]")
		comments = "([" + inside + "])" + behind
	}
	for _, c := range parens.FindAllStringSubmatch(comments, -1) {
		text := strings.TrimSpace(c[1])
		if m := said.FindStringSubmatch(text); m != nil && h.helo == "" {
			h.helo, h.style = m[2], heloInside
			if m[1] == strings.ToUpper(m[1]) { // Exim's helo= stands for either
				h.verb = m[1]
			}
		}
		if h.addr.IsValid() {
			continue
		}
		rest := strings.TrimSpace(said.ReplaceAllString(text, " ")) // an address may be the HELO name, too
		if a, at := findAddr(rest); a.IsValid() {
			h.addr = a
			text = rest
			before, _, _ := strings.Cut(strings.TrimSpace(text[:at]), " ")
			bare = at == 0
			plain = bare && rest[0] != '['
			if !strings.Contains(before, "=") && before != "" {
				h.rdns = strings.TrimSuffix(before, ".")
			}
		}
	}
	own, _ := findAddr(name)
	switch {
	case h.helo != "":
		h.rdns = name
		if own.IsValid() {
			h.rdns = ""
			if !h.addr.IsValid() {
				h.addr = own
			}
		}
	case !h.addr.IsValid() && own.IsValid():
		h.addr, h.style = own, addrOnly
	case !h.addr.IsValid():
		h.helo = name // who it was is not said, what it called itself mostly is
	case bare && exim:
		h.helo, h.rdns, h.style = name, name, eximNamed
	case plain && strings.EqualFold(name, "unknown"): // qmail: no rDNS, and no HELO that differs from none
		h.style = addrOnly
	case plain:
		h.helo, h.style = name, plainFirst
	case bare:
		h.helo, h.style = name, bareFirst
	default:
		h.helo = name
	}
	if strings.EqualFold(h.rdns, "unknown") {
		h.rdns = ""
	}
}

// findAddr finds the address in a comment, and where it begins: [192.0.2.1], [IPv6:2001:db8::1], or
// bare, with a port behind it or the name of a user in front (user@192.0.2.1: qmail after AUTH).
func findAddr(text string) (netip.Addr, int) {
	if at := literal.FindStringSubmatchIndex(text); at != nil {
		if a, err := netip.ParseAddr(text[at[2]:at[3]]); err == nil {
			return a.Unmap(), at[0]
		}
	}
	word, _, _ := strings.Cut(text, " ")
	word = strings.TrimRight(word[strings.LastIndexByte(word, '@')+1:], ",")
	a, err := netip.ParseAddr(word)
	if with, withPort := netip.ParseAddrPort(word); withPort == nil {
		a, err = with.Addr(), nil
	}
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, 0
	}
	return a.Unmap(), 0
}
