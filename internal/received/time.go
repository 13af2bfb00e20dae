package received

import (
	"errors"
	"fmt"
	"net/mail"
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
	Vague  string        // the name of an ambiguous or unknown zone: UTC was taken, and the margin covers the others
	Later  time.Time     // the clock showed it again when it was set back in autumn, at that time; zero: it did not
}

var (
	spaces  = lazy(`[\s\x{a0}]+`)
	comment = lazy(`\([^()]*\)`)
	margin  = lazy(`\(?\s*` + plusMinus + `\s*(\d{1,6})\s*` + unit + `?(?:\b|$)\.?\s*\)?`)
	ago     = lazy(`^-?((?:\d{1,9}\s*` + unit + `\s*)+)(?:ago)?$`)
	span    = lazy(`(\d{1,9})\s*` + unit)
	seconds = lazy(`^@?(\d{9,10})(?:\.(\d{1,9}))?$`)
	millis  = lazy(`^@?(\d{10})(\d{3})$`)
	compact = lazy(`\b(\d{4})(\d\d)(\d\d)[t ]?(\d\d)(\d\d)`)
	packed  = lazy(`(-\d\d \d\d:\d\d)(\d\d)`)
	isoT    = lazy(`(\d)t(\d)`)
	clock   = lazy(`\b(\d{1,2}) ?: ?(\d\d)(?: ?: ?(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*([ap]m\b)?`)
	oClock  = lazy(`(^|[^\d:.,])(\d{1,2})\s*([ap]m\b)`)
	age     = lazy(`[, ]*(?:\b(?:approximately|about)\s)?\s*(?:\d{1,9}\s*` + unit + `[, ]*)+ago$`)
	weekday = lazy(`\b(mon|tue|wed|thu|fri|sat|sun)\b`)
	letters = lazy(`\pL+`)
	filler  = lazy(`\b(?:mon|tue|wed|thu|fri|sat|sun|at|on|last|about|around|approximately|circa)\b`)
	precise = lazy(`[+-]\d{4}\b`)
	twoWays = lazy(`\b(\d\d)([-.])(\d\d)[-.]\d{4}\b`)
	usual   = lazy(`\b[ap]m\b|\b[ecmp][sd]t\b`) // who writes so puts the month first
)

// Forms of other languages, and what blanks a translation leaves, in the form that the rest reads.
var forms = []struct {
	is *pattern
	as string
}{
	{lazy(`\b([ap])\.\s?m\.`), "${1}m"},
	{lazy(`(\d{4})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日`), "$1-$2-$3 "},
	{lazy(`(\d{1,2})\s?[時时]\s?(\d{1,2})\s?分(?:\s?(\d{1,2})\s?秒)?`), "$1:$2 "},
	{lazy(`(?:午前|上午)\s?(\d{1,2}:\d\d)`), "$1 am"},
	{lazy(`(?:午後|下午)\s?(\d{1,2}:\d\d)`), "$1 pm"},
	{lazy(`(\d)\s?分`), "$1 m"},
	{lazy(`(^|[^/\pL\d-])(\d{4}) ?: ?(0?[1-9]|1[0-2]) ?: ?(\d{1,2})\b`), "$1$2-$3-$4"},
	{lazy(`(\d[ .-]+(?:de )?)ago\b(\.?(?: de)? ?\d{4})`), "${1}aug$2"},
	{lazy(`\b(\d{1,2}) ?h ?(\d\d)\b(?: ?(?:min)? ?(\d\d) ?s\b)?`), "$1:$2"},
	{lazy(`\b(\d{1,2})\.(\d\d)(?:\.(\d\d))? ?(?:uhr|uur)\b`), "$1:$2 "},
	{lazy(`(:\d\d) ?(?:uhr|uur|h|ч|год)(?:\s|$|[,.])`), "$1 "},
	{lazy(`(uhr|:\d\d) am (\d{1,2}\. ?[\d\pL])`), "$1 $2"},
	{lazy(`\b(?:heure|hora) (?:de paris|de madrid)`), "europe/paris"},
}

// plusMinus leads to what a time may be off by.
const plusMinus = `(?:±|\+ ?/ ?[-−–]|\+-|plus or minus|plus/minus|plus ou moins|más o menos|mais ou menos|plus of min|plusminus|плюс-минус|плюс минус)`

// unit is a unit of time in a regular expression.
const unit = `(w(?:eeks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)`

// ParseTime reads a time in any common form: RFC 3339 and its shorter forms, RFC 5322, as date(1),
// a log or a blocklist writes it, in English or German, "15m ago" or "15m", "now", "yesterday 14:30", "Friday", Unix
// seconds or milliseconds. Without a zone it is in the location of now; without a date it is the last such
// time before now.
func ParseTime(s string, now time.Time) (Moment, error) { return timeOf(s, now, false) }

// readTime is ParseTime for a time that somebody else wrote: a zone that is not known widens the margin.
func readTime(s string, now time.Time) (Moment, error) { return timeOf(s, now, true) }

func timeOf(s string, now time.Time, loose bool) (Moment, error) {
	m, err := parseTime(s, now, loose)
	m.again()
	if err == nil && (m.Time.Year() < 1970 || m.Time.UTC().Year() > 9999) {
		err = errors.New("that year cannot be meant")
	}
	if err != nil {
		return Moment{}, fmt.Errorf("%q is not a time: %w", s, err)
	}
	return m, nil
}

func parseTime(s string, now time.Time, loose bool) (m Moment, err error) {
	if len(s) > 200 {
		return m, errors.New("it is too long")
	}
	text := strings.ToLower(strings.TrimSpace(spaces.ReplaceAllString(s, " ")))
	if precise.MatchString(text) { // its names of zones are not all true (RFC 5322 section 4.3)
		if at, err := mail.ParseDate(s); err == nil {
			return Moment{Time: utcOf(at)}, nil
		}
	}
	for _, f := range forms {
		text = f.is.ReplaceAllString(text, f.as)
	}
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
	return m.calendar(text, now, loose)
}

// calendar reads what has a date, a time of day, or both.
func (m Moment) calendar(text string, now time.Time, loose bool) (Moment, error) {
	text = age.ReplaceAllString(text, "")
	american := usual.MatchString(text)
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
			switch {
			case hour > 12 && half[0] == 'a': // 14:30 am 4.12.2015 is German
			case hour < 1 || hour > 12:
				return m, fmt.Errorf("%d o'clock has no am or pm", hour)
			case half[0] == 'p':
				hour = hour%12 + 12
			default:
				hour %= 12
			}
		}
		if hour > 23 || minute > 59 || second > 60 {
			return m, fmt.Errorf("%q is not a time of day", text[at[0]:at[1]])
		}
		text = text[:at[0]] + " " + text[at[1]:]
	} else {
		m.Day = true
	}
	if at := twoWays.FindStringSubmatch(text); loose && at != nil && (at[2] == "-" || american) && at[1] <= "12" && at[3] <= "12" && at[1] != at[3] {
		return m, errMonth // 02-03-2017; 02.03.2017 2:54 pm
	}
	date, dated, text, err := findDate(text, now, american)
	if err != nil {
		return m, err
	}
	day := weekday.FindStringSubmatch(text)
	if !dated && m.Day && day == nil {
		return m, errors.New("it has neither a date nor a time of day")
	}
	text = strings.Trim(filler.ReplaceAllString(text, " "), " ,.;:")
	place := strings.Join(strings.Fields(text), " ")
	in, said, err := zone(place, now.Location())
	if loose && several[place] {
		err = zoneError(place)
	}
	if name, vague := unknownZone(err); vague && loose {
		in, said, m.Vague, m.Margin = time.UTC, true, name, m.Margin+widest
	} else if err != nil {
		return m, err
	}
	for i := 0; i < len(comments) && !said; i++ { // 14:30 (UTC)
		place = strings.Trim(comments[i], "() ")
		if named, ok, err := zone(place, now.Location()); err == nil && ok {
			if in, said = named, true; loose && several[place] {
				in, m.Vague, m.Margin = time.UTC, strings.ToUpper(place), m.Margin+widest
			}
		}
	}
	m.Local = !said
	on := func(date time.Time) time.Time {
		return time.Date(date.Year(), date.Month(), date.Day(), hour, minute, second, int(nanos), in)
	}
	if dated {
		if m.Time = on(date); loose && m.Vague == "" && wrongTime(place, m.Time) {
			m.Margin += time.Hour
		}
		return m, nil
	}
	if loose && day == nil { // a clock alone is that of any day
		return m, errors.New("it has no date")
	}
	// The last such time, or the last on that day of the week.
	back, again := 0, 1
	if today := now.In(in); day != nil {
		back, again = (int(today.Weekday())-slices.Index(weekdays, day[1])+7)%7, 7
	}
	m.Time = on(now.In(in).AddDate(0, 0, -back))
	if m.Time.After(now) {
		m.Time = m.Time.AddDate(0, 0, -again)
	}
	return m, nil
}

// utcOf writes a time without an offset as one in UTC.
func utcOf(t time.Time) time.Time {
	if _, east := t.Zone(); east == 0 {
		return t.UTC()
	}
	return t
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
