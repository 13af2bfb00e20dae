package capture

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// Envelopes returns the lines of internal/smtp/testdata/envelopes.txt that are this program's, by flow.
// The flow's name is that of its file and its number there.
func Envelopes(t testing.TB, path string) map[string][]string {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want := map[string][]string{}
	name, differs, explained := "", false, true
	for lines := bufio.NewScanner(file); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "":
			if differs && !explained {
				t.Errorf("%s: differs from tshark without a reason", name)
			}
			differs, explained = false, false
		case strings.HasPrefix(line, "#"):
			explained = true
		case strings.HasPrefix(line, "t "):
			differs = true
		case strings.HasPrefix(line, "s "):
			differs = true
			want[name] = append(want[name], "="+line[1:])
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "+ "):
			want[name] = append(want[name], line)
		default:
			name = line
		}
	}
	return want
}

// Printable replaces what has no place in a text file.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r != '\n' && r < ' ', r == utf8.RuneError:
			return '?'
		}
		return r
	}, s)
}
