package received

import (
	"slices"
	"strings"
)

// one is what a list has, if it has one thing.
func one(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return ""
}

var (
	anyAddress = lazy(`[^\s<>()@;:,"]{1,64}@[A-Za-z0-9\pL][A-Za-z0-9\pL.-]{0,254}[A-Za-z0-9\pL]`)
	failedRcpt = lazy(`(?im)^\s*<([^\s<>]{1,64}@[^\s<>]{1,255})>(?::|[ \t]*$)|RCPT TO:\s?<([^\s<>]{1,64}@[^\s<>]{1,255})>|^ {0,4}([^\s<>:]{1,64}@[^\s<>:]{1,255})(?::?[ \t]*\n|: [45]\d\d )`)
)

// mailAddress is the address in a field such as "rfc822; user@example.net".
func mailAddress(value string) string {
	if _, behind, is := strings.Cut(value, ";"); is {
		value = behind
	}
	return anyAddress.FindString(value)
}

// recipients are those that a bounce names, each once.
func (r *reader) recipients(l *letter, words string, alias bool) (list []string) {
	add := func(said string) {
		if said = mailAddress(said); said != "" && !slices.Contains(list, said) && len(list) < maxParts {
			list = append(list, said)
		}
	}
	for _, f := range l.reports {
		add(f.get("final-recipient"))
	}
	if len(list) == 0 {
		add(l.head.get("x-failed-recipients"))
	}
	if len(list) == 0 {
		for _, m := range failedRcpt.FindAllStringSubmatch(cut(words), 20) {
			add(m[1] + m[2] + m[3])
		}
	}
	if len(list) > 1 {
		r.c.say("it names %d recipients", len(list))
	}
	if alias && len(list) == 1 {
		r.c.say("the server may have passed the mail on to `%s` from another address", list[0])
	}
	return list
}
