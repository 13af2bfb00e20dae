package received

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// Bounds of a text that is searched for plain words: its author may want that to take long. Of a longer one the lines
// are searched that have a number or HELO, with those beside them.
const (
	maxWords = 16 << 10
	maxLine  = 2 << 10
	maxLook  = 512 << 10
)

// cut bounds a text that is searched.
func cut(text string) string {
	if len(text) <= maxWords {
		return text
	}
	var b strings.Builder
	last, kept := "", true
	for line := range strings.Lines(text[:min(len(text), maxLook)]) {
		line = line[:min(len(line), maxLine)]
		if b.Len()+len(last)+len(line) > maxWords {
			break
		}
		if strings.ContainsAny(line, "0123456789") || strings.Contains(line, "HELO") || strings.Contains(line, "EHLO") || strings.Contains(line, "Helo") {
			if !kept {
				b.WriteString(last)
			}
			b.WriteString(line)
			last, kept = "", false
			continue
		}
		if kept = last == "" && b.Len() > 0; kept { // the line behind one that counts
			b.WriteString(line)
		}
		last = line
	}
	return strings.ToValidUTF8(b.String(), "")
}

// plain is what was pasted, as UTF-8 with LF line ends. Of a file with a byte order mark it takes the encoding from
// that (RFC 2781 section 3.2); what is no UTF-8 is Latin-1.
func plain(raw []byte) string {
	text := ""
	switch {
	case len(raw) > 2 && raw[0] == 0xff && raw[1] == 0xfe:
		text = wide(raw[2:], binary.LittleEndian)
	case len(raw) > 2 && raw[0] == 0xfe && raw[1] == 0xff:
		text = wide(raw[2:], binary.BigEndian)
	default:
		text = strings.TrimPrefix(toUTF8(string(raw), ""), "\ufeff")
	}
	return ends.Replace(text)
}

var ends = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "", "\u202f", " ", "\u2009", " ", "\u2007", " ")

func wide(raw []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units))
}

// toUTF8 decodes a text by the name of its character set (WHATWG Encoding). Of one that is not known what is no UTF-8 is
// Latin-1: all that is looked for is ASCII, but for the words around it.
func toUTF8(text, charset string) string {
	set, err := htmlindex.Get(charset)
	switch {
	case strings.Contains(text, jisBegin) || strings.Contains(text, jisBegin78): // RFC 1468: all of it is ASCII
		set = japanese.ISO2022JP
	case err != nil || set == unicode.UTF8:
		if utf8.ValidString(text) {
			return text
		}
		set = charmap.ISO8859_1
	}
	said, _ := set.NewDecoder().String(text)
	return said
}

// asSaid decodes a text anew that was taken for Latin-1 before its header was read.
func asSaid(text, charset string) string {
	set, err := htmlindex.Get(charset)
	if err != nil || set == unicode.UTF8 || !strings.ContainsFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return text
	}
	if raw, err := charmap.ISO8859_1.NewEncoder().String(text); err == nil {
		return toUTF8(raw, charset)
	}
	return text
}

// What leads to the signs of JIS X 0208 in ISO-2022-JP.
const (
	jisBegin   = "\x1b$B"
	jisBegin78 = "\x1b$@"
)

// mark is what a line is quoted with: "> > ".
func mark(line string) string {
	end := 0
	for i := range len(line) {
		switch line[i] {
		case '>':
			end = i + 1
			if end < len(line) && line[end] == ' ' {
				end++
			}
		case ' ', '\t':
		default:
			return line[:end]
		}
	}
	return line[:end]
}

// dequote takes away the marks of a text that is quoted as a whole, or for the most part.
func dequote(text string) string {
	head := text[:min(len(text), 8<<10)]
	marked, all := 0, 0
	for line := range strings.Lines(head) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if all++; mark(line) != "" {
			marked++
		}
	}
	if marked == 0 || marked*10 < all*8 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(line[len(mark(line)):])
	}
	return strings.TrimLeft(b.String(), "\n")
}

// unQP decodes quoted-printable (RFC 2045 section 6.7). What is no escape stays as it is.
func unQP(text string) string {
	if !strings.Contains(text, "=") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '=' {
			b.WriteByte(text[i])
			continue
		}
		rest := strings.TrimLeft(text[i+1:min(len(text), i+80)], " \t")
		if strings.HasPrefix(rest, "\n") || rest == "" { // a soft break
			i = min(len(text), i+80) - len(rest)
			if rest == "" {
				i--
			}
			continue
		}
		if i+2 < len(text) {
			hi, lo := unhex(text[i+1]), unhex(text[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte('=')
	}
	return b.String()
}

func unhex(c byte) int { return strings.IndexByte("0123456789abcdef", lower(c)) }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// qpSigns are what a text that was pasted in quoted-printable has.
var qpSigns = lazy(`=\n|=3D|=20\n|=C3=|=E2=80|=D0=`)

// bare decodes what a paste of a mail's source has in quoted-printable or base64, where no header says so.
func bare(text string) string {
	if head := cut(text); qpSigns.MatchString(head) {
		text = toUTF8(unQP(text), "")
	}
	if at := base64Block.FindStringIndex(cut(text)); at != nil {
		if said := unBase64(text[at[0]:at[1]]); readable(said) {
			text = text[:at[0]] + "\n" + said + "\n" + text[at[1]:]
		}
	}
	return text
}

var base64Block = lazy(`(?m)(?:^[A-Za-z0-9+/]{56,76}\n){2,}(?:^[A-Za-z0-9+/]{1,76}={0,2}(?:\n|$))?`)

// unBase64 decodes as much as there is of base64 (RFC 2045 section 6.8).
func unBase64(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		if c := text[i]; c == '+' || c == '/' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else if c == '=' {
			break
		}
	}
	whole := b.String()
	if len(whole)%4 == 1 {
		whole = whole[:len(whole)-1]
	}
	raw, _ := base64.RawStdEncoding.DecodeString(whole)
	return string(raw)
}

// readable says whether decoded bytes are a text.
func readable(text string) bool {
	odd := 0
	head := text[:min(len(text), 4096)]
	for _, c := range []byte(head) {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			odd++
		}
	}
	return len(head) > 0 && odd*50 <= len(head)
}
