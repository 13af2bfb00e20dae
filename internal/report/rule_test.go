package report

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// scene is a question and the logs that answer it.
type scene struct {
	log   []record.Record // one file
	raw   []byte          // before it, in the same file
	more  []string        // further files
	query Query
	clues *received.Clues
}

// healthy is a host that was watched, forwards nothing, and had what every host has. Nobody said HELO mail.com.
func healthy(t testing.TB) *scene {
	s := &scene{log: watchAll("r1", minutes(-60), minutes(60)), query: with(t, of(HELO, "mail.com"))}
	s.query.Around(T, 15*time.Minute)
	s.add(pair("ours", 0, behindSTARTTLS(postfix("ours", minutes(1))))...)
	s.add(pair("home", -5, smarthost("home", minutes(-4)))...)
	s.add(pair("other", 2, postfix("other", minutes(3)))...)
	s.add(connect("probe", 4, record.Established), tells(connect("probe", 5, record.Silent), 0))
	s.add(connect("shut", 6, record.Refused))
	s.add(pair("check", 7, quitter("check", minutes(8)))...)
	return s
}

func (s *scene) add(r ...record.Record) { s.log = append(s.log, r...) }

// all changes each record of the run.
func (s *scene) all(f func(*record.Record)) {
	for i := range s.log {
		if a := s.log[i].Event.Action; a == record.ActionStart || a == record.ActionHeartbeat || a == record.ActionStop {
			f(&s.log[i])
		}
	}
}

func (s *scene) ask(t testing.TB) *Answer {
	t.Helper()
	return Ask(Options{
		Logs: append([]string{Stdin}, s.more...), Stdin: bytes.NewReader(append(slices.Clone(s.raw), lines(s.log...)...)), Query: s.query,
		Clues: s.clues, Now: T.AddDate(0, 0, 3),
	})
}

// codes are the answer and its reasons.
func codes(a *Answer) (Finding, string) {
	var list []string
	finding, reasons := a.Conclude(time.UTC)
	for _, r := range reasons {
		list = append(list, string(r.Code))
	}
	return finding, strings.Join(list, " ")
}

// connect is a connect record of /tmp/x, so many minutes from T.
func connect(id string, at int, reason record.Reason) record.Record {
	r := session(id, minutes(at))
	r.Event = record.Event{Action: record.ActionConnect, ID: id, Outcome: reason.Outcome(), Reason: reason, Start: minutes(at).Add(-time.Second), End: minutes(at)}
	r.Verdict, r.Expected, r.SMTP, r.Flags, r.Systemd = "", false, record.SMTP{}, nil, record.Systemd{}
	r.Process.Executable, r.Process.Args, r.User.Name, r.Source.Bytes, r.Destination.Bytes = "/tmp/x", nil, "www-data", 0, 0
	return r
}

// tells is the second connect record of a connection that began a minute before.
func tells(r record.Record, sent uint64) record.Record {
	r.Event.Start, r.Source.Bytes = r.Event.Start.Add(-time.Minute), sent
	return r
}

// pair is a session with the record of its connect.
func pair(id string, at int, r record.Record) []record.Record {
	c := connect(id, at, record.Established)
	c.Identity, c.Destination, c.Source = r.Identity, r.Destination, r.Source
	r.Event.Start = c.Event.Start
	return []record.Record{c, r}
}

func behindSTARTTLS(r record.Record) record.Record {
	r.SMTP = record.SMTP{Verb: r.SMTP.Verb, HELO: r.SMTP.HELO, TLS: true, StartTLS: "accepted", LastReply: "220 2.0.0 Ready to start TLS"}
	r.Event.Outcome = record.OutcomeUnknown
	return r
}

func implicitTLS(r record.Record) record.Record {
	r.SMTP, r.Event.Outcome, r.Destination.Port, r.Verdict = record.SMTP{TLS: true}, record.OutcomeUnknown, 465, record.Submission
	return r
}

func smarthost(id string, at time.Time) record.Record {
	r := implicitTLS(postfix(id, at))
	r.Verdict = record.Relay
	return r
}

// quitter is a check that says QUIT.
func quitter(id string, at time.Time) record.Record {
	r := session(id, at)
	r.SMTP = record.SMTP{Banner: "220 mx.example.net ESMTP", LastReply: "221 2.0.0 Bye"}
	r.Event.Outcome, r.Source.Bytes = record.Failure, 6
	return r
}

// first is the record of a session that has begun.
func first(id string, at int) record.Record {
	r := session(id, minutes(at))
	r.Event = record.Event{Action: record.ActionFirstPayload, ID: id, Start: minutes(at).Add(-time.Second)}
	r.SMTP = record.SMTP{Verb: "HELO", HELO: "[127.0.0.1]"}
	return r
}

// parts is a session of so many records, a minute each.
func parts(id string, at, n int) []record.Record {
	var times []time.Time
	for i := range n {
		times = append(times, minutes(at+i))
	}
	return partsAt(id, minutes(at-1), times...)
}

// partsAt is a session of a record for each time, as the tracer writes them: a mail is begun a second before each, and
// the last one is the end.
func partsAt(id string, start time.Time, times ...time.Time) (list []record.Record) {
	for i, at := range times {
		r := session(id, at)
		r.Event.Sequence, r.Event.Start = uint64(i+1), start
		r.SMTP.Transactions[0].Start = r.Time.Add(-time.Second)
		if i > 0 {
			r.SMTP.Since = times[i-1]
		}
		if i < len(times)-1 {
			r.Event.End = time.Time{}
		}
		list = append(list, r)
	}
	return list
}

// undate makes session records those of an old version, that gave them the time of the begin of the connection.
func undate(list []record.Record) []record.Record {
	for i := range list {
		list[i].SMTP.Since = time.Time{}
		if list[i].Event.End.IsZero() {
			list[i].Time = list[i].Event.Start
		}
	}
	return list
}

type ruleRow struct {
	name   string
	code   Code // "": cleared all the same
	change func(t *testing.T, s *scene)
}

// when makes a row of what needs no test.
func when(name string, code Code, change func(s *scene)) ruleRow {
	return ruleRow{name, code, func(_ *testing.T, s *scene) { change(s) }}
}

func about(t *testing.T, s *scene, f func() (Term, error)) {
	s.query = with(t, f)
	s.query.Around(T, 15*time.Minute)
}

// hinted adds a condition that clears nobody, and a session that meets all but that.
func hinted(t *testing.T, s *scene, f func() (Term, error)) {
	term, err := f()
	if err != nil {
		t.Fatal(err)
	}
	s.query.AddHint(term)
	r := session("x", T)
	r.SMTP.HELO, r.SMTP.Recipients = "mail.com", 1
	r.SMTP.Transactions = []record.Transaction{{RcptTo: []string{"v@example.net"}, RcptCount: 1, Outcome: "accepted", Reply: "250 ok"}}
	s.add(pair("x", 0, r)...)
}

func toVictim(s string) func() (Term, error) {
	return func() (Term, error) { return Rcpt(s, noHash) }
}

// Each reason alone keeps the answer of a healthy host from being a clearing, and nothing else does. A row that wants
// a code fails when its condition is taken out of the rule: that is tried here, too.
func TestRule(t *testing.T) {
	rows := slices.Concat(watchedRows(), sessionRows(), connectRows(), clearedRows())
	tested := map[Code]bool{}
	for _, r := range rows {
		t.Run(string(r.code)+"/"+r.name, func(t *testing.T) {
			s := healthy(t)
			r.change(t, s)
			a := s.ask(t)
			want := Unsure
			if r.code == "" {
				want = Cleared
			}
			if finding, got := codes(a); finding != want || got != string(r.code) {
				t.Fatalf("%s because of %q, want %s because of %q:\n%s", finding, got, want, r.code, a.Text(false))
			}
			if clears := strings.HasPrefix(a.Sentence(time.UTC), "No local process did it"); clears != (r.code == "") {
				t.Errorf("the sentence: %s", a.Sentence(time.UTC))
			}
			raw, err := a.JSON()
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range []string{`"answer":"` + string(want) + `"`, map[bool]string{true: `"reasons":[]`, false: `"reasons":[{"code":"` + string(r.code) + `","text":"`}[r.code == ""]} {
				if !bytes.Contains(raw, []byte(field)) {
					t.Errorf("no %s in %s", field, raw)
				}
			}
			whole := rule
			defer func() { rule = whole }()
			rule = slices.DeleteFunc(slices.Clone(rule), func(c condition) bool { return c.code == r.code })
			if finding, _ := a.Conclude(time.UTC); finding != Cleared {
				t.Errorf("without the condition: %s", finding)
			}
			tested[r.code] = true
		})
	}
	for _, c := range rule {
		if !tested[c.code] {
			t.Errorf("no row for %s", c.code)
		}
	}
}

func watchedRows() []ruleRow {
	rows := []ruleRow{
		when("the tracer was off", NotWatched, func(s *scene) {
			s.log = append(watchAll("r0", minutes(-60), minutes(-10)), watchAll("r1", minutes(-5), minutes(60))...)
		}),
		when("heartbeats are missing", NotWatched, func(s *scene) {
			s.log = slices.DeleteFunc(s.log, func(r record.Record) bool {
				return r.Event.Action == record.ActionHeartbeat && !r.Time.Before(minutes(-3)) && !r.Time.After(minutes(0))
			})
		}),
		when("another host was not watched", NotWatched, func(s *scene) {
			for _, r := range watchAll("r2", minutes(-60), minutes(-20)) {
				r.Host = record.Host{Name: "web2", ID: "e1"}
				s.add(r)
			}
		}),
		when("no run in the logs", NotWatched, func(s *scene) { s.log = nil }),
		when("by cgroup", Filtered, func(s *scene) { s.all(func(r *record.Record) { r.Tracer.Filters.Cgroup = "/web" }) }),
		when("by network namespace", Filtered, func(s *scene) { s.all(func(r *record.Record) { r.Tracer.Filters.NetNS = 7 }) }),
		when("by pid", Filtered, func(s *scene) { s.all(func(r *record.Record) { r.Tracer.Filters.PID = 7 }) }),
		when("by uid", Filtered, func(s *scene) { s.all(func(r *record.Record) { r.Tracer.Filters.UID = new(uint32(0)) }) }),
		when("no connects", Filtered, func(s *scene) { s.all(func(r *record.Record) { r.Tracer.Filters.Connects = "none" }) }),
		when("not all mail ports", Filtered, func(s *scene) {
			s.all(func(r *record.Record) { r.Tracer.Filters.MailPorts = []uint16{25, 465, 2525} })
		}),
		when("behind the last heartbeat", Lost, func(s *scene) {
			s.log = watch("r1", minutes(-60), minutes(5))
			r := life("r1", record.ActionLost, minutes(-60), minutes(5).Add(30*time.Second))
			r.Event.End, r.Tracer.Lost.Connections = time.Time{}, 1
			s.log = append([]record.Record{r}, s.log...) // as it is read from logs in another order
			s.query.Window.To = minutes(5).Add(20 * time.Second)
		}),
		when("this host forwards", ForwardedNotWatched, func(s *scene) { s.all(func(r *record.Record) { r.Tracer.Forwards = "yes" }) }),
		when("it may forward", ForwardedNotWatched, func(s *scene) { s.all(func(r *record.Record) { r.Tracer.Forwards = "unknown" }) }),
		when("it does for a while", ForwardedNotWatched, func(s *scene) { s.log[60].Tracer.Forwards = "yes" }),
		when("a time without its zone", QuestionUnclear, func(s *scene) {
			s.clues = &received.Clues{Dated: true, When: received.Moment{Time: T, Local: true}}
		}),
		when("what was pasted is not certain", QuestionUnclear, func(s *scene) { s.clues = &received.Clues{Doubts: []string{"it may be another"}} }),
		{"another source port than was received", QuestionUnclear, func(t *testing.T, s *scene) { hinted(t, s, of(SourcePort, "41000")) }},
		{"another recipient than was received", QuestionUnclear, func(t *testing.T, s *scene) { hinted(t, s, toVictim("else@example.org")) }},
		{"another server than was received", QuestionUnclear, func(t *testing.T, s *scene) { hinted(t, s, of(Destination, "192.0.2.7")) }},
		when("an address of another host", QuestionUnclear, func(s *scene) { s.clues = &received.Clues{Foreign: true} }),
		when("an address of this host, and the logs of another", QuestionUnclear, func(s *scene) {
			s.clues, s.query.Home = &received.Clues{Own: true}, "another"
		}),
		when("what was pasted has no time", QuestionUnclear, func(s *scene) { s.clues, s.query.Window = &received.Clues{}, Window{} }),
		when("a torn line", LogTorn, func(s *scene) { s.raw = append(lines(postfix("torn", T))[:400], '\n') }),
		when("a torn line of a connect before the window", LogTorn, func(s *scene) {
			s.raw = append(lines(connect("torn", -40, record.Established))[:400], '\n')
		}),
		when("zeros in the log", LogTorn, func(s *scene) { s.raw = append(make([]byte, 400), '\n') }),
		when("a line mangled in the middle", LogTorn, func(s *scene) {
			s.raw = bytes.Replace(lines(session("torn", T)), []byte(`"event":{"action":"ses`), []byte(`"event":{"act}}}:"ses`), 1)
		}),
		when("the rest of a line", LogTorn, func(s *scene) { s.raw = lines(session("torn", T))[300:] }),
		when("a record of a newer version", LogTorn, func(s *scene) {
			s.raw = bytes.Replace(lines(session("new", T)), []byte(`"schema":1`), []byte(`"schema":2`), 1)
		}),
		when("a record of an unknown kind", LogTorn, func(s *scene) {
			s.raw = bytes.Replace(lines(session("new", T)), []byte(`"action":"session"`), []byte(`"action":"tunnelled"`), 1)
		}),
		when("a line longer than any record", LogTorn, func(s *scene) { s.raw = append(bytes.Repeat([]byte("x"), 3*maxLine), '\n') }),
		when("a log that is not there", LogTorn, func(s *scene) { s.more = []string{"/nowhere/mail.log"} }),
		{"packed data cut", LogTorn, func(t *testing.T, s *scene) {
			packed := gzipped(t, many(3000))
			s.more = []string{write(t, "mail.log.1.gz", packed[:20])}
		}},
		when("set forward later", Clock, func(s *scene) { s.setClock(30, 10*time.Second) }),
		when("set back later", Clock, func(s *scene) { s.setClock(30, -10*time.Second) }),
		when("set in the window", Clock, func(s *scene) { s.setClock(0, time.Minute) }),
	}
	for i := range reflect.TypeFor[record.Losses]().NumField() {
		rows = append(rows, when(reflect.TypeFor[record.Losses]().Field(i).Name, Lost, func(s *scene) {
			s.all(func(r *record.Record) {
				if r.Event.End.After(T) {
					reflect.ValueOf(&r.Tracer.Counters.Lost).Elem().Field(i).SetUint(1)
				}
			})
		}))
	}
	for _, term := range []func() (Term, error){of(Exe, "/tmp/y"), of(SHA256, "abcd"), of(UID, "7"), of(Unit, "y"), of(Container, "y"), of(Verdict, "submission"), of(Flag, "exe_memfd")} {
		one, err := term()
		rows = append(rows, ruleRow{"a question for certain programs: " + one.name, QuestionUnclear, func(t *testing.T, s *scene) {
			if err != nil {
				t.Fatal(err)
			}
			s.log = s.log[:122] // the run alone
			s.query.Add(one)
		}})
	}
	return rows
}

// setClock sets the clock of the host at so many minutes from T.
func (s *scene) setClock(at int, by time.Duration) {
	s.all(func(r *record.Record) {
		if r.Event.End.After(minutes(at)) {
			r.Time, r.Event.End = r.Time.Add(by), r.Event.End.Add(by)
		}
	})
}

func sessionRows() []ruleRow {
	other := func(change func(r *record.Record)) func(s *scene) {
		return func(s *scene) {
			r := session("x", T)
			change(&r)
			s.add(r)
		}
	}
	rows := []ruleRow{
		when("octets not seen", SessionUnseen, other(func(r *record.Record) { r.SMTP.Unseen = 1 })),
		when("octets not seen, of an expected sender", SessionUnseen, other(func(r *record.Record) { *r = postfix("x", T); r.SMTP.Unseen = 1 })),
		when("octets not seen, and TLS", SessionUnseen, other(func(r *record.Record) { *r = behindSTARTTLS(*r); r.SMTP.Unseen = 1 })),
		when("its outcome is not known", SessionUnseen, other(func(r *record.Record) { r.Event.Outcome = record.OutcomeUnknown })),
		when("a message without recipients", SessionUnseen, other(func(r *record.Record) { r.SMTP.Recipients = 0 })),
		when("more names than a record holds", SessionUnseen, other(func(r *record.Record) { r.SMTP.HELOs = []string{"a", "b", "c", "d"} })),
		when("its begin is not known", SessionUnseen, func(s *scene) {
			r := session("x", minutes(40))
			r.Event.Start, r.SMTP = time.Time{}, record.SMTP{Verb: "HELO", HELO: "mail.com"}
			s.add(r)
		}),
		when("its time is not known", SessionUnseen, other(func(r *record.Record) { r.Time, r.SMTP.HELO = time.Time{}, "mail.com" })),
		when("it goes on", SessionUnseen, func(s *scene) { s.add(parts("x", -5, 3)[:2]...) }),
		when("it went on before the window", SessionUnseen, func(s *scene) { s.add(parts("x", -30, 3)[:2]...) }),
		when("a record of it is missing", SessionUnseen, func(s *scene) { s.add(slices.Delete(parts("x", -5, 3), 1, 2)...) }),
		when("its first records are missing", SessionUnseen, func(s *scene) { s.add(parts("x", -5, 3)[2:]...) }),
		when("it has begun", SessionUnseen, func(s *scene) { s.add(first("x", 0)) }),
		when("it has begun before the window", SessionUnseen, func(s *scene) { s.add(first("x", -30)) }),
		{"mails that are not listed", SessionUnseen, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@example.com"))
			r := addressed("x", T)
			r.SMTP.TransactionsOmitted = 1
			s.add(r)
		}},
		{"messages without a transaction", SessionUnseen, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@example.com"))
			r := session("x", T)
			r.SMTP.Transactions = nil
			s.add(r)
		}},
		{"an address that is spelled in another way", SessionUnseen, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@example.com"))
			for _, said := range []string{`"w"@example.org`, `w\@v@example.org`} {
				r := addressed(said, T)
				r.SMTP.Transactions[0].RcptTo[0] = said
				s.add(r)
			}
		}},
		{"an address with a name that may be spelled in two ways", SessionUnseen, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@bücher.example"))
			r := addressed("x", T)
			r.SMTP.Transactions[0].RcptTo[0] = "v@xn--bcher-kva.example"
			s.add(r)
		}},
		{"a server behind NAT64 of the site", SessionUnseen, func(t *testing.T, s *scene) {
			about(t, s, of(Destination, "192.0.2.7"))
			r := session("x", T)
			r.Destination.IP = netip.MustParseAddr("64:ff9b:1::c000:207")
			s.add(r)
		}},
		{"the port of a client behind NAT64", SessionUnseen, func(t *testing.T, s *scene) {
			about(t, s, of(SourcePort, "7"))
			r := session("x", T)
			r.Source.IP, r.Destination.IP = netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("64:ff9b::c000:207")
			s.add(r)
		}},
		{"--privacy none", SessionUnseen, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@example.net"))
			r := session("x", T)
			r.SMTP.Transactions = []record.Transaction{{RcptCount: 1, Outcome: "accepted"}}
			s.add(r)
		}},
		{"addresses hashed with the key of another host", SessionUnseen, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, func() (Term, error) { return Rcpt("user@example.com", hashed) })
			s.query.Home = "another"
			r := session("x", T)
			r.SMTP.Transactions = []record.Transaction{{RcptCount: 1, Outcome: "accepted", RcptHMAC: []string{"1"}, MailFromHMAC: "2"}}
			s.add(r)
		}},
		{"where it went is not known", SessionUnseen, func(t *testing.T, s *scene) {
			about(t, s, of(Destination, "192.0.2.7"))
			r := session("x", T)
			r.Destination.IP = netip.Addr{}
			s.add(r)
		}},
		{"the port it came from is not known", SessionUnseen, func(t *testing.T, s *scene) {
			about(t, s, of(SourcePort, "7"))
			r := session("x", T)
			r.Source.Port = 0
			s.add(r)
		}},
		when("behind STARTTLS", SessionEncrypted, other(func(r *record.Record) { *r = behindSTARTTLS(*r) })),
		when("TLS from the start", SessionEncrypted, other(func(r *record.Record) { *r = implicitTLS(*r) })),
		when("TLS from the start, expected, to no smarthost", SessionEncrypted, other(func(r *record.Record) { *r = implicitTLS(postfix("x", T)) })),
		when("TLS from the start to the smarthost, unexpected", SessionEncrypted, other(func(r *record.Record) {
			*r = smarthost("x", T)
			r.Expected = false
		})),
		when("TLS, recorded before and behind the window", SessionEncrypted, func(s *scene) {
			for _, r := range halves("x") {
				r.SMTP, r.Event.Outcome = record.SMTP{TLS: true, Since: r.SMTP.Since}, record.OutcomeUnknown
				s.add(r)
			}
		}),
		when("the time of a later record of an old version", SessionUnseen, func(s *scene) {
			list := undate(partsAt("x", minutes(-31), minutes(-30), minutes(30)))
			list[1].SMTP.Transactions, list[1].SMTP.HELOs = nil, []string{"[127.0.0.1]", "mail.com"}
			s.add(list...)
		}),
		when("a record of an old version is missing", SessionUnseen, func(s *scene) {
			list := undate(partsAt("x", minutes(-61), minutes(-50), minutes(0), minutes(30), minutes(40), minutes(50)))
			s.add(list[0], list[2], list[4])
		}),
		when("a mail was under way, and the record of it is missing", SessionUnseen, func(s *scene) {
			s.query.Window.To = minutes(0).Add(-30 * time.Second)
			s.add(parts("x", 0, 2)[:1]...)
		}),
		when("mails without a time, recorded before and behind the window", SessionUnseen, func(s *scene) {
			for _, r := range halves("x") {
				r.SMTP.Transactions[0].Start, r.SMTP.HELO, r.SMTP.Since = time.Time{}, "mail.com", time.Time{}
				s.add(r)
			}
		}),
		{"the recipients of an expected sender behind STARTTLS", SessionEncrypted, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@example.com"))
			s.add(behindSTARTTLS(postfix("x", T)))
		}},
		{"the recipients of what went to the smarthost under TLS", SessionEncrypted, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@example.com"))
			s.add(smarthost("x", T))
		}},
		{"the replies to an expected sender behind STARTTLS", SessionEncrypted, func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, of(Reply, "TS03"))
			s.add(behindSTARTTLS(postfix("x", T)))
		}},
	}
	return rows
}

// addressed is a session that shows its addresses.
func addressed(id string, at time.Time) record.Record {
	r := session(id, at)
	r.SMTP.Recipients = 1
	r.SMTP.Transactions[0].MailFrom, r.SMTP.Transactions[0].RcptTo, r.SMTP.Transactions[0].RcptCount = "a@test123.it", []string{"b@example.com"}, 1
	return r
}

// halves is a session with a record before the window and one behind it.
func halves(id string) []record.Record {
	return partsAt(id, minutes(-31), minutes(-30), minutes(30))
}

func connectRows() []ruleRow {
	rows := []ruleRow{
		when("established, and no more", ConnectUnexplained, func(s *scene) { s.add(connect("x", 0, record.Established)) }),
		when("established before the window, and no more", ConnectUnexplained, func(s *scene) { s.add(connect("x", -50, record.Established)) }),
		when("established by a process that is not known", ConnectUnexplained, func(s *scene) {
			r := connect("x", 0, record.Established)
			r.Identity = record.Identity{}
			s.add(r)
		}),
		when("to a mail port of the run's own", ConnectUnexplained, func(s *scene) {
			s.all(func(r *record.Record) { r.Tracer.Filters.MailPorts = []uint16{25, 26, 465, 587, 2525} })
			r := connect("x", 0, record.Established)
			r.Destination.Port = 26
			s.add(r)
		}),
		when("silent, but it sent something", ConnectUnexplained, func(s *scene) {
			s.add(connect("x", 0, record.Established), tells(connect("x", 1, record.Silent), 6))
		}),
		when("another reason than is known", ConnectUnexplained, func(s *scene) { s.add(tells(connect("x", 1, "abducted"), 6)) }),
		when("a session of it does not count for another", ConnectUnexplained, func(s *scene) {
			r := connect("ours", 0, record.Established)
			r.Host = record.Host{Name: "web2", ID: "e1"}
			s.add(r)
			for _, r := range watchAll("r2", minutes(-60), minutes(60)) {
				r.Host = record.Host{Name: "web2", ID: "e1"}
				s.add(r)
			}
		}),
		when("a HELO does not exclude it", ConnectUnexplained, func(s *scene) {
			r := connect("x", 0, record.NotSMTP)
			r.SMTP.Verb, r.SMTP.HELO = "HELO", "other"
			s.add(r)
		}),
		when("behind an SMTP greeting on another port", ConnectUnexplained, func(s *scene) {
			r := tells(connect("x", 1, record.NotSMTP), 6)
			r.Destination.Port = 2526
			s.add(r)
		}),
		when("more at once than can be followed", ConnectUnexplained, func(s *scene) {
			for i := range maxPending + 1 {
				r := connect(fmt.Sprint("m", i), -20, record.Established)
				r.Destination.IP = netip.MustParseAddr("192.0.2.1")
				s.add(r)
			}
			for i := range maxPending + 1 {
				s.add(tells(connect(fmt.Sprint("m", i), -19, record.Silent), 0))
			}
		}),
		when("adopted, and no more", OpenBeforeStart, func(s *scene) { s.add(connect("x", -60, record.Adopted)) }),
		when("adopted, to another port, and no more", OpenBeforeStart, func(s *scene) {
			r := connect("x", -60, record.Adopted)
			r.Destination.Port = 2526
			s.add(r)
		}),
		when("adopted, and its begin not seen", OpenBeforeStart, func(s *scene) {
			r := session("x", T)
			r.Tracer.Weak = []string{"adopted"}
			s.add(r)
		}),
		when("open, and not adopted", OpenBeforeStart, func(s *scene) {
			s.log[0].Tracer.Open = []record.Open{{Destination: session("x", T).Destination}}
		}),
		when("more that are not listed", OpenBeforeStart, func(s *scene) { s.log[0].Tracer.OpenOmitted = 1 }),
		when("to other ports", OpenBeforeStart, func(s *scene) { s.log[0].Tracer.OpenOther = 1 }),
		when("maybe more", OpenBeforeStart, func(s *scene) { s.log[0].Tracer.OpenUnknown = true }),
		when("long before the window", OpenBeforeStart, func(s *scene) {
			s.log = append(watchAll("r1", minutes(-3000), minutes(60)), s.log[122:]...)
			s.log[0].Tracer.OpenOther = 1
		}),
		when("by a version that did not look at other ports", OpenBeforeStart, func(s *scene) {
			s.all(func(r *record.Record) { r.Tracer.Forwards, r.Tracer.Forwarding = "", true })
		}),
		when("the start is not in the logs, and a heartbeat counts them", OpenBeforeStart, func(s *scene) {
			s.log = s.log[1:]
			s.all(func(r *record.Record) { r.Tracer.OpenOther = 1 })
		}),
	}
	for _, reason := range []record.Reason{record.NotSMTP, record.Unjudged, record.EndNotSeen, record.Broken} {
		rows = append(rows, when(string(reason), ConnectUnexplained, func(s *scene) {
			s.add(connect("x", 0, record.Established), tells(connect("x", 1, reason), 6))
		}))
	}
	for _, reason := range []record.Reason{record.Unwatched, record.StillOpen} {
		rows = append(rows,
			when(string(reason), ConnectUnexplained, func(s *scene) { s.add(connect("x", 0, reason)) }),
			when(string(reason)+" before the window", ConnectUnexplained, func(s *scene) { s.add(connect("x", -50, reason)) }))
	}
	return rows
}

func clearedRows() []ruleRow {
	rows := []ruleRow{
		when("a healthy host", "", func(*scene) {}),
		when("a silent connection", "", func(s *scene) { s.add(connect("x", 0, record.Established), tells(connect("x", 1, record.Silent), 0)) }),
		when("an expected session behind STARTTLS, of another HELO", "", func(s *scene) { s.add(behindSTARTTLS(postfix("x", T))) }),
		when("TLS of an expected sender to the smarthost", "", func(s *scene) { s.add(smarthost("x", T)) }),
		when("a check that says QUIT", "", func(s *scene) { s.add(quitter("x", T)) }),
		when("an unexpected session of another HELO", "", func(s *scene) { s.add(session("x", T)) }),
		{"a mail to another recipient", "", func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, toVictim("v@example.com"))
			s.add(addressed("x", T))
		}},
		{"a mail with another reply", "", func(t *testing.T, s *scene) {
			s.log = s.log[:122]
			about(t, s, of(Reply, "TS03"))
			s.add(session("x", T))
		}},
		when("a session of which each record is there", "", func(s *scene) { s.add(parts("x", -5, 4)...) }),
		when("in any order, and twice", "", func(s *scene) {
			all := append(parts("x", -5, 4), parts("x", -5, 4)...)
			slices.Reverse(all)
			s.add(append(all, connect("x", -6, record.Established))...)
			slices.Reverse(s.log[122:])
		}),
		when("a session that went on before the window, and has ended since", "", func(s *scene) { s.add(parts("x", -30, 60)...) }),
		when("a session of an old version", "", func(s *scene) { s.add(undate(parts("x", -30, 60))...) }),
		when("a later record of a session, since the window", "", func(s *scene) {
			list := partsAt("x", minutes(-40), minutes(-30), minutes(-20), minutes(20), minutes(40))
			list[3].SMTP.HELOs = []string{"[127.0.0.1]", "mail.com"}
			s.add(list...)
		}),
		when("a session that has begun, and ended", "", func(s *scene) { s.add(first("x", 0), session("x", T)) }),
		when("adopted, and silent since", "", func(s *scene) {
			r := session("x", T)
			r.Tracer.Weak, r.SMTP, r.Source.Bytes, r.Event.Outcome = []string{"adopted"}, record.SMTP{}, 0, record.Failure
			s.add(connect("x", -60, record.Adopted), r)
		}),
		when("open before the start, and adopted", "", func(s *scene) {
			s.log[0].Tracer.Open = []record.Open{{Destination: session("x", T).Destination, Adopted: true}}
		}),
		when("adopted, to another port, and no SMTP since", "", func(s *scene) {
			for i, reason := range []record.Reason{record.NotSMTP, record.Silent} {
				a, b := connect(fmt.Sprint("x", i), -60, record.Adopted), tells(connect(fmt.Sprint("x", i), 0, reason), uint64(6-6*i))
				a.Destination.Port, b.Destination.Port = 2526, 2526
				b.Tracer.Weak = []string{"adopted"}
				s.add(a, b)
			}
		}),
		when("established behind the window", "", func(s *scene) { s.add(connect("x", 20, record.Established)) }),
		when("not SMTP, before the window", "", func(s *scene) {
			s.add(connect("x", -50, record.Established), tells(connect("x", -40, record.NotSMTP), 6))
		}),
		when("more at once than can be followed, in a run that has ended", "", func(s *scene) {
			log := watch("r0", minutes(-300), minutes(-100))
			for i := range maxPending + 10 {
				r := connect(fmt.Sprint("m", i), -200, record.Established)
				r.Agent.EphemeralID = "r0"
				log = append(log, r)
			}
			s.log = slices.Concat(log, []record.Record{life("r0", record.ActionStop, minutes(-300), minutes(-100))}, s.log)
		}),
		when("established in a run that has ended", "", func(s *scene) {
			r := connect("x", -200, record.Established)
			r.Agent.EphemeralID = "r0"
			s.log = slices.Concat(watch("r0", minutes(-300), minutes(-100)), []record.Record{r}, s.log)
		}),
		when("established to a port that is none of mail", "", func(s *scene) {
			r := connect("x", 0, record.Established)
			r.Destination.Port = 443
			s.add(r)
		}),
		when("forwarded mail is watched", "", func(s *scene) {
			s.all(func(r *record.Record) { r.Tracer.Forwards, r.Tracer.Forwarding = "yes", true })
		}),
		when("lost before the window", "", func(s *scene) {
			s.all(func(r *record.Record) {
				if r.Event.End.After(minutes(-40)) {
					r.Tracer.Counters.Lost.Connections = 1
				}
			})
		}),
		when("a narrow run beside", "", func(s *scene) {
			for _, r := range watchAll("r2", minutes(-60), minutes(60)) {
				r.Tracer.Filters.Cgroup, r.Tracer.Forwards = "/web", ""
				s.add(r)
			}
		}),
		when("the clock was set before the window", "", func(s *scene) { s.setClock(-40, 10*time.Second) }),
		when("the start is not in the logs", "", func(s *scene) { s.log = s.log[1:] }),
		when("no time is asked for", "", func(s *scene) { s.query.Window = Window{} }),
		when("no begin of the time", "", func(s *scene) { s.query.Window.From = time.Time{} }),
		when("foreign lines", "", func(s *scene) { s.raw = []byte("-- Boot 5b0e --\n") }),
		when("an address of this host, and its logs", "", func(s *scene) {
			s.clues, s.query.Home = &received.Clues{Own: true}, machine.ID
		}),
		when("the logs of another host", "", func(s *scene) { s.query.Home = "another" }),
	}
	for _, reason := range []record.Reason{record.Refused, record.TimedOut, record.Reset, record.Unreachable, record.Blocked, record.NotSent, record.GivenUp} {
		rows = append(rows, when("a connect: "+string(reason), "", func(s *scene) { s.add(connect("x", 0, reason)) }))
	}
	for _, reason := range []record.Reason{record.Established, record.NotSMTP, record.Unwatched} {
		rows = append(rows, ruleRow{"another server, whatever was said: " + string(reason), "", func(t *testing.T, s *scene) {
			about(t, s, of(Destination, "192.0.2.7"))
			s.add(connect("x", 0, reason))
		}}, ruleRow{"another port of this host: " + string(reason), "", func(t *testing.T, s *scene) {
			about(t, s, of(SourcePort, "7"))
			s.add(connect("x", -50, reason))
		}})
	}
	return rows
}

// What a later record of a session tells of is of the time since the record before it, with a mail or without one.
func TestLaterRecords(t *testing.T) {
	for name, change := range map[string]func(*record.Record){
		"a second HELO": func(r *record.Record) { r.SMTP.HELOs = []string{"[127.0.0.1]", "mail.com"} },
		"a reply":       func(r *record.Record) { r.SMTP.LastReply = "421 4.7.0 TS03" },
	} {
		for _, old := range []bool{false, true} {
			s := healthy(t)
			if name == "a reply" {
				s.log = s.log[:122]
				about(t, s, of(Reply, "TS03"))
			}
			list := partsAt("x", minutes(9), minutes(12), minutes(17))
			list[1].SMTP.Transactions, list[1].SMTP.Messages, list[1].SMTP.Recipients = nil, 0, 0
			change(&list[1])
			want := Found
			if old {
				list, want = undate(list), Unsure
			}
			s.add(list...)
			if finding, got := codes(s.ask(t)); finding != want {
				t.Errorf("%s, old %v: %s because of %q", name, old, finding, got)
			}
		}
	}
	// A record of an old version is of the time of the begin, and its mail of later.
	s := healthy(t)
	list := undate(partsAt("x", minutes(-31), minutes(0), minutes(30)))
	list[0].SMTP.HELO = "mail.com"
	s.add(list...)
	if finding, got := codes(s.ask(t)); finding != Found {
		t.Errorf("%s because of %q", finding, got)
	}
}

// Other spellings of what is asked for are it.
func TestSpellings(t *testing.T) {
	for _, said := range []string{`"v"@example.com`, `\v@example.com`, "v@example.com.", `"\v"@Example.com`} {
		for _, asked := range []string{"v@example.com", "example.com", `"v"@example.com.`, "example.com."} {
			for _, shown := range []bool{true, false} {
				s := healthy(t)
				about(t, s, func() (Term, error) { return Rcpt(asked, canonicalHash) })
				r := addressed("x", T)
				if m := &r.SMTP.Transactions[0]; shown {
					m.RcptTo[0] = said
				} else {
					m.RcptTo, m.RcptHMAC, m.RcptDomains = nil, []string{canonicalHash(said)}, []string{said[strings.LastIndexByte(said, '@')+1:]}
				}
				s.add(r)
				if finding, got := codes(s.ask(t)); finding != Found {
					t.Errorf("said %s, asked for %s, shown %v: %s because of %q", said, asked, shown, finding, got)
				}
			}
		}
	}
	for _, one := range []struct{ asked, said string }{{"mail.com", "mail.com."}, {"mail.com.", "mail.com"}, {"*.com", "MAIL.com."}} {
		s := healthy(t)
		about(t, s, of(HELO, one.asked))
		r := session("x", T)
		r.SMTP.HELO = one.said
		s.add(r)
		if finding, got := codes(s.ask(t)); finding != Found {
			t.Errorf("said %s, asked for %s: %s because of %q", one.said, one.asked, finding, got)
		}
	}
	for _, to := range []string{"64:ff9b::c000:207", "::ffff:192.0.2.7", "192.0.2.7"} {
		for _, asked := range []string{"192.0.2.7", "192.0.2.7:25", "192.0.2.0/24"} {
			s := healthy(t)
			about(t, s, of(Destination, asked))
			r := session("x", T)
			r.Destination.IP = netip.MustParseAddr(to)
			s.add(r)
			if finding, got := codes(s.ask(t)); finding != Found {
				t.Errorf("to %s, asked for %s: %s because of %q", to, asked, finding, got)
			}
		}
	}
}

func canonicalHash(address string) string { return hash(privacy.Canonical(address)) }

// A clearing names the encrypted sessions that it takes to be others by their sender.
func TestExplainedIsNamed(t *testing.T) {
	s := healthy(t)
	s.add(behindSTARTTLS(postfix("ours2", minutes(2))))
	for _, r := range parts("long", -5, 3) {
		p := behindSTARTTLS(postfix("long", r.Time))
		p.Event = r.Event
		p.SMTP.Since = r.SMTP.Since
		s.add(p)
	}
	s.add(behindSTARTTLS(postfix("early", minutes(-40))))
	a := s.ask(t)
	page, err := a.HTML()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := a.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the text": a.Text(false), "the page": string(page)} {
		for _, want := range []string{"taken at the HELO before STARTTLS: /usr/lib/postfix/sbin/smtp, 3 sessions",
			"taken to be for the smarthost alone, under TLS: /usr/lib/postfix/sbin/smtp, 1 session"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q:\n%s", where, want, text)
			}
		}
	}
	if want := `"explained":[{"program":"/usr/lib/postfix/sbin/smtp","sessions":3,"why":"helo_before_starttls"},` +
		`{"program":"/usr/lib/postfix/sbin/smtp","sessions":1,"why":"smarthost"}]`; !strings.Contains(string(raw), want) {
		t.Errorf("no %s in %s", want, raw)
	}
	s.add(connect("x", 0, record.Established))
	if raw, _ := s.ask(t).JSON(); strings.Contains(string(raw), "explained\":") {
		t.Errorf("not cleared, and explained: %s", raw)
	}
}

// A reason names its cure where there is one.
func TestCures(t *testing.T) {
	s := healthy(t)
	s.add(behindSTARTTLS(session("x", T)))
	s.clues = &received.Clues{Foreign: true}
	text := s.ask(t).Text(false)
	for _, want := range []string{"  - postfix's /var/tmp/smtp had an encrypted session with 198.51.100.25:25 (if it is meant to send, --expect it from now on)\n",
		"(if it is behind NAT, name that address with --own)\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	s = healthy(t)
	about(t, s, toVictim("v@example.com"))
	s.add(behindSTARTTLS(session("x", T)))
	if text := s.ask(t).Text(false); strings.Contains(text, "--expect") { // who the recipients were stays behind TLS
		t.Errorf("a cure that is none:\n%s", text)
	}
}

// The process is named, however little else is known.
func TestReasonsNameTheProcess(t *testing.T) {
	s := healthy(t)
	unknown := session("x", T)
	unknown.Identity, unknown.SMTP.Unseen = record.Identity{Process: record.Process{PID: 7}}, 9
	s.add(connect("x", -1, record.Established), unknown, connect("y", 0, record.Established), connect("z", 0, record.Established))
	sentence(t, s.ask(t), "Nothing matches, but that is not certain: www-data's /tmp/x connected to 198.51.100.25:25, and 1 more connection, and what they said is not known; "+
		"www-data's /tmp/x had a session with 198.51.100.25:25, and not all of what it said is known. 100 % of the window watched, 0 lost.",
		"\nNot certain, because:\n  - www-data's /tmp/x connected to", "\nWho else it could be:\n")
}

// Failed connects sent nothing: beside what may have sent something they are not the answer.
func TestFailedConnectsAreNotTheAnswer(t *testing.T) {
	s := healthy(t)
	s.log = s.log[:122]
	about(t, s, of(Destination, "198.51.100.25"))
	s.add(connect("x", 0, record.Refused))
	if finding, got := codes(s.ask(t)); finding != Found || got != "" {
		t.Errorf("%s because of %q", finding, got)
	}
	s.add(connect("y", 0, record.Established))
	a := s.ask(t)
	if finding, got := codes(a); finding != Unsure || got != string(ConnectUnexplained) {
		t.Errorf("%s because of %q", finding, got)
	}
	sentence(t, a, "1 failed connect matches, by /tmp/x, user www-data: ATTEMPT unexpected. But it may be another: www-data's /tmp/x connected to 198.51.100.25:25, and")
}

// Of a session that goes on no more is kept than is needed, and of many not all.
func TestTracksAreBounded(t *testing.T) {
	r := parts("x", 0, 2)[0]
	r.SMTP.Transactions[0].Reply, r.SMTP.HELO = `250 "]} \ [`, `,"transactions":[`
	r.SMTP.Transactions[0].RcptHMAC = slices.Repeat([]string{strings.Repeat("0", 64)}, 1000)
	line := withoutMails(bytes.TrimSpace(lines(r)))
	var got record.Record
	if err := record.NewDecoder().Decode(line, &got); err != nil || len(got.SMTP.Transactions) > 0 || len(line) > 3000 {
		t.Fatalf("%v: %s", err, line)
	}
	r.SMTP.Transactions = nil
	if want := bytes.TrimSpace(lines(r)); !bytes.Equal(line, want) {
		t.Errorf("%s\nwant %s", line, want)
	}
	l := tracks{open: map[uint64]*track{}, leftOut: map[runKey]bool{}}
	for i := range uint64(20) {
		f := found{id: i, line: make([]byte, maxOctets/10), run: runKey{id: "r1"}, sign: sign{action: record.ActionSession, sequence: 1}}
		l.note(&f)
	}
	if l.octets > maxOctets || !l.leftOut[runKey{id: "r1"}] {
		t.Errorf("%d octets, left out of %v", l.octets, l.leftOut)
	}
	for id := range l.open {
		l.end(id)
	}
	if l.octets != 0 {
		t.Errorf("%d octets of none", l.octets)
	}
}

// A host with more runs than are kept may have one that nobody looked at.
func TestTooManyRuns(t *testing.T) {
	rs := runs{all: map[runKey]*run{}}
	for i := range maxRuns + 1 {
		r := life(fmt.Sprint(i), record.ActionStart, T, T)
		rs.add(&r)
	}
	a := Answer{Coverage: []Coverage{{}}, tooManyRuns: rs.leftOut}
	if text, n := a.notWatched(time.UTC); n != 1 || text != "there are more than 10,000 runs: some were left out" {
		t.Errorf("%d: %s", n, text)
	}
}

// Where there are more changes than are kept apart, what was not watched in one of them counts for longer.
func TestTooManyChangesOfForwarding(t *testing.T) {
	for more := range 4 { // whatever the first and the last of them say
		var r run
		for i := range maxSpans + 10 + more {
			one := life("r1", record.ActionHeartbeat, T, T.Add(time.Duration(i)*time.Minute))
			if i%2 == more/2 {
				one.Tracer.Forwards = "yes"
			}
			r.point(&one)
		}
		r.finish()
		for _, got := range r.guarded(T, T.Add(time.Duration(maxSpans+10+more)*time.Minute)) {
			if got.to.After(got.from) {
				t.Errorf("%v", got)
			}
		}
	}
}
