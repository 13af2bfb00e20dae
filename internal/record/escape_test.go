package record

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, test := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"/usr/bin/perl -w", 0, "/usr/bin/perl -w"},
		{"Grüße, 世界 ✓ é", 0, "Grüße, 世界 ✓ é"},
		{"\x1b[31m\a\n\r\t\x00\x7f", 0, `\x1b[31m\a\n\r\t\x00\x7f`},
		{"\u009b31m \x9b31m", 0, `\u009b31m \x9b31m`},
		{"a\u202eb\u2066c\u200fd", 0, `a\u202eb\u2066c\u200fd`},
		{"a\u2028b\u2029c", 0, `a\u2028b\u2029c`},
		{"a\u00a0b\u200bc\ufeffd\u3164e\u2800f\ufe0fg", 0, `a\u00a0b\u200bc\ufeffd\u3164e\u2800f\ufe0fg`},
		{"\U000e0041\U0010ffff", 0, `\U000e0041\U0010ffff`},
		{"\xff\xc0\xaf\xed\xa0\x80\xe2\x82", 0, `\xff\xc0\xaf\xed\xa0\x80\xe2\x82`},
		{"\ufffd", 0, "\ufffd"},
		{`\x1b`, 0, `\\x1b`},
		{`it's "quoted"`, 0, `it's "quoted"`},
		{"0123456789", 10, "0123456789"},
		{"0123456789a", 10, "012345…89a"},
		{"世界世界世界世界世界世", 10, "世界世界世界…世界世"},
		{"\x1b\x1b\x1b\x1b", 10, `\x1b…`},
		{"a\x1bb\x1bc\x1bd", 10, `a\x1bb…d`},
		{strings.Repeat("\u202e", 1000), 20, `\u202e\u202e…\u202e`},
		{"abc", 1, "…"},
	} {
		if got := Escape(test.in, test.limit); got != test.want {
			t.Errorf("Escape(%q, %d) = %s, want %s", test.in, test.limit, got, test.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, 0)
		f.Add(text, 40)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		got := Escape(text, limit)
		if !utf8.ValidString(got) {
			t.Errorf("%q: not UTF-8: %q", text, got)
		}
		for _, r := range got {
			if !printable(r) {
				t.Errorf("%q: shows %q", text, r)
			}
		}
		if n := utf8.RuneCountInString(got); limit > 0 && n > limit {
			t.Errorf("%q: %d characters, more than %d", text, n, limit)
		}
		if token := string(appendToken(nil, text, limit)); strings.Contains(token, " ") && token[0] != '"' {
			t.Errorf("%q: a token with a blank: %s", text, token)
		}
	})
}
