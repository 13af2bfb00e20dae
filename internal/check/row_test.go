package check

import (
	"slices"
	"testing"
)

func find(t *testing.T, rows []Row, name string) Row {
	t.Helper()
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no row %q", name)
	}
	return rows[i]
}

func TestHealthyHost(t *testing.T) {
	want := []Row{
		{"/proc", OK, true, "mounted", ""},
		{"kernel", OK, true, "6.1.0-18-amd64", ""},
		{"user namespace", OK, true, "the host's", ""},
		{"capabilities", OK, true, "root has all that are needed", ""},
		{"bpf(2)", OK, true, "creates maps", ""},
		{"lockdown", OK, true, "integrity", ""},
		{"BTF", OK, true, "/sys/kernel/btf/vmlinux", ""},
		{"ring buffer", OK, true, "present", ""},
		{"locked memory", OK, true, "not counted (5.11+)", ""},
		{"cgroup v2", OK, true, "its root is at /sys/fs/cgroup", ""},
		{"cgroup BPF", OK, true, "packet hooks can be attached", ""},
		{"network namespaces", OK, true, "all are watched; one more can be made for the self-test", ""},
		{"pid namespace", OK, true, "the host's", ""},
		{"JIT", OK, false, "on", ""},
		{"fentry", OK, false, "attaches", ""},
		{"kprobes", OK, false, "/sys/bus/event_source/devices/kprobe/type", ""},
		{"socket storage", OK, false, "in tracing programs", ""},
		{"cgroup namespace", OK, false, "the host's", ""},
		{"time namespace", OK, false, "the host's", ""},
		{"other users' files", OK, false, "can be read", ""},
	}
	got := fake(t, nil).rows()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("row %d of %d: got %+v\nwant %+v", i, len(got), got[i:], want[i:])
		}
	}
}

// spoiled is a host with something wrong, and the row that says so.
type spoiled struct {
	how   string
	spoil func(f files, k *kernel)
	want  Row
}

func testSpoiled(t *testing.T, cases []spoiled) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.want.Name+" "+string(c.want.Status)+" "+c.how, func(t *testing.T) {
			if got := find(t, fake(t, c.spoil).rows(), c.want.Name); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func lackRequired(name, found, cure string) Row {
	r := lack(name, found, cure)
	r.Required = true
	return r
}

func unsureRequired(name, found string) Row {
	r := unsure(name, found, "")
	r.Required = true
	return r
}
