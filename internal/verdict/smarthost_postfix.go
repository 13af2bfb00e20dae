package verdict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// readPostfix reads main.cf (postconf(5)): relayhost, and of the tables that choose another one those
// that are plain text or made from one.
func readPostfix(c *config, text string) {
	p := parameters{}
	for line := range logicalLines(text) {
		if name, value, ok := strings.Cut(line, "="); ok {
			p[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	for _, name := range []string{"relayhost", "smtp_fallback_relay", "fallback_relay"} {
		for _, host := range c.words(p, name) {
			c.add(host, true)
		}
	}
	for _, value := range c.words(p, "default_transport") {
		c.nextHop("", value)
	}
	for _, table := range c.tables(p, "sender_dependent_relayhost_maps") {
		for _, entry := range table {
			for _, host := range splitList(entry.value) {
				c.add(host, true)
			}
		}
	}
	for _, table := range c.tables(p, "transport_maps") {
		for _, entry := range table {
			c.nextHop(entry.key, entry.value)
		}
	}
}

// nextHop takes a transport with the host that it sends to, as in transport(5).
func (c *config) nextHop(domain, value string) {
	transport, host, _ := strings.Cut(value, ":")
	switch {
	case host == "" || transport != "" && transport != "smtp" && transport != "relay":
	case host == domain: // its own mail exchangers: that is direct
	default:
		for _, host := range splitList(host) {
			c.add(host, true)
		}
	}
}

// parameters are those of main.cf, not expanded.
type parameters map[string]string

// words gives the value of a parameter, word for word.
func (c *config) words(p parameters, name string) []string {
	value, err := p.expand(p[name], 0)
	if err != nil {
		c.fail(fmt.Errorf("%s = %s: %w", name, p[name], err))
		return nil
	}
	return splitList(value)
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
}

// variable is $name, ${name}, $(name), or $$ for a dollar sign.
var variable = regexp.MustCompile(`\$(\$|\w+|\{[^{}]*\}|\([^()]*\))`)

// expand replaces the variables of a value. Of what Postfix finds out for itself the domain is known where
// the host's name is set.
func (p parameters) expand(value string, depth int) (string, error) {
	if depth > 20 {
		return "", fmt.Errorf("its variables refer to each other")
	}
	var failed error
	out := variable.ReplaceAllStringFunc(value, func(v string) string {
		name := strings.Trim(v[1:], "{}()")
		if v == "$$" {
			return "$"
		}
		text, set := p[name]
		if _, domain, found := strings.Cut(p["myhostname"], "."); !set && name == "mydomain" && found {
			text, set = domain, true
		}
		if !set {
			failed = fmt.Errorf("%s is not set there: name the smarthost with --smarthost", name)
			return ""
		}
		text, err := p.expand(text, depth+1)
		if err != nil {
			failed = err
		}
		return text
	})
	return out, failed
}

// logicalLines joins the lines that begin with a blank to the one before them (postconf(5)).
func logicalLines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var whole string
		for line := range strings.Lines(text) {
			rest := strings.TrimSpace(line)
			switch {
			case rest == "" || rest[0] == '#':
			case line[0] == ' ' || line[0] == '\t':
				whole += " " + rest
			default:
				if whole != "" && !yield(whole) {
					return
				}
				whole = rest
			}
		}
		if whole != "" {
			yield(whole)
		}
	}
}

// entry is a line of a table.
type entry struct{ key, value string }

// textTables are the kinds of tables that are a text, or that postmap(1) makes from the text of the same name beside
// them; "": the usual kind, which is one of these.
var textTables = []string{"texthash", "hash", "btree", "lmdb", "cdb", "dbm", "sdbm", ""}

// tables reads the tables of a parameter that have a text. That Postfix reads an older state of it until postmap is
// run costs less than not to know the smarthost.
func (c *config) tables(p parameters, name string) (tables [][]entry) {
	for _, word := range c.words(p, name) {
		word = strings.TrimPrefix(word, "proxy:")
		kind, path, named := strings.Cut(word, ":")
		if !named {
			kind, path = "", word
		}
		if !slices.Contains(textTables, kind) || !strings.HasPrefix(path, "/") {
			continue
		}
		text, err := c.text(path)
		if err != nil {
			c.fail(fmt.Errorf("%s: %w", path, err))
			continue
		}
		var table []entry
		for line := range logicalLines(text) {
			if i := strings.IndexAny(line, " \t"); i > 0 {
				table = append(table, entry{line[:i], strings.TrimSpace(line[i:])})
			}
		}
		tables = append(tables, table)
	}
	return tables
}
