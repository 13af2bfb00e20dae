package report

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Case D: 15 minutes around T hold what was sent at T+14:59, and not what was sent at T+15:01.
func TestWindow(t *testing.T) {
	in, out := session("in", T.Add(14*time.Minute+59*time.Second)), session("out", T.Add(15*time.Minute+1*time.Second))
	before, early := session("before", T.Add(-15*time.Minute-time.Second)), session("early", T.Add(-14*time.Minute-59*time.Second))
	q := with(t, of(HELO, "[127.0.0.1]"))
	q.Around(T, 15*time.Minute)
	a := ask(t, q, before, early, in, out)
	if a.Sessions != 2 || ids(a) != "[early in]" {
		t.Errorf("%d sessions: %s", a.Sessions, ids(a))
	}
	// The same moment, said in another zone, is the same.
	q.Around(T.In(time.FixedZone("", 5*3600)), 15*time.Minute)
	if a := ask(t, q, before, early, in, out); ids(a) != "[early in]" {
		t.Errorf("in another zone: %s", ids(a))
	}
}

// A session counts when some of its time is in the window, and a later record of it by its own time
// only.
func TestWindowOfLongSessions(t *testing.T) {
	long := session("long", T.Add(time.Hour))
	long.Event.Start = T.Add(-time.Hour)
	second := session("later", T.Add(time.Hour))
	second.Event.Start, second.Event.Sequence = T.Add(-time.Hour), 2
	mails := second
	mails.Event.ID = "mails"
	mails.SMTP.Transactions = []record.Transaction{{Start: T.Add(time.Minute)}}
	q := Query{}
	q.Around(T, 15*time.Minute)
	if a := ask(t, q, long, second, mails); ids(a) != "[long mails]" {
		t.Errorf("got %s", ids(a))
	}
}

// A window at the end of time is one still: times are compared as text, of four digits for the year.
func TestWindowAtTheEnd(t *testing.T) {
	q := Query{}
	q.Around(time.Date(9999, 12, 31, 23, 59, 0, 0, time.UTC), 290*365*24*time.Hour)
	late := session("late", time.Date(9800, 1, 1, 0, 0, 0, 0, time.UTC))
	a := ask(t, q, late)
	if _, err := a.JSON(); err != nil || ids(a) != "[late]" {
		t.Errorf("got %s, %v", ids(a), err)
	}
}

// Since and until, open at one end.
func TestWindowOpen(t *testing.T) {
	a, b := session("a", T), session("b", T.Add(time.Hour))
	for want, w := range map[string]Window{
		"[a b]": {}, "[a]": {To: T.Add(time.Minute)}, "[b]": {From: T.Add(time.Minute)},
	} {
		if got := ids(ask(t, Query{Window: w}, a, b)); got != want {
			t.Errorf("%+v: got %s, want %s", w, got, want)
		}
	}
}

// through makes a session that went through a proxy to a server.
func through(target string) func(*record.Record) {
	return func(r *record.Record) { r.Via = []record.Via{{Protocol: "socks5", Target: target}} }
}

// maybe makes a session of which the words to a proxy may have been lost.
func maybe(r *record.Record) { r.Destination.Port, r.SMTP.Unseen = 1080, 9 }

func noHash(string) string { return "" }

// hashed is as privacy.Policy.Hash, for one address.
func hashed(address string) string {
	if address == "user@example.net" {
		return "c0ffee"
	}
	return "0bad"
}

func TestTerms(t *testing.T) {
	tls := func(r *record.Record) { r.SMTP = record.SMTP{TLS: true} }
	full := func(r *record.Record) {
		r.SMTP.Transactions = []record.Transaction{{Outcome: "accepted", MailFrom: "a@test123.it", RcptCount: 1, RcptTo: []string{"User@Example.net"},
			RcptDomains: []string{"example.net"}}}
	}
	hidden := func(r *record.Record) {
		r.SMTP.Transactions = []record.Transaction{{Outcome: "accepted", MailFromHMAC: "c0ffee", RcptCount: 1, RcptHMAC: []string{"c0ffee"}}}
	}
	domain := func(r *record.Record) {
		r.SMTP.Transactions = []record.Transaction{{Outcome: "accepted", MailFromDomain: "example.net", MailFromHMAC: "c0ffee", RcptCount: 2,
			RcptDomains: []string{"example.net"}, RcptHMAC: []string{"c0ffee", "1"}}}
	}
	none := func(r *record.Record) {
		r.SMTP.Transactions = []record.Transaction{{Outcome: "accepted", RcptCount: 1}}
	}
	bounce := func(r *record.Record) {
		r.SMTP.Transactions = []record.Transaction{{Outcome: "accepted", MailFrom: record.NullSender, RcptCount: 1}}
	}
	from := func(s string) (Term, error) { return From(s, hashed) }
	rcpt := func(s string) (Term, error) { return Rcpt(s, hashed) }
	as := func(s string) (Term, error) { return HELOAs(s), nil }
	keyless := func(s string) (Term, error) { return Rcpt(s, noHash) }
	for _, test := range []struct {
		name   string
		term   func(string) (Term, error)
		value  string
		change func(*record.Record)
		want   judgement
	}{
		// Brackets stand for themselves.
		{"helo", HELO, "[127.0.0.1]", nil, yes},
		{"helo", HELO, "1", func(r *record.Record) { r.SMTP.HELO = "1" }, yes},
		{"helo", HELO, "[127.0.0.1]", func(r *record.Record) { r.SMTP.HELO = "1" }, no},
		{"helo", HELO, "[127.*]", nil, yes},
		{"helo", HELO, "127.0.0.1", nil, no},
		{"helo", HELO, "MAIL.com", func(r *record.Record) { r.SMTP.HELO = "mail.COM" }, yes},
		{"helo", HELO, "*.example.net", func(r *record.Record) { r.SMTP.HELOs = []string{"a", "b.example.net"} }, yes},
		{"helo", HELO, "mail?com", nil, no},
		{"helo of none", HELO, "*", func(r *record.Record) { r.SMTP = record.SMTP{} }, no},
		{"helo under TLS", HELO, "x", tls, unsure},
		{"helo, another one behind STARTTLS", HELO, "x", func(r *record.Record) { r.SMTP.TLS = true }, unsure},
		{"helo before STARTTLS", HELO, "[127.0.0.1]", func(r *record.Record) { r.SMTP.TLS = true }, yes},
		{"helo before STARTTLS, of a known server", HELO, "x", func(r *record.Record) { r.SMTP.TLS, r.Expected = true, true }, no},
		{"helo, of more than a record holds", HELO, "x", func(r *record.Record) { r.SMTP.HELOs = []string{"a", "b", "c", "d"} }, unsure},
		{"helo, longer than a record holds", HELO, strings.Repeat("x", 300), func(r *record.Record) { r.SMTP.HELO = strings.Repeat("x", 255) }, yes},
		{"helo, as long as a record holds", HELO, "x*y", func(r *record.Record) { r.SMTP.HELO = strings.Repeat("x", 255) }, unsure},
		{"helo with bytes that a record cannot hold", HELO, "büro", func(r *record.Record) { r.SMTP.HELO = "b\ufffdro" }, unsure},
		{"helo, none said, some not seen", HELO, "x", func(r *record.Record) { r.SMTP = record.SMTP{Unseen: 1} }, unsure},
		{"helo, another one, some not seen", HELO, "x", func(r *record.Record) { r.SMTP.Unseen = 1 }, unsure},
		{"helo, before the run", HELO, "x", func(r *record.Record) { r.Tracer.Weak = []string{"adopted"} }, unsure},
		{"helo, before the run, and nothing since", HELO, "x", func(r *record.Record) {
			r.Tracer.Weak, r.SMTP, r.Source.Bytes = []string{"adopted"}, record.SMTP{}, 0
		}, no},
		{"helo to the smarthost under TLS", HELO, "x", func(r *record.Record) { tls(r); r.Expected, r.Verdict = true, record.Relay }, no},
		{"helo to another under TLS", HELO, "x", func(r *record.Record) { tls(r); r.Expected = true }, unsure},
		{"helo to the smarthost under TLS, by another", HELO, "x", func(r *record.Record) { tls(r); r.Verdict = record.Relay }, unsure},
		{"helo behind STARTTLS of which the start was lost", HELO, "x", func(r *record.Record) {
			tls(r)
			r.Expected, r.Verdict, r.SMTP.StartTLS = true, record.Relay, "accepted"
		}, unsure},
		{"helo of a message without recipients", HELO, "x", func(r *record.Record) { r.SMTP.Recipients = 0 }, unsure},
		{"helo as written, *", as, "*", nil, no},
		{"helo as written, *", as, "*", func(r *record.Record) { r.SMTP.HELO = "*" }, yes},
		{"helo as qmail writes it", as, "?127.0.0.1?", nil, yes},

		{"from", from, "a@test123.it", full, yes},
		{"from", from, "A@TEST123.it", full, yes},
		{"from", from, "b@test123.it", full, no},
		{"from, domain", from, "test123.it", nil, yes},
		{"from, domain", from, "@test123.it", full, yes},
		{"from, domain", from, "*@test123.it", full, yes},
		{"from, domain", from, "other.it", nil, no},
		{"from, hashed", from, "user@example.net", hidden, yes},
		{"from, hashed", from, "other@example.net", hidden, no},
		{"from, only hashed, by domain", from, "example.net", hidden, unsure},
		{"from, bounce", from, "<>", bounce, yes},
		{"from, bounce", from, "<>", full, no},
		{"from, bounce", from, "a@test123.it", bounce, no},

		{"from, bounce, none mode", from, "<>", none, unsure},
		{"from, an address cut", from, "b@test123.it", func(r *record.Record) {
			full(r)
			r.SMTP.Transactions[0].MailFrom = strings.Repeat("a", 320)
		}, unsure},
		{"from, a message that is not listed", from, "b@test123.it", func(r *record.Record) { full(r); r.SMTP.Messages = 2 }, unsure},
		{"rcpt of a known server under TLS", rcpt, "x@other.net", func(r *record.Record) { r.SMTP.TLS, r.Expected = true, true }, unsure},
		{"rcpt, a message without one", rcpt, "x@example.net", func(r *record.Record) {
			r.SMTP.Recipients, r.SMTP.Transactions = 0, []record.Transaction{{Outcome: "accepted"}}
		}, unsure},
		{"rcpt, none said", rcpt, "x@example.net", func(r *record.Record) {
			r.SMTP.Messages, r.SMTP.Recipients, r.SMTP.Transactions = 0, 0, []record.Transaction{{Outcome: "aborted"}}
		}, no},
		{"rcpt, of more than a record holds", rcpt, "other.example", func(r *record.Record) {
			r.SMTP.Transactions = []record.Transaction{{Outcome: "accepted", RcptCount: 150, RcptDomains: []string{"example.net"}, RcptHMAC: []string{"1", "2"}}}
		}, unsure},
		{"rcpt, of all that a record holds", rcpt, "other.example", domain, no},
		{"rcpt", rcpt, "user@example.net", full, yes},
		{"rcpt", rcpt, "us*@example.net", full, yes},
		{"rcpt", rcpt, "x@example.net", full, no},
		{"rcpt, domain mode", rcpt, "user@example.net", domain, yes},
		{"rcpt, domain mode", rcpt, "other@example.net", domain, no},
		{"rcpt, domain mode", rcpt, "example.net", domain, yes},
		{"rcpt, domain mode", rcpt, "other.net", domain, no},
		{"rcpt, domain mode, no key", keyless, "user@example.net", domain, unsure},
		{"rcpt, domain mode, no key", keyless, "user@other.net", domain, no},
		{"rcpt, hmac mode", rcpt, "user@example.net", hidden, yes},
		{"rcpt, hmac mode", rcpt, "other@example.net", hidden, no},
		{"rcpt, none mode", rcpt, "user@example.net", none, unsure},
		{"rcpt under TLS", rcpt, "user@example.net", tls, unsure},

		{"dst", Destination, "198.51.100.25", nil, yes},
		{"dst", Destination, "198.51.100.26", nil, no},
		{"dst", Destination, "198.51.100.0/24", nil, yes},
		{"dst", Destination, "198.51.101.0/24", nil, no},
		{"dst", Destination, "25", nil, yes},
		{"dst", Destination, ":26", nil, no},
		{"dst", Destination, "198.51.100.25:25", nil, yes},
		{"dst", Destination, "198.51.100.25:26", nil, no},
		{"dst", Destination, "example.net", func(r *record.Record) { r.Destination.Domain = "mx.Example.net" }, yes},
		{"dst", Destination, "example.org", func(r *record.Record) { r.Destination.Domain = "mx.example.net" }, unsure}, // it may have more names
		{"dst", Destination, "example.org", nil, unsure},
		{"dst", Destination, "mx.example.net", func(r *record.Record) { r.TLS.Client.ServerName = "mx.example.net" }, yes},
		{"sport", SourcePort, "41822", nil, yes},
		{"sport", SourcePort, "41823", nil, no},
		{"sport, not known", SourcePort, "41823", func(r *record.Record) { r.Source.Port = 0 }, unsure},
		{"sport behind NAT", SourcePort, "41823", func(r *record.Record) { r.Source.IP = netip.MustParseAddr("10.0.0.7") }, unsure},
		{"sport behind a carrier's NAT", SourcePort, "41823", func(r *record.Record) { r.Source.IP = netip.MustParseAddr("100.64.0.7") }, unsure},
		{"sport through a proxy", SourcePort, "41823", through("198.51.100.26:25"), unsure},
		{"dst, not known", Destination, "198.51.100.26", func(r *record.Record) { r.Destination.IP = netip.Addr{} }, unsure},
		{"dst, a port that is not known", Destination, "26", func(r *record.Record) { r.Destination.Port = 0 }, unsure},
		{"dst through a proxy", Destination, "198.51.100.26", through("198.51.100.26:25"), yes},
		{"dst through a proxy", Destination, "198.51.100.27", through("198.51.100.26:25"), no},
		{"dst, maybe through a proxy", Destination, "198.51.100.26", maybe, unsure},
		{"sport, maybe through a proxy", SourcePort, "41823", maybe, unsure},
		{"dst through a proxy, by a name", Destination, "198.51.100.26", through("mx.example.net:25"), unsure},

		{"exe", Exe, "/var/tmp/smtp", nil, yes},
		{"exe", Exe, "/var/tmp/*", nil, yes},
		{"exe", Exe, "smtp", nil, yes},
		{"exe", Exe, "/usr/*", nil, no},
		{"exe, script", Exe, "dm.cgi", func(r *record.Record) { r.Process.Script.Path = "/tmp/.x/dm.cgi" }, yes},
		{"exe, connector", Exe, "proxy", func(r *record.Record) {
			r.Connector = &record.Identity{Process: record.Process{Executable: "/usr/bin/proxy"}}
		}, yes},
		{"sha256", SHA256, "AB12", nil, yes},
		{"sha256", SHA256, "ab13", nil, no},
		{"sha256 not known", SHA256, "ab13", func(r *record.Record) { r.Process.Hash = record.Hash{Status: "pending"} }, unsure},
		{"uid", UID, "postfix", nil, yes},
		{"uid", UID, "89", nil, yes},
		{"uid", UID, "8", nil, no},
		{"exe of an unknown process", Exe, "perl", func(r *record.Record) { r.Identity = record.Identity{} }, unsure},
		{"uid of an unknown process", UID, "0", func(r *record.Record) { r.Identity = record.Identity{} }, unsure},
		{"verdict where the destination is not known", Verdict, "direct_mx", func(r *record.Record) { r.Verdict = "" }, unsure},
		{"uid of an account that is gone", UID, "bob", func(r *record.Record) { r.User.Name = "" }, unsure},
		{"unit, not known", Unit, "postfix", func(r *record.Record) { r.Systemd = record.Systemd{} }, unsure},
		{"container, not known", Container, "web*", func(r *record.Record) { r.Systemd = record.Systemd{} }, unsure},
		{"container, its name not known", Container, "web*", func(r *record.Record) { r.Container.ID = "abcdef" }, unsure},
		{"flag of an unknown process", Flag, "web_child", func(r *record.Record) { r.Identity = record.Identity{} }, unsure},
		{"exe of a script that is not known", Exe, "dm.cgi", func(r *record.Record) { r.Flags = []string{"interpreter"} }, unsure},
		{"unit", Unit, "cron", nil, yes},
		{"unit", Unit, "cron.service", nil, yes},
		{"unit", Unit, "cr*", nil, yes},
		{"unit", Unit, "postfix", nil, no},
		{"unit", Unit, "postfix", func(r *record.Record) { r.Systemd.Unit = "postfix@-.service" }, yes},
		{"container", Container, "ab", func(r *record.Record) { r.Container.ID = "abcdef" }, yes},
		{"container", Container, "web*", func(r *record.Record) { r.Container.Name = "web-1" }, yes},
		{"container", Container, "*nginx*", func(r *record.Record) { r.Container.Image.Name = "docker.io/library/nginx:1" }, yes},
		{"container", Container, "web*", nil, no},
		{"verdict", Verdict, "direct_mx", nil, yes},
		{"verdict", Verdict, "local", nil, no},
		{"verdict", Verdict, "DIRECT-MX", nil, yes},
		{"flag", Flag, "mta_impostor", nil, yes},
		{"flag", Flag, "exe_*", nil, yes},
		{"flag", Flag, "web_child", nil, no},
		{"flag, connector", Flag, "web_child", func(r *record.Record) {
			r.Connector = &record.Identity{Process: record.Process{Flags: []string{"web_child"}}}
		}, yes},
		{"reply", Reply, "queued as 4E81", nil, yes},
		{"reply", Reply, "250*4E81026038", nil, yes},
		{"reply", Reply, "TS03", nil, no},
		{"reply", Reply, "ts03", func(r *record.Record) { r.SMTP.LastReply = "421 4.7.0 [TS03] All messages deferred" }, yes},
		{"reply, a refusal in more lines", Reply, "spam", func(r *record.Record) { r.SMTP.LastReply = "550 5.7.1 see our page" }, unsure},
		{"reply to a refused recipient", Reply, "TS03", func(r *record.Record) { r.SMTP.Transactions[0].RcptRefused = 1 }, unsure},
		{"reply that was not seen", Reply, "TS03", func(r *record.Record) { r.SMTP.Transactions[0].Reply = "" }, unsure},
		{"reply, before the run", Reply, "TS03", func(r *record.Record) { r.Tracer.Weak = []string{"adopted"} }, unsure},
		{"reply under TLS", Reply, "TS03", tls, unsure},
		{"reply kept without its text", Reply, "unrecognized", func(r *record.Record) { r.SMTP.LastReply = "500 5.5.1" }, unsure},
		{"reply kept without its text, by its code", Reply, "500", func(r *record.Record) { r.SMTP.LastReply = "500 5.5.1" }, yes},
	} {
		term, err := test.term(test.value)
		if err != nil {
			t.Errorf("%s %s: %v", test.name, test.value, err)
			continue
		}
		r := session("x", T)
		if test.change != nil {
			test.change(&r)
		}
		if got := term.judge(&r); got != test.want {
			t.Errorf("%s %s: got %d, want %d", test.name, test.value, got, test.want)
		}
	}
}

func TestTermsRefuse(t *testing.T) {
	for value, f := range map[string]func(string) (Term, error){
		"":           HELO,
		"xyz":        SHA256,
		"70000":      SourcePort,
		"spam":       Verdict,
		"1.2.3":      Destination,
		"1.2.3.4/99": Destination,
		"a b":        func(s string) (Term, error) { return From(s, noHash) },
		"user@":      func(s string) (Term, error) { return Rcpt(s, noHash) },
	} {
		if _, err := f(value); err == nil {
			t.Errorf("%q is taken", value)
		}
	}
}

// Conditions of one name are alternatives; those of several must all hold.
func TestConditionsTogether(t *testing.T) {
	a, b, c := session("a", T), session("b", T), session("c", T)
	b.SMTP.HELO, c.SMTP.HELO = "mail.com", "other"
	b.User.Name = "www-data"
	if got := ids(ask(t, with(t, of(HELO, "mail.com"), of(HELO, "[127.0.0.1]")), a, b, c)); got != "[a b]" {
		t.Errorf("got %s", got)
	}
	if got := ids(ask(t, with(t, of(HELO, "mail.com"), of(HELO, "[127.0.0.1]"), of(UID, "postfix")), a, b, c)); got != "[a]" {
		t.Errorf("got %s", got)
	}
}
