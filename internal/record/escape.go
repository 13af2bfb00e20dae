package record

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Escape makes text that came from the network or another process safe to show: control characters, line
// and paragraph separators, characters that reorder or hide text, every blank but the space, and what is
// not assigned become \x1b, \n or \u202e as in Go; bytes that are not UTF-8 become \xff; a backslash is doubled.
// What is left is one line of what unicode.IsPrint allows.
//
// A limit above 0 is the length of the result, in characters: of a longer one the middle is replaced by "…".
func Escape(s string, limit int) string {
	if fits(s, limit) {
		return s
	}
	return string(appendEscaped(nil, s, limit))
}

// fits says whether s is short enough and printable ASCII without backslash, as nearly everything is.
func fits(s string, limit int) bool {
	if limit > 0 && len(s) > limit {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' || s[i] == '\\' {
			return false
		}
	}
	return true
}

// appendEscaped appends Escape(s, limit).
func appendEscaped(dst []byte, s string, limit int) []byte {
	if fits(s, limit) {
		return append(dst, s...)
	}
	if limit <= 0 {
		return appendAll(dst, s)
	}
	if head(s, limit) == len(s) {
		return appendAll(dst, s)
	}
	// A path tells most at its end, a title at its start: the start gets two thirds.
	room := (limit - 1) * 2 / 3
	end := head(s, room)
	start := end + tail(s[end:], limit-1-room)
	dst = appendAll(dst, s[:end])
	dst = append(dst, "…"...)
	return appendAll(dst, s[start:])
}

// head returns where the start of s that fits into so many characters ends.
func head(s string, room int) int {
	end := 0
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		w := width(r, n)
		if w > room {
			break
		}
		room -= w
		end += n
	}
	return end
}

// tail returns where the end of s that fits into so many characters starts.
func tail(s string, room int) int {
	start := len(s)
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(s[:start])
		w := width(r, n)
		if w > room {
			break
		}
		room -= w
		start -= n
	}
	return start
}

// width is the number of characters that appendRune makes of r.
func width(r rune, n int) int {
	var buf [16]byte
	return utf8.RuneCount(appendRune(buf[:0], "\xff", r, n))
}

func appendAll(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		dst = appendRune(dst, s, r, n)
		s = s[n:]
	}
	return dst
}

// appendRune appends the escaped r, which was decoded from the first n bytes of s.
func appendRune(dst []byte, s string, r rune, n int) []byte {
	switch {
	case r == utf8.RuneError && n == 1:
		return append(dst, '\\', 'x', hexDigits[s[0]>>4], hexDigits[s[0]&15])
	case r == '\\':
		return append(dst, '\\', '\\')
	case printable(r):
		return utf8.AppendRune(dst, r)
	}
	var buf [16]byte
	quoted := strconv.AppendQuoteRuneToASCII(buf[:0], r)
	return append(dst, quoted[1:len(quoted)-1]...)
}

const hexDigits = "0123456789abcdef"

// printable is unicode.IsPrint without what shows nothing: fillers, joiners, variation selectors and the
// empty Braille pattern.
func printable(r rune) bool {
	if ' ' <= r && r <= '~' {
		return true
	}
	return unicode.IsPrint(r) && r != 0x2800 &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
