package smtp

// verb is the command word of a client line, or what stands in for one.
type verb uint8

const (
	verbUnknown verb = iota // a line whose first word is no command known here
	verbBlank               // an empty line
	verbDot                 // the line "."
	verbLost                // bytes that never reached the parser: an unknown number of commands
	verbHelo
	verbEhlo
	verbLhlo
	verbMail
	verbRcpt
	verbData
	verbBdat
	verbRset
	verbQuit
	verbNoop
	verbHelp
	verbVrfy
	verbExpn
	verbAuth
	verbStartTLS
	verbEtrn
	verbTurn
	verbXclient
	verbXforward
	verbConnect // HTTP CONNECT, only as the first line of a stream
	verbProxy   // PROXY protocol v1, only as the first line of a stream
	verbs       // how many there are
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

// verbOf recognises a command word in any case (RFC 5321 section 2.4). SEND, SOML and SAML are
// the RFC 821 relatives of MAIL; X-ANONYMOUSTLS is Exchange's STARTTLS; BURL (RFC 4468) offers a
// message as BDAT does, without octets of its own.
func verbOf(word []byte) verb {
	if len(word) < 4 || len(word) > maxVerb {
		return verbUnknown
	}
	var buf [maxVerb]byte
	switch string(upper(&buf, word)) {
	case "HELO":
		return verbHelo
	case "EHLO":
		return verbEhlo
	case "LHLO":
		return verbLhlo
	case "MAIL", "SEND", "SOML", "SAML":
		return verbMail
	case "RCPT":
		return verbRcpt
	case "DATA":
		return verbData
	case "BDAT", "BURL":
		return verbBdat
	case "RSET":
		return verbRset
	case "QUIT":
		return verbQuit
	case "NOOP":
		return verbNoop
	case "HELP":
		return verbHelp
	case "VRFY":
		return verbVrfy
	case "EXPN":
		return verbExpn
	case "AUTH":
		return verbAuth
	case "STARTTLS", "X-ANONYMOUSTLS":
		return verbStartTLS
	case "ETRN":
		return verbEtrn
	case "TURN", "ATRN":
		return verbTurn
	case "XCLIENT":
		return verbXclient
	case "XFORWARD":
		return verbXforward
	case "CONNECT":
		return verbConnect
	case "PROXY":
		return verbProxy
	}
	return verbUnknown
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
