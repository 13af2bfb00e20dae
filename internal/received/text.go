package received

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
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

var ends = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "")

func wide(raw []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units))
}

// toUTF8 decodes a text by the name of its character set. Of one that is not known what is no UTF-8 is Latin-1: all
// that is looked for is ASCII, but for the words around it.
func toUTF8(text, charset string) string {
	high := charsets[strings.ToLower(charset)]
	if high == nil && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for _, c := range []byte(text) {
		switch {
		case c < 0x80:
			b.WriteByte(c)
		case high != nil:
			b.WriteRune(high[c-0x80])
		default:
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// charsets are the upper halves of the sets that Russian and Ukrainian mails come in (RFC 1489, RFC 2319).
var charsets = map[string][]rune{
	"koi8-r": []rune(koi8Signs + koi8Letters), "koi8-u": []rune(koi8Signs + koi8Letters),
	"windows-1251": []rune(cp1251Signs + "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя"),
}

const (
	koi8Signs   = "─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u00a0⌡°²·÷═║╒ёє╔ії╗╘╙╚╛ґ╝╞╟╠╡ЁЄ╣ІЇ╦╧╨╩╪Ґ╬©"
	koi8Letters = "юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ"
	cp1251Signs = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u0098™љ›њќћџ\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї"
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
