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
func findHELOs(text string) (names []string) {
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
			if !slices.Contains(names, name) && len(names) < maxHELOs {
				names = append(names, name)
			}
			rest = rest[at[1]:]
		}
	}
	return names
}

// noName is a number, a standard, a day, or what checkers say of a name.
var noName = lazy(`^(?i:\d+|(?:tls|ssl)(?:v?\d.*|\..*)?|starttls.*|rfc-?\d+.*|not[_-].*|-+|\d{4}-\d\d-\d\d(?:T.*)?|none|null|unknown|missing|empty|invalid|yes|no|ok|pass|passed|fail|failed|neutral|softfail)$`)

var endQuote = lazy("^[.,:;]?[\"'”“’»」』`>)]")

var blanks = lazy(`[ \t\r\f\v\x{a0}]+`)

// isHELO says whether a word is a name. lead is what leads to it, rest what follows.
func isHELO(lead string, quoted bool, name, rest string) bool {
	if name == "" || slices.Contains([]string{"helo", "ehlo", "fqdn", "e.g", "i.e"}, strings.ToLower(name)) {
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
