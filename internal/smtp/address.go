package smtp

import (
	"bytes"
	"strings"
)

// maxAddress bounds a kept address: local part 64, "@", domain 255 (RFC 5321 section 4.5.3.1).
const maxAddress = 64 + 1 + 255

// parsePath takes the reverse- or forward-path after "FROM:" or "TO:" (RFC 5321 section 4.1.2)
// and returns the mailbox without angle brackets and source route, and the parameters behind it.
// Forgiven: blanks before "<" and within the brackets, missing brackets, a missing ">", and a
// display name before "<". found is false where no path is there at all; the null sender "<>" is
// found and empty.
func parsePath(arg []byte) (mailbox, params []byte, found bool) {
	arg = trimLeft(arg)
	if len(arg) == 0 {
		return nil, nil, false
	}
	if i := openBracket(arg); i >= 0 {
		inner := arg[i+1:]
		end := pathEnd(inner, '>')
		if end < len(inner) {
			params = bytes.TrimLeft(inner[end:], ">")
			return stripRoute(trim(bytes.TrimLeft(inner[:end], "<"))), params, true
		}
		arg = inner
	}
	end := pathEnd(arg, ' ')
	return stripRoute(trim(arg[:end])), arg[end:], true
}

// openBracket finds the "<" which opens the path: the first byte, or one behind a display name.
// After an "@" a "<" belongs to something else.
func openBracket(arg []byte) int {
	if arg[0] == '<' {
		return 0
	}
	i := bytes.IndexByte(arg, '<')
	if i < 0 || bytes.IndexByte(arg[:i], '@') >= 0 {
		return -1
	}
	return i
}

// pathEnd finds the unquoted stop byte (RFC 5321 Quoted-string, quoted-pair), or len(b). Where
// a quote is opened and never closed, quotes are taken as ordinary bytes.
func pathEnd(b []byte, stop byte) int {
	if i := bytes.IndexByte(b, stop); stop == '>' && i >= 0 && bytes.IndexByte(b[:i], '"') < 0 {
		return i
	}
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == stop, stop == ' ' && isBlank(c):
			return i
		}
	}
	if quoted {
		if i := bytes.IndexByte(b, stop); i >= 0 {
			return i
		}
	}
	return len(b)
}

// stripRoute removes a source route "@a,@b:" (RFC 5321 appendix C).
func stripRoute(mailbox []byte) []byte {
	if len(mailbox) > 0 && mailbox[0] == '@' {
		if i := bytes.IndexByte(mailbox, ':'); i >= 0 {
			return mailbox[i+1:]
		}
	}
	return mailbox
}

// Domain returns the domain of a mailbox in lower case: what follows the last "@". It is empty
// for the null sender and for a mailbox without domain, such as "postmaster".
func Domain(mailbox string) string {
	i := strings.LastIndexByte(mailbox, '@')
	if i < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(mailbox[i+1:], "."))
}
