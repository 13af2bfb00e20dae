package verdict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// smtpdMacro is the definition of a macro (smtpd.conf(5), MACROS).
var smtpdMacro = regexp.MustCompile(`^([A-Za-z_]\w*)\s*=\s*"?([^"]*)"?$`)

// readOpenSMTPD reads the relay URLs of smtpd.conf(5): "action NAME relay … host URL" and, before 6.4,
// "accept … relay via URL".
func readOpenSMTPD(c *config, text string) {
	set := parameters{}
	for line := range smtpdLines(text) {
		if m := smtpdMacro.FindStringSubmatch(line); m != nil {
			set[m[1]] = m[2]
			continue
		}
		words := strings.Fields(line)
		relay := slices.Index(words, "relay")
		if relay < 0 || words[0] != "action" && words[0] != "accept" {
			continue
		}
		for i := relay + 1; i+1 < len(words); i++ {
			if words[i] == "host" || words[i] == "via" {
				c.relayURL(strings.Trim(words[i+1], `"`), set)
				break
			}
		}
	}
}

// relayURL takes PROTOCOL://LABEL@HOST:PORT, of which the host alone must be there.
func (c *config) relayURL(url string, set parameters) {
	whole, err := set.expand(url, 0)
	if err != nil {
		c.fail(fmt.Errorf("%s: %w", url, err))
		return
	}
	_, host, protocol := strings.Cut(whole, "://")
	if !protocol {
		host = whole
	}
	c.add(host[strings.LastIndexByte(host, '@')+1:], false)
}

// smtpdLines gives the lines that say something, those that go on joined, without comments.
func smtpdLines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		whole := ""
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "#")
			rest, goesOn := strings.CutSuffix(strings.TrimSpace(line), `\`)
			whole += rest + " "
			if goesOn {
				continue
			}
			if whole = strings.TrimSpace(whole); whole != "" && !yield(whole) {
				return
			}
			whole = ""
		}
	}
}
