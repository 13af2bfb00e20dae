package record

import (
	"net/netip"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	for _, test := range []struct {
		name          string
		change        func(*Record)
		text, message string
	}{
		{"the contract", func(*Record) {},
			"14:31:07 DIRECT-MX unexpected  pid 4242 /usr/bin/perl (as httpd) /tmp/.x/dm.cgi  www-data" +
				"  → 198.51.100.25:25  HELO [127.0.0.1]  1 message, 3 recipients  250 2.0.0 Ok: queued as 4E81026038",
			"DIRECT-MX unexpected: /usr/bin/perl (as httpd) /tmp/.x/dm.cgi uid www-data" +
				" → 198.51.100.25:25 HELO [127.0.0.1], 1 message, 3 recipients"},
		{"in a container", func(r *Record) {
			r.Container = Container{ID: "4f2a1c9be0d3a7c65b18", Name: "web", Image: Image{Name: "docker.io/library/nginx:1.25"}}
			r.Process.Args = nil
		},
			"14:31:07 DIRECT-MX unexpected  pid 4242 /usr/bin/perl /tmp/.x/dm.cgi  www-data" +
				"  container web (docker.io/library/nginx:1.25)  → 198.51.100.25:25  HELO [127.0.0.1]  1 message, 3 recipients  250 2.0.0 Ok: queued as 4E81026038",
			"DIRECT-MX unexpected: /usr/bin/perl /tmp/.x/dm.cgi uid www-data" +
				" → 198.51.100.25:25 HELO [127.0.0.1], 1 message, 3 recipients"},
		{"first payload", func(r *Record) { *r = firstPayload() },
			"14:31:07 DIRECT-MX unexpected  pid 4242 /usr/bin/perl  uid 33  → 198.51.100.25:25  HELO [127.0.0.1]  just begun",
			"DIRECT-MX unexpected: /usr/bin/perl uid 33 → 198.51.100.25:25 HELO [127.0.0.1], just begun"},
		{"expected, one of several records, nothing sent", func(r *Record) {
			r.Verdict, r.Expected = SMTPOddPort, true
			r.Event.Sequence = 2
			r.SMTP.Messages, r.SMTP.Recipients, r.SMTP.Transactions = 0, 1, nil
			r.Process.Args = []string{"perl"}
		},
			"14:31:07 SMTP-ODD-PORT expected  pid 4242 /usr/bin/perl /tmp/.x/dm.cgi  www-data" +
				"  → 198.51.100.25:25  HELO [127.0.0.1]  0 messages, 1 recipient, still open  221 2.0.0 Bye",
			"SMTP-ODD-PORT expected: /usr/bin/perl /tmp/.x/dm.cgi uid www-data" +
				" → 198.51.100.25:25 HELO [127.0.0.1], 0 messages, 1 recipient, still open"},
		{"the last of several records", func(r *Record) { r.Event.Sequence, r.Event.End = 2, at },
			"14:31:07 DIRECT-MX unexpected  pid 4242 /usr/bin/perl (as httpd) /tmp/.x/dm.cgi  www-data" +
				"  → 198.51.100.25:25  HELO [127.0.0.1]  1 message, 3 recipients  250 2.0.0 Ok: queued as 4E81026038",
			"DIRECT-MX unexpected: /usr/bin/perl (as httpd) /tmp/.x/dm.cgi uid www-data" +
				" → 198.51.100.25:25 HELO [127.0.0.1], 1 message, 3 recipients"},
		{"STARTTLS with AUTH through a proxy", func(r *Record) {
			r.Verdict = Submission
			r.Via = []Via{{Protocol: "socks5", Target: "mx.example.net:25"}}
			r.SMTP = SMTP{Verb: "EHLO", HELO: "a.example", TLS: true, StartTLS: "accepted", LastReply: "220 Go ahead",
				Auth: Auth{Mechanism: "PLAIN", Outcome: Failure}}
			r.Connector = &Identity{Process: Process{PID: 9, Executable: "/usr/sbin/inetd"}}
			r.Process.Script = Script{Module: "smtplib"}
		},
			"14:31:07 SUBMISSION unexpected  pid 4242 /usr/bin/perl (as httpd) module smtplib  www-data" +
				"  connected by pid 9 /usr/sbin/inetd  → 198.51.100.25:25 via socks5 to mx.example.net:25" +
				"  EHLO a.example, STARTTLS, AUTH PLAIN failed  messages not visible  220 Go ahead",
			"SUBMISSION unexpected: /usr/bin/perl (as httpd) module smtplib uid www-data" +
				" → 198.51.100.25:25 via socks5 to mx.example.net:25" +
				" EHLO a.example, STARTTLS, AUTH PLAIN failed, messages not visible"},
		{"implicit TLS", func(r *Record) {
			r.SMTP = SMTP{TLS: true}
			r.TLS.Client.ServerName = "smtp.example.net"
		},
			"14:31:07 DIRECT-MX unexpected  pid 4242 /usr/bin/perl (as httpd) /tmp/.x/dm.cgi  www-data" +
				"  → 198.51.100.25:25  TLS smtp.example.net  messages not visible",
			"DIRECT-MX unexpected: /usr/bin/perl (as httpd) /tmp/.x/dm.cgi uid www-data" +
				" → 198.51.100.25:25 TLS smtp.example.net, messages not visible"},
		{"nothing known", func(r *Record) { *r = Record{Time: at, Event: Event{Action: ActionSession}} },
			"14:31:07 SMTP  unknown program  → unknown address  no HELO  0 messages, 0 recipients",
			"SMTP: unknown program → unknown address no HELO, 0 messages, 0 recipients"},
		{"an empty HELO", func(r *Record) {
			*r = Record{Time: at, Event: Event{Action: ActionSession}, SMTP: SMTP{Verb: "EHLO"}}
		},
			`14:31:07 SMTP  unknown program  → unknown address  EHLO ""  0 messages, 0 recipients`,
			`SMTP: unknown program → unknown address EHLO "", 0 messages, 0 recipients`},
		{"an address with a zone", func(r *Record) {
			*r = Record{Time: at, Event: Event{Action: ActionConnect}}
			r.Destination = Endpoint{IP: netip.MustParseAddr("fe80::1%a \x1b"), Port: 25}
		},
			`14:31:07 CONNECT undecided  unknown program  → "[fe80::1%a \x1b]:25"`,
			`CONNECT undecided: unknown program → "[fe80::1%a \x1b]:25"`},
		{"lost", func(r *Record) { *r = lost() },
			"14:31:07 LOST 12: 3 connections, 9 stretches of dialogue", "LOST 12: 3 connections, 9 stretches of dialogue"},
		{"start with all filters", func(r *Record) {
			*r = start()
			r.Tracer.Hooks = nil
			r.Tracer.Filters = Filters{NetNS: 4026531840, Cgroup: "/a b", PID: 7, UID: new(uint32(33))}
		},
			`14:31:07 START: watching web1 (kernel 6.1.0-18-amd64), only network namespace 4026531840, cgroup "/a b", pid 7, uid 33`,
			`START: watching web1 (kernel 6.1.0-18-amd64), only network namespace 4026531840, cgroup "/a b", pid 7, uid 33`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := session()
			test.change(&r)
			if got := Text(&r, false); got != test.text {
				t.Errorf("text:\ngot  %s\nwant %s", got, test.text)
			}
			if got := Message(&r); got != test.message {
				t.Errorf("message:\ngot  %s\nwant %s", got, test.message)
			}
		})
	}
}

func TestTextOfConnects(t *testing.T) {
	const program = "  pid 77 /usr/bin/python3.11 /opt/x.py  root  → [2001:db8::25]:25"
	for _, test := range []struct {
		reason  Reason
		outcome Outcome
		want    string
	}{
		{Established, Success, "14:31:07 CONNECT established, unexpected"},
		{Refused, Failure, "14:31:07 CONNECT refused, unexpected"},
		{TimedOut, Failure, "14:31:07 CONNECT timed out, unexpected"},
		{Reset, Failure, "14:31:07 CONNECT reset, unexpected"},
		{Unreachable, Failure, "14:31:07 CONNECT unreachable, unexpected"},
		{Blocked, Failure, "14:31:07 CONNECT blocked by this host's firewall, unexpected"},
		{GivenUp, Failure, "14:31:07 CONNECT given up, unexpected"},
		{StillOpen, OutcomeUnknown, "14:31:07 CONNECT undecided, unexpected"},
		{Unwatched, OutcomeUnknown, "14:31:07 CONNECT not tracked: the table was full, unexpected"},
		{"", OutcomeUnknown, "14:31:07 CONNECT undecided, unexpected"},
		{"of the\nfuture", Failure, `14:31:07 CONNECT of the\nfuture, unexpected`},
	} {
		r := refusedConnect()
		r.Event.Reason = test.reason
		if got := Text(&r, false); got != test.want+program {
			t.Errorf("got  %s\nwant %s", got, test.want+program)
		}
		if got := test.reason.Outcome(); got != test.outcome {
			t.Errorf("%q: outcome %s, want %s", test.reason, got, test.outcome)
		}
	}
	r := refusedConnect()
	r.Verdict = ""
	if got, want := Text(&r, false), "14:31:07 CONNECT refused"+program; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The time is shown where the reader is; the JSON stays in UTC.
func TestTextShowsTheTimeOfItsLocation(t *testing.T) {
	r := lost()
	r.Time = at.In(time.FixedZone("CET", 3600))
	if got, want := Text(&r, false), "15:31:07 LOST 12: 3 connections, 9 stretches of dialogue"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	utc := lost()
	if got, want := encode(t, &r), encode(t, &utc); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTextInColor(t *testing.T) {
	bad, mild, failed := session(), session(), refusedConnect()
	mild.Expected = true
	lost := lost()
	for _, test := range []struct {
		record *Record
		want   string
	}{
		{&bad, "14:31:07 \x1b[1;31mDIRECT-MX unexpected\x1b[0m  pid"},
		{&mild, "14:31:07 \x1b[2mDIRECT-MX expected\x1b[0m  pid"},
		{&failed, "14:31:07 \x1b[33mCONNECT refused, unexpected\x1b[0m  pid"},
		{&lost, "14:31:07 \x1b[1;31mLOST 12: 3 connections, 9 stretches of dialogue\x1b[0m"},
	} {
		if got := Text(test.record, true); len(got) < len(test.want) || got[:len(test.want)] != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestAlias(t *testing.T) {
	for _, test := range []struct{ executable, arg0, want string }{
		{"/usr/bin/perl", "httpd", "httpd"},
		{"/usr/bin/perl", "/usr/sbin/httpd -k start", "httpd"},
		{"/usr/bin/perl", "/usr/bin/perl", ""},
		{"/usr/bin/python3.11", "python3", ""},
		{"/usr/bin/python3.11", "python", ""},
		{"/usr/bin/python3.11", "py", "py"},
		{"/usr/bin/bash", "-bash", ""},
		{"/usr/sbin/nginx", "nginx: worker process", ""},
		{"/usr/sbin/exim4", "sendmail", "sendmail"},
		{"/tmp/x", "[kworker/0:1]", "[kworker/0:1]"},
		{"/tmp/x", "", ""},
		{"", "httpd", ""},
	} {
		if got := alias(&Process{Executable: test.executable, Args: []string{test.arg0}}); got != test.want {
			t.Errorf("%s as %q: got %q, want %q", test.executable, test.arg0, got, test.want)
		}
	}
}

// A program that its container's image did not bring is told from one that it did.
func TestOriginInContainer(t *testing.T) {
	yes, no := true, false
	for intact, want := range map[*bool]string{
		nil: "container web, image nginx, in /tmp", &yes: "container web, image nginx, in /tmp",
		&no: "container web, image nginx, which did not bring this program, in /tmp",
	} {
		r := Record{Identity: Identity{Process: Process{WorkingDirectory: "/tmp"}, Container: Container{ID: "ab", Name: "web", Image: Image{Name: "nginx", Intact: intact}}}}
		if got := PartsOf(&r).Origin; got != want {
			t.Errorf("origin is %q, want %q", got, want)
		}
	}
}
