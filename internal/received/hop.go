package received

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// hop is one Received header: what a server wrote of whoever handed it a mail.
type hop struct {
	helo  string     // what the client called itself; "" if that is not certain
	rdns  string     // what the server found for its address; "" if it says nothing or is not certain
	addr  netip.Addr // of the client
	port  uint16     // likewise
	style style
	verb  string // HELO or EHLO, where the server says so beside the name
	by    string // the server
	with  string // the protocol, as written
	id    string // its queue id
	rcpt  string // "for"
	when  Moment
	dated bool
	local bool     // it was handed in on the server itself, not by SMTP
	from  HandedIn // by whom, as far as the server says

	unclear bool // it has a HELO name that cannot be read for certain
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
	saidHELO = lazy(`(?i)(?:^|[\s"(])(helo|ehlo)[ =]"?([^\s()"]+)`)
	literal  = lazy(`\[(?i:ipv6:)?([0-9A-Fa-f.:]+)(?:%[^\]]*)?\](?::(\d{1,5})\b)?`)
	byPart   = lazy(`(?i)(?:^|\s)by\s+([^\s();]+)`)
	withPart = lazy(`(?i)\swith\s+(Microsoft SMTP Server|Microsoft SMTPSVC|mapi id|[^\s();]+)`)
	forPart  = lazy(`(?i)\sfor\s+<?([^\s<>;()]+@[^\s<>;()]+)>?`)
	idPart   = lazy(`(?i)\sid\s+<?([^\s<>;()]+)`)
	portSaid = lazy(`(?i)(?:^|[\s(])port[= ](\d{1,5})\b`)
	byUID    = lazy(`(?i)(?:from userid|invoked by uid|\(uid) (\d{1,10})\b`)
	byLogin  = lazy(`(?i)\b(?:authenticated (?:sender|user|id):?|auth: \S+|smtp-auth:|\(account|authenticated bits=\d+ user=)\s*<?([^\s<>(),]+)`)
	fromUser = lazy(`(?i)^\(from ([^\s@()]+)@`) // Sendmail's submission
)

// parseHop reads the value of a Received header. ok is false if it tells nothing of how the mail came to the server.
func parseHop(value string, now time.Time) (h hop, ok bool) {
	value = strings.TrimSpace(spaces.ReplaceAllString(value[:min(len(value), maxHeader)], " "))
	h.unclear = strings.Contains(strings.ToLower(value), "received:") // two of them, which lost their line ends
	value = h.date(value, now)
	name, comments, rest := fromPart(value)
	find := func(in *pattern, text string) string {
		if m := in.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	h.by, h.with, h.id, h.rcpt = find(byPart, rest), find(withPart, rest), find(idPart, rest), find(forPart, rest)
	if h.account(value); name == "" && len(comments) == 0 && h.by == "" {
		return h, false
	}
	smtp := h.bySMTP()
	lower := h.with != "" && h.with == strings.ToLower(h.with)
	switch {
	case h.from.UID != nil, strings.HasPrefix(strings.ToLower(h.with), "local"), strings.Contains(value, "[local]"),
		strings.HasPrefix(value, "(nullmailer"), strings.Contains(value, "Submit)"), strings.HasPrefix(strings.ToLower(value), "from mail pickup service"):
		h.local = true
		user := find(fromUser, value)
		if user == "" && strings.HasPrefix(strings.ToLower(h.with), "local") || strings.Contains(value, "(uid ") {
			user = name
		}
		if user != "" && !strings.Contains(user, ".") {
			h.from.User = user
		}
		return h, h.by != "" || h.dated
	case name == "" && len(comments) == 0:
		return h, h.by != "" && h.dated // a bounce that was made there
	}
	// Exim alone writes the protocol in lower case; its name may be left out.
	h.client(name, comments, smtp && lower || strings.Contains(rest, "(Exim"))
	if strings.Contains(name, " ") || strings.Contains(h.helo, "?") || strings.HasPrefix(value[min(len(value), 5):], "<") && h.helo == name {
		h.unclear = true // a server that writes so changed the name
	}
	if h.unclear {
		h.helo = ""
	}
	if !smtp { // the name is what the server knows of the client
		if h.rdns == "" && domainOf(name) != "" {
			h.rdns = name
		}
		h.helo = ""
	}
	if h.addr.IsValid() {
		h.from.Client = h.addr.String()
	}
	return h, true
}

// date reads the date, which is behind the last semicolon (RFC 5322 section 3.6.7), and returns what is in front of it.
// Some servers add a comment with semicolons, or leave the semicolon out.
func (h *hop) date(value string, now time.Time) string {
	end := len(value)
	for range 4 {
		i := strings.LastIndexByte(value[:end], ';')
		if i < 0 {
			break
		}
		if m, err := readTime(value[i+1:], now); err == nil {
			h.when, h.dated = m, true
			return value[:i]
		}
		end = i
	}
	tail := max(0, len(value)-200)
	for _, at := range findDates(value[tail:]) {
		if m, err := readTime(value[tail+at[0]:tail+at[1]], now); err == nil {
			h.when, h.dated = m, true
			return value[:tail+at[0]]
		}
	}
	return value[:end]
}

// account finds who handed a mail in, where the server says so: a user's number (Postfix, qmail, dma), or the account
// that logged in.
func (h *hop) account(value string) {
	if m := byUID.FindStringSubmatch(value); m != nil {
		if n, err := strconv.ParseUint(m[1], 10, 32); err == nil {
			uid := uint32(n)
			h.from.UID = &uid
		}
	}
	if m := byLogin.FindStringSubmatch(value); m != nil && !strings.EqualFold(m[1], "none") && m[1] != "bits=0" {
		h.from.Account = strings.TrimRight(m[1], ".:")
	}
}

// fromPart reads "from NAME [IP] (comment) (comment)", and returns what is behind it. A comment is without its
// parentheses.
func fromPart(value string) (name string, comments []string, rest string) {
	if rest = value; len(value) > 5 && strings.EqualFold(value[:5], "from ") {
		rest = strings.TrimLeft(value[5:], " ")
		if !strings.HasPrefix(rest, "(") {
			end := strings.IndexAny(rest, " ()")
			if end < 0 {
				end = len(rest)
			}
			name, rest = strings.Trim(rest[:end], `<>,"`), rest[end:]
			if m := literal.FindStringSubmatch(name); m != nil && m[2] != "" { // from [IP]:port
				comments = append(comments, "port="+m[2])
			}
		}
	} else if !strings.HasPrefix(value, "(") {
		return "", nil, " " + value
	}
	for len(comments) < 10 {
		next := strings.TrimLeft(rest, " ")
		switch {
		case strings.HasPrefix(next, "("):
			end := closing(next)
			comments = append(comments, strings.TrimSpace(next[1:end]))
			rest = next[min(end+1, len(next)):]
		case strings.HasPrefix(next, "["): // from HELO [IP]
			end := strings.IndexByte(next, ']')
			if end < 0 {
				return name, comments, " " + next
			}
			comments, rest = append(comments, next[:end+1]), next[end+1:]
			if m := literal.FindStringSubmatch(next); m != nil && m[2] != "" {
				comments[len(comments)-1] += ":" + m[2]
				rest = next[len(m[0]):]
			}
		default:
			// A name with blanks: my host (unknown [192.0.2.1])
			if more, behind, is := strings.Cut(next, "("); is && name != "" && len(comments) == 0 && !partBegins.MatchString(" "+more) {
				name, rest = name+" "+strings.TrimSpace(more), "("+behind
				continue
			}
			return name, comments, " " + next
		}
	}
	return name, comments, rest
}

// closing is where the parenthesis that a text begins with is closed; its end if it is not.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// client reads "from NAME (comment) (comment)".
func (h *hop) client(name string, comments []string, exim bool) {
	var bare, plain bool // a comment holds the address and nothing else; without brackets
	for _, text := range comments {
		if m := portSaid.FindStringSubmatch(text); m != nil {
			h.port = portOf(m[1])
		}
		if m := saidHELO.FindStringSubmatch(text); m != nil && h.helo == "" {
			h.helo, h.style = m[2], heloInside
			h.unclear = h.unclear || goesBehind(text, m[0])
			if m[1] == strings.ToUpper(m[1]) { // Exim's helo= stands for either
				h.verb = m[1]
			}
		}
		if h.addr.IsValid() {
			continue
		}
		rest := strings.TrimSpace(saidHELO.ReplaceAllString(text, " ")) // an address may be the HELO name, too
		rdns, addr, port := clientAddr(rest)
		if !addr.IsValid() {
			continue
		}
		if h.addr = addr; port != 0 {
			h.port = port
		}
		if bare = rdns == ""; bare {
			plain = rest[0] != '['
		} else if !strings.Contains(rdns, "=") {
			h.rdns = strings.TrimSuffix(rdns, ".")
		}
	}
	_, own, _ := clientAddr(name)
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
	case bare && exim && name != "":
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

func portOf(digits string) uint16 {
	n, _ := strconv.ParseUint(digits, 10, 16)
	return uint16(n)
}
