package received

import (
	"net/netip"
	"strings"
	"time"
)

// Spamhaus lists what it saw of a host in rows below "(IP, UTC timestamp, HELO value)".
var (
	rowsHead = lazy(`(?i)\(\s*IP[^()]{0,40}UTC[^()]{0,40}HELO[^()]{0,40}\)`)
	rowOf    = lazy(`([0-9A-Fa-f.:]{3,45})[ \t]+(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?)Z?(?:[ \t]+(\S{1,250}))?`)
)

// findRow reads the latest of these rows, of one address where that is among them. ok is false where there are none.
func findRow(text string, now time.Time, of netip.Addr) (latest facts, ok bool) {
	head := rowsHead.FindStringIndex(text)
	if head == nil {
		return latest, false
	}
	for _, row := range rowOf.FindAllStringSubmatch(text[head[1]:], 100) {
		addr, err := netip.ParseAddr(row[1])
		if err != nil {
			continue
		}
		addr = addr.Unmap()
		when, err := ParseTime(row[2]+" UTC", now)
		better := !ok || addr == of && latest.addr != of || (addr == of) == (latest.addr == of) && when.Time.After(latest.when.Time)
		if err == nil && better {
			times := latest.times
			if ok && latest.addr == addr {
				times++
			}
			latest, ok = facts{when: when, dated: true, addr: addr, marked: true, times: times, exact: true}, true
			if row[3] != "" && !noName.MatchString(row[3]) {
				latest.helos = []string{row[3]}
			}
		} else if err == nil && addr == latest.addr && !when.Time.Equal(latest.when.Time) {
			latest.times++
		}
	}
	// A row that names the address and was not read may be of another mail.
	latest.exact = strings.Count(text[head[1]:], latest.addr.String()) == 1
	return latest, ok
}
