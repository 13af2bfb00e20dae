package check

import (
	"slices"
	"testing"
)

func TestReportOK(t *testing.T) {
	rows := slices.Clip(fake(t, nil).rows())
	for _, c := range []struct {
		r    Report
		want bool
	}{
		{Report{Rows: rows}, true},
		{Report{Rows: rows, Error: "cannot trace: x"}, false},
		{Report{Rows: append(rows, lackRequired("BTF", "", ""))}, false},
		{Report{Rows: append(rows, lack("fentry", "", ""), unsureRequired("kernel", ""))}, true},
	} {
		if got := c.r.OK(); got != c.want {
			t.Errorf("OK is %v of %+v", got, c.r)
		}
	}
}

func TestUnseenBehindACgroupNamespace(t *testing.T) {
	rows := fake(t, func(f files, _ *kernel) { f["/proc/self/ns/cgroup"] = "-> cgroup:[4026532300]" }).rows()
	got := unseen(rows)
	if len(got) != 4 || got[3] != "what processes outside of this cgroup namespace say" {
		t.Errorf("%q", got)
	}
}
