package received

import (
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// What blocklists write of a host that they list (CBL, Spamhaus), and those who report abuse in
// plain words.
var (
	dates = regexp.MustCompile(`(?i)(?:` + dayAndTime + `|` + asLogged + `(?:(?:\s+(?:` + zoneNames + `))?\s+\d{4}\b)?)(?:\s*\(?(?:(?:` + zoneNames + `)\b(?:[+-]\d{1,2})?|[+-]\d\d:?\d\d)\)?)?` +
		`(?:,?\s*\(?\s*(?:±|\+/-|\+-|plus or minus)\s*\d{1,4}\s*(?:min(?:ute)?[sn]?|h(?:our)?s?|sec(?:ond)?s?)\b\s*\)?)?`)
	detected = regexp.MustCompile(`(?i)(?:last\s+)?(?:detected|detection|seen|spotted|observed|received|occurred|arrival|timestamp|date)[^.\n]{0,60}$`)
	lately   = regexp.MustCompile(`(?i)\blast(?:\s+\w+){0,3}\s*:?\s*$`)
	aside    = regexp.MustCompile(`(?i)\b(?:first|since|generated|checked|printed|expir\w*|removal|removed|delisted|now|until)\b(?:\s+\w+){0,2}\s*:?\s*$`)
	address  = regexp.MustCompile(`(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}`)
)

// How dates with a time are written: 2015-12-04 ~14:30, 4. Dezember 2015, 2:30 pm, 04.12.2015 um 14:30 Uhr;
// and as ctime, date(1) and syslog do: Fri Dec 4 14:30:00 UTC 2015, Dec 4 14:30:00.
const (
	dayNames   = `(?:(?:mon|tue|wed|thu|fri|sat|sun|di|mi|do|sa|so)[a-z]*,?\s+)?`
	monthNames = `(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*`
	dayAndTime = dayNames + `(?:\b\d{4}[-/]\d{1,2}[-/]\d{1,2}|\b\d{1,2}\.\d{1,2}\.\d{4}|\b\d{1,2}/\d{1,2}/\d{4}|\b\d{1,2}\.?[ /-]` + monthNames + `[ ,/-]+\d{4}|\b` + monthNames + `\.?\s+\d{1,2},?\s+\d{4})` +
		`(?:,?\s+(?:at|um))?[T ,]+(?:about |around |approximately )?~?\s*\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[ap]m\b|\s*Uhr\b)?`
	asLogged = dayNames + `\b` + monthNames + `\s+\d{1,2}\s+\d\d:\d\d:\d\d`
)

// listing is what a text says in plain words.
type listing struct {
	helos []string // the first is the likeliest
	when  Moment
	dated bool
	times int // that the text has
	addr  netip.Addr
}

// findListing reads the text of a blocklist's page, or of a person. Of several times it takes the
// one that is said to be that of the last detection, else the first.
func findListing(text string, now time.Time) (l listing) {
	text = cut(text)
	flat := spaces.ReplaceAllString(text, " ")
	l.helos = findHELOs(text)
	best := -2
	seen := map[int64]bool{}
	for _, at := range dates.FindAllStringIndex(flat, 100) {
		said := flat[at[0]:at[1]]
		if !strings.Contains(said, "(") { // of a time that stands in parentheses
			said = strings.TrimRight(said, ")")
		}
		m, err := ParseTime(said, now)
		if err != nil {
			continue
		}
		seen[m.Time.Unix()] = true
		score, before := 0, flat[max(0, at[0]-100):at[0]]
		if aside.MatchString(before) {
			score = -1
		} else if lately.MatchString(before) {
			score = 2
		} else if near := detected.FindString(before); near != "" {
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
	l.times = len(seen)
	if row, ok := findRow(text, now); ok {
		l.helos = append(row.helos, l.helos...)
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
