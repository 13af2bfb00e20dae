package received

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Host is the host that the text may be about. Of the zero Host nothing is known.
type Host struct {
	Local  func(netip.Addr) bool // says whether an address is one of its interfaces; nil: not known
	Name   string                // with its domain where that is known; "": not known
	Own    []string              // further addresses and names of it: --own
	Told   []netip.Addr          // what servers called it in their replies, where it is behind NAT
	Logged []netip.Addr          // the addresses that the sessions in the logs came from
}

// ours says whether an address is one of this host that others see. A private one is that of many hosts.
func (h *Host) ours(a netip.Addr) bool {
	if !Public(a) {
		return h.added(a)
	}
	return h.Local != nil && h.Local(a) || h.added(a) || slices.Contains(h.Told, a) || slices.Contains(h.Logged, a)
}

// added says whether an address is one that --own names.
func (h *Host) added(a netip.Addr) bool {
	return slices.ContainsFunc(h.Own, func(s string) bool {
		own, err := netip.ParseAddr(s)
		return err == nil && own.Unmap() == a
	})
}

// named says whether a server's name is that of this host, in full or without its domain. Where the domain is not
// known, mail.example.net is not taken for the host "mail": that is what the servers of others are called, too.
func (h *Host) named(by string) bool {
	by = strings.TrimSuffix(strings.ToLower(by), ".")
	if by == "" || by == "localhost" || by == "localhost.localdomain" {
		return false
	}
	here := strings.ToLower(h.Name)
	short, _, _ := strings.Cut(here, ".")
	return by == here || by == short || slices.ContainsFunc(h.Own, func(s string) bool { return strings.EqualFold(strings.TrimSuffix(s, "."), by) })
}

// near says whether a name is in the domain of this host: how a mail came to us says nothing of how one left.
func (h *Host) near(name string) bool {
	if h.named(name) {
		return true
	}
	domain := domainOf(name)
	return domain != "" && slices.ContainsFunc(append([]string{h.Name}, h.Own...), func(own string) bool { return domainOf(own) == domain })
}

// domainOf is the domain that somebody registered, with all names in it; "" if it has none.
func domainOf(name string) string {
	name = strings.Trim(strings.ToLower(name), ".[]")
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return ""
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return ""
	}
	return domain
}

// shared are the addresses of carriers' NAT (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Public says whether others may see a, and no other host has it.
func Public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// told are the forms in which a server tells its client the address that it sees: refusals by address (Postfix:
// "Client host [IP] blocked"; Exim: "rejected because IP is in a black list"; Yahoo, Outlook, Gmail, GMX) and the
// reply to EHLO.
var told = []*pattern{
	lazy(`(?i)\b(?:client host|client address|your host|your ip(?: address)?|ip address:?|messages from|mail from|connections? from|ip=|\[?ip:)[\s:]{0,2}\[?` + ipWord),
	lazy(`(?i)^\d{3}[- ](?:\d\.\d\.\d )?\S+ (?:hello|at your service,|pleased to meet you,?)\s?(?:\S+ )?[\[(]` + ipWord + `\s*[\])]`),
	lazy(`(?i)\[?` + ipWord + `\]?,? (?:is (?:listed|blocked|blacklisted|on|in)\b|has been (?:blocked|listed)|blocked (?:by|using|via))`),
	lazy(`^5\d\d[- ]5\.7\.\d+ \[` + ipWord + `\s+\d*\]`),
}

// ipWord is an address in a text.
const ipWord = `((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7})`

// Told finds the addresses that a reply calls its client.
func Told(reply string) (list []netip.Addr) {
	reply = reply[:min(len(reply), 2000)]
	for _, form := range told {
		for _, m := range form.FindAllStringSubmatch(reply, 4) {
			if a, err := netip.ParseAddr(m[1]); err == nil && Public(a) && !slices.Contains(list, a.Unmap()) {
				list = append(list, a.Unmap())
			}
		}
	}
	return list
}
