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

// Moment is a point in time as somebody said it.
type Moment struct {
	Time   time.Time
	Local  bool          // no zone was said: it is taken as local time
	Day    bool          // no time of day was said: it is the start of that day
	Margin time.Duration // said beside it: ± 15 minutes; 0 if none
	Later  time.Time     // the clock showed it again when it was set back in autumn, at that time; zero: it did not
}

var (
	spaces  = regexp.MustCompile(`\s+`)
	comment = regexp.MustCompile(`\([^()]*\)`)
	margin  = regexp.MustCompile(`\(?\s*(?:±|\+/-|\+/−|\+-|plus or minus)\s*(\d{1,6})\s*` + unit + `?\s*\)?`)
	ago     = regexp.MustCompile(`^-?((?:\d{1,9}\s*` + unit + `\s*)+)(?:ago)?$`)
	span    = regexp.MustCompile(`(\d{1,9})\s*` + unit)
	seconds = regexp.MustCompile(`^@?(\d{9,10})(?:\.(\d{1,9}))?$`)
	millis  = regexp.MustCompile(`^@?(\d{10})(\d{3})$`)
	compact = regexp.MustCompile(`\b(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)`)
	packed  = regexp.MustCompile(`(-\d\d \d\d:\d\d)(\d\d)`)
	isoT    = regexp.MustCompile(`(\d)t(\d)`)
	clock   = regexp.MustCompile(`\b(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*([ap]\.?m\b\.?)?`)
	oClock  = regexp.MustCompile(`(^|[^\d:.,])(\d{1,2})\s*([ap]\.?m\b)`)
	age     = regexp.MustCompile(`[, ]*(?:\b(?:approximately|about)\s)?\s*(?:\d{1,9}\s*` + unit + `[, ]*)+ago$`)
	weekday = regexp.MustCompile(`\b(mon|tue|wed|thu|fri|sat|sun)[a-z]*\b`)
	letters = regexp.MustCompile(`\p{L}+`)
	filler  = regexp.MustCompile(`\b(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|at|on|last|about|around|approximately|circa)\b`)
)

// unit is a unit of time in a regular expression.
const unit = `(w(?:eeks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)`

// ParseTime reads a time in any common form: RFC 3339 and its shorter forms, RFC 5322, as date(1),
// a log or a blocklist writes it, in English or German, "15m ago" or "15m", "now", "yesterday 14:30", "Friday", Unix
// seconds or milliseconds. Without a zone it is in the location of now; without a date it is the last such
// time before now.
func ParseTime(s string, now time.Time) (Moment, error) {
	m, err := parseTime(s, now)
	m.again()
	if err == nil && (m.Time.Year() < 1970 || m.Time.UTC().Year() > 9999) {
		err = errors.New("that year cannot be meant")
	}
	if err != nil {
		return Moment{}, fmt.Errorf("%q is not a time: %w", s, err)
	}
	return m, nil
}

func parseTime(s string, now time.Time) (m Moment, err error) {
	if len(s) > 200 {
		return m, errors.New("it is too long")
	}
	text := strings.ToLower(strings.TrimSpace(spaces.ReplaceAllString(s, " ")))
	text = letters.ReplaceAllStringFunc(text, inEnglish)
	if at := margin.FindStringSubmatchIndex(text); at != nil {
		m.Margin = duration(text[at[2]:at[3]], group(text, at, 2))
		text = strings.TrimSpace(text[:at[0]] + " " + text[at[1]:])
	}
	text = strings.TrimSpace(strings.TrimLeft(text, "~≈ "))
	parts := seconds.FindStringSubmatch(text)
	if parts == nil {
		parts = millis.FindStringSubmatch(text)
	}
	switch {
	case text == "now":
		m.Time = now
		return m, nil
	case parts != nil:
		n, err := strconv.ParseInt(parts[1], 10, 64)
		m.Time = time.Unix(n, nanoseconds(parts[2])).In(now.Location())
		return m, err
	}
	if parts := ago.FindStringSubmatch(text); parts != nil {
		m.Time = now
		for _, p := range span.FindAllStringSubmatch(parts[1], -1) {
			m.Time = m.Time.Add(-duration(p[1], p[2]))
		}
		return m, nil
	}
	return m.calendar(text, now)
}

// calendar reads what has a date, a time of day, or both.
func (m Moment) calendar(text string, now time.Time) (Moment, error) {
	text = age.ReplaceAllString(text, "")
	comments := comment.FindAllString(text, -1)
	text = oClock.ReplaceAllString(comment.ReplaceAllString(text, " "), "$1$2:00 $3")
	text = packed.ReplaceAllString(compact.ReplaceAllString(text, "$1-$2-$3 $4:$5"), "$1:$2")
	text = strings.ReplaceAll(isoT.ReplaceAllString(text, "$1 $2"), "~", " ")
	hour, minute, second, nanos := 0, 0, 0, int64(0)
	if at := clock.FindStringSubmatchIndex(text); at != nil {
		hour, _ = strconv.Atoi(group(text, at, 1))
		minute, _ = strconv.Atoi(group(text, at, 2))
		second, _ = strconv.Atoi(group(text, at, 3))
		nanos = nanoseconds(group(text, at, 4))
		if half := group(text, at, 5); half != "" {
			if hour < 1 || hour > 12 {
				return m, fmt.Errorf("%d o'clock has no am or pm", hour)
			}
			hour %= 12
			if half[0] == 'p' {
				hour += 12
			}
		}
		if hour > 23 || minute > 59 || second > 60 {
			return m, fmt.Errorf("%q is not a time of day", text[at[0]:at[1]])
		}
		text = text[:at[0]] + " " + text[at[1]:]
	} else {
		m.Day = true
	}
	date, text, err := findDate(text, now)
	if err != nil {
		return m, err
	}
	day := weekday.FindStringSubmatch(text)
	if date.year == 0 && m.Day && day == nil {
		return m, errors.New("it has neither a date nor a time of day")
	}
	text = strings.Trim(filler.ReplaceAllString(text, " "), " ,.;:")
	in, said, err := zone(strings.Join(strings.Fields(text), " "), now.Location())
	if err != nil {
		return m, err
	}
	for i := 0; i < len(comments) && !said; i++ { // 14:30 (UTC)
		if named, ok, err := zone(strings.Trim(comments[i], "() "), now.Location()); err == nil && ok {
			in, said = named, true
		}
	}
	m.Local = !said
	if date.year != 0 {
		m.Time = time.Date(date.year, date.month, date.day, hour, minute, second, int(nanos), in)
		return m, nil
	}
	// The last such time, or the last on that day of the week.
	back, again := 0, 1
	if today := now.In(in); day != nil {
		back, again = (int(today.Weekday())-slices.Index(weekdays, day[1])+7)%7, 7
	}
	date = dateOf(now.In(in).AddDate(0, 0, -back))
	m.Time = time.Date(date.year, date.month, date.day, hour, minute, second, int(nanos), in)
	if m.Time.After(now) {
		m.Time = m.Time.AddDate(0, 0, -again)
	}
	return m, nil
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// again finds the other time at which the clock of the place shows the same.
func (m *Moment) again() {
	for _, back := range []time.Duration{time.Hour, 30 * time.Minute} { // half an hour: Lord Howe Island
		for _, other := range []time.Time{m.Time.Add(-back), m.Time.Add(back)} {
			if other.Format(time.DateTime) != m.Time.Format(time.DateTime) {
				continue
			}
			if m.Later = other; other.Before(m.Time) {
				m.Time, m.Later = other, m.Time
			}
			return
		}
	}
}

// group is the n-th group of a match, "" where it did not take part.
func group(text string, at []int, n int) string {
	if at[2*n] < 0 {
		return ""
	}
	return text[at[2*n]:at[2*n+1]]
}

// nanoseconds reads the digits behind the point of a second.
func nanoseconds(digits string) int64 {
	n, _ := strconv.ParseInt((digits + "000000000")[:9], 10, 64)
	return n
}

// duration reads a number with its unit; minutes if it has none.
func duration(number, unit string) time.Duration {
	n, _ := strconv.ParseInt(number, 10, 64)
	switch (unit + "m")[0] {
	case 'w':
		return time.Duration(min(n, 5200)) * 7 * 24 * time.Hour
	case 'd':
		return time.Duration(min(n, 36500)) * 24 * time.Hour
	case 'h':
		return time.Duration(min(n, 876000)) * time.Hour
	case 's':
		return time.Duration(n) * time.Second
	}
	return time.Duration(min(n, 52560000)) * time.Minute
}

// End is the last instant of what was said: of a day without a time of day, its end.
func (m *Moment) End() time.Time {
	if m.Day {
		return m.Time.AddDate(0, 0, 1).Add(-time.Nanosecond)
	}
	if !m.Later.IsZero() {
		return m.Later
	}
	return m.Time
}
