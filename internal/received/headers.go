package received

import (
	"regexp"
	"strings"
	"time"
)

// A header may be quoted ("> Received: …") where somebody forwards it.
var (
	quoted   = regexp.MustCompile(`(?m)^[ \t]*(?:>[ \t]?)+`)
	received = regexp.MustCompile(`(?im)(?:^|[ \t,;])(?:X-(?:Original-)?)?Received:[ \t]*`)
)

// maxHops bounds how many Received headers of a text are read, maxFolds of how many lines each.
const (
	maxHops  = 100
	maxFolds = 50
)

// findHops reads the Received headers of a text, wherever they stand in it, from the top. A header
// that was pasted without its name is one, too.
func findHops(text string, now time.Time) (hops []hop) {
	text = strings.ReplaceAll(quoted.ReplaceAllString(text, ""), "\r\n", "\n")
	starts := received.FindAllStringIndex(text, maxHops)
	if starts == nil && fromPart.MatchString(text) && byPart.MatchString(text) {
		starts = [][]int{{0, 0}}
	}
	for _, at := range starts {
		if h, ok := parseHop(unfold(text[at[1]:]), now); ok {
			hops = append(hops, h)
		}
	}
	return hops
}

// unfold returns the header that text begins with. Its further lines begin with a blank (RFC 5322
// section 2.2.3); who pastes loses blanks, so that a line goes on, too, until the date has been
// seen, unless it begins with the name of another header.
func unfold(text string) string {
	var b strings.Builder
	folds := 0
	for line := range strings.Lines(text) {
		first := b.Len() == 0
		blank := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		if !first && (strings.TrimSpace(line) == "" || !blank && (isDated(b.String()) || headerName.MatchString(line))) {
			break
		}
		if folds++; folds > maxFolds || b.Len()+len(line) > maxHeader {
			break
		}
		// Pasted from the source of a mail, a line may end where quoted-printable broke it (RFC 2045 section 6.7).
		text, soft := strings.CutSuffix(strings.TrimSpace(line), "=")
		if blank && !first {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		if !soft {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// isDated says whether a Received header has its date by now, which is the last of it.
func isDated(header string) bool {
	at := strings.LastIndexByte(header, ';')
	return at >= 0 && clock.MatchString(header[at:])
}

var headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*:(?:\s|$)`)
