package received

import (
	"net/netip"
	"slices"
	"strings"
)

// refused are the words with which mail servers name the server that did not take a mail, with its address: Postfix
// ("host NAME[IP] said:"), Exim ("host NAME [IP]"), qmail ("IP does not like recipient", "Connected to IP but"), dma
// ("NAME [IP] did not like our RCPT"), Gmail ("by NAME. [IP]"), GMX ("host: NAME (IP)"), and log lines ("relay=NAME[IP]:25").
var refused = []*pattern{
	lazy(`(?i)(?:host|server|connect to|lost connection with|conversation with|rechner|serveur|servidor|сервер|вузол|ホスト):?\s+([A-Za-z0-9_][\w.-]{0,250}\.?)\s?[\[(]` + ipWord + `[\])]`),
	bounceLine,
	lazy(`(?i)\bby ([A-Za-z0-9][\w.-]{0,250}\.?) \[` + ipWord + `\]\.`),
	lazy(`(?im)()\b` + ipWord + `(?:_| )(?:does not like|does_not_like|failed after|failed_after)`),
	lazy(`(?i)()connected[_ ]to[_ ]` + ipWord + `[_ ]but`),
	lazy(`(?i)([A-Za-z0-9][\w.-]{0,250}\.?) \[` + ipWord + `\] (?:did not like|said:|failed|refused)`),
}

// bounceLine is Postfix's line of a recipient in any language: <ADDRESS>: host NAME[IP] said:
var bounceLine = lazy(`(?m)^\s*<[^<>\s]{1,64}@[^<>\s]{1,255}>:\s[^\n\[]{0,40}?([A-Za-z0-9_][\w.-]{0,250}\.?)\s?[\[(]` + ipWord + `[\])]`)

// dsnServer is the address in a Remote-MTA field that has one.
var dsnServer = lazy(`[\[(]` + ipWord + `[\])]|;\s*` + ipWord + `\s*$`)

// refusal takes from a bounce of this host where the mail went to, and what was answered. Where the answer names this
// host's own address, as servers do that refuse it, that is taken, too.
func (r *reader) refusal(l *letter, words string) {
	c := r.c
	c.Reply = diagnostic(l, words)
	for _, a := range Told(c.Reply) {
		if !c.Addr.IsValid() && !r.isServer(words, a) {
			c.Addr, r.host.Told = a, append(slices.Clip(r.host.Told), a)
			c.say("the other side saw this host at %s, as its answer says", a)
		}
	}
	for _, f := range l.reports {
		if m := dsnServer.FindStringSubmatch(f.get("remote-mta")); m != nil {
			r.to(m[1] + m[2])
		}
	}
	if len(c.To) > 0 {
		return
	}
	words = l.field("diagnostic-code") + "\n" + cut(words)
	for _, form := range refused {
		for _, m := range form.FindAllStringSubmatch(words, 20) {
			if !strings.EqualFold(m[1], "client") {
				r.to(m[2])
			}
		}
		if len(c.To) > 0 {
			return
		}
	}
}

// isServer says whether a bounce names an address as the server that it talked to.
func (r *reader) isServer(words string, a netip.Addr) bool {
	return slices.ContainsFunc(refused[0].FindAllStringSubmatch(cut(words), 20), func(m []string) bool {
		return m[2] == a.String() && !strings.EqualFold(m[1], "client")
	})
}

// to adds an address that the mail may have gone to.
func (r *reader) to(said string) {
	c := r.c
	a, err := netip.ParseAddr(said)
	if a = a.Unmap(); err == nil && a.IsGlobalUnicast() && !r.host.ours(a) && a != c.Addr && !slices.Contains(c.To, a) && len(c.To) < 20 {
		c.To = append(c.To, a)
	}
}

var (
	saidReply  = lazy(`(?is)(?:\bsaid|refused to talk to me|answered|returned|response was|server returned|antwortete|reason|\][^\n:]{0,30}|@[\w.-]{1,250}):?\s+["']?([245]\d\d[ -][^\n]{0,400}(?:\n[ \t]+[^\n]{1,200}){0,5})`)
	lineReply  = lazy(`(?m)^[ \t>#<]*(?:\(reason: )?([45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3} )?\S[^\n]{2,400})`)
	attachment = lazy(`(?i)\s*["']?\s*\(in reply to .*$`)
)

// diagnostic is what the server answered, as a bounce quotes it; "" if that is not certain.
func diagnostic(l *letter, words string) string {
	if _, said, is := strings.Cut(l.field("diagnostic-code"), ";"); is && strings.Contains(strings.ToLower(l.field("diagnostic-code")), "smtp") {
		return bounded(strings.TrimSpace(said))
	}
	for _, form := range []*pattern{saidReply, lineReply} {
		if m := form.FindStringSubmatch(cut(words)); m != nil {
			said := spaces.ReplaceAllString(m[1], " ")
			if short, is := strings.CutSuffix(said, ")"); is && !strings.Contains(short, "(") { // (reason: 550 …)
				said = short
			}
			return bounded(strings.Trim(attachment.ReplaceAllString(said, ""), ` "'`))
		}
	}
	return ""
}

// bounded cuts a reply to what a record has of one (RFC 5321 section 4.5.3.1.5).
func bounded(text string) string { return strings.ToValidUTF8(text[:min(len(text), 512)], "") }
