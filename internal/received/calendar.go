package received

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// layouts is the one table of how a day is written, once its words are in English, all between its parts is a hyphen,
// and the time of day is taken out. The first that fits counts.
var layouts = []struct {
	layout string
	year   bool // the layout has a year
}{
	{"2006-1-2", true}, {"20060102", true}, {"2006-Jan-2", true},
	{"2-Jan-2006", true}, {"2-Jan-06", true}, {"Jan-2-2006", true}, {"2-1-2006", true}, {"2-1-06", true},
	{"2-Jan", false}, {"Jan-2", false},
}

var (
	ordinal   = lazy(`(\d)(?:st|nd|rd|th|er|º|ª)\b`)
	slashes   = lazy(`\b(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b`)
	signs     = lazy(` ?[-/.:,] ?| +`)
	toMonth   = lazy(`(\d)(\pL)`) // 13feb 2018
	fourDigit = lazy(`\d{4}`)
	lateYear  = lazy(`(?:^| )(\d{4})\b`) // date(1): Tue Feb 13 03:54:09 CET 2018

	// A zone such as -0500 may follow a date without a year: what stands before the year is one hyphen, or blanks.
	datePart = lazy(`\b(?:\d{4} ?[-/.:] ?\d{1,2} ?[-/.:] ?\d{1,2}|\d{1,2} ?[-/.] ?\d{1,2} ?[-/.] ?(?:\d{4}|\d\d)|\d{8})\b|` +
		`\b\d{1,2}(?:st|nd|rd|th|er|º|ª)?(?:[-/]|[. ]*)` + monthWord + `\.?(?:(?:[-/]|[, ]+)(?:\d{4}|\d\d)\b)?|` +
		`\b` + monthWord + `\.?(?:-| +)\d{1,2}(?:st|nd|rd|th)?\b(?:[, ]+\d{4}\b)?|\b\d{4}[-/ ]` + monthWord + `[-/ ]\d{1,2}\b`)
)

// monthWord is an English month, as inEnglish leaves it.
const monthWord = `(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b`

// errMonth is the error of a date that may be one of two.
var errMonth = errors.New("which of the numbers is the month? Write the date as 2006-01-02")

// findDate finds a day in a text in lower case and in English, and returns what else there is. Its year is 0 if
// it has no year. american says whether the month stands first.
func findDate(text string, now time.Time, american bool) (day time.Time, found bool, rest string, err error) {
	for word, days := range map[string]int{"today": 0, "yesterday": -1} {
		if before, after, is := strings.Cut(text, word); is {
			y, m, d := now.AddDate(0, 0, days).Date()
			return time.Date(y, m, d, 0, 0, 0, 0, time.UTC), true, before + " " + after, nil
		}
	}
	if text, err = monthFirst(text, american); err != nil {
		return day, false, text, err
	}
	at := datePart.FindStringIndex(text)
	if at == nil {
		return day, false, text, nil
	}
	said := strings.Trim(signs.ReplaceAllString(ordinal.ReplaceAllString(text[at[0]:at[1]], "$1"), "-"), "-")
	said = toMonth.ReplaceAllString(strings.ReplaceAll(said, "--", "-"), "$1-$2")
	rest = text[:at[0]] + " " + text[at[1]:]
	if i := slices.IndexFunc(layouts, func(l struct {
		layout string
		year   bool
	}) bool {
		day, err = time.Parse(l.layout, said)
		return err == nil || strings.HasSuffix(err.Error(), "day out of range")
	}); i < 0 || err != nil {
		return day, false, rest, fmt.Errorf("there is no day %s", said)
	} else if layouts[i].year {
		if day.Year() < 1000 {
			return day, false, rest, errors.New("that year cannot be meant")
		}
		if y := day.Year(); len(said) < 10 && !fourDigit.MatchString(said) && y >= 2050 { // RFC 5322 section 4.3
			day = day.AddDate(-100, 0, 0)
		}
		return day, true, rest, nil
	}
	year := now.Year()
	if at := lateYear.FindStringSubmatchIndex(rest); at != nil {
		fmt.Sscan(rest[at[2]:at[3]], &year)
		rest = rest[:at[0]] + " " + rest[at[1]:]
	} else if time.Date(year, day.Month(), day.Day(), 0, 0, 0, 0, now.Location()).After(now) {
		year-- // as syslog writes it: the last such day
	}
	on := time.Date(year, day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	if on.Day() != day.Day() { // 29 Feb
		return day, false, rest, fmt.Errorf("there is no day %s in %d", said, year)
	}
	return on, true, rest, nil
}

// monthFirst turns 12/31/2015 into 2015-12-31, where it is certain which of the numbers is the month.
func monthFirst(text string, american bool) (string, error) {
	at := slashes.FindStringSubmatchIndex(text)
	if at == nil {
		return text, nil
	}
	a, b, year := group(text, at, 1), group(text, at, 2), group(text, at, 3)
	var first, second int
	fmt.Sscan(a, &first)
	fmt.Sscan(b, &second)
	switch {
	case first > 12, first == second:
		a, b = b, a
	case second <= 12 && !american:
		return text, errMonth
	}
	if len(year) == 2 {
		return text[:at[0]] + b + "-" + months[min(max(first, 1), 12)-1] + "-" + year + text[at[1]:], nil
	}
	return text[:at[0]] + year + "-" + a + "-" + b + text[at[1]:], nil
}

var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
