package received

import (
	"net/netip"
	"slices"
	"strings"
)

// partBegins is where the next part of a Received header begins.
var partBegins = lazy(`(?i)\s(?:by|with|for|id|via)\s|;`)

// goesBehind says whether the HELO name in a comment goes on: it may have blanks and parentheses.
func goesBehind(comment, said string) bool {
	_, behind, _ := strings.Cut(comment, said)
	if strings.HasPrefix(behind, `"`) { // it ends with the quote
		return false
	}
	behind = strings.TrimLeft(behind, " ")
	return behind != "" && !behindName.MatchString(behind)
}

var behindName = lazy(`(?i)^(?:\[[0-9a-f.:]+\](?::\d+)?|port=\d+|ident=|\)|auth)`)

// clientAddr finds the address in a comment, and the name in front of it: [192.0.2.1], [IPv6:2001:db8::1], name
// [192.0.2.1]:25, name / 192.0.2.1, or bare, with a port behind it or the name of a user in front (user@192.0.2.1:
// qmail after AUTH).
func clientAddr(text string) (name string, addr netip.Addr, port uint16) {
	if at := literal.FindStringSubmatchIndex(text); at != nil {
		if a, err := netip.ParseAddr(group(text, at, 1)); err == nil {
			name, _, _ = strings.Cut(strings.TrimSpace(text[:at[0]]), " ")
			return name, a.Unmap(), portOf(group(text, at, 2))
		}
	}
	words := strings.Fields(strings.NewReplacer("/", " ", ",", " ", ";", " ").Replace(text[:min(len(text), 500)]))
	for i, word := range words[:min(len(words), 3)] {
		word = word[strings.LastIndexByte(word, '@')+1:]
		a, err := netip.ParseAddr(word)
		if with, withPort := netip.ParseAddrPort(word); withPort == nil {
			a, port, err = with.Addr(), with.Port(), nil
		}
		if err == nil && a.Zone() == "" {
			if i > 0 && !slices.Contains([]string{"using", "from"}, words[0]) {
				name = words[0]
			}
			return name, a.Unmap(), port
		}
	}
	return "", netip.Addr{}, 0
}
