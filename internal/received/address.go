package received

import (
	"net/netip"
	"slices"
	"strings"
)

// role is what a text says of an address.
type role int

// The roles.
const (
	roleNone role = iota
	roleFrom      // the mail came from it
	roleTo        // the mail went to it
)

// placed is an address in a text.
type placed struct {
	addr netip.Addr
	port uint16
	role role
}

var (
	anAddress = lazy(`(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}|::[fF]{4}:(?:\d{1,3}\.){3}\d{1,3}`)
	network   = lazy(`^/(?:[0-9]|[12][0-9]|3[01]|4[0-9]|56|64)(?:\D|$)`) // a network, not an address
	ipv6Tag   = lazy(`(?i)(ipv6):`)
	nextPort  = lazy(`(?i)^\]?(?::|,?[ \t](?:on |\()?(?:source[ -])?port[ :=]{1,2})(\d{1,5})\b`)
	// Words in front of an address, in the languages that reports come in.
	toWords = lazy(`(?i)(?:destination|\bdest\b|\bdst|target|\bziel\w*|bestemming\w*|doel\w*|destin\w*|назначени\w*|призначен\w*|宛先|送信先|` +
		`->|→|=>|\bto|\btoward|\ban|\bnach|\bnaar|\bvers|\bhacia|\bpara|\bна|до)(?:[\s_-]*(?:the|our|die|unsere|unseren|notre|nuestro|nosso|наш))?[\s_-]*(?:ip|address|adresse|adres|dirección|endereço|адрес|адресу|mx|mail|server|host|serveur|servidor|сервер|アドレス){0,3}[\s_-]*(?:ip|address|adresse|-?adres)?[\s:=｜|"'(\[]{0,5}$`)
	fromWords = lazy(`(?i)(?:source|\bsrc|quell\w*|\bbron\w*|origen|origem|источник\w*|джерел\w*|送信元|attack\w*|offend\w*|sender|\bfrom|\bvon|\bvan|\bdepuis|\bdesde|\bde|\bот|\bс|\bвід|` +
		`your|ihr\w*|uw|votre|vos|su|seu|sua|ваш\w*|貴|あなたの|the ip|listed|\bip)(?:[\s_-]*(?:ip|address|adresse|-?adres|dirección|endereço|адрес\w*|host|server|serveur|servidor|сервер\w*|アドレス|of|is|ist|の)){0,4}[\s:=|"'(\[]{0,5}$`)
	answers   = lazy(`(?i)^[\])]{0,2}(?::\d{1,5})?:? (?:said|refused|did not like|does not like|failed after|answered|antwortete)`)
	portWords = lazy(`(?i)(?:source|src|client|quell|remote)[\s_-]?port[\s:=]{1,3}(\d{1,5})\b`)
)

// findAddresses finds the addresses in a text, with their ports and roles. Digits inside a longer word, such as a name in
// reverse order, are not an address.
func findAddresses(text string) (list []placed) {
	text = ipv6Tag.ReplaceAllString(text, "$1 ")
	for _, at := range anAddress.FindAllStringIndex(text, 200) {
		said := strings.TrimRight(text[at[0]:at[1]], ":")
		a, err := netip.ParseAddr(said)
		if err != nil || joined(text, at[0], at[0]+len(said)) {
			continue
		}
		if network.MatchString(text[at[0]+len(said) : min(len(text), at[1]+4)]) {
			continue
		}
		before := text[max(0, at[0]-70):at[0]]
		if cut := strings.LastIndexAny(before, "\n.;"); cut >= 0 {
			before = before[cut+1:]
		}
		one := placed{addr: a.Unmap()}
		if m := nextPort.FindStringSubmatch(text[at[0]+len(said) : min(len(text), at[1]+24)]); m != nil && a.Is4() {
			one.port = portOf(m[1])
		}
		switch {
		case answers.MatchString(text[at[0]+len(said) : min(len(text), at[1]+40)]), toWords.MatchString(before):
			one.role = roleTo
		case fromWords.MatchString(before):
			one.role = roleFrom
		}
		list = append(list, one)
	}
	return list
}

// joined says whether a word goes on before or behind a place.
func joined(text string, from, to int) bool {
	letter := func(c byte) bool {
		return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
	}
	if from > 0 && (letter(text[from-1]) || from > 1 && (text[from-1] == '.' || text[from-1] == '-') && letter(text[from-2])) {
		return true
	}
	if to >= len(text) {
		return false
	}
	c, next := text[to], byte(' ')
	if to+1 < len(text) {
		next = text[to+1]
	}
	return letter(c) || (c == '.' || c == '-') && letter(next) && next != '-'
}

// addresses takes from a text this host's address, as somebody saw it, and where its mail went to.
func (f *facts) addresses(text string, h *Host) {
	list := findAddresses(text)
	i := slices.IndexFunc(list, func(p placed) bool { return h.ours(p.addr) })
	var from, bare []placed
	for _, p := range list {
		switch {
		case !Public(p.addr), h.ours(p.addr):
		case p.role == roleTo:
			if !slices.Contains(f.to, p.addr) && len(f.to) < 20 {
				f.to = append(f.to, p.addr)
			}
		case p.role == roleFrom:
			from = append(from, p)
		default:
			bare = append(bare, p)
		}
	}
	apart := func(list []placed) bool {
		return slices.ContainsFunc(list, func(p placed) bool { return p.addr != list[0].addr })
	}
	switch {
	case i >= 0:
		f.addr, f.port = list[i].addr, list[i].port
	case len(from) > 0 && !apart(from):
		f.addr, f.port = from[0].addr, from[0].port
	case len(from) == 0 && len(bare) > 0 && !apart(bare):
		f.addr, f.port = bare[0].addr, bare[0].port
	case len(from)+len(bare) > 0:
		f.unsure = append(f.unsure, "it names several addresses, and none of them is known to be of this host (name it with --own)")
	}
	f.to = slices.DeleteFunc(f.to, func(a netip.Addr) bool { return a == f.addr })
	if m := portWords.FindStringSubmatch(text); m != nil && f.port == 0 {
		f.port = portOf(m[1])
	}
	if f.port < 1024 { // the port of a server
		f.port = 0
	}
}
