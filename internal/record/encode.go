package record

import (
	"unicode/utf8"

	"github.com/rs/zerolog"
)

// Encoder writes records as JSON. It is for one goroutine. Whatever a record holds, what it writes is one
// line of valid JSON that is safe to show on a terminal: bytes that are not UTF-8 become U+FFFD, and what
// Escape would escape is written as the JSON escape of its code point.
//
// zerolog.SetGlobalLevel(zerolog.Disabled) silences it: Encode then returns nothing.
type Encoder struct {
	log     zerolog.Logger
	raw     line   // as zerolog writes it
	out     []byte // as it leaves
	message []byte
}

// line takes the one Write of a zerolog event.
type line []byte

func (l *line) Write(b []byte) (int, error) {
	*l = append((*l)[:0], b...)
	return len(b), nil
}

// NewEncoder makes an Encoder.
func NewEncoder() *Encoder {
	e := &Encoder{}
	e.log = zerolog.New(&e.raw)
	return e
}

// Encode returns r as a line, with its line end. The bytes are valid until the next call.
func (e *Encoder) Encode(r *Record) []byte {
	e.raw = e.raw[:0]
	o := object{e.log.Log()}
	r.encode(&o)
	e.message = appendMessage(e.message[:0], r)
	o.e.Bytes("message", e.message).Send()
	e.out = Disarm(e.out[:0], e.raw)
	return e.out
}

// Disarm appends JSON with those characters escaped that a writer of JSON leaves as they are and Escape does not:
// DEL and beyond, so in strings only.
func Disarm(dst []byte, json []byte) []byte {
	done := 0
	for i := 0; i < len(json); {
		if json[i] < 0x7f { // DEL is no ordinary text
			i++
			continue
		}
		r, n := utf8.DecodeRune(json[i:])
		if !printable(r) {
			dst = append(dst, json[done:i]...)
			dst = appendUnicodeEscape(dst, r)
			done = i + n
		}
		i += n
	}
	return append(dst, json[done:]...)
}

// appendUnicodeEscape appends r as JSON escapes it: beyond U+FFFF as a surrogate pair (RFC 8259 section 7).
func appendUnicodeEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		dst = appendUnicodeEscape(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return append(dst, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
