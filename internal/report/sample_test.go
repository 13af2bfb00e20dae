package report

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// The records of the tests. T is the moment that the blocklist of case D names.
var T = time.Date(2015, 12, 4, 14, 30, 0, 0, time.UTC)

var machine = record.Host{Name: "web1", ID: "d0c1", OS: record.OS{Kernel: "6.1.0-18-amd64"}}

// life is a start, heartbeat or stop record of a run that watches the whole host.
func life(id string, action record.Action, began, at time.Time) record.Record {
	return record.Record{
		Time: at, Event: record.Event{Action: action, Start: began, End: at, Duration: at.Sub(began)},
		Agent: record.Agent{Type: "smtptrace", EphemeralID: id}, Host: machine,
		Tracer: record.Tracer{
			Hooks: []record.Hook{
				{Question: "connect", Name: "fentry/tcp_connect"}, {Question: "wire", Name: "cgroup_skb/egress,ingress"},
			},
			Filters: record.Filters{Connects: "mail"}, Forwards: "no",
		},
	}
}

// watch is a run from one moment to another, with a heartbeat each minute and no stop.
func watch(id string, from, to time.Time) []record.Record {
	list := []record.Record{life(id, record.ActionStart, from, from)}
	for at := from.Add(time.Minute); !at.After(to); at = at.Add(time.Minute) {
		list = append(list, life(id, record.ActionHeartbeat, from, at))
	}
	return list
}

// watchAll is watch with a stop.
func watchAll(id string, from, to time.Time) []record.Record {
	return append(watch(id, from, to), life(id, record.ActionStop, from, to))
}

// session is the impostor of case D: it lasts 800 ms, and ends at the time given.
func session(id string, at time.Time) record.Record {
	return record.Record{
		Time: at,
		Event: record.Event{Action: record.ActionSession, ID: id, Outcome: record.Success, Duration: 800 * time.Millisecond,
			Start: at.Add(-800 * time.Millisecond), End: at},
		Agent: record.Agent{Type: "smtptrace", EphemeralID: "r1"}, Host: machine,
		Verdict: record.DirectMX, Flags: []string{"direct_mx", "mta_impostor", "exe_writable_dir", "helo_loopback"},
		Source:      record.Endpoint{IP: netip.MustParseAddr("203.0.113.7"), Port: 41822, Bytes: 3421},
		Destination: record.Endpoint{IP: netip.MustParseAddr("198.51.100.25"), Port: 25, Bytes: 388},
		Identity: record.Identity{
			Process: record.Process{PID: 4242, Name: "smtp", Executable: "/var/tmp/smtp", Args: []string{"smtp"},
				Hash: record.Hash{SHA256: "ab12cd34", Status: "verified"},
				File: record.File{Inode: "393231", Device: "8:1", CTime: time.Date(2015, 12, 3, 2, 44, 5, 0, time.UTC),
					Mode: "0755", Size: 71024, Links: 1},
				Namespaces: record.Namespaces{Mount: 4026531841, PID: 4026531836}, Parent: record.Parent{PID: 880, Executable: "/usr/sbin/cron"}},
			User:    record.User{ID: "89", Name: "postfix"},
			Systemd: record.Systemd{Unit: "cron.service"},
		},
		SMTP: record.SMTP{
			Verb: "HELO", HELO: "[127.0.0.1]", Banner: "220 mx.example.net ESMTP", Messages: 1, Recipients: 3,
			LastReply: "221 2.0.0 Bye",
			Transactions: []record.Transaction{{
				MailFromDomain: "test123.it", RcptCount: 3, RcptDomains: []string{"example.net"}, Size: 3096,
				Outcome: "accepted", Reply: "250 2.0.0 Ok: queued as 4E81026038",
			}},
		},
	}
}

// postfix is the mail server of the host, as its package brought it.
func postfix(id string, at time.Time) record.Record {
	r := session(id, at)
	r.Process.Executable, r.Process.PID, r.Systemd.Unit = "/usr/lib/postfix/sbin/smtp", 900, "postfix@-.service"
	r.Process.Package = record.Package{Name: "postfix", Version: "3.7.11-0+deb12u1", Intact: new(true)}
	r.Expected, r.Flags, r.SMTP.HELO, r.SMTP.Verb = true, []string{"direct_mx"}, "web1.example.org", "EHLO"
	return r
}

// lines encodes records as a log has them.
func lines(records ...record.Record) []byte {
	var b bytes.Buffer
	e := record.NewEncoder()
	for i := range records {
		b.Write(e.Encode(&records[i]))
	}
	return b.Bytes()
}

// write makes a file of a log in a folder of the test's own.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask answers from one log.
func ask(t testing.TB, q Query, records ...record.Record) *Answer {
	t.Helper()
	a := Ask(Options{Logs: []string{Stdin}, Stdin: bytes.NewReader(lines(records...)), Query: q, Now: T.AddDate(0, 0, 3)})
	if err := a.Failed(); err != nil {
		t.Fatal(err)
	}
	return a
}

// ids are the event ids of the evidence.
func ids(a *Answer) string {
	var list []string
	for i := range a.Evidence {
		list = append(list, a.Evidence[i].Event.ID)
	}
	return fmt.Sprint(list)
}

// with makes a query of terms.
func with(t testing.TB, terms ...func() (Term, error)) (q Query) {
	t.Helper()
	for _, f := range terms {
		term, err := f()
		if err != nil {
			t.Fatal(err)
		}
		q.Add(term)
	}
	return q
}

// of names a term that a function makes of a text.
func of(f func(string) (Term, error), s string) func() (Term, error) {
	return func() (Term, error) { return f(s) }
}
