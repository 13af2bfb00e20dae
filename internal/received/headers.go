package received

import (
	"strings"
	"time"
)

var received = lazy(`(?i)(?:^|[ \t,;>"])(?:X-(?:Original-)?)?Received:[ \t]*`)

// maxHops bounds how many Received headers of a text are read, maxFolds of how many lines each.
const (
	maxHops  = 60
	maxFolds = 50
)

// findHops reads the Received headers of a text, wherever they stand in it, from the top. A header that was pasted
// without its name is one, too.
func findHops(text string, now time.Time) (hops []hop) {
	tried := 0
	for rest := text; len(rest) > 0 && len(hops) < maxHops && tried < 2*maxHops; {
		line, next, _ := strings.Cut(rest, "\n")
		if holdsReceived(line) {
			head := line[:min(len(line), 4*maxHeader)]
			if at := received.FindStringIndex(head); at != nil {
				tried++
				if h, ok := parseHop(unfold(rest[at[1]:], mark(head)), now); ok {
					hops = append(hops, h)
				}
			}
		}
		rest = next
	}
	if tried == 0 {
		head := strings.TrimLeft(text[:min(len(text), 2*maxHeader)], " \t\n")
		value := unfold(head, "")
		lower := strings.ToLower(spaces.ReplaceAllString(value, " "))
		if (strings.HasPrefix(lower, "from ") && strings.Contains(lower, " by ") || strings.HasPrefix(lower, "by ")) && strings.Contains(lower, ";") {
			if h, ok := parseHop(value, now); ok && h.dated {
				hops = append(hops, h)
			}
		}
	}
	return hops
}

// holdsReceived is a quick look whether a line may hold the name of the header.
func holdsReceived(line string) bool {
	line = line[:min(len(line), 4*maxHeader)]
	return strings.Contains(line, "eceived:") || strings.Contains(line, "ECEIVED:")
}

// unfold returns the header that text begins with. Its further lines begin with a blank (RFC 5322 section 2.2.3); who
// pastes loses blanks, so that a line goes on, too, until the date has been seen, unless it begins with the name of
// another header. quote is what the lines are quoted with.
func unfold(text, quote string) string {
	var b strings.Builder
	folds, soft, quote := 0, false, strings.TrimSpace(quote)
	for len(text) > 0 {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		first := folds == 0
		if !first && quote != "" {
			line = strings.TrimPrefix(strings.TrimLeft(line, " \t"), quote)
			line = strings.TrimPrefix(line, " ")
		} else if !first && strings.HasPrefix(line, ">") {
			line = line[len(mark(line)):]
		}
		line = line[:min(len(line), maxHeader)]
		blank := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		if !first && !soft && (strings.TrimSpace(line) == "" || fieldName.MatchString(strings.TrimLeft(line, " \t")) && !goesOn(line) || !blank && isDated(b.String())) {
			break
		}
		if folds++; folds > maxFolds || b.Len()+len(line) > maxHeader {
			break
		}
		if blank && !first && !soft {
			b.WriteByte(' ')
		}
		// Pasted from the source of a mail, a line may end where quoted-printable broke it (RFC 2045 section 6.7).
		said, broken := strings.CutSuffix(strings.TrimSpace(line), "=")
		if b.WriteString(said); !broken {
			b.WriteByte(' ')
		}
		soft = broken
	}
	return b.String()
}

// goesOn says whether a line that looks like a field goes on with a Received header: a time, an address.
func goesOn(line string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
	return strings.ContainsAny(name, "([;0123456789")
}

// isDated says whether a Received header has its date by now, which is the last of it.
func isDated(header string) bool {
	at := strings.LastIndexByte(header, ';')
	return at >= 0 && clock.MatchString(header[at:])
}
