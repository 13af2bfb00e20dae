package received

import (
	"html"
	"regexp"
	"strings"
)

var (
	isHTML   = regexp.MustCompile(`(?i)^\s*<(?:!doctype|html|head|body|table|tr|td|div|p|pre)\b`)
	unshown  = regexp.MustCompile(`(?is)<(?:script|style|head)\b.*?</(?:script|style|head)\s*>|<!--.*?-->`)
	lineEnds = regexp.MustCompile(`(?i)<(?:br|/p|/div|/tr|/pre|/li|/h[1-6])\b[^<>]*>\r?\n?`)
	tags     = regexp.MustCompile(`</?[A-Za-z][^<>]*>`)
)

// plainText is what a page or an HTML mail shows, as text.
func plainText(page string) string {
	page = lineEnds.ReplaceAllString(unshown.ReplaceAllString(cut(page), ""), "\n")
	page = html.UnescapeString(tags.ReplaceAllString(page, " "))
	return strings.ReplaceAll(page, "\u00a0", " ")
}
