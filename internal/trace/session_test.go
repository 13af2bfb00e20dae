package trace

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/record"
)

// oneMail is case A of the design: a script behind a web server sends a message to somebody's MX.
const oneMail = `
	process 4242 /usr/bin/perl uid=33 ppid=4240 unit=apache2.service args=httpd,-k
	a connect 4242 198.51.100.25:25
	a established
	a smtp
	a S: 220 mx.example.net ESMTP
	a C: HELO [127.0.0.1]
	a S: 250 mx.example.net
	a sender 4242
	a C: MAIL FROM:<posteitaliane@test123.it>
	a S: 250 2.1.0 Ok
	a C: RCPT TO:<a@example.net>
	a S: 250 2.1.5 Ok
	a C: RCPT TO:<b@example.net>
	a S: 550 5.1.1 User unknown
	a C: RCPT TO:<c@Example.ORG>
	a S: 250 2.1.5 Ok
	a C: DATA
	a S: 354 End data with <CR><LF>.<CR><LF>
	a C+ 3096
	a C: .
	a S: 250 2.0.0 Ok: queued as 4E81026038
	a C: QUIT
	a S: 221 2.0.0 Bye
	a closed 3240 190
`

// compare compares records but for times, and flags, which are of many packages.
func compare(t *testing.T, got *record.Record, want record.Record) {
	t.Helper()
	plain := *got
	plain.Time, plain.Event.Start, plain.Event.End, plain.Process.Start = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	plain.SMTP.Transactions, plain.Flags = undated(plain.SMTP.Transactions), nil
	if reflect.DeepEqual(plain, want) {
		return
	}
	a, b := lines(t, &plain), lines(t, &want)
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("%s differs from line %d on:\n got %s\nwant %s", want.Event.Action, i,
				strings.Join(a[i:min(i+6, len(a))], "\n"), strings.Join(b[i:min(i+6, len(b))], "\n"))
		}
	}
	t.Errorf("%s: got %+v\nwant %+v", want.Event.Action, plain, want)
}

// undated gives mail transactions without their times.
func undated(list []record.Transaction) []record.Transaction {
	list = slices.Clone(list)
	for i := range list {
		list[i].Start = time.Time{}
	}
	return list
}

func lines(t *testing.T, r *record.Record) []string {
	t.Helper()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

// One mail is these five records, and they say who, where to and what.
func TestOneMail(t *testing.T) {
	stage := newStage(t)
	stage.cold = true
	began := time.Now()
	s := stage.play(oneMail)
	if took := time.Since(began); took >= stopPatience {
		t.Errorf("it took %v: the records waited for more than they needed", took)
	}
	s.tells(t, "start connect first_payload session stop")
	base := record.Record{
		Agent: record.Agent{Type: "smtptrace", Version: "test"}, Host: record.Host{Name: "web1"},
		Tracer: record.Tracer{Schema: record.Schema},
	}
	run := base
	run.Tracer.Hooks = []record.Hook{{Question: "connect", Name: "fake"}}
	run.Tracer.Filters = record.Filters{MailPorts: mailPorts, Connects: "mail"}
	run.Tracer.Counters = record.Counters{Records: 1}

	begin := run
	begin.Event = record.Event{Action: record.ActionStart}
	compare(t, s.only(t, record.ActionStart), begin)

	who := base
	who.Source = record.Endpoint{IP: netip.MustParseAddr("203.0.113.7"), Port: 41822}
	who.Destination = record.Endpoint{IP: netip.MustParseAddr("198.51.100.25"), Port: 25}
	who.Network.Namespace = 4026531840
	who.Identity = record.Identity{
		Process: record.Process{
			PID: 4242, Name: "perl", Executable: "/usr/bin/perl", Args: []string{"httpd", "-k"}, WorkingDirectory: "/",
			Hash:   record.Hash{SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("/usr/bin/perl"))), Status: "verified"},
			Parent: record.Parent{PID: 4240},
		},
		User: record.User{ID: "33", Name: "www-data"}, Group: record.Account{ID: "33", Name: "www-data"},
		Systemd: record.Systemd{Unit: "apache2.service", Slice: "system.slice"},
		Cgroup:  record.Cgroup{ID: 4711, Path: "/system.slice/apache2.service"},
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(stage.root, "usr/bin/perl"), &st); err != nil {
		t.Fatal(err)
	}
	who.Process.File = record.File{
		Inode: fmt.Sprint(st.Ino), Device: fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)),
		CTime: time.Unix(st.Ctim.Unix()).UTC(), Mode: "0755", Size: 13, Links: 1,
	}
	who.Process.Namespaces = record.Namespaces{PID: 4026531836}

	connect := who
	connect.Event = record.Event{
		Action: record.ActionConnect, ID: "boot-100", Outcome: record.Success, Reason: record.Established, Duration: time.Millisecond,
	}
	inTime(s.only(t, record.ActionConnect), &connect)
	compare(t, s.only(t, record.ActionConnect), connect)

	alert := who
	alert.Event = record.Event{Action: record.ActionFirstPayload, ID: "boot-100"}
	alert.Verdict, alert.Network.Protocol = record.DirectMX, "smtp"
	alert.SMTP = record.SMTP{
		Verb: "HELO", HELO: "[127.0.0.1]", Banner: "220 mx.example.net ESMTP",
		FirstReply: "220 mx.example.net ESMTP", LastReply: "220 mx.example.net ESMTP",
	}
	early := alert
	inTime(s.only(t, record.ActionFirstPayload), &early)
	compare(t, s.only(t, record.ActionFirstPayload), early)

	session := alert
	session.MXMatch = "unknown"
	session.Event = record.Event{Action: record.ActionSession, ID: "boot-100", Outcome: record.Success, Duration: 22 * time.Millisecond}
	session.Source.Bytes, session.Destination.Bytes = 3240, 190
	session.SMTP.Messages, session.SMTP.Recipients, session.SMTP.LastReply = 1, 2, "221 2.0.0 Bye"
	session.SMTP.Transactions = []record.Transaction{{
		MailFrom: "posteitaliane@test123.it", RcptCount: 3, RcptRefused: 1, RcptDomains: []string{"example.net", "example.org"},
		RcptTo: []string{"a@example.net", "b@example.net", "c@Example.ORG"}, Size: 3096, Outcome: "accepted",
		Reply: "250 2.0.0 Ok: queued as 4E81026038",
	}}
	compare(t, s.only(t, record.ActionSession), session)
	for _, flag := range []string{"direct_mx", "helo_loopback", "argv0_mismatch"} {
		if flags := s.only(t, record.ActionSession).Flags; !slices.Contains(flags, flag) {
			t.Errorf("flags %v, want %s among them", flags, flag)
		}
	}

	end := run
	stop := s.only(t, record.ActionStop)
	end.Event = record.Event{Action: record.ActionStop, Duration: stop.Event.Duration}
	end.Tracer.Counters = record.Counters{Events: 24, Connects: 1, Sessions: 1, Records: 5}
	compare(t, stop, end)
}

// inTime allows for an alert that did not wait for the looking up, on a slow machine.
func inTime(got, want *record.Record) {
	if got.Process.Hash.Status == "pending" {
		want.Process.Hash, want.User, want.Group, want.Systemd = got.Process.Hash, got.User, got.Group, got.Systemd
		want.Process.Parent = got.Process.Parent
	}
}

// The times of a record are those of the kernel, in the time of day.
func TestTimes(t *testing.T) {
	before := time.Now()
	s := play(t, oneMail)
	start, session, stop := s.only(t, record.ActionStart), s.only(t, record.ActionSession), s.only(t, record.ActionStop)
	connect, alert := s.only(t, record.ActionConnect), s.only(t, record.ActionFirstPayload)
	if at := session.SMTP.Transactions[0].Start.Sub(session.Event.Start); at != 8*time.Millisecond {
		t.Errorf("the mail began after %v, want 8ms", at)
	}
	// The script is three seconds ahead of the clock.
	if at := session.Event.Start; at.Before(before.Add(2*time.Second)) || at.After(time.Now().Add(4*time.Second)) {
		t.Errorf("the connection began at %v, and now it is %v", at, before)
	}
	for what, d := range map[string]time.Duration{
		"the process began a second and a line before it connected": session.Event.Start.Sub(session.Process.Start) - time.Second - time.Millisecond,
		"connect ends when it is established":                       connect.Event.End.Sub(session.Event.Start) - time.Millisecond,
		"connect is of that time":                                   connect.Time.Sub(connect.Event.End),
		"all records of a connection have its start":                alert.Event.Start.Sub(session.Event.Start),
		"session ends with the connection":                          session.Event.End.Sub(session.Event.Start) - 22*time.Millisecond,
		"session is of that time":                                   session.Time.Sub(session.Event.End),
		"stop tells when the run began":                             stop.Event.Start.Sub(start.Event.Start),
	} {
		if d != 0 {
			t.Errorf("%s: off by %v", what, d)
		}
	}
	if !alert.Event.End.IsZero() {
		t.Errorf("first_payload has an end: %v", alert.Event.End)
	}
}

// SMTP is found on any port. Of a port that is no mail port there is no connect record.
func TestOddPort(t *testing.T) {
	s := play(t, `
		process 7 /usr/bin/curl
		a connect 7 [2001:db8:25::25]:2526
		a established
		a smtp
		a S: 220 mx.example ESMTP
		a C: EHLO client.example
		a S: 250 mx.example
		a C: QUIT
		a S: 221 Bye
		a closed 30 60
	`)
	s.tells(t, "start first_payload session stop")
	r := s.only(t, record.ActionSession)
	if r.Verdict != record.SMTPOddPort || !slices.Contains(r.Flags, "any_port_smtp") || r.Destination.AddrPort().String() != "[2001:db8:25::25]:2526" ||
		r.Event.Outcome != record.Failure {
		t.Errorf("%s %s %v → %v", r.Verdict, r.Event.Outcome, r.Flags, r.Destination.AddrPort())
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name, destination, auth string
		want                    record.Verdict
	}{
		{"to an MX", "198.51.100.25:25", "", record.DirectMX},
		{"to a provider", "198.51.100.25:587", "", record.Submission},
		{"with a password", "198.51.100.25:25", "AUTH LOGIN", record.Submission},
		{"with a password that was refused, and mail", "198.51.100.25:25", "AUTH LOGIN\n a S: 503 5.5.1 no\na C: MAIL FROM:<a@b.it>", record.DirectMX},
		{"elsewhere", "198.51.100.25:26", "", record.SMTPOddPort},
		{"to this host", "127.0.0.1:25", "", record.Local},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "process 7 /usr/bin/curl\n a connect 7 " + test.destination + "\n a established\n a smtp\n a S: 220 mx.example ESMTP\n" +
				"a C: EHLO client.example\n a S: 250 mx.example\n"
			if test.auth != "" {
				text += "a C: " + test.auth + "\n a S: 535 5.7.8 no\n"
			}
			r := play(t, text+"a closed 60 60\n").only(t, record.ActionSession)
			if r.Verdict != test.want || slices.Contains(r.Flags, "direct_mx") != (test.want == record.DirectMX) {
				t.Errorf("%s %v, want %s", r.Verdict, r.Flags, test.want)
			}
		})
	}
}

// A known sender is recorded like any other, and said to be one.
func TestExpectedSender(t *testing.T) {
	for _, expect := range []string{"/usr/bin/perl", "/usr/bin/perl,user=www-data,unit=apache2.service", "/usr/bin/perl,user=root"} {
		stage := newStage(t)
		stage.expect(expect)
		s := stage.play(oneMail)
		s.tells(t, "start connect first_payload session stop")
		if r, want := s.only(t, record.ActionSession), !strings.Contains(expect, "root"); r.Expected != want {
			t.Errorf("--expect %s: expected %t, want %t", expect, r.Expected, want)
		}
	}
}

// One process connects, and another one, which inherited the socket, sends.
func TestSenderIsNotConnector(t *testing.T) {
	s := play(t, `
		process 7 /usr/sbin/exim4
		a connect 7 198.51.100.25:25
		a established
		process 8 /usr/bin/perl uid=33
		a sender 8
		a smtp
		a C: HELO x
		a closed 8 0
	`)
	s.tells(t, "start connect first_payload session stop")
	for _, action := range []record.Action{record.ActionFirstPayload, record.ActionSession} {
		r := s.only(t, action)
		if r.Process.PID != 8 || r.Process.Executable != "/usr/bin/perl" || r.User.Name != "www-data" {
			t.Errorf("%s by %d %s, want the sender", action, r.Process.PID, r.Process.Executable)
		}
		if c := r.Connector; c == nil || c.Process.PID != 7 || c.Process.Executable != "/usr/sbin/exim4" || c.User.Name != "root" ||
			c.Process.Hash.Status != "verified" || c.Process.Start.IsZero() {
			t.Errorf("%s: connector %+v", action, c)
		}
	}
	if r := s.only(t, record.ActionConnect); r.Process.PID != 7 || r.Connector != nil {
		t.Errorf("connect by %d, connector %+v", r.Process.PID, r.Connector)
	}
}

// What is to be said of the connector is said of it, and not of the sender.
func TestConnectorFlags(t *testing.T) {
	r := play(t, `
		process 7 /tmp/.x/mailer
		a connect 7 198.51.100.25:25
		a established
		process 8 /usr/bin/curl
		a sender 8
		a smtp
		a C: HELO x
		a closed 8 0
	`).only(t, record.ActionSession)
	if c := r.Connector; c == nil || !slices.Contains(c.Process.Flags, "exe_hidden_dir") {
		t.Errorf("connector %+v", c)
	}
	if slices.Contains(r.Flags, "exe_hidden_dir") || r.Process.Flags != nil {
		t.Errorf("flags %q, of the sender %q", r.Flags, r.Process.Flags)
	}
}

// A program that becomes another one between connect and send is named as both.
func TestSenderAfterExec(t *testing.T) {
	r := play(t, `
		process 7 /usr/sbin/exim4
		a connect 7 198.51.100.25:25
		a established
		process 7 /tmp/.x/mailer
		a sender 7
		a smtp
		a C: HELO x
		a closed 8 0
	`).only(t, record.ActionSession)
	if r.Process.Executable != "/tmp/.x/mailer" || r.Connector == nil || r.Connector.Process.Executable != "/usr/sbin/exim4" || r.Connector.Process.PID != 7 {
		t.Errorf("by %s, connector %+v", r.Process.Executable, r.Connector)
	}
}

// Connections at the same time stay apart, and what is not mail has no record.
func TestConnectionsStayApart(t *testing.T) {
	s := play(t, `
		process 7 /usr/bin/curl
		process 8 /usr/bin/perl
		a connect 7 198.51.100.25:2526
		b connect 8 198.51.100.26:2526
		ftp connect 8 198.51.100.27:2121
		a established
		b established
		ftp established
		a smtp
		a C: EHLO a.example
		b smtp
		ftp smtp
		b C: EHLO b.example
		ftp S: 220 files.example FTP server ready
		ftp C: USER anonymous
		ftp C: QUIT
		a S: 220 mx-a.example ESMTP
		b S: 554 no
		ftp closed 10 20
		a S: 250 mx-a.example
		b closed 1 2
		a C: MAIL FROM:<a@a.example>
		a closed 3 4
	`)
	s.tells(t, "start first_payload first_payload session session stop")
	want := "b.example 554 no 8 198.51.100.26 1 2 0\na.example 250 mx-a.example 7 198.51.100.25 3 4 1\n"
	var got strings.Builder
	for _, r := range s.of(record.ActionSession) {
		fmt.Fprintln(&got, r.SMTP.HELO, r.SMTP.LastReply, r.Process.PID, r.Destination.IP, r.Source.Bytes, r.Destination.Bytes, len(r.SMTP.Transactions))
	}
	if got.String() != want {
		t.Errorf("%swant\n%s", got.String(), want)
	}
}

// The lock's owner is named, with the reservation that no hook has seen it send.
func TestSenderByLock(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
	}{{"a sender 7", nil}, {"a sender 7 by_lock", []string{"sender_by_lock"}}, {"", []string{"sender_unknown"}}} {
		r := play(t, "process 7 /usr/bin/perl\n a connect 7 198.51.100.25:26\n a established\n"+test.line+"\n a smtp\n a C: HELO x\n a closed 8 0").
			only(t, record.ActionSession)
		if !slices.Equal(r.Tracer.Weak, test.want) || r.Process.PID != 7 {
			t.Errorf("%s: weak %v, want %v", test.line, r.Tracer.Weak, test.want)
		}
	}
}

// What TLS hides is not said to be none.
func TestTLS(t *testing.T) {
	t.Run("from the start", func(t *testing.T) {
		s := play(t, `
			process 7 /usr/bin/curl
			a connect 7 198.51.100.25:465
			a established
			a tls
			a hello smtp.example.net
			a closed 1000 5000
		`)
		s.tells(t, "start connect first_payload session stop")
		r := s.only(t, record.ActionSession)
		if !r.SMTP.TLS || r.TLS.Client.ServerName != "smtp.example.net" || r.Event.Outcome != record.OutcomeUnknown || r.Verdict != record.Submission {
			t.Errorf("%s %s, %+v %+v", r.Verdict, r.Event.Outcome, r.SMTP, r.TLS)
		}
	})
	t.Run("STARTTLS", func(t *testing.T) {
		r := play(t, `
			process 7 /usr/bin/curl
			a connect 7 198.51.100.25:25
			a established
			a smtp
			a S: 220 mx.example ESMTP
			a C: EHLO client.example
			a S: 250 STARTTLS
			a C: STARTTLS
			a S: 220 Ready
			a tls
			a hello mx.example.net
			a closed 1000 5000
		`).only(t, record.ActionSession)
		if !r.SMTP.TLS || r.SMTP.StartTLS != "accepted" || r.SMTP.HELO != "client.example" || r.TLS.Client.ServerName != "mx.example.net" ||
			r.Event.Outcome != record.OutcomeUnknown || r.Verdict != record.DirectMX {
			t.Errorf("%s %s, %+v %+v", r.Verdict, r.Event.Outcome, r.SMTP, r.TLS)
		}
	})
}

// A client that only listens says nothing that an alert could be about; what the server said is recorded.
func TestBannerOnly(t *testing.T) {
	s := play(t, `
		process 7 /usr/bin/curl
		a connect 7 198.51.100.25:25
		a established
		a smtp
		a S: 554 5.7.1 203.0.113.7 is on a blocklist
		a closed 0 45
	`)
	s.tells(t, "start connect session stop")
	if r := s.only(t, record.ActionSession); r.SMTP.Banner != "554 5.7.1 203.0.113.7 is on a blocklist" || r.Event.Outcome != record.Failure {
		t.Errorf("%+v", r.SMTP)
	}
}

// What a packet says while the connection is being closed is of no connection any more.
func TestReplyAfterTheEnd(t *testing.T) {
	play(t, oneMail+"a S: 221 2.0.0 Bye\n a S: 421 too late").tells(t, "start connect first_payload session stop")
}
