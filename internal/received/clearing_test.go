package received

import (
	_ "embed"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// clearing has texts, each below a line "#### name | when the mail was sent | the HELO name that it had | flags".
//
//go:embed testdata/clearing.txt
var clearing string

// clears says whether a log without the session that a text is about would clear the host by what was read of it: the
// search is sure of itself, and passes that session over.
func clears(c *Clues, at time.Time, helo string) bool {
	if len(c.Doubts) > 0 || c.Foreign || !c.Dated || c.When.Local {
		return false
	}
	from, to, _ := c.Span()
	if c.When.Margin == 0 && !c.When.Day { // as the report does
		from, to = from.Add(-15*time.Minute), to.Add(15*time.Minute)
	}
	named := c.HELO == "" || strings.EqualFold(c.HELO, helo) || slices.Contains(c.Other, helo)
	return at.Before(from) || at.After(to) || !named
}

// No text clears the host where the session that it is about was there: what is not certain is a doubt.
func TestNeverClearsFalsely(t *testing.T) {
	hosts := map[string]Host{
		"": web1, "july": web1,
		"nat": {Name: "web1.example.org", Local: func(a netip.Addr) bool { return a.IsLoopback() || a == netip.MustParseAddr("10.0.0.5") }},
	}
	for _, block := range strings.Split("\n"+clearing, "\n#### ")[1:] {
		head, text, _ := strings.Cut(block, "\n")
		parts := append(strings.Split(head, "|"), "", "", "")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		t.Run(parts[0], func(t *testing.T) {
			read := time.Date(2018, 2, 17, 12, 0, 0, 0, time.UTC)
			if parts[3] == "july" {
				read = time.Date(2018, 7, 15, 12, 0, 0, 0, time.UTC)
			}
			c, err := Read(strings.NewReader(text), read, hosts[parts[3]])
			if err != nil || parts[1] == "-" {
				return // it asks for more, or is there for its form alone
			}
			at, err := time.Parse(time.RFC3339, parts[1])
			if err != nil {
				t.Fatal(err)
			}
			if clears(c, at, parts[2]) {
				from, to, _ := c.Span()
				t.Errorf("it clears: from %s to %s, helo %q\n%s", from, to, c.HELO, strings.Join(c.Words, "\n"))
			}
		})
	}
}
