package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

// What the tests of the answer have in common: a run that must live, a question to its log, and sums over the records
// of a connection.

func init() {
	live.Become(map[string]func([]string) error{"actor": live.ActorChild})
}

// asked is what report answers, as far as tests look at it.
type asked struct {
	Answer   string
	Message  string
	Sessions uint64
	Reasons  []struct {
		Code, Text string
		Count      uint64
	}
}

// cleared says whether the answer clears, by what a program reads of it or a person.
func (a *asked) cleared() bool {
	return a.Answer == "cleared" || strings.HasPrefix(a.Message, "No local process did it")
}

func (a *asked) String() string { return fmt.Sprintf("%q %v: %s", a.Answer, a.Reasons, a.Message) }

// says tells whether a reason stands in the answer, and names something.
func (a *asked) says(code, what string) bool {
	for i := range a.Reasons {
		if r := &a.Reasons[i]; r.Code == code && r.Count > 0 && strings.Contains(r.Text, what) {
			return true
		}
	}
	return false
}

// ask puts a question to a log.
func (tr *tracer) ask(log string, question ...string) *asked {
	tr.t.Helper()
	var stdout, stderr bytes.Buffer
	args := slices.Concat([]string{"report", "--format", "json"}, question, []string{log})
	if status := run(args, nil, &stdout, &stderr); status != exitDone {
		tr.t.Fatalf("%q: status %d, %s", args, status, &stderr)
	}
	var a asked
	if err := json.Unmarshal(stdout.Bytes(), &a); err != nil {
		tr.t.Fatalf("%v: %s", err, &stdout)
	}
	return &a
}

// during is the window from the run's start to its end.
func during(records []record.Record) []string {
	from, to := records[0].Event.End, records[len(records)-1].Event.End
	return []string{"--since", from.UTC().Format(time.RFC3339Nano), "--until", to.UTC().Format(time.RFC3339Nano)}
}

// unfiltered is a copy of the log in which the run has no filters: what an unfiltered run would answer. With the
// address of a server it has no records of connections to others.
func (tr *tracer) unfiltered(only ...string) string {
	tr.t.Helper()
	text, err := os.ReadFile(tr.log)
	if err != nil {
		tr.t.Fatal(err)
	}
	var out bytes.Buffer
	to := map[string]string{} // by event.id
	for i := range 2 {
		for line := range bytes.Lines(text) {
			r, err := record.Decode(line)
			if err != nil {
				tr.t.Fatalf("%v: %s", err, line)
			}
			switch id := r.Event.ID; {
			case i == 0 && r.Destination.IP.IsValid():
				to[id] = r.Destination.AddrPort().String()
			case i == 0 || id != "" && len(only) > 0 && to[id] != "" && !slices.Contains(only, to[id]):
			case id != "":
				out.Write(line)
			default:
				f := &r.Tracer.Filters
				f.NetNS, f.Cgroup, f.PID, f.UID = 0, "", 0, nil
				r.Tracer.Open = slices.DeleteFunc(r.Tracer.Open, func(o record.Open) bool {
					return len(only) > 0 && !slices.Contains(only, o.Destination.AddrPort().String())
				})
				out.Write(record.NewEncoder().Encode(&r))
			}
		}
	}
	path := filepath.Join(tr.t.TempDir(), "unfiltered")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		tr.t.Fatal(err)
	}
	return path
}

// survive ends the tracer, which must have lived until then, whatever it has lost, and gives its records.
func (tr *tracer) survive() []record.Record {
	tr.t.Helper()
	tr.outlive()
	records := tr.records()
	if n := len(records); n < 2 || records[0].Event.Action != record.ActionStart || records[n-1].Event.Action != record.ActionStop {
		tr.t.Fatalf("the log does not go from start to stop: %d records", n)
	}
	if lost := records[len(records)-1].Tracer.Counters.Lost; lost.Total() > 0 {
		tr.t.Logf("lost: %+v", lost)
	}
	return records
}

// outlive ends the tracer, which must have lived until then.
func (tr *tracer) outlive() {
	tr.t.Helper()
	select {
	case err := <-tr.ended:
		tr.t.Fatalf("the tracer has died: %v", err)
	default:
	}
	tr.end()
	if said := tr.stderr.String(); strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") {
		tr.t.Errorf("the tracer said: %s", said)
	}
}

// freeze stops the tracer's process, and thaw lets it go on.
func (tr *tracer) freeze() {
	tr.t.Helper()
	if err := tr.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		tr.t.Fatal(err)
	}
	live.Eventually(tr.t, "the tracer stands still", func() bool {
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", tr.cmd.Process.Pid))
		return err == nil && !slices.ContainsFunc(stats, func(path string) bool {
			stat, err := os.ReadFile(path)
			_, behind, _ := bytes.Cut(stat, []byte(") "))
			return err == nil && !bytes.HasPrefix(behind, []byte("T"))
		})
	})
}

func (tr *tracer) thaw() {
	tr.t.Helper()
	if err := tr.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		tr.t.Fatal(err)
	}
}

// account is what all records of a connection say together.
type account struct {
	id                   string
	to                   string // the server
	helo                 string
	exe                  string // of its last session record
	pid                  uint32
	connects             []record.Reason
	sessions             int
	messages, recipients uint64
	accepted             uint64 // transactions that were, and those that are left out
	unseen               uint64
	tls                  bool
	failed               bool // a session record says that nothing was sent, and that nothing is unseen
	denied               bool // a session record says failure though something is unseen
}

// accounts sums up records by event.id.
func accounts(records []record.Record) map[string]*account {
	sums := map[string]*account{}
	for i := range records {
		addTo(sums, &records[i])
	}
	return sums
}

func addTo(sums map[string]*account, r *record.Record) {
	switch r.Event.Action {
	case record.ActionConnect, record.ActionFirstPayload, record.ActionSession:
	default:
		return
	}
	a := sums[r.Event.ID]
	if a == nil {
		a = &account{id: r.Event.ID}
		sums[r.Event.ID] = a
	}
	if r.Destination.IP.IsValid() {
		a.to = r.Destination.AddrPort().String()
	}
	if r.Event.Action == record.ActionConnect {
		a.connects = append(a.connects, r.Event.Reason)
		return
	}
	if r.SMTP.HELO != "" {
		a.helo = r.SMTP.HELO
	}
	if r.Event.Action != record.ActionSession {
		return
	}
	a.sessions++
	a.exe, a.pid = r.Process.Executable, r.Process.PID
	a.messages += r.SMTP.Messages
	a.recipients += r.SMTP.Recipients
	a.accepted += r.SMTP.TransactionsOmitted
	for i := range r.SMTP.Transactions {
		if r.SMTP.Transactions[i].Outcome == "accepted" {
			a.accepted++
		}
	}
	a.unseen = max(a.unseen, r.SMTP.Unseen)
	a.tls = a.tls || r.SMTP.TLS
	a.denied = a.denied || r.SMTP.Unseen > 0 && r.Event.Outcome == record.Failure
	a.failed = r.Event.Outcome == record.Failure && r.SMTP.Unseen == 0 && a.messages == 0
}

// lie is what an account says that is not so, where its client has sent so many mails to so many recipients in all;
// "" if all is true, and what is missing is told.
func (a *account) lie(messages, recipients uint64) string {
	switch {
	case a.sessions == 0 && messages > 0:
		return "no session record"
	case a.messages > messages || a.recipients > recipients:
		return fmt.Sprintf("%d messages, %d recipients: %d and %d were sent", a.messages, a.recipients, messages, recipients)
	case a.unseen == 0 && (a.messages < messages || a.recipients < recipients):
		return fmt.Sprintf("%d messages, %d recipients, and nothing unseen: %d and %d were sent", a.messages, a.recipients, messages, recipients)
	case a.unseen == 0 && a.accepted != messages:
		return fmt.Sprintf("%d accepted transactions, and nothing unseen: %d were", a.accepted, messages)
	case a.denied:
		return fmt.Sprintf("failure, though %d octets are unseen", a.unseen)
	}
	return ""
}

// only returns the account of the connections to an address, and fails unless there is exactly one.
func only(t *testing.T, sums map[string]*account, to string) *account {
	t.Helper()
	var found []*account
	for _, a := range sums {
		if a.to == to {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d connections to %s in the log, want 1", len(found), to)
	}
	return found[0]
}

// scan reads the log of a run record by record: a long one does not fit in memory.
func (tr *tracer) scan(each func(*record.Record)) {
	tr.t.Helper()
	f, err := os.Open(tr.log)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer f.Close()
	var decoder record.Decoder
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		var r record.Record
		if err := decoder.Decode(lines.Bytes(), &r); err != nil {
			tr.t.Fatalf("%v: %s", err, lines.Text())
		}
		each(&r)
	}
	if err := lines.Err(); err != nil {
		tr.t.Fatal(err)
	}
}
