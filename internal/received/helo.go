package received

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How a HELO name stands in a text: with what leads to it, a quote, and itself.
const (
	heloQuote = `(["'“„‘«「『` + "`" + `<]*)`
	heloWord  = `(\[[^\]\s]{1,200}\]|[A-Za-z0-9_][A-Za-z0-9._:-]{0,250})`

	// heloGlue are the words that stand between HELO and the name, in the languages of reports.
	heloGlue = `(?:-?name\pL*|wert|string|naam|waarde|nom|nombre|valor|nome|valeur|имен\pL*|имя|ім['’]?я\pL*|значение|ホスト名|名|値|文字列|mit|dem|den|der|als|war|ist|lautet\pL*|gab|sich|met|de|` +
		`was|werd|avec|le|est|était|comme|con|el|como|es|era|fue|com|foi|é|с|со|как|был\pL*|указан\pL*|з|як|було|は|が|を|として|の|で)`
)

var (
	heloSaid = lazy(`(?i)(?:HELO|EHLO)(?:['’]?(?:e?d|s|ing))?(?:[/ ](?:HELO|EHLO))?(?:\s*\([^)]*\))?["']?\s*` +
		`(?:names?|strings?|values?|command|greeting|parameter|hostname|host)?["']?\s*(?:(?:we saw|being used|used|in use|seen|observed|found|detected|given|sent)\s*)?` +
		`(as|of|with|is|was|being|:|=|\|)+\s*(?:(?:set to|given as|used|the name|this host is)\s+)?` + heloQuote + heloWord)
	heloName    = lazy(`(?i)(?:HELO|EHLO)\s+(name|string|value|greeting)\s+` + heloQuote + heloWord)
	verbSaid    = lazy(`(?m)(?:^|[\s"'` + "`" + `(,>])(HELO|EHLO) +(["'<]?)(\[[^\]\s]{1,200}\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)`)
	verbQuoted  = lazy(`["'“„‘«「` + "`" + `](HELO|EHLO)( +)(\S{1,250}?)["'”“’»」` + "`" + `]`)
	verbAlone   = lazy(`(HELO|EHLO)( +)(localhost)(?:[^A-Za-z0-9._-]|\.?\s|\.?$)`)
	eximHost    = lazy(`(\sH=)(?:\S+ )?(\()(\S{1,250})\) \[`) // of Exim's main log
	heloForeign = lazy(`(?i)(?:HELO|EHLO)((?:[\s:/-]{0,3}(?:HELO|EHLO|` + heloGlue + `)){1,5}[\s:]{0,3})` + heloQuote + heloWord)
	heloCalled  = lazy(`(?i)((?:introduc\pL+ itself|identif\pL+ itself|present\pL+ itself|meldete sich|stellte sich|identifizierte sich|meldde zich|stelde zich|identificeerde zich|` +
		`s['’]est (?:présenté\pL*|identifié\pL*)|se presentó|se identificó|se ha identificado|apresentou-se|se apresentou|identificou-se|se identificou|представи\pL*|назва\pL*)` +
		`(?:\s(?:itself|to us|bei uns|mit|dem|namen|als|as|voor|met|de|naam|comme|sous|le|nom|avec|como|con|el|nombre|com|o|nome|как|именем|під|як|ім'ям|by|the|name|HELO|EHLO|vor|auprès|de nous)){1,6}[\s:]{0,3})` + heloQuote + heloWord)
	heloDirect = lazy(`(?i)(?:HELO|EHLO)( )([„«「『“"'])` + heloWord)
	heloNamed  = lazy(`()([「『"])` + heloWord + `[」』"]\s*(?:と名乗|という(?:HELO|EHLO)|を(?:HELO|EHLO))`)
)

// guillemets takes the blanks away that French has inside its quotes.
var guillemets = strings.NewReplacer("« ", "«", " »", "»")

// maxHELOs bounds the names that are taken from a text.
const maxHELOs = 8

// findHELOs finds the names that a text says a host gave in HELO, the likeliest first. A word that may be one of a
// sentence is left out: to look for a name that nobody gave would clear who did it.
// unsure is true if one of them may be a word of a sentence all the same.
func findHELOs(text string) (names []string, unsure bool) {
	lines := guillemets.Replace(blanks.ReplaceAllString(text, " "))
	for _, in := range []*pattern{heloSaid, heloName, verbSaid, verbQuoted, verbAlone, eximHost, heloForeign, heloCalled, heloNamed, heloDirect} {
		rest := lines
		for range 100 {
			at := in.FindStringSubmatchIndex(rest)
			if at == nil {
				break
			}
			lead, name := strings.ToLower(group(rest, at, 1)), strings.TrimRight(group(rest, at, 3), ".:,")
			quoted := group(rest, at, 2) != ""
			if !isHELO(lead, quoted, name, rest[at[7]:]) {
				rest = rest[at[6]:] // the word may be the verb of a name that follows
				continue
			}
			start, end := at[2], at[7]
			if start < 0 {
				start = at[6]
			}
			if isAdvice(rest, min(start, at[6]), end) {
				rest = rest[at[1]:]
				continue
			}
			unsure = unsure || !quoted && !isSaid(rest, at[0], lead, name)
			if !slices.Contains(names, name) && len(names) < maxHELOs {
				names = append(names, name)
			}
			rest = rest[at[1]:]
		}
	}
	return names, unsure
}

// advice are words that show how a name should be.
var (
	adviceBefore = lazy(`(?i)\b(?:correct|valid|proper|should|must|expect\w*|example|such as|instead|rather|need(?:s|ed)? to|has to|change|replace|set|korrekt\w*|gültig\w*|sollte|muss|müsste|soll|richtig\w*|beispiel\w*|correcte?|valide|devrait|doit|válido|correcto|debe\w*|deve\w*|правильн\pL*|должен|должно)\b[^.;\n]{0,60}$|\be\.g\.[ ,]{0,2}$|\bz\.\s?B\.[ ,]{0,2}$`)
	adviceBehind = lazy(`(?i)^["'”]?,?\s(?:or similar|or the like|is (?:the )?(?:correct|expected|valid|proper)|for example|would be|instead|as (?:is )?set in|oder ähnlich)`)
	protocolLine = lazy(`(?:^|\n)[ \t]{0,8}(?:[<>=-]{1,3}\s?|C:\s|\d\d\d[ -])?$|[(,:]\s?$`)
)

// isAdvice says whether a name is shown as one to use.
func isAdvice(text string, start, end int) bool {
	before := text[max(0, start-110):start]
	if at := strings.LastIndexAny(before, ".;\n"); at > 0 && before[max(0, at-1):at] != "g" && before[max(0, at-1):at] != "B" {
		before = before[at:]
	}
	return adviceBefore.MatchString(before) || adviceBehind.MatchString(text[end:min(len(text), end+60)])
}

// isSaid says whether a name without quotes stands as programs write it: behind a label, in HELOed as NAME, or in a line
// of the dialogue.
func isSaid(text string, at int, lead, name string) bool {
	switch lead {
	case ":", "|", "=":
		return true
	case "as":
		return strings.ContainsAny(name, ".[")
	case "helo", "ehlo":
		return protocolLine.MatchString(text[max(0, at-40):min(len(text), at+1)]) || protocolLine.MatchString(text[max(0, at-40):at])
	}
	return strings.HasSuffix(lead, "h=")
}

// noName is a number, a standard, a day, or what checkers say of a name.
var noName = lazy(`^(?i:\d+|(?:tls|ssl)(?:v?\d.*|\..*)?|starttls.*|rfc-?\d+.*|not[_-].*|-+|\d{4}-\d\d-\d\d(?:T.*)?|yes|no|ok|passed|failed|` + noWords + `)$`)

// noWords stand for a missing name, or are a result of SPF.
const noWords = `none|null|unknown|missing|empty|invalid|pass|fail|neutral|softfail|permerror|temperror`

// defanged is a dot that was made unreadable.
const defanged = `[\[(](?:\.|dot)[\])]`

var endQuote = lazy("^[.,:;]?[\"'”“’»」』`>)]")

var blanks = lazy(`[ \t\r\f\v\x{a0}]+`)

// changed matches what follows the readable part of a name that was made unreadable: mail[.]com, N/A, ma**.com.
var changed = lazy(`^(?:` + defanged + `|/[Aa]\b|\*|…|%[0-9A-Fa-f]{2})`)

// isHELO says whether a word is a name. lead is what leads to it, rest what follows.
func isHELO(lead string, quoted bool, name, rest string) bool {
	if name == "" || slices.Contains([]string{"helo", "ehlo", "fqdn", "e.g", "i.e"}, strings.ToLower(name)) {
		return false
	}
	if changed.MatchString(rest) {
		return false
	}
	if quoted && lead != " " && endQuote.MatchString(rest) { // and not the first of several words
		return true
	}
	if noName.MatchString(name) { // HELO of 5 characters, HELO as RFC5321 demands
		return false
	}
	if strings.ContainsAny(name, "[._0123456789") || strings.EqualFold(name, "localhost") || lead == "=" {
		return true
	}
	switch lead {
	case "as": // HELO as User
		first, _ := utf8.DecodeRuneInString(name)
		return unicode.IsUpper(first)
	case ":", "|": // HELO: User; but not HELO: rejected because
		next, _ := utf8.DecodeRuneInString(strings.TrimPrefix(rest, " "))
		return !unicode.IsLower(next)
	}
	return false
}
