package received

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// offsets are the hours east of Greenwich of zones that mean one thing only: RFC 5322 section 4.3,
// and those of Europe. Ambiguous ones (BST, IST) are left out.
var offsets = map[string]int{
	"z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3,
	"met": 1, "mest": 2, "mez": 1, "mesz": 2, "hkt": 8, "sgt": 8, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
	"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8, "jst": 9,
}

// several are names of zones that other places have too: China and Cuba, the Philippines, Australia.
var several = map[string]bool{"cst": true, "pst": true, "est": true, "edt": true}

// wrongTime says whether a zone's name is that of the other half of the year: many write CET in summer, too.
func wrongTime(name string, at time.Time) bool {
	day := at.YearDay()
	switch name {
	case "cet", "eet", "wet", "met", "mez", "est", "cst", "mst", "pst":
		return day > 66 && day < 312 // from the second week of March to the first of November
	case "cest", "eest", "west", "mest", "mesz", "edt", "cdt", "mdt", "pdt":
		return day < 92 || day > 297 // from the last Sunday of October to that of March
	}
	return false
}

// zoneNames are they, as a regular expression.
var zoneNames = alternatives(slices.Collect(maps.Keys(offsets)))

// alternatives are words as a regular expression, the longest first.
func alternatives(words []string) string {
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	return strings.Join(slices.Compact(words), "|")
}

var numeric = lazy(`^(?:utc|gmt)? ?([-+−])(\d{1,2}):?(\d\d)?$`)

// zone reads a time zone, in lower case; without one it is local, and said is false.
func zone(s string, local *time.Location) (in *time.Location, said bool, err error) {
	name, offset, two := strings.Cut(s, " ")
	if two && offsets[name] == 0 && name != "utc" && name != "gmt" && numeric.MatchString(name) {
		s = name // +0100 CET
	}
	switch hours, known := offsets[s]; {
	case s == "":
		return local, false, nil
	case s == "local", s == "local time":
		return local, true, nil
	case known && hours == 0:
		return time.UTC, true, nil
	case known:
		return time.FixedZone(strings.ToUpper(s), hours*3600), true, nil
	}
	if parts := numeric.FindStringSubmatch(s); parts != nil {
		hours, _ := strconv.Atoi(parts[2])
		minutes, _ := strconv.Atoi(parts[3])
		if hours > 15 || minutes > 59 {
			return nil, false, fmt.Errorf("%q is not an offset from UTC", s)
		}
		east := hours*3600 + minutes*60
		if parts[1] != "+" {
			east = -east
		}
		if east == 0 {
			return time.UTC, true, nil
		}
		return time.FixedZone("", east), true, nil
	}
	if strings.Contains(s, "/") && !strings.Contains(s, "..") {
		if in, err := time.LoadLocation(titled(s)); err == nil {
			return in, true, nil
		}
	}
	return nil, false, zoneError(strings.TrimSpace(name + " " + offset))
}

// zoneError is a zone that is not known.
type zoneError string

func (e zoneError) Error() string {
	return fmt.Sprintf("%q is not known: give the zone as +01:00, UTC or Europe/Berlin", string(e))
}

// widest is how far from UTC a clock may be (UTC+14, Kiribati).
const widest = 14 * time.Hour

// unknownZone is the name of the zone for which a time was refused.
func unknownZone(err error) (name string, is bool) {
	var zone zoneError
	if !errors.As(err, &zone) || len(zone) < 2 || len(zone) > 5 || strings.Trim(string(zone), "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", false
	}
	return strings.ToUpper(string(zone)), true
}

// titled writes europe/berlin as the files of the zones are named.
func titled(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' && (i == 0 || b[i-1] == '/' || b[i-1] == '_' || b[i-1] == '-') {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
