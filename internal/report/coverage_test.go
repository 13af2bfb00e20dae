package report

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// askD asks for the window of case D.
func askD(t *testing.T, records ...record.Record) *Answer {
	t.Helper()
	q := with(t, of(HELO, "[127.0.0.1]"))
	q.Around(T, 15*time.Minute)
	return ask(t, q, records...)
}

func minutes(n int) time.Time { return T.Add(time.Duration(n) * time.Minute) }

// sentence fails unless the answer has these words, and not those behind "!".
func sentence(t *testing.T, a *Answer, words ...string) {
	t.Helper()
	text := a.Text(false)
	for _, w := range words {
		if not, is := strings.CutPrefix(w, "!"); is == strings.Contains(text, not) {
			t.Errorf("%q in\n%s", w, text)
		}
	}
}

func TestNobodyDidIt(t *testing.T) {
	a := askD(t, watchAll("r1", minutes(-60), minutes(60))...)
	sentence(t, a, "No local process did it: 100 % of the window watched, 0 lost.",
		"web1: 100 % of 2015-12-04 14:15:00 to 14:45:00 UTC was watched; lost nothing",
		"the whole host; connect by fentry/tcp_connect; wire by cgroup_skb/egress,ingress")
}

// A connection that was there before the run, and that nobody followed, is not cleared, however long the run goes on.
func TestOlderConnections(t *testing.T) {
	const older = "postfix's /usr/bin/perl was connected before the start to 198.51.100.25:25"
	for _, from := range []int{-60, -600} {
		all := watchAll("r1", minutes(from), minutes(60))
		open := record.Open{Source: session("x", T).Source, Destination: session("x", T).Destination,
			Process: record.Parent{PID: 12, Executable: "/usr/bin/perl"}, User: record.User{ID: "89", Name: "postfix"}}
		forked := open
		forked.Process.PID = 13
		all[0].Tracer.Open = []record.Open{open, forked}
		sentence(t, askD(t, all...), "Nothing matches, but that is not certain: "+older+", and what was said is not known. 100 % of the window watched, 0 lost.",
			"already open: pid 12 /usr/bin/perl → 198.51.100.25:25", "!No local process did it")
		q := with(t, of(HELO, "[127.0.0.1]"), of(SourcePort, "41823"))
		q.Around(T, 15*time.Minute)
		sentence(t, ask(t, q, all...), "No local process did it", "!"+older) // it had another port
		all[0].Tracer.Open[0].Adopted, all[0].Tracer.Open[1].Adopted = true, true
		sentence(t, askD(t, all...), "No local process did it", "!"+older)
	}
	unknown := watchAll("r1", minutes(-60), minutes(60))
	unknown[0].Tracer.OpenUnknown = true
	sentence(t, askD(t, unknown...), "not all connections from before the start are known. 100 %", "!No local process did it")
}

// Between two runs nobody watched: the gap is said, and nobody is cleared.
func TestTracerWasOff(t *testing.T) {
	a := askD(t, append(watchAll("r1", minutes(-60), minutes(-10)), watchAll("r2", minutes(11), minutes(60))...)...)
	sentence(t, a, "the tracer was off from 2015-12-04 14:20:00 to 14:41:00 UTC", "30.0 % of the window watched", "!No local process")
}

// A run without a stop ends at its last heartbeat, or at its last record of any kind.
func TestInterruptedRun(t *testing.T) {
	broken := watch("r1", minutes(-60), minutes(-5))
	a := askD(t, append(slices.Clone(broken), watchAll("r2", minutes(5), minutes(60))...)...)
	sentence(t, a, "the tracer was off from 2015-12-04 14:25:00 to 14:35:00 UTC", "to 14:25:00 UTC, where it broke off", "66.7 %")

	last := postfix("p", minutes(-5).Add(30*time.Second))
	a = askD(t, append(append(slices.Clone(broken), last), watchAll("r2", minutes(5), minutes(60))...)...)
	sentence(t, a, "the tracer was off from 2015-12-04 14:25:30 to 14:35:00 UTC")
}

// The heartbeats are the proof: a run that says it began long ago, of whose log a part is missing,
// did not prove that part.
func TestMissingLog(t *testing.T) {
	all := watchAll("r1", minutes(-60), minutes(60))
	missing := append(slices.Clone(all[:51]), all[70:]...) // heartbeats from -10 to 10
	sentence(t, askD(t, missing...), "no heartbeats are in the logs from 2015-12-04 14:20:00 to 14:40:00 UTC, though the run went on")
	rotatedAway := all[66:]
	sentence(t, askD(t, rotatedAway...), "these logs have no heartbeats from 2015-12-04 14:15:00 to 14:36:00 UTC")
	one := append(slices.Clone(all[:60]), all[61:]...)
	sentence(t, askD(t, one...), "No local process did it: 100 %")
}

// A guest behind this host is not cleared, unless forwarded mail was watched, too, or this host forwards nothing, and
// that all the time.
func TestForwarding(t *testing.T) {
	all := watchAll("r1", minutes(-60), minutes(60))
	sentence(t, askD(t, all...), "No local process did it", "!only forwards")
	all[58].Tracer.Forwards = "yes" // at -2
	last := append(slices.Delete(slices.Clone(all), 58, 59), all[58])
	late := slices.Clone(all[70:])
	slices.Reverse(late)
	late = slices.Concat(all[:58], all[59:70], late, all[58:59])
	for _, order := range [][]record.Record{all, append(slices.Clone(all[60:]), all[:60]...), last, late} {
		sentence(t, askD(t, order...), "web1 forwards packets for others, and mail in them was not watched", "not watched: mail that this host only forwards", "!No local")
	}
	slices.Reverse(all)
	sentence(t, askD(t, all...), "web1 forwards packets for others", "!No local")
	for i := range all {
		all[i].Tracer.Forwarding = true
	}
	sentence(t, askD(t, all...), "No local process did it", "!only forwards")
}

// Logs may come in any order.
func TestCoverageInAnyOrder(t *testing.T) {
	all := watchAll("r1", minutes(-60), minutes(60))
	for _, cut := range []int{1, 30, 61, 100} {
		sentence(t, askD(t, append(slices.Clone(all[cut:]), all[:cut]...)...), "No local process did it: 100 %")
	}
	slices.Reverse(all)
	sentence(t, askD(t, all...), "No local process did it: 100 %")
}

// Who watched a part of the host did not watch the host.
func TestNarrowRun(t *testing.T) {
	all := watchAll("r1", minutes(-60), minutes(60))
	for i := range all {
		all[i].Tracer.Filters.Cgroup = "/sys/fs/cgroup/web"
	}
	sentence(t, askD(t, all...), "0 % of the window watched", "watched only cgroup /sys/fs/cgroup/web", "!No local process did it",
		"from 2015-12-04 14:15:00 to 14:45:00 UTC, only cgroup /sys/fs/cgroup/web; connect by")
	// Beside one that watched all of it, nothing is missing.
	sentence(t, askD(t, append(all, watchAll("r2", minutes(-60), minutes(60))...)...), "No local process did it: 100 %")
}

// What was lost in the window counts; what was lost before and after does not.
func TestLost(t *testing.T) {
	all := watchAll("r1", minutes(-60), minutes(60))
	for i := range all {
		switch at := all[i].Event.End; {
		case at.After(minutes(30)):
			all[i].Tracer.Counters.Lost = record.Losses{Payloads: 9, Connections: 100}
		case at.After(minutes(0)):
			all[i].Tracer.Counters.Lost = record.Losses{Payloads: 9}
		case at.After(minutes(-30)):
			all[i].Tracer.Counters.Lost = record.Losses{Payloads: 7}
		}
	}
	sentence(t, askD(t, all...), "100 % of the window watched, 2 lost", "lost 2: 2 stretches of dialogue", "!No local process did it")
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	sentence(t, askD(t, reversed...), "100 % of the window watched, 2 lost")
}

// What was lost before the start was recorded is of the run: the hooks were attached by then.
func TestLostAtTheStart(t *testing.T) {
	all := watch("r1", minutes(-5), minutes(60))
	for i := range all {
		all[i].Tracer.Counters.Lost.Payloads = 2
	}
	sentence(t, ask(t, Query{Window: Window{From: minutes(-5), To: minutes(5)}}, all...), "100 % of the window watched, 2 lost", "!No local process did it")
	sentence(t, ask(t, Query{Window: Window{From: minutes(1), To: minutes(5)}}, all...), "100 % of the window watched, 0 lost")
}

// What was lost behind the last heartbeat of a run that broke off is not forgotten, nor counted twice where
// another one came.
func TestLostBehindTheLastHeartbeat(t *testing.T) {
	lost := life("r1", record.ActionLost, minutes(-60), minutes(5).Add(30*time.Second))
	lost.Event.End = time.Time{}
	lost.Tracer.Lost.Connections = 7
	broken := append(watch("r1", minutes(-60), minutes(5)), lost)
	q := Query{Window: Window{From: minutes(-15), To: minutes(5).Add(20 * time.Second)}}
	sentence(t, ask(t, q, broken...), "100 % of the window watched, 7 lost", "!No local process did it")
	beat := life("r1", record.ActionHeartbeat, minutes(-60), minutes(6))
	beat.Tracer.Counters.Lost.Connections = 7
	sentence(t, ask(t, q, append(broken, beat)...), "100 % of the window watched, 7 lost")
	q.Window.To = minutes(4)
	sentence(t, ask(t, q, broken...), "No local process did it")
	sentence(t, ask(t, q, lost), "no run of smtptrace is in these logs")
}

func TestNoRunInTheLogs(t *testing.T) {
	sentence(t, askD(t), "Nothing matches, and that says nothing: no run of smtptrace is in these logs", "Coverage:\n  none")
	sentence(t, askD(t, session("in", T)), "1 session matches, by /var/tmp/smtp, user postfix, cron.service: DIRECT-MX unexpected.")
}

// What is still to come need not have been watched.
func TestWindowInTheFuture(t *testing.T) {
	q := Query{}
	q.Around(T, 15*time.Minute)
	a := Ask(Options{Logs: []string{Stdin}, Stdin: bytes.NewReader(lines(watch("r1", minutes(-60), minutes(0))...)), Query: q, Now: T})
	sentence(t, a, "No local process did it: 100 %")
}

// Who asks since a time asks until now: a tracer that died since is not taken for one that saw nothing.
func TestSince(t *testing.T) {
	since := func(now time.Time, records []record.Record) *Answer {
		return Ask(Options{Logs: []string{Stdin}, Stdin: bytes.NewReader(lines(records...)), Query: Query{Window: Window{From: minutes(-60)}}, Now: now})
	}
	sentence(t, since(minutes(60), watch("r1", minutes(-60), minutes(0))), "!No local process", "50.0 % of the window watched",
		"these logs have no heartbeats from 2015-12-04 14:30:00 to 15:30:00 UTC")
	sentence(t, since(minutes(60), watchAll("r1", minutes(-60), minutes(0))), "50.0 % of the window watched")
	sentence(t, since(T.Add(50*time.Second), watch("r1", minutes(-60), minutes(0))), "No local process did it: 100 %",
		"100 % of 2015-12-04 13:30:00 to 14:30:00 UTC")
	sentence(t, since(T.Add(50*time.Second), watchAll("r1", minutes(-60), minutes(0))), "98.6 % of the window watched")
}

// A clock that is set back does not make a loss of what was not lost.
func TestClockSetBack(t *testing.T) {
	var all []record.Record
	for i, m := range []int{-30, -27, -29, -28} {
		r := life("r1", record.ActionHeartbeat, minutes(-30), minutes(m))
		r.Tracer.Counters.Lost.Payloads = uint64(i)
		all = append(all, r)
	}
	a := ask(t, Query{Window: Window{From: minutes(-28).Add(time.Second), To: minutes(-27)}}, all...)
	if lost := a.Coverage[0].Lost.Total(); lost > 3 {
		t.Errorf("%d lost", lost)
	}
}

// Each host answers for itself.
func TestSeveralHosts(t *testing.T) {
	other := watchAll("r2", minutes(-60), minutes(-20))
	for i := range other {
		other[i].Host = record.Host{Name: "web2", ID: "e1"}
	}
	sentence(t, askD(t, append(watchAll("r1", minutes(-60), minutes(60)), other...)...),
		"web1: 100 % of the window watched, 0 lost. web2: 0 % of the window watched", "!No local process did it")
}

// The impostor under uid postfix is named with its flags, and Postfix beside it is not taken for
// it.
func TestImpostorIsNamed(t *testing.T) {
	records := append(watchAll("r1", minutes(-60), minutes(60)), postfix("p", T), session("x", T.Add(time.Minute)))
	q := with(t, of(UID, "postfix"))
	q.Around(T, 15*time.Minute)
	sentence(t, ask(t, q, records...), "2 sessions of 2 programs match; the worst is /var/tmp/smtp, user postfix, cron.service: DIRECT-MX unexpected.",
		"flags direct_mx mta_impostor exe_writable_dir helo_loopback", " 2. DIRECT-MX expected  pid 900 /usr/lib/postfix/sbin/smtp  postfix")
}

// A session whose HELO was under TLS is not cleared by asking for a HELO.
func TestUnsure(t *testing.T) {
	hidden := session("x", T)
	hidden.SMTP = record.SMTP{TLS: true}
	a := askD(t, append(watchAll("r1", minutes(-60), minutes(60)), hidden, postfix("p", T))...)
	sentence(t, a, "Nothing matches, but that is not certain: postfix's /var/tmp/smtp had an encrypted session with 198.51.100.25:25", "DIRECT-MX unexpected  /var/tmp/smtp  postfix",
		"!No local process did it")
}

// A run that broke off in the middle of a session has its first payload.
func TestUnfinishedSession(t *testing.T) {
	first := func(id string) record.Record {
		r := session(id, T)
		r.Event = record.Event{Action: record.ActionFirstPayload, ID: id}
		r.SMTP = record.SMTP{Verb: "HELO", HELO: "[127.0.0.1]"}
		return r
	}
	other := session("c", T)
	other.SMTP.HELO = "turned out otherwise"
	a := askD(t, first("a"), first("b"), first("c"), session("b", T.Add(time.Second)), other)
	if a.Sessions != 2 || a.Unfinished != 1 || ids(a) != "[a b]" {
		t.Errorf("%d sessions, %d unfinished: %s", a.Sessions, a.Unfinished, ids(a))
	}
	sentence(t, a, "2 sessions match", "just begun")

	// Where the logs come in another order, the session that turned out otherwise is still known.
	q := with(t, of(HELO, "[127.0.0.1]"))
	a = Ask(Options{Logs: []string{write(t, "a.log", lines(other)), write(t, "b.log", lines(first("c")))}, Query: q, Now: T})
	if a.Sessions != 0 || a.Unfinished != 0 {
		t.Errorf("out of order: %d sessions, %d unfinished", a.Sessions, a.Unfinished)
	}
}

// More sessions at once than are kept are not left out in silence.
func TestTooManyUnfinishedSessions(t *testing.T) {
	var all []record.Record
	for i := range maxPending + 1 {
		all = append(all, record.Record{Time: T, Event: record.Event{Action: record.ActionFirstPayload, ID: strconv.Itoa(i)}})
	}
	sentence(t, ask(t, Query{}, all[1:]...), "10,000 sessions match", "!sessions at once")
	sentence(t, ask(t, Query{}, all...), "10,000 sessions match", "more than 10,000 sessions at once: of those whose end is not in the logs, some are left out")
}

// A failed connect is evidence; one that was established is told by its session.
func TestConnects(t *testing.T) {
	refused := session("a", T)
	refused.Event = record.Event{Action: record.ActionConnect, ID: "a", Outcome: record.Failure, Reason: record.Refused}
	refused.Verdict, refused.SMTP = record.Attempt, record.SMTP{}
	made := refused
	made.Event.ID, made.Event.Outcome, made.Event.Reason = "b", record.Success, record.Established
	a := ask(t, Query{}, refused, made, session("b", T))
	if a.Sessions != 1 || a.Attempts != 1 || ids(a) != "[a b]" {
		t.Errorf("%d sessions, %d attempts: %s", a.Sessions, a.Attempts, ids(a))
	}
}

// A session with several records is one session, and its mails add up, whichever of its records
// match.
func TestSessionOfSeveralRecords(t *testing.T) {
	var all []record.Record
	for i := range uint64(3) {
		r := session("a", minutes(5*int(i)))
		r.Event.Sequence, r.Event.Start = i+1, T
		r.SMTP.Messages, r.SMTP.Recipients = 20, 20
		all = append(all, r)
	}
	sentence(t, ask(t, Query{}, all...), "1 session matches", "1 session, 60 messages, 60 recipients")
	sentence(t, ask(t, Query{Window: Window{From: minutes(8)}}, all...), "1 session, 20 messages, 20 recipients")
}

// A session of which one record hides what was asked for and another shows it is one that matches.
func TestSessionThatHidesFirst(t *testing.T) {
	hidden, shown := session("a", T), session("a", minutes(5))
	hidden.Event.Sequence, hidden.SMTP = 1, record.SMTP{Unseen: 9}
	shown.Event.Sequence = 2
	for _, all := range [][]record.Record{{hidden, shown}, {shown, hidden}} {
		a := askD(t, all...)
		if a.Sessions != 1 || a.Programs[0].Sessions != 1 {
			t.Errorf("%d sessions", a.Sessions)
		}
		sentence(t, a, "1 session matches, by /var/tmp/smtp")
	}
}

// Machines made from one image may have the same machine-id: what one watched says nothing of the other. One that got
// another name is still the same.
func TestCoverageOfClones(t *testing.T) {
	named := func(name string, records []record.Record) []record.Record {
		for i := range records {
			records[i].Host.Name = name
		}
		return records
	}
	q := with(t, of(HELO, "mail.com"))
	q.Around(T, 15*time.Minute)
	whole := watchAll("r1", T.Add(-time.Hour), T.Add(time.Hour))
	clone := named("web2", watchAll("r2", T.Add(-time.Hour), T.Add(-10*time.Minute)))
	sentence(t, ask(t, q, append(clone, whole...)...), "Nothing matches in what was watched.", "web1: 100 % of the window watched",
		"web2: 16.7 % of the window watched")
	before := named("localhost", watchAll("r3", T.Add(-time.Hour), T.Add(-time.Minute)))
	after := named("web1", watchAll("r4", T.Add(-time.Minute), T.Add(time.Hour)))
	sentence(t, ask(t, q, append(before, after...)...), "No local process did it: 100 % of the window watched, 0 lost.")
}
