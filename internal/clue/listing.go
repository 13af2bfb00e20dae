package clue

import (
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// What blocklists write of a host that they list (CBL, Spamhaus), and those who report abuse in
// plain words.
var (
	heloSaid = regexp.MustCompile(`(?i)(?:HELO|EHLO)(?:['’]?(?:e?d|ing))?(?:[/ ](?:HELO|EHLO))?(?:\s*\([^)]*\))?\s*` +
		`(?:name|string|value|command|greeting|parameter)?\s*(?:(?:we saw|used)\s*)?(?:as|of|with|is|was|being|:|=)+\s*(?:the name\s*)?["'“‘` + "`" + `<]*` +
		`(\[[^\]\s]{1,200}\]|[A-Za-z0-9_][A-Za-z0-9._:-]{0,250})`)
	heloName   = regexp.MustCompile(`(?i)(?:HELO|EHLO)\s+(?:name|string|value|greeting)\s+["'“‘` + "`" + `<]+(\[[^\]\s]{1,200}\]|[A-Za-z0-9_][A-Za-z0-9._:-]{0,250})`)
	verbSaid   = regexp.MustCompile(`(?m)(?:^|[\s"'` + "`" + `])(?:HELO|EHLO) +["'<]?(\[[^\]\s]{1,200}\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)`)
	verbQuoted = regexp.MustCompile(`["'“‘` + "`" + `](?:HELO|EHLO) +(\S{1,250}?)["'”’` + "`" + `]`)
	eximHost   = regexp.MustCompile(`\sH=(?:\S+ )?\((\S{1,250})\) \[`) // of Exim's main log

	dates = regexp.MustCompile(`(?i)(?:` + dayAndTime + `|` + asLogged + `(?:(?:\s+(?:` + zoneNames + `))?\s+\d{4}\b)?)(?:\s*\(?(?:(?:` + zoneNames + `)\b(?:[+-]\d{1,2})?|[+-]\d\d:?\d\d)\)?)?` +
		`(?:,?\s*\(?\s*(?:±|\+/-|\+-|plus or minus)\s*\d{1,4}\s*(?:min(?:ute)?[sn]?|h(?:our)?s?|sec(?:ond)?s?)\b\s*\)?)?`)
	detected = regexp.MustCompile(`(?i)(?:last\s+)?(?:detected|detection|seen|spotted|observed|received|occurred|arrival|timestamp|date)[^.\n]{0,60}$`)
	address  = regexp.MustCompile(`(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}`)
)

// How dates with a time are written: 2015-12-04 ~14:30, 4. Dezember 2015, 2:30 pm, 04.12.2015 um 14:30 Uhr;
// and as ctime, date(1) and syslog do: Fri Dec 4 14:30:00 UTC 2015, Dec 4 14:30:00.
const (
	dayNames   = `(?:(?:mon|tue|wed|thu|fri|sat|sun|di|mi|do|sa|so)[a-z]*,?\s+)?`
	monthNames = `(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*`
	dayAndTime = dayNames + `(?:\b\d{4}[-/]\d{1,2}[-/]\d{1,2}|\b\d{1,2}\.\d{1,2}\.\d{4}|\b\d{1,2}\.?[ /-]` + monthNames + `[ ,/-]+\d{4}|\b` + monthNames + `\.?\s+\d{1,2},?\s+\d{4})` +
		`(?:,?\s+(?:at|um))?[T ,]+(?:about |around |approximately )?~?\s*\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[ap]m\b|\s*Uhr\b)?`
	asLogged = dayNames + `\b` + monthNames + `\s+\d{1,2}\s+\d\d:\d\d:\d\d`
)

// listing is what a text says in plain words.
type listing struct {
	helo  string
	when  Moment
	dated bool
	addr  netip.Addr
}

// findListing reads the text of a blocklist's page, or of a person. Of several times it takes the
// one that is said to be that of the last detection, else the first.
func findListing(text string, now time.Time) (l listing) {
	text = cut(text)
	flat := spaces.ReplaceAllString(text, " ")
	for _, in := range []*regexp.Regexp{heloSaid, heloName, verbSaid, verbQuoted, eximHost} {
		if m := in.FindStringSubmatch(flat); m != nil {
			l.helo = strings.TrimRight(m[1], ".:,")
			break
		}
	}
	best := -1
	for _, at := range dates.FindAllStringIndex(flat, 100) {
		m, err := ParseTime(flat[at[0]:at[1]], now)
		if err != nil {
			continue
		}
		score := 0
		if near := detected.FindString(flat[max(0, at[0]-100):at[0]]); near != "" {
			score = 1
			if strings.Contains(strings.ToLower(near), "last") {
				score = 2
			}
		}
		if m.Margin > 0 {
			score += 3
		}
		if score > best {
			best, l.when, l.dated = score, m, true
		}
	}
	if row, ok := findRow(text, now); ok {
		if l.helo == "" {
			l.helo = row.helo
		}
		if l.when.Margin == 0 {
			l.when, l.dated = row.when, true
		}
		l.addr = row.addr
		return l
	}
	for _, word := range address.FindAllString(flat, 100) {
		if a, err := netip.ParseAddr(word); err == nil && public(a) {
			l.addr = a.Unmap()
			break
		}
	}
	return l
}

// public says whether a may be an address that others see.
func public(a netip.Addr) bool {
	return a.IsValid() && a.IsGlobalUnicast() && !a.IsPrivate()
}
