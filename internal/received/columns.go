package received

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// columnNames are the names of columns in reports, without case and signs, with what they stand for.
var columnNames = map[string]string{
	"ip": "ip", "ipaddress": "ip", "address": "ip", "source": "ip", "sourceip": "ip", "srcip": "ip", "sourceaddress": "ip", "quellip": "ip", "ipadresse": "ip",
	"time": "time", "timestamp": "time", "date": "time", "datetime": "time", "lastseen": "time", "seen": "time", "detected": "time", "zeit": "time", "zeitstempel": "time", "datum": "time",
	"helo": "helo", "ehlo": "helo", "heloname": "helo", "helovalue": "helo", "helostring": "helo", "helo/ehlo": "helo",
	"sourceport": "port", "srcport": "port", "sport": "port", "quellport": "port",
	"destination": "to", "destinationip": "to", "dstip": "to", "destip": "to", "targetip": "to", "target": "to", "zielip": "to",
}

// column is what the name of a column stands for, and the zone that it gives.
func column(cell string) (means, zone string) {
	name, behind, _ := strings.Cut(strings.Trim(cell, " \"'*_"), "(")
	return columnNames[plainName(strings.TrimSpace(name))], strings.Trim(behind, ") ")
}

// cells cuts a line by the sign between its cells; nil if it has fewer than three, or two where they are cells of a page.
func cells(line string) (list []string, by string) {
	for _, by := range []string{"\t", "|", ";", ","} {
		if n := strings.Count(line, by); n >= 2 {
			list = strings.Split(strings.TrimSpace(line), by)
			for i := range list {
				list[i] = strings.Trim(list[i], " \"'*`")
			}
			return slices.DeleteFunc(list, func(s string) bool { return by == "|" && s == "" }), by
		}
	}
	return nil, ""
}

// findColumns reads a table with the names of its columns in front: of its rows the first that is about this host or,
// where only one address is in it, the first.
func findColumns(text string, now time.Time, h *Host) (f facts, ok bool) {
	var means []string
	sign, zone := "", ""
	var rows []facts
	for line := range strings.Lines(text) {
		list, by := cells(line)
		if list == nil {
			continue
		}
		if means == nil {
			means, zone, sign = columnsOf(list), zoneIn(list), by
			continue
		}
		if by == sign && len(list) == len(means) && len(rows) < maxParts {
			if row, is := rowOfColumns(list, means, zone, now); is {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		return f, false
	}
	at := slices.IndexFunc(rows, func(row facts) bool { return h.ours(row.addr) })
	if at < 0 && slices.ContainsFunc(rows, func(row facts) bool { return row.addr != rows[0].addr }) {
		return f, false
	}
	f = rows[max(at, 0)]
	f.exact = f.exact && strings.Count(text, f.addr.String()) == 1
	for _, row := range rows {
		if row.addr == f.addr && row.dated && !row.when.Time.Equal(f.when.Time) {
			f.times++
		}
	}
	return f, true
}

// columnsOf is what columns stand for; nil if they are not the names of any two.
func columnsOf(list []string) (means []string) {
	known := 0
	for _, cell := range list {
		one, _ := column(cell)
		if means = append(means, one); one != "" {
			known++
		}
	}
	if known < 2 || !slices.Contains(means, "ip") && !slices.Contains(means, "time") {
		return nil
	}
	return means
}

func zoneIn(list []string) string {
	for _, cell := range list {
		if means, zone := column(cell); means == "time" {
			return zone
		}
	}
	return ""
}

// rowOfColumns reads a row.
func rowOfColumns(list, means []string, zone string, now time.Time) (f facts, ok bool) {
	for i, cell := range list {
		a, err := netip.ParseAddr(cell)
		switch {
		case means[i] == "ip" && err == nil:
			f.addr = a.Unmap()
		case means[i] == "to" && err == nil:
			f.to = []netip.Addr{a.Unmap()}
		case means[i] == "port":
			f.port = portOf(cell)
		case means[i] == "helo" && cell != "" && !noName.MatchString(cell) && !strings.ContainsAny(cell, " "):
			f.helos = []string{cell}
		case means[i] == "time":
			if f.dated || f.unread { // date and time in two columns, or two times
				f.unread, f.marked = true, false
				continue
			}
			at, err := readTime(cell, now)
			if err == nil && at.Local && zone != "" {
				if zoned, err := readTime(cell+" "+zone, now); err == nil {
					at = zoned
				}
			}
			f.when, f.dated, f.marked, f.unread = at, err == nil && !at.Day, true, err != nil || at.Day
			f.exact = isoCell.MatchString(cell + " " + zone)
		}
	}
	f.exact = f.exact && len(f.helos) > 0
	return f, f.addr.IsValid() || f.dated
}

// isoCell matches a complete time: date, time of day and UTC offset (RFC 3339), or UTC by name.
var isoCell = lazy(`^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d| (?:UTC|GMT)) ?$`)

// fill takes from plain words what a row does not have.
func (f *facts) fill(from *facts) {
	if !f.addr.IsValid() {
		f.addr = from.addr
	}
	if f.port == 0 {
		f.port = from.port
	}
	if len(f.to) == 0 {
		f.to = from.to
	}
	f.unsure = append(f.unsure, from.unsure...)
}
