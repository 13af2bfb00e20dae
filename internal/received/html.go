package received

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var isHTML = lazy(`(?i)^\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype|html|head|meta|title|body|table|tr|td|div|span|p|pre|font|b|br|h[1-6]|!--)\b`)

// maxPage bounds a page.
const maxPage = 1 << 20

// plainText is what a page or an HTML mail shows, as text.
func plainText(page string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(page[:min(len(page), maxPage)]))
	z.SetMaxBuf(32 << 10) // a tag that is never closed ends it
	hidden := atom.Atom(0)
	preformatted, broken := false, false
	for b.Len() < maxLook {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if hidden != 0 {
				continue
			}
			text := strings.ReplaceAll(html.UnescapeString(string(z.Raw())), "\u00a0", " ")
			if !preformatted {
				text = blanksAndEnds.ReplaceAllString(text, " ")
			} else if broken {
				text = strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n")
			}
			broken = false
			b.WriteString(text)
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			start := kind == html.StartTagToken
			switch tag := atom.Lookup(name); tag {
			case atom.Script, atom.Style, atom.Head:
				if start && hidden == 0 {
					hidden = tag
				} else if !start && hidden == tag {
					hidden = 0
				}
			case atom.Body:
				hidden = 0
			case atom.Pre:
				preformatted = start
				b.WriteByte('\n')
			case atom.Br:
				broken = true
				b.WriteByte('\n')
			case atom.P, atom.Div, atom.Tr, atom.Li, atom.Table, atom.Blockquote,
				atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
				b.WriteByte('\n')
			case atom.Td, atom.Th:
				if start {
					b.WriteByte('\t')
				}
			default:
				b.WriteByte(' ')
			}
		}
	}
	return b.String()
}

var blanksAndEnds = lazy(`\s+`)
