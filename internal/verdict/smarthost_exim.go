package verdict

import (
	"fmt"
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

// readExim looks for routers that send all mail on: "route_list = * host" (Exim specification, chapter
// 20). What is worked out at run time stays unknown.
func readExim(c *config, text string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range uncommented(text) {
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(name) != "route_list" {
			continue
		}
		for _, rule := range eximRules(strings.TrimSpace(value)) {
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
