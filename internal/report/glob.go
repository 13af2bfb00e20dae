package report

import "strings"

// glob matches s against a pattern in which * stands for any text and ? for any character. Brackets
// stand for themselves: [127.0.0.1] is what a client says in HELO.
func glob(pattern, s string) bool {
	p, star, mark := 0, -1, 0
	text, like := []rune(s), []rune(pattern)
	for i := 0; i < len(text); {
		switch {
		case p < len(like) && like[p] == '*':
			star, mark = p, i
			p++
		case p < len(like) && (like[p] == '?' || like[p] == text[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(string(like[p:]), "*") == ""
}

// globFold is glob where case does not count. The pattern is in lower case.
func globFold(pattern, s string) bool { return glob(pattern, strings.ToLower(s)) }

// wild says whether a pattern has a wildcard.
func wild(pattern string) bool { return strings.ContainsAny(pattern, "*?") }
