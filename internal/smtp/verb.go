package smtp

// verb is the command word of a client line (verbs.go), or what stands in for one.
type verb uint8

const (
	verbUnknown verb = iota // a line whose first word is no command known here
	verbBlank               // an empty line
	verbDot                 // the line "."
	verbLost                // bytes that never reached the parser: an unknown number of commands
)

// maxVerb is the longest first word looked at. A longer one is no command.
const maxVerb = 16

// firstWord returns the first word of line without leading blanks, and what follows it. A word
// longer than maxVerb is returned as nil.
func firstWord(line []byte) (word, rest []byte) {
	line = trimLeft(line)
	for i, c := range line {
		if isBlank(c) {
			return line[:i], line[i:]
		}
		if i == maxVerb {
			return nil, nil
		}
	}
	return line, nil
}

// upper copies word in upper case into dst and returns the part written.
func upper(dst *[maxVerb]byte, word []byte) []byte {
	n := copy(dst[:], word)
	for i, c := range dst[:n] {
		if 'a' <= c && c <= 'z' {
			dst[i] = c - 'a' + 'A'
		}
	}
	return dst[:n]
}

// verbOf recognises a command word in any case (RFC 5321 section 2.4).
func verbOf(word []byte) verb {
	if len(word) < 4 || len(word) > maxVerb {
		return verbUnknown
	}
	var buf [maxVerb]byte
	return verbOfUpper(upper(&buf, word))
}

// isBlank takes CR for a blank too: some clients end their lines with several.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	return b
}

func trim(b []byte) []byte {
	b = trimLeft(b)
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold compares b with an upper-case ASCII word.
func equalFold(b []byte, word string) bool {
	return len(b) == len(word) && hasPrefixFold(b, word)
}

// hasPrefixFold says whether b begins with an upper-case ASCII word, in any case.
func hasPrefixFold(b []byte, word string) bool {
	if len(b) < len(word) {
		return false
	}
	for i := range len(word) {
		c := b[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
