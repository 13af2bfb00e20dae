package received

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// arf reads a feedback report (RFC 5965): the address and the time of its fields, and the header of the mail that it
// is about.
func (r *reader) arf(l *letter, why string) {
	c := r.c
	c.is(kindARF, why)
	_, named, _ := clientAddr(l.field("source-ip"))
	at, err := readTime(l.field("arrival-date", "received-date"), r.now)
	found := r.quoted(l.source(), named)
	if !found || !c.Addr.IsValid() || named.IsValid() && c.Addr != named && !r.host.ours(c.Addr) {
		c.HELO = ""
		if c.Addr = named; named.IsValid() {
			c.say("its field Source-IP names the address; no Received header in it is about that")
		}
	}
	if err == nil && (c.sawBy == "" || !c.Dated) {
		c.When, c.Dated, c.Until = at, true, time.Time{}
		c.say("the time is that of its field Arrival-Date")
	}
	if port := portOf(l.field("source-port")); port != 0 && c.Port == 0 { // RFC 6692
		c.Port = port
	}
	if c.HELO == "" {
		if m := heloResult.FindStringSubmatch(l.field("authentication-results")); m != nil {
			name := strings.Trim(m[1], `"'<>`)
			name = name[strings.LastIndexByte(name, '@')+1:]
			if !noName.MatchString(name) {
				c.HELO = name
			}
		}
	}
	if n, err := strconv.Atoi(l.field("incidents")); err == nil && n > 1 {
		c.doubt("it is about %d mails, and tells of one of them: ask for the times of the others", n)
	}
	if rcpt := strings.Trim(l.field("original-rcpt-to"), "<> "); strings.Contains(rcpt, "@") {
		c.Rcpt = rcpt
	}
	if !c.Dated || !c.Addr.IsValid() {
		facts := readWords(l.words.String(), r.now, r.host)
		facts.helos = nil
		r.take(facts)
	}
}

// heloResult is the name in an Authentication-Results field (RFC 8601 section 2.7.2).
var heloResult = lazy(`\bsmtp\.helo=([^\s;()]{1,250})`)

// xarfNames are the fields of X-ARF 0.1 and 0.2, of XARF JSON versions 1 to 4, with what they stand for. The names are
// in lower case, without the signs between their words.
var xarfNames = map[string]string{
	"source": "ip", "sourceip": "ip", "sourceidentifier": "ip", "sourceaddress": "ip", "srcip": "ip", "ip": "ip", "ipaddress": "ip",
	"date": "time", "timestamp": "time", "eventtime": "time", "eventdate": "time", "firstseen": "time", "occurrencedate": "time", "starttime": "time",
	"lastseen": "time", "endtime": "time", "end": "time", "start": "time", "receiveddate": "time", "receivedtime": "time",
	"category": "type", "type": "type", "service": "type",
	"sourceport": "sport", "srcport": "sport",
	"destinationip": "to", "destinationaddress": "to", "dstip": "to", "destination": "to", "targetip": "to",
	"helo": "helo", "ehlo": "helo", "smtphelo": "helo", "helostring": "helo", "heloname": "helo",
	"smtprcpttoaddress": "rcpt", "smtpto": "rcpt", "rcptto": "rcpt", "originalrcptto": "rcpt", "recipient": "rcpt",
	"payload": "mail", "xarf": "version", "xarfversion": "version", "reporterinfo": "version", "reportclass": "version", "reporttype": "version type", "schemaurl": "version",
}

// maxJSON bounds a report in JSON, maxDepth how deep it nests.
const (
	maxJSON  = 512 << 10
	maxDepth = 20
)

// xarfJSON reads a report in JSON: its fields by what they stand for. ok is false if the text is no such report.
func xarfJSON(text string) (f fields, ok bool) {
	text = strings.TrimSpace(text[:min(len(text), maxJSON)])
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[{") {
		return nil, false
	}
	var tree any
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&tree); err != nil {
		return nil, false
	}
	version := false
	var walk func(node any, inside string, depth int)
	walk = func(node any, inside string, depth int) {
		if depth > maxDepth || len(f) > maxParts {
			return
		}
		switch node := node.(type) {
		case []any:
			for _, one := range node[:min(len(node), maxParts)] {
				walk(one, inside, depth+1)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(node)) {
				value := node[name]
				means, typed := xarfNames[plainName(name)], false
				if means == "version type" {
					means, typed = "type", true
				}
				switch plain := plainName(name); {
				case means == "ip" && xarfNames[inside] == "to":
					means = "to"
				case plain == "port" && inside == "source":
					means = "sport"
				}
				version = version || typed || means == "version"
				switch value := value.(type) {
				case string:
					if means != "" && means != "version" {
						f = append(f, field{means, value})
					}
				case float64:
					if means == "sport" || means == "time" {
						f = append(f, field{means, strconv.FormatFloat(value, 'f', -1, 64)})
					}
				default:
					walk(value, plainName(name), depth+1)
				}
			}
		}
	}
	walk(tree, "", 0)
	return f, version && len(f) > 0
}

// plainName is a name without case and signs.
func plainName(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

// xarf reads the fields of X-ARF, by their own names or by what they stand for.
func (r *reader) xarf(f fields, why string) {
	c := r.c
	c.is(kindXARF, why)
	value := map[string][]string{}
	for _, one := range f {
		means := one.name
		if known := xarfNames[plainName(one.name)]; known != "" {
			means = known
		}
		value[strings.TrimPrefix(means, "version ")] = append(value[strings.TrimPrefix(means, "version ")], strings.TrimSpace(one.value))
	}
	if kinds := strings.Join(value["type"], " "); kinds != "" && !ofMail.MatchString(kinds) {
		c.doubt("this report is not about mail (`%s`)", kinds)
	}
	for _, mail := range value["mail"] {
		if raw, err := base64.StdEncoding.DecodeString(mail); err == nil {
			mail = string(raw)
		}
		if r.quoted(plain([]byte(mail[:min(len(mail), maxJSON)])), firstAddr(value["ip"])) {
			break
		}
	}
	if !c.Addr.IsValid() {
		c.Addr = r.source(value["ip"])
	}
	r.times(value["time"])
	for _, said := range value["helo"] {
		if c.HELO == "" && said != "" {
			c.HELO = said
		}
	}
	for _, said := range value["sport"] {
		if c.Port == 0 {
			c.Port = portOf(said)
		}
	}
	if a := firstAddr(value["to"]); a.IsValid() {
		c.To = []netip.Addr{a}
	}
	for _, said := range value["rcpt"] {
		if said = strings.Trim(said, "<> "); c.Rcpt == "" && strings.Contains(said, "@") {
			c.Rcpt = said
		}
	}
}

// times takes the times of a report: of several, such as that of the report itself, it may be any.
func (r *reader) times(list []string) {
	c := r.c
	if c.sawBy != "" && c.Dated { // a header of the mail says it
		return
	}
	c.Dated = false
	for _, said := range list[:min(len(list), maxParts)] {
		at, err := readTime(said, r.now)
		switch {
		case err != nil:
			c.doubt("a time of the report cannot be read: `%s`", said[:min(len(said), 40)])
		case !c.Dated:
			c.When, c.Dated = at, true
			c.say("the time is that of its date field")
		case !at.Time.Equal(c.When.Time):
			r.widen(at)
		}
	}
}

// source is the address that a report is about: of several that of this host.
func (r *reader) source(list []string) (a netip.Addr) {
	for _, said := range list[:min(len(list), maxParts)] {
		_, one, _ := clientAddr(said)
		if one.IsValid() && a.IsValid() && one != a {
			r.c.doubt("the report is about several addresses: which of its times is of this host is not certain")
		}
		if one.IsValid() && (!a.IsValid() || r.host.ours(one)) {
			a = one
		}
	}
	return a
}

func firstAddr(list []string) netip.Addr {
	for _, said := range list {
		if _, a, _ := clientAddr(said); a.IsValid() {
			return a
		}
	}
	return netip.Addr{}
}
