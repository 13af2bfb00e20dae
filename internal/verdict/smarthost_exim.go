package verdict

import (
	"fmt"
	"regexp"
	"strings"
)

// readEximDebian reads what Debian's update-exim4.conf(8) makes the configuration from.
func readEximDebian(c *config, text string) {
	set := map[string]string{}
	for line := range uncommented(text) {
		if name, value, ok := strings.Cut(line, "="); ok {
			set[name] = strings.Trim(value, `'"`)
		}
	}
	switch set["dc_eximconfig_configtype"] {
	case "smarthost", "satellite": // the others have no use for it
		c.eximHosts(set["dc_smarthost"], ";")
	}
}

// readExim looks for routers that send all mail on: "route_list = * host", or "route_data = host" where the
// router is for all domains but some (Exim specification, chapter 20). What is worked out at run time stays
// unknown.
func readExim(c *config, text string) {
	var domains, data string // of the router that is being read
	router := func() {
		if data != "" && (domains == "" || domains == "*" || strings.HasPrefix(domains, "!")) {
			c.eximHosts(data, ":")
		}
		domains, data = "", ""
	}
	for line := range eximLines(text) {
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok: // no_more, .ifdef; or the name of the next router, or the next section
			if strings.HasSuffix(line, ":") || strings.HasPrefix(line, "begin ") {
				router()
			}
		case name == "domains":
			domains = value
		case name == "route_data":
			data = strings.Trim(value, `"`)
		case name == "route_list":
			c.eximRoutes(value)
		}
	}
	router()
}

// eximMacro is the definition of a macro. What else begins with a capital letter is none.
var eximMacro = regexp.MustCompile(`^([A-Z][A-Za-z0-9_]*)\s*==?\s*(.*)$`)

// eximLines gives the lines that say something, those that go on joined (chapter 6.2), with the macros in them
// replaced (chapter 6.4).
func eximLines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var macros []string // names and values in turn
		inMacros := strings.NewReplacer()
		whole := ""
		for line := range uncommented(text) {
			if rest, goesOn := strings.CutSuffix(line, `\`); goesOn {
				whole += rest
				continue
			}
			whole += line
			if m := eximMacro.FindStringSubmatch(whole); m != nil && len(macros) < 2*maxMacros {
				macros = append(macros, m[1], inMacros.Replace(m[2]))
				inMacros = strings.NewReplacer(macros...)
			} else if !yield(inMacros.Replace(whole)) {
				return
			}
			whole = ""
		}
	}
}

// maxMacros bounds the macros of a file.
const maxMacros = 1000

// eximRoutes takes the rules of a route_list that are for all domains, or for all but some.
func (c *config) eximRoutes(list string) {
	for _, rule := range eximRules(list) {
		domains, hosts, _ := strings.Cut(strings.TrimSpace(rule), " ")
		if domains != "*" && !strings.HasPrefix(domains, "!") {
			continue
		}
		hosts = strings.TrimSpace(hosts)
		if quoted, isQuoted := strings.CutPrefix(hosts, `"`); isQuoted {
			hosts, _, _ = strings.Cut(quoted, `"`)
		} else if fields := strings.Fields(hosts); len(fields) > 0 {
			hosts = fields[0] // options follow
		}
		c.eximHosts(hosts, ":")
	}
}

// eximRules splits a list of rules at the semicolons that are not quoted.
func eximRules(list string) []string {
	if strings.HasPrefix(list, `"`) {
		list = strings.ReplaceAll(strings.Trim(list, `"`), `\"`, `"`)
	}
	quoted := false
	return strings.FieldsFunc(list, func(r rune) bool {
		quoted = quoted != (r == '"')
		return r == ';' && !quoted
	})
}

// eximHosts takes a list of hosts with the separator that holds where the list names none; a separator
// that is doubled stands for itself, and a colon for a port is written so everywhere.
func (c *config) eximHosts(list, separator string) {
	list = strings.TrimSpace(list)
	if rest, ok := strings.CutPrefix(list, "<"); ok && rest != "" {
		separator, list = rest[:1], rest[1:]
	}
	const colon = "\x00"
	list = strings.ReplaceAll(list, "::", colon)
	for host := range strings.SplitSeq(list, separator) {
		host = strings.ReplaceAll(strings.TrimSpace(host), colon, ":")
		if strings.ContainsAny(host, "${") {
			c.fail(fmt.Errorf("%q is worked out at run time: name the smarthost with --smarthost", host))
			continue
		}
		plain, mx := strings.CutSuffix(host, "/mx")
		if plain != "" {
			c.add(plain, mx)
		}
	}
}
