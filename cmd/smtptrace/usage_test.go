package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestUsage: what is used wrongly gets status 2 and one line that names the flag and what it takes.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "error: no command given"},
		{[]string{"walk"}, `error: unknown command "walk"`},
		{[]string{"run", "--mail-ports", "70000"}, `error: invalid argument "70000" for "--mail-ports" flag: "70000" is not a port: it takes numbers from 1 to 65535, with commas between them`},
		{[]string{"run", "--mail-ports", "25,,"}, `error: invalid argument "25,," for "--mail-ports" flag: "" is not a port: it takes numbers from 1 to 65535, with commas between them`},
		{[]string{"run", "--hooks", "magic"}, `error: invalid argument "magic" for "--hooks" flag: it takes one of auto, fentry, kprobe, tracepoint, cgroup`},
		{[]string{"run", "--cgroup", "/tmp"}, `for "--cgroup" flag: it takes a directory in a cgroup v2 hierarchy, such as /sys/fs/cgroup/system.slice: /tmp is not in a cgroup v2 hierarchy`},
		{[]string{"run", "--cgroup", "/nowhere"}, `for "--cgroup" flag: it takes a directory in a cgroup v2 hierarchy`},
		{[]string{"run", "--netns", "/etc/passwd"}, `for "--netns" flag: /etc/passwd is not a network namespace`},
		{[]string{"run", "--pid", "0"}, `for "--pid" flag: it takes the number of a process`},
		{[]string{"run", "--uid", "no such user"}, `for "--uid" flag: it takes the name or number of a user`},
		{[]string{"run", "--privacy", "some"}, `for "--privacy" flag: it takes one of full, domain, hmac, none`},
		{[]string{"run", "--expect", "postfix"}, `for "--expect" flag: "postfix" does not begin with the absolute path of a program`},
		{[]string{"run", "--smarthost", "mail.example.org:smtpp"}, `for "--smarthost" flag: "smtpp" is not a port: it takes HOST[:PORT], such as mail.example.org:587 or [2001:db8::25]:587`},
		{[]string{"run", "--smarthost", "smtp://mail"}, `for "--smarthost" flag: "//mail" is not a port`},
		{[]string{"run", "--smarthost", "a b"}, `for "--smarthost" flag: "a b" is not the name or address of a host`},
		{[]string{"run", "--duration", "soon"}, `for "--duration" flag`},
		{[]string{"run", "--summary-every", "0s"}, `for "--summary-every" flag: it takes a time such as 90s, 10m or 24h`},
		{[]string{"run", "--nonsense"}, `error: unknown flag: --nonsense`},
		{[]string{"run", "extra"}, `error: unexpected argument "extra"`},
		{[]string{"report"}, `error: no log given: name the files that smtptrace run -o wrote, their directory, or - for standard input`},
		{[]string{"report", "--at", "soon", "a.log"}, `for "--at" flag: "soon" is not a time`},
		{[]string{"report", "--at", "2015-12-04 14:30 BST", "a.log"}, `"bst" is not known: give the zone as +01:00, UTC or Europe/Berlin`},
		{[]string{"report", "--at", "now", "--since", "now", "a.log"}, `error: --at does not go together with --since and --until`},
		{[]string{"report", "--since", "now", "--until", "1h ago", "a.log"}, `error: --until is before --since`},
		{[]string{"report", "--window", "15m", "a.log"}, `error: --window needs --at or --received`},
		{[]string{"report", "--own", "192.0.2.1", "a.log"}, `error: --own needs --received`},
		{[]string{"report", "--window", "15", "a.log"}, `for "--window" flag: it takes a time such as 90s, 10m or 24h`},
		{[]string{"report", "--verdict", "spam", "a.log"}, `for "--verdict" flag: "spam" is not a verdict: it is one of direct_mx, smtp_odd_port,`},
		{[]string{"report", "--sha256", "xyz", "a.log"}, `for "--sha256" flag: it takes the first 4 to 64 hex digits of a SHA-256 hash`},
		{[]string{"report", "--dst", "1.2.3.4/99", "a.log"}, `for "--dst" flag: it takes an address, a network`},
		{[]string{"report", "--helo", "", "a.log"}, `for "--helo" flag: it takes a name`},
		{[]string{"report", "--format", "pdf", "a.log"}, `for "--format" flag: it takes one of text, json, html`},
		{[]string{"report", "--received", "", "a.log"}, `for "--received" flag: it takes the name of a file`},
		{[]string{"report", "--own", "a b", "a.log"}, `for "--own" flag: it takes an address or a name of this host, such as 203.0.113.9 or web1.example.org`},
		{[]string{"run", "--own", "203.0.113.999"}, `for "--own" flag: it takes an address or a name of this host`},
		{[]string{"report", "--received", "-", "-"}, `error: standard input cannot be both the log and what was received`},
		{[]string{"check", "--nonsense"}, `error: unknown flag: --nonsense`},
	} {
		var stdout, stderr bytes.Buffer
		status := run(c.args, nil, &stdout, &stderr)
		lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
		if status != exitUsage || stdout.Len() != 0 || !strings.Contains(lines[0], c.want) ||
			len(lines) != 2 || !strings.HasPrefix(lines[1], "smtptrace: hint: see smtptrace") {
			t.Errorf("%q: status %d, stdout %q, stderr %q; want %q", c.args, status, &stdout, &stderr, c.want)
		}
	}
}

// TestHelp: what is asked for is data, on standard output.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"run", "--help"}, {"report", "--help"}, {"check", "-h"}, {"version"}, {"--version"}} {
		var stdout, stderr bytes.Buffer
		if status := run(args, nil, &stdout, &stderr); status != exitDone || stdout.Len() == 0 || stderr.Len() != 0 {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, &stdout, &stderr)
		}
	}
}

// TestExpectFile: a file of expected senders that says something wrong ends the run before it begins, with
// the line that does.
func TestExpectFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "expected")
	if err := os.WriteFile(path, []byte("# mine\nmailer\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		path:           path + `, line 2: "mailer" does not begin with the absolute path of a program`,
		path + "/none": "read the expected senders: open " + path + "/none: not a directory",
		path + "-none": "read the expected senders: open " + path + "-none: no such file or directory",
	} {
		var stdout, stderr bytes.Buffer
		status := run([]string{"run", "--expect-file", file}, nil, &stdout, &stderr)
		if status != exitFailed || stdout.Len() != 0 || !strings.HasPrefix(stderr.String(), "smtptrace: error: "+want) ||
			!strings.Contains(stderr.String(), "\nsmtptrace: hint: mend "+file) {
			t.Errorf("status %d, stdout %q, stderr %q; want %q", status, &stdout, &stderr, want)
		}
	}
}

// TestFullDisk: a write that fails is said once, and ends the run with status 1.
func TestFullDisk(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	child := live.Child("smtptrace", "run", "--cgroup", cell.Cgroup, "--privacy", "none", "-o", "/dev/full")
	var stderr bytes.Buffer
	child.Stderr = &stderr
	err := child.Run()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailed ||
		strings.Count(stderr.String(), "error:") != 1 || !strings.Contains(stderr.String(), "no space left on device") {
		t.Errorf("%v: %s", err, &stderr)
	}
}

// TestClosedPipe: a reader that goes away ends the run quietly.
func TestClosedPipe(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	child := live.Child("smtptrace", "run", "--cgroup", cell.Cgroup, "--privacy", "none")
	var stderr bytes.Buffer
	child.Stdout, child.Stderr = write, &stderr
	err = child.Run()
	write.Close()
	if err != nil || strings.Contains(stderr.String(), "error") {
		t.Errorf("%v: %s", err, &stderr)
	}
}

// TestSummaryEvery: who sent mail so far is said while the run goes on, among the records for a person.
func TestSummaryEvery(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	cell.Serve(mx)
	said := filepath.Join(t.TempDir(), "said")
	stdout, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	tr := startTo(t, cell, probe.Auto, stdout, "--format", "text", "--summary-every", "100ms")
	cell.Run(live.Child("mail", mx))
	live.Eventually(t, "the answer, twice", func() bool {
		b, err := os.ReadFile(said)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(b), "\n\nWho sent mail or tried to, the worst first:\n\n 1. LOCAL unexpected  pid ") >= 2
	})
	tr.end()
}

// TestSummaryBesideJSON: standard output stays data; the answer goes to where a person reads.
func TestSummaryBesideJSON(t *testing.T) {
	cell := live.NewCell(t)
	child := live.Child("smtptrace", "run", "--cgroup", cell.Cgroup, "--privacy", "none", "--duration", "500ms", "--summary-every", "100ms")
	var stdout, stderr bytes.Buffer
	child.Stdout, child.Stderr = &stdout, &stderr
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stdout.String()) {
		if _, err := record.Decode([]byte(line)); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	if n := strings.Count(stderr.String(), "\nNothing that was watched sent mail or tried to: "); n < 2 {
		t.Errorf("said %d times: %s", n, &stderr)
	}
}

// TestDuration: the run ends by itself.
func TestDuration(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	tr := start(t, cell, probe.Auto, "--duration", "100ms")
	if err := <-tr.ended; err != nil {
		t.Fatal(err)
	}
	if n := len(tr.records()); n != 2 {
		t.Errorf("%d records, want start and stop", n)
	}
}
