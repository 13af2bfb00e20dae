package received

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// pasted is a text, the fields that are wanted of it, as JSON, and those that must not be there.
type pasted struct {
	name, text, want string
	absent           []string
	on               *Host // nil: web1
}

// web1 is the host of the tests: 203.0.113.9, web1.example.org. laptop knows no address but its own private one.
var (
	web1   = Host{Name: "web1.example.org", Local: func(a netip.Addr) bool { return a == netip.MustParseAddr("203.0.113.9") || a.IsLoopback() }}
	laptop = Host{Name: "laptop", Local: func(a netip.Addr) bool { return a == netip.MustParseAddr("192.168.1.7") || a.IsLoopback() }}
)

var today = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// readAll reads the texts of a table, and compares.
func readAll(t *testing.T, kind string, table []pasted) {
	t.Helper()
	for _, test := range table {
		t.Run(test.name, func(t *testing.T) {
			host := web1
			if test.on != nil {
				host = *test.on
			}
			c, err := Read(strings.NewReader(test.text), today, host)
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatalf("%s: %v", test.want, err)
			}
			got := fieldsOf(t, c)
			for _, d := range differs(got, want) {
				t.Error(d)
			}
			for _, name := range test.absent {
				if g, is := got[name]; is {
					t.Errorf("%s is %v, and must be absent", name, g)
				}
			}
			if kind != "" && c.Kind != kind {
				t.Errorf("it is taken for %s, want %s", c.Kind, kind)
			}
			if t.Failed() {
				t.Log(strings.Join(c.Words, "\n"))
			}
		})
	}
}
