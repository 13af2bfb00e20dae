package record

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON text (RFC 8259) from its start to its end, without making a tree of it.
type scanner struct {
	b []byte
	i int
}

// maxDepth bounds how deep values may nest: a record is six deep.
const maxDepth = 64

// ErrCut is a line that ends in the middle of a record.
var ErrCut = errors.New("it ends too early")

var (
	errSyntax = errors.New("it is not JSON")
	errDepth  = errors.New("it is nested too deep")
)

// peek passes blanks and returns the byte behind them; 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
		s.i++
	}
	return 0
}

// take passes blanks and the byte c.
func (s *scanner) take(c byte) error {
	if s.peek() != c {
		return s.unexpected()
	}
	s.i++
	return nil
}

func (s *scanner) unexpected() error {
	if s.i >= len(s.b) {
		return ErrCut
	}
	return errSyntax
}

// more passes what stands before the next element of an object or array, and says whether there is
// one.
func (s *scanner) more(first bool, closing byte) (bool, error) {
	switch c := s.peek(); {
	case c == closing:
		s.i++
		return false, nil
	case first:
		return true, nil
	}
	return true, s.take(',')
}

// plain are the bytes of a string that stand for themselves.
var plain = func() (t [256]bool) {
	for c := ' '; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// text reads a string, and returns what stands between its quotes. escaped says that it has escapes
// or bytes beyond ASCII.
func (s *scanner) text() (raw []byte, escaped bool, err error) {
	if err := s.take('"'); err != nil {
		return nil, false, err
	}
	b, start := s.b, s.i
	var high byte
	for i := start; i < len(b); i++ {
		c := b[i]
		if plain[c] {
			high |= c
			continue
		}
		s.i = i
		switch c {
		case '"':
			s.i++
			return b[start:i], escaped || high >= utf8.RuneSelf, nil
		case '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
			i = s.i - 1
		default:
			return nil, false, errSyntax
		}
	}
	s.i = len(b)
	return nil, false, ErrCut
}

// escape passes a backslash and what it escapes.
func (s *scanner) escape() error {
	if s.i+1 >= len(s.b) {
		return ErrCut
	}
	switch s.b[s.i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i += 2
		return nil
	case 'u':
		if s.i+6 > len(s.b) {
			return ErrCut
		}
		if _, ok := hex4(s.b[s.i+2:]); ok {
			s.i += 6
			return nil
		}
	}
	return errSyntax
}

func hex4(b []byte) (rune, bool) {
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil && b[0] != '+' && b[0] != '-'
}

// unescape appends what raw, from text, stands for. What is not UTF-8 becomes U+FFFD.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			r, n := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(raw[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				r, i = surrogate(r, raw, i)
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// surrogate joins r with the second half of its pair; a half alone is U+FFFD.
func surrogate(r rune, raw []byte, i int) (rune, int) {
	if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
		if low, ok := hex4(raw[i+2:]); ok {
			if joined := utf16.DecodeRune(r, low); joined != utf8.RuneError {
				return joined, i + 6
			}
		}
	}
	return utf8.RuneError, i
}

// word reads a number, true, false or null.
func (s *scanner) word() ([]byte, error) {
	s.peek()
	start := s.i
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' {
				break
			}
		}
		s.i++
	}
	w := s.b[start:s.i]
	switch {
	case len(w) == 0:
		return nil, s.unexpected()
	case string(w) == "true", string(w) == "false", string(w) == "null", number(w):
		return w, nil
	}
	return nil, errSyntax
}

// number says whether w is one (RFC 8259 section 6).
func number(w []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(w) && '0' <= w[n] && w[n] <= '9' {
			n++
		}
		w = w[n:]
		return n > 0
	}
	if w[0] == '-' {
		w = w[1:]
	}
	if len(w) > 1 && w[0] == '0' && '0' <= w[1] && w[1] <= '9' || !digits() {
		return false
	}
	if len(w) > 0 && w[0] == '.' {
		if w = w[1:]; !digits() {
			return false
		}
	}
	if len(w) > 0 && w[0]|0x20 == 'e' {
		if w = w[1:]; len(w) > 0 && (w[0] == '+' || w[0] == '-') {
			w = w[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(w) == 0
}

// skip passes a value.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	opening := s.peek()
	if opening == '"' {
		_, _, err := s.text()
		return err
	}
	if opening != '{' && opening != '[' {
		_, err := s.word()
		return err
	}
	s.i++
	for first := true; ; first = false {
		more, err := s.more(first, opening+2) // '}' and ']' stand two behind '{' and '['
		if err != nil || !more {
			return err
		}
		if opening == '{' {
			if _, _, err := s.text(); err != nil {
				return err
			}
			if err := s.take(':'); err != nil {
				return err
			}
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
	}
}
