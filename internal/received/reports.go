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

// maxJSON bounds a report in JSON, maxDepth how deep it nests, maxXARF how many of its fields are read.
const (
	maxJSON  = 512 << 10
	maxDepth = 20
	maxXARF  = 2000
)

// xarfJSON reads a report in JSON, its fields named by what they mean. The first element has the fields that all share;
// each object of a list that names an address follows as an element of its own. ok is false if the text is no such
// report.
func xarfJSON(text string) (objects []fields, ok bool) {
	text = strings.TrimSpace(text[:min(len(text), maxJSON)])
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	var tree any
	in := json.NewDecoder(strings.NewReader(text))
	if err := in.Decode(&tree); err != nil {
		return nil, false
	}
	var common fields
	version, read := false, 0
	var walk func(node any, inside string, depth int, object *fields)
	add := func(object *fields, name, value string) {
		if read++; read <= maxXARF {
			*object = append(*object, field{name, value})
		}
	}
	walk = func(node any, inside string, depth int, object *fields) {
		if depth > maxDepth || read > maxXARF {
			return
		}
		switch node := node.(type) {
		case []any:
			for _, one := range node {
				if _, is := one.(map[string]any); !is || len(node) == 1 {
					walk(one, inside, depth+1, object)
					continue
				}
				var own fields
				if walk(one, inside, depth+1, &own); firstAddr([]string{own.get("ip")}).IsValid() && object.get("ip") == "" {
					objects = append(objects, own)
				} else {
					*object = append(*object, own...)
				}
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
						add(object, means, value)
					}
				case float64:
					if means == "sport" || means == "time" {
						add(object, means, strconv.FormatFloat(value, 'f', -1, 64))
					}
				default:
					walk(value, plainName(name), depth+1, object)
				}
			}
		}
	}
	walk(tree, "", 0, &common)
	if read > maxXARF || in.More() {
		common = append(common, field{"cut", ""})
	}
	return append([]fields{common}, objects...), version && read > 0
}

// plainName is a name without case and signs.
func plainName(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

// maxAny bounds of how many names or servers it may have been any; more of them narrow nothing.
const maxAny = 20

// xarf reads the fields of X-ARF, by their own names or by what they stand for.
func (r *reader) xarf(objects []fields, why string) {
	c := r.c
	c.is(kindXARF, why)
	value := map[string][]string{}
	for _, one := range flat(r.ownObjects(objects)) {
		means, said := meansOf(one), strings.TrimSpace(one.value)
		if !slices.Contains(value[means], said) {
			value[means] = append(value[means], said)
		}
	}
	if value["cut"] != nil {
		c.doubt("not all of the report was read: paste one part of it alone")
	}
	if kinds := strings.Join(value["type"], " "); kinds != "" && !ofMail.MatchString(kinds) {
		c.doubt("this report is not about mail (`%s`)", kinds)
	}
	for _, mail := range value["mail"] {
		if raw, err := base64.StdEncoding.DecodeString(mail); err == nil {
			mail = string(raw)
		}
		if r.quoted(plain([]byte(mail[:min(len(mail), maxJSON)])), firstAddr(value["ip"])) {
			if len(value["mail"]) > 1 {
				c.doubt(onlyFirst)
			}
			break
		}
	}
	if !c.Addr.IsValid() {
		c.Addr = r.source(value["ip"])
	}
	r.times(value["time"])
	if names := value["helo"]; c.HELO == "" && len(names) > 0 && len(names) <= maxAny {
		c.HELO, c.Other = names[0], names[1:]
		if len(c.Other) > 0 {
			c.say("it has %d HELO names: `%s`", len(names), strings.Join(names, "`, `"))
		}
	}
	if ports := value["sport"]; c.Port == 0 && len(ports) == 1 {
		c.Port = portOf(ports[0])
	}
	if c.To = nil; len(value["to"]) <= maxAny {
		for _, said := range value["to"] {
			_, a, _ := clientAddr(said)
			r.to(a.String())
		}
	}
	rcpts := slices.DeleteFunc(slices.Clone(value["rcpt"]), func(said string) bool { return !strings.Contains(said, "@") })
	if len(rcpts) == 1 && c.Rcpt == "" {
		c.Rcpt = strings.Trim(rcpts[0], "<> ")
	}
}

// meansOf is what a field of X-ARF stands for.
func meansOf(one field) string {
	means := one.name
	if known := xarfNames[plainName(one.name)]; known != "" {
		means = known
	}
	return strings.TrimPrefix(means, "version ")
}

// ownObjects are the parts of a report that are about this host, and what is about no host; all, where none is.
func (r *reader) ownObjects(objects []fields) (own []fields) {
	addressed, ours := 0, 0
	for _, f := range objects {
		named, here := false, false
		for _, one := range f {
			if meansOf(one) == "ip" {
				_, a, _ := clientAddr(strings.TrimSpace(one.value))
				named, here = true, here || r.host.ours(a)
			}
		}
		if named {
			addressed++
		}
		if here {
			ours++
		}
		if here || !named {
			own = append(own, f)
		}
	}
	if ours == 0 {
		return objects
	}
	if addressed > ours {
		r.c.say("it reports %d times, %d of them about this host: those were read", addressed, ours)
	}
	return own
}

// times takes the times of a report: of several, such as that of the report itself, it may be any.
func (r *reader) times(list []string) {
	c := r.c
	if c.sawBy != "" && c.Dated { // a header of the mail says it
		return
	}
	c.Dated = false
	for _, said := range list {
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
	for _, said := range list {
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
