package received

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// hops takes the Received header that was written about this host: by another server, about an address or name that
// is ours, or about the address that the report itself names. What this host wrote itself says who handed the mail in.
// ok is false where none of them says anything of this host.
func (r *reader) hops(hops []hop, named netip.Addr) (ok bool) {
	i, why := r.about(hops, named)
	if i < 0 {
		return r.handIn(hops) || r.within(hops)
	}
	h, c := &hops[i], r.c
	if len(hops) > 1 {
		c.say("of %d Received headers, number %d from the top is about the host that sent it: %s", len(hops), i+1, why)
	}
	if h.by != "" {
		c.say("`%s` wrote it, by its own clock", h.by)
	}
	for _, words := range []string{h.explainName(), h.explainWith()} {
		if words != "" {
			c.say("%s", words)
		}
	}
	if !Public(h.addr) && !r.host.added(h.addr) {
		c.doubt("no Received header in what you pasted is about an address of this host: ask the reporter for all headers of the mail")
	}
	if above, ok := r.stranger(hops[:i], h); !ok {
		client := "a client without an address"
		if above.IsValid() {
			client = above.String()
		}
		c.doubt("a Received header above that one is about %s, and not about the server that wrote the one below: that may be forged (if it is this host, say so with --own)", client)
	}
	if slices.ContainsFunc(hops, func(other hop) bool { return other.addr == h.addr && h.addr.IsValid() && apart(&other, h) }) {
		c.doubt(onlyFirst)
	}
	if h.unclear {
		c.doubt("the name in HELO cannot be read for certain in that header")
	}
	c.HELO, c.Addr, c.Port = h.helo, h.addr, h.port
	if c.sawBy = h.by; c.Rcpt == "" {
		c.Rcpt = h.rcpt
	}
	if h.dated {
		c.When, c.Dated = h.when, true
	}
	r.handIn(hops[i+1:])
	return true
}

// about finds that header, and says why it is the one; -1 if that is not certain.
func (r *reader) about(hops []hop, named netip.Addr) (int, string) {
	first := func(ok func(h *hop) bool) int {
		return slices.IndexFunc(hops, func(h hop) bool {
			return !h.local && !r.host.named(h.by) && (h.addr.IsValid() || h.helo != "") && ok(&h)
		})
	}
	if i := first(func(h *hop) bool { return r.host.ours(h.addr) }); i >= 0 {
		return r.ofOurs(hops, i), "it has an address of this host"
	}
	if i := first(func(h *hop) bool { return named.IsValid() && h.addr == named }); i >= 0 {
		return i, "it has the address that the report names"
	}
	if i := first(func(h *hop) bool { return r.host.named(h.rdns) || r.host.named(h.helo) }); i >= 0 && !named.IsValid() {
		return i, "it has the name of this host"
	}
	if i := slices.IndexFunc(hops, func(h hop) bool { return r.host.named(h.by) }); i > 0 && !named.IsValid() && !r.host.named(hops[i-1].by) {
		return i - 1, "the server above this host wrote it"
	}
	if named.IsValid() {
		return -1, ""
	}
	// A header that one of a domain wrote about another of the same says how that domain handed it on.
	var crossing []int
	for i := range hops {
		h := &hops[i]
		if Public(h.addr) && !h.local && !r.host.named(h.by) && (len(hops) == 1 || !sameDomain(h)) {
			crossing = append(crossing, i)
		}
	}
	apart := slices.ContainsFunc(crossing, func(i int) bool { return hops[i].addr != hops[crossing[0]].addr })
	if i := slices.IndexFunc(crossing, func(i int) bool { return hops[i].helo != "" }); i >= 0 && !apart {
		return crossing[i], "it alone is about a host of others, and has its HELO name"
	}
	if domain := domainOf(r.reporter); len(crossing) > 1 && domain != "" {
		of := slices.DeleteFunc(slices.Clone(crossing), func(i int) bool { return domainOf(hops[i].by) != domain })
		if len(of) == 1 {
			return of[0], "the server that wrote the bounce wrote it"
		}
	}
	switch {
	case len(crossing) == 1:
		return crossing[0], "it alone is about a host of others"
	case len(hops) == 1 && !hops[0].local && !r.host.named(hops[0].by) && (hops[0].helo != "" || hops[0].addr.IsValid()) && !internal(&hops[0]):
		return 0, "it is the only one"
	case len(crossing) > 1:
		r.several(hops, crossing)
	}
	return -1, ""
}

// ofOurs chooses among headers with an address of this host, of which i is the first. A proxy shows the address of its
// client on, but says HELO with its own name, which is what the header below was written by.
func (r *reader) ofOurs(hops []hop, i int) int {
	passedOn := func(k int) bool {
		return slices.ContainsFunc(hops[k:], func(h hop) bool { return h.by != "" && strings.EqualFold(h.by, hops[k].helo) })
	}
	at, names := -1, []string{}
	for k := i; k < len(hops); k++ {
		h := &hops[k]
		if h.local || !r.host.ours(h.addr) || r.host.named(h.by) {
			continue
		}
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, h.helo) }) {
			names = append(names, h.helo)
		}
		if at < 0 && !passedOn(k) {
			at = k
		}
	}
	if len(names) > 1 {
		r.c.doubt("several Received headers have an address of this host, with different names in HELO: one of them may be changed or forged")
	}
	return max(i, at)
}

// stranger looks for a header above h whose client is not the server that wrote the header below it, and returns that
// client's address: everything below may be forged, because a client chooses its HELO name and the headers that it
// hands on. Only a name in DNS identifies a server. ok is true if every header above is explained.
func (r *reader) stranger(above []hop, h *hop) (_ netip.Addr, ok bool) {
	wrote := h.by
	for _, up := range slices.Backward(above) {
		rdns := operator(up.rdns)
		within := rdns != "" && rdns == operator(up.by) && (Public(up.addr) || operator(up.helo) == rdns) // else a gateway
		handedOn := rdns != "" && (strings.EqualFold(up.rdns, wrote) || rdns == operator(wrote) && !numbered.MatchString(up.rdns))
		switch {
		case up.addr.IsLoopback(), up.from.UID != nil, !up.addr.IsValid() && !up.local && (!up.bySMTP() || up.helo == ""):
		case up.addr.IsValid() && (within || handedOn):
		case r.host.ours(up.addr) && !apart(&up, h):
		default:
			return up.addr, false
		}
		wrote = up.by
	}
	return netip.Addr{}, true
}

// numbered matches a name that a provider makes from a customer's address.
var numbered = lazy(`\d+[.-]\d+[.-]\d+[.-]\d+`)

// apart is true if two headers are too far apart in time to be of the same mail.
func apart(a, b *hop) bool {
	return a.dated && b.dated && a.when.Time.Sub(b.when.Time).Abs() > beside
}

// sameDomain says whether client and server are in one domain.
func sameDomain(h *hop) bool {
	by := operator(h.by)
	return by != "" && (operator(h.rdns) == by || h.rdns == "" && operator(h.helo) == by)
}

// sisters are domains of one operator, whose servers hand mail on to each other.
var sisters = map[string]string{
	"exchangelabs.com": "outlook.com", "hotmail.com": "outlook.com", "microsoft.com": "outlook.com", "googlemail.com": "google.com", "gmail.com": "google.com",
	"yahoodns.net": "yahoo.com", "aol.com": "yahoo.com", "web.de": "gmx.net", "gmx.de": "gmx.net", "gmx.com": "gmx.net", "yandex.net": "yandex.ru", "yandex.com": "yandex.ru",
}

// operator is the domain of a name, or that of its operator.
func operator(name string) string {
	domain := domainOf(name)
	if sister, known := sisters[domain]; known {
		return sister
	}
	return domain
}

// internal says whether a header is about a hop inside somebody's system.
func internal(h *hop) bool {
	if strings.Contains(strings.ToUpper(h.with), "LMTP") || h.addr.IsLoopback() || !h.addr.IsValid() && sameDomain(h) {
		return true
	}
	return h.addr.IsValid() && !Public(h.addr) && (!h.bySMTP() || strings.EqualFold(h.by, h.helo) || h.addr.IsLinkLocalUnicast() || sameDomain(h))
}

// several is for headers that may each be about this host: only their times are used.
func (r *reader) several(hops []hop, which []int) {
	c := r.c
	for _, i := range which {
		if h := &hops[i]; h.dated {
			r.widen(h.when)
		}
	}
	c.say("%d of the Received headers are about hosts of others, and none of them has an address or name of this host: name it with --own", len(which))
	c.doubt("which of the Received headers is about this host is not certain (name its address with --own)")
}

// widen makes the time one that may be another, too.
func (r *reader) widen(m Moment) {
	c := r.c
	if !c.Dated {
		c.When, c.Dated = m, true
		return
	}
	from, to, _ := c.Span()
	local := c.When.Local || m.Local
	c.When, c.Until = widened(c.When, from, to, m)
	c.When.Local = local
}

// widened is the time of an interval, and the interval's end, that holds another time, too.
func widened(when Moment, from, to time.Time, m Moment) (Moment, time.Time) {
	if start := m.Time.Add(-m.Margin); start.Before(from) {
		from = start
	}
	if end := m.End().Add(m.Margin); end.After(to) {
		to = end
	}
	if m.Time.Before(when.Time) {
		when = m
	}
	if from.Before(when.Time.Add(-when.Margin)) {
		when.Time, when.Margin = from, 0
	}
	return when, to
}

// handIn takes of the headers that this host wrote who handed the mail in, from the one that was written first.
func (r *reader) handIn(hops []hop) bool {
	c, at := r.c, -1
	for i := range hops {
		h := &hops[i]
		if r.wrote(h) {
			if at = i; h.local || !r.host.ours(h.addr) && Public(h.addr) || h.from.Account != "" {
				break
			}
		} else if at >= 0 {
			break
		}
	}
	if at < 0 {
		return false
	}
	h := &hops[at]
	r.bornHere(h)
	if c.sawBy != "" { // a header about this host says more
		return true
	}
	if c.Rcpt == "" {
		c.Rcpt = h.rcpt
	}
	if h.dated && !c.Dated {
		c.When, c.Dated = h.when, true
	}
	where := "`" + h.by + "` is this host"
	if !r.host.named(h.by) {
		where = "`" + h.by + "` is taken to be this host"
		if h.by == "" {
			where = "the server that wrote the header is taken to be this host"
		}
		c.doubt("whether `%s` is this host is not certain (name it with --own)", h.by)
	}
	c.say("%s: the header tells who handed the mail in%s and when, not how it was sent on", where, whom(h))
	c.doubt("what you pasted says when the mail was handed to this host's mail server: it may have been sent on later, as the server's own log says")
	return true
}

// wrote says whether this host wrote a header. Below the header about this host, one of another name may be forged.
func (r *reader) wrote(h *hop) bool {
	return r.host.named(h.by) || h.local && (r.c.sawBy == "" || h.by == "" || strings.EqualFold(h.by, r.c.HELO))
}

// whom names who handed a mail in.
func whom(h *hop) string {
	var list []string
	if h.from.User != "" {
		list = append(list, "the user `"+h.from.User+"`")
	}
	if h.from.UID != nil {
		list = append(list, fmt.Sprintf("uid %d", *h.from.UID))
	}
	if h.from.Account != "" {
		list = append(list, "the account `"+h.from.Account+"`")
	}
	if h.addr.IsValid() {
		list = append(list, "`"+strings.TrimSpace(h.helo+" "+h.addr.String())+"`")
	}
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// within takes the time alone of headers that say nothing of a client outside.
func (r *reader) within(hops []hop) bool {
	c := r.c
	for i := range hops {
		if h := &hops[i]; h.dated && !c.Dated {
			c.When, c.Dated = h.when, true
			c.say("the Received header of `%s` is about a hop inside its own system, not about this host: only its time is used", h.by)
			c.doubt("no Received header in what you pasted is about this host: ask the reporter for all headers of the mail")
		}
	}
	return len(hops) > 0 && c.Dated
}
