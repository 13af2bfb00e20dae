package received

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// date is a day; its year is 0 where there is none.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date { return date{t.Year(), t.Month(), t.Day()} }

const monthName = `(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?`

// A zone such as -0500 may follow a date without a year: what stands before the year is one hyphen, or blanks.
var (
	yearFirst = regexp.MustCompile(`\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b`)
	dayFirst  = regexp.MustCompile(`\b(\d{1,2})(?:st|nd|rd|th|\.)?[-/ ]*` + monthName + `(?:(?:[-/]|[, ]+)(\d{4}|\d{2})\b)?:?`)
	nameFirst = regexp.MustCompile(`\b` + monthName + ` *(\d{1,2})(?:st|nd|rd|th)?\b(?:[, ]+(\d{4})\b)?`)
	lateYear  = regexp.MustCompile(`\b(\d{4})\b`) // date(1): Tue Feb 13 03:54:09 CET 2018
	dotted    = regexp.MustCompile(`\b(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})\b`)
	slashed   = regexp.MustCompile(`\b(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b`)
)

var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// findDate finds a date in text, and returns what else there is.
func findDate(text string, now time.Time) (d date, rest string, err error) {
	for word, days := range map[string]int{"today": 0, "yesterday": -1} {
		if before, after, found := strings.Cut(text, word); found {
			return dateOf(now.AddDate(0, 0, days)), before + " " + after, nil
		}
	}
	var at []int
	number := func(n int) int {
		i, _ := strconv.Atoi(group(text, at, n))
		return i
	}
	year := func(n int) int { // of two digits: RFC 5322 section 4.3
		switch y := number(n); {
		case len(group(text, at, n)) != 2:
			return y
		case y < 50:
			return y + 2000
		default:
			return y + 1900
		}
	}
	named := func(n int) time.Month {
		return time.Month(slices.Index(months, group(text, at, n)) + 1)
	}
	if at = yearFirst.FindStringSubmatchIndex(text); at != nil {
		d = date{max(number(1), 1), time.Month(number(2)), number(3)}
	} else if at = dayFirst.FindStringSubmatchIndex(text); at != nil {
		d = date{year(3), named(2), number(1)}
	} else if at = nameFirst.FindStringSubmatchIndex(text); at != nil {
		d = date{number(3), named(1), number(2)}
	} else if at = dotted.FindStringSubmatchIndex(text); at != nil {
		d = date{year(3), time.Month(number(2)), number(1)}
	} else if at = slashed.FindStringSubmatchIndex(text); at != nil {
		day, month := number(1), number(2)
		if month > 12 {
			day, month = month, day
		}
		if day <= 12 && day != month {
			return d, text, errors.New("which of the numbers is the month? Write the date as 2006-01-02")
		}
		d = date{year(3), time.Month(month), day}
	} else {
		return d, text, nil
	}
	text = text[:at[0]] + " " + text[at[1]:]
	if d.year == 0 {
		if at = lateYear.FindStringSubmatchIndex(text); at != nil && text[max(at[0]-1, 0)] == ' ' {
			d.year = number(1)
			text = text[:at[0]] + " " + text[at[1]:]
		} else { // as syslog writes it: the last such day
			d.year = now.Year()
			if time.Date(d.year, d.month, d.day, 0, 0, 0, 0, now.Location()).After(now) {
				d.year--
			}
		}
	}
	if t := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC); dateOf(t) != d {
		return d, text, fmt.Errorf("there is no day %04d-%02d-%02d", d.year, int(d.month), d.day)
	}
	return d, text, nil
}
