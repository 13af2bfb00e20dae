package check

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const width = 100

// Table writes the report for a person, at most 100 columns wide.
func (r *Report) Table(w io.Writer, colour bool) error {
	t := &table{colour: colour}
	t.heading("required")
	for _, row := range r.Rows {
		if row.Required {
			t.row(row)
		}
	}
	t.heading("optional")
	for _, row := range r.Rows {
		if !row.Required {
			t.row(row)
		}
	}
	if len(r.Hooks) > 0 {
		t.heading("hooks, attached for a moment")
	}
	for _, h := range r.Hooks {
		mark, name := "+", h.Name
		if name == "" {
			mark, name = "!", "no hook works"
		}
		t.line(mark, asks[h.Question], "", name)
		for _, refused := range h.Refused {
			t.line("", "", "", "not "+refused.Name+": "+refused.Reason)
		}
	}
	t.heading("not seen")
	for _, s := range r.Unseen {
		t.b.WriteString(wrap("  - ", "    ", s))
	}
	if r.Error != "" {
		t.b.WriteString("\n" + t.paint("!", wrap("! ", "  ", r.Error)))
	}
	if r.Hint != "" {
		t.b.WriteString(wrap("  -> ", "     ", r.Hint))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

type table struct {
	b      strings.Builder
	colour bool
}

func (t *table) heading(s string) {
	if t.b.Len() > 0 {
		t.b.WriteByte('\n')
	}
	t.b.WriteString(s + "\n")
}

func (t *table) row(r Row) {
	mark := map[Status]string{OK: "+", Missing: "-", Unknown: "?"}[r.Status]
	if r.Status == Missing && r.Required {
		mark = "!"
	}
	t.line(mark, r.Name, string(r.Status), r.Found)
	if r.Cure != "" {
		t.line("", "", "", "-> "+r.Cure)
	}
}

// The columns: mark, name, status, text.
const nameColumn, statusColumn = 22, 8

var colours = map[string]string{"+": "32", "!": "31", "-": "33", "?": "33"}

func (t *table) line(mark, name, status, text string) {
	first := fmt.Sprintf("%1s %-*s %-*s ", mark, nameColumn, name, statusColumn, status)
	rest := strings.Repeat(" ", len(first))
	if strings.HasPrefix(text, "-> ") {
		rest += "   "
	}
	t.b.WriteString(t.paint(mark, wrap(first, rest, text)))
}

// paint colours the mark that a line begins with: after wrapping, for colours take no columns.
func (t *table) paint(mark, line string) string {
	if !t.colour || mark == "" {
		return line
	}
	return "\x1b[" + colours[mark] + "m" + mark + "\x1b[0m" + strings.TrimPrefix(line, mark)
}

// wrap gives text as lines of at most the width, the first behind first, the others behind rest.
func wrap(first, rest, text string) string {
	var b strings.Builder
	line, indent := first, len(first)
	for _, word := range strings.Fields(fold(text)) {
		for _, piece := range pieces(word, width-len(rest)) {
			switch n := utf8.RuneCountInString(line); {
			case n == indent:
			case n+1+utf8.RuneCountInString(piece) > width:
				b.WriteString(line + "\n")
				line, indent = rest, len(rest)
			default:
				line += " "
			}
			line += piece
		}
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	return b.String()
}

// pieces cuts a word that is longer than a line.
func pieces(word string, size int) []string {
	var p []string
	r := []rune(word)
	for len(r) > size {
		p, r = append(p, string(r[:size])), r[size:]
	}
	return append(p, string(r))
}
