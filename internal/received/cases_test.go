package received

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/capture"
)

// caseFile is one of the shared cases: what the admin pastes, where, and the fields that are wanted of it.
type caseFile struct {
	File string
	Host struct {
		Addresses []string
		Name      string
	}
	Want   map[string]any
	Absent []string
}

// hostOf is the host on which a case is read.
func hostOf(c caseFile) Host {
	var own []netip.Addr
	for _, a := range c.Host.Addresses {
		own = append(own, netip.MustParseAddr(a))
	}
	return Host{Name: c.Host.Name, Local: func(a netip.Addr) bool { return slices.Contains(own, a) || a.IsLoopback() }}
}

// differs compares what was read with what is wanted: times within 2 s, handed_in may have more.
func differs(got, want map[string]any) (list []string) {
	for name, w := range want {
		switch w := w.(type) {
		case map[string]any:
			inner, _ := got[name].(map[string]any)
			for _, d := range differs(inner, w) {
				list = append(list, name+"."+d)
			}
		default:
			g := got[name]
			if name == "time" || name == "until" {
				a, _ := time.Parse(time.RFC3339, fmt.Sprint(w))
				b, err := time.Parse(time.RFC3339, fmt.Sprint(g))
				if err == nil && a.Sub(b).Abs() <= 2*time.Second {
					continue
				}
			}
			if fmt.Sprint(g) != fmt.Sprint(w) {
				list = append(list, fmt.Sprintf("%s: %v, want %v", name, g, w))
			}
		}
	}
	slices.Sort(list)
	return list
}

// fieldsOf are the fields of the object received, as the JSON of a report has them.
func fieldsOf(t testing.TB, c *Clues) (fields map[string]any) {
	t.Helper()
	raw, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(raw, &fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestCases(t *testing.T) {
	list, file := capture.Cases[caseFile](t, "received")
	for _, test := range list {
		t.Run(test.File, func(t *testing.T) {
			c, err := Read(strings.NewReader(string(file(test.File))), time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), hostOf(test))
			if err != nil {
				t.Fatal(err)
			}
			got := fieldsOf(t, c)
			for _, d := range differs(got, test.Want) {
				t.Error(d)
			}
			for _, name := range test.Absent {
				if g, is := got[name]; is {
					t.Errorf("%s is %v, and must be absent", name, g)
				}
			}
			if t.Failed() {
				t.Log(strings.Join(c.Words, "\n"))
			}
		})
	}
}
