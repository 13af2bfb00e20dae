package check

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/probe"
)

func sample() *Report {
	rows := []Row{
		{"kernel", OK, true, "6.1.0-18-amd64", ""},
		{"BTF", Missing, true, "/sys/kernel/btf/vmlinux is absent: this kernel was built without CONFIG_DEBUG_INFO_BTF",
			"boot a kernel that has it (Debian 11, Ubuntu 20.10, RHEL 8.2 and newer do)"},
		{"ring buffer", Unknown, true, "cannot be asked without the rights", ""},
		{"fentry", Missing, false, "refused: operation not permitted by this kernel", nextHook},
	}
	return &Report{
		Rows: rows,
		Hooks: []probe.Hook{
			{Question: probe.Connect, Name: "tp_btf/inet_sock_set_state", Refused: []probe.Refusal{
				{Name: "fentry/tcp_connect", Reason: "operation not permitted by this kernel"},
			}},
			{Question: probe.Wire},
		},
		Unseen: unseen(rows),
		Error:  "cannot trace: x",
		Hint:   "do y",
	}
}

const sampleTable = `required
+ kernel                 ok       6.1.0-18-amd64
! BTF                    missing  /sys/kernel/btf/vmlinux is absent: this kernel was built without
                                  CONFIG_DEBUG_INFO_BTF
                                  -> boot a kernel that has it (Debian 11, Ubuntu 20.10, RHEL 8.2
                                     and newer do)
? ring buffer            unknown  cannot be asked without the rights

optional
- fentry                 missing  refused: operation not permitted by this kernel
                                  -> none is needed while another hook answers

hooks, attached for a moment
+ who connects                    tp_btf/inet_sock_set_state
                                  not fentry/tcp_connect: operation not permitted by this kernel
! what is said                    no hook works

not seen
  - packets of raw sockets (AF_PACKET) and of TCP stacks in user space
  - traffic that this host forwards for others
  - connections that were past their first payload when the tracer started

! cannot trace: x
  -> do y
`

func tableOf(t *testing.T, r *Report, colour bool) string {
	t.Helper()
	var b strings.Builder
	if err := r.Table(&b, colour); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	if got := tableOf(t, sample(), false); got != sampleTable {
		t.Errorf("got:\n%s\nwant:\n%s", got, sampleTable)
	}
}

// Colour is on the marks alone and moves nothing.
func TestTableColour(t *testing.T) {
	got := tableOf(t, sample(), true)
	if !strings.Contains(got, "\x1b[31m!\x1b[0m BTF ") || !strings.Contains(got, "\x1b[32m+\x1b[0m kernel ") {
		t.Errorf("no colours: %q", got)
	}
	plain := strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[0m", "").Replace(got)
	if plain != sampleTable {
		t.Errorf("without its colours:\n%s", plain)
	}
}

// A kernel's reason may be long, without blanks, and hold anything.
func TestTableOfHostileText(t *testing.T) {
	r := &Report{Rows: []Row{
		{"BTF", Missing, true, strings.Repeat("x", 300) + " \x1b[2J\a " + strings.Repeat("é", 200), strings.Repeat("y ", 200)},
		{"empty", OK, true, "", ""},
	}, Unseen: []string{strings.Repeat("z", 250)}}
	got := tableOf(t, r, false)
	for line := range strings.Lines(got) {
		line = strings.TrimSuffix(line, "\n")
		if n := len([]rune(line)); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
		if strings.ContainsAny(line, "\x1b\a\r") || strings.TrimRight(line, " ") != line {
			t.Errorf("%q", line)
		}
	}
	for what, n := range map[string]int{"x": 300, "é": 200, "y": 200, "z": 250} {
		if strings.Count(strings.ReplaceAll(got, "empty", ""), what) != n {
			t.Errorf("%q is not there %d times:\n%s", what, n, got)
		}
	}
}

func TestJSON(t *testing.T) {
	r := sample()
	r.Rows = r.Rows[1:2]
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"requirements":[{"name":"BTF","status":"missing","required":true,"found":"/sys/kernel/btf/vmlinux is absent: ` +
		`this kernel was built without CONFIG_DEBUG_INFO_BTF","cure":"boot a kernel that has it (Debian 11, Ubuntu 20.10, ` +
		`RHEL 8.2 and newer do)"}],"hooks":[{"question":"connect","name":"tp_btf/inet_sock_set_state","refused":[{"name":` +
		`"fentry/tcp_connect","reason":"operation not permitted by this kernel"}]},{"question":"wire","name":""}],` +
		`"not_seen":["packets of raw sockets (AF_PACKET) and of TCP stacks in user space","traffic that this host forwards ` +
		`for others","connections that were past their first payload when the tracer started"],` +
		`"error":"cannot trace: x","hint":"do y"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
