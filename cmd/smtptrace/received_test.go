package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/report"
)

// pastedCase is one of the shared cases.
type pastedCase struct {
	File string
	Host struct {
		Addresses []string
		Name      string
	}
	Want struct {
		HELO, IP, Destination, Recipient string
		Time, Until                      time.Time
		Port                             uint16
	}
}

// askPasted asks a log for what is pasted on a host.
func askPasted(t *testing.T, text []byte, host received.Host, now time.Time, log string) (report.Finding, []report.Reason, *report.Answer) {
	t.Helper()
	f, _ := newReportFlags(now, func(address string) (string, error) { return "hash of " + address, nil })
	f.query.Home = ""
	c, err := received.Read(bytes.NewReader(text), now, host)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.clues(c); err != nil {
		t.Fatal(err)
	}
	answer := report.Ask(report.Options{Logs: []string{log}, Query: f.query, Clues: c, Now: now})
	finding, reasons := answer.Conclude(time.UTC)
	return finding, reasons, answer
}

// theSession is the session that a case is about, as it may have been recorded.
func (c *pastedCase) theSession(at time.Time) record.Record {
	helo := c.Want.HELO
	if helo == "" {
		helo = c.Host.Name
	}
	r := sent(at, "it", helo, "/tmp/x", "www-data")
	r.Source = record.Endpoint{IP: netip.MustParseAddr("203.0.113.9"), Port: 40000, Bytes: 2000}
	if a, err := netip.ParseAddr(c.Want.IP); err == nil {
		r.Source.IP = a
	}
	if c.Want.Port != 0 {
		r.Source.Port = c.Want.Port
	}
	r.Destination = record.Endpoint{IP: netip.MustParseAddr("198.51.100.99"), Port: 25, Bytes: 400}
	if a, err := netip.ParseAddr(c.Want.Destination); err == nil {
		r.Destination.IP = a
	}
	rcpt := c.Want.Recipient
	if rcpt == "" {
		rcpt = "victim@example.net"
	}
	r.SMTP.Transactions = []record.Transaction{{MailFrom: "x@web1.example.org", RcptTo: []string{rcpt}, RcptCount: 1, Outcome: "accepted", Reply: "250 ok"}}
	return r
}

// A host that did send the mail is never cleared of it, however the session was seen.
func TestReceivedNeverClears(t *testing.T) {
	list, file := capture.Cases[pastedCase](t, "received")
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, c := range list {
		var own []netip.Addr
		for _, a := range c.Host.Addresses {
			own = append(own, netip.MustParseAddr(a))
		}
		host := received.Host{Name: c.Host.Name, Local: func(a netip.Addr) bool { return slices.Contains(own, a) || a.IsLoopback() }}
		times := []time.Time{c.Want.Time}
		if !c.Want.Until.IsZero() {
			times = append(times, c.Want.Until.Add(-time.Second), c.Want.Time.Add(c.Want.Until.Sub(c.Want.Time)/2))
		}
		if c.Want.Time.IsZero() {
			times = []time.Time{time.Date(2018, 5, 21, 5, 7, 54, 0, time.UTC), time.Date(2023, 3, 20, 10, 0, 0, 0, time.UTC), time.Date(2023, 3, 21, 10, 0, 0, 0, time.UTC)}
		}
		for i, at := range times {
			for name, change := range map[string]func(*record.Record){
				"as it is":          func(*record.Record) {},
				"behind NAT":        func(r *record.Record) { r.Source.IP, r.Source.Port = netip.MustParseAddr("10.0.0.7"), 55555 },
				"another recipient": func(r *record.Record) { r.SMTP.Transactions[0].RcptTo = []string{"alias@other.example"} },
				"under TLS": func(r *record.Record) {
					r.SMTP, r.Event.Outcome = record.SMTP{Verb: "EHLO", HELO: r.SMTP.HELO, TLS: true, StartTLS: "accepted"}, record.OutcomeUnknown
				},
				"hidden addresses": func(r *record.Record) {
					r.SMTP.Transactions[0] = record.Transaction{RcptCount: 1, Outcome: "accepted", Reply: "250 ok"}
				},
			} {
				r := c.theSession(at)
				change(&r)
				finding, reasons, answer := askPasted(t, file(c.File), host, now, logOf(t, at, r))
				if finding == report.Cleared {
					t.Errorf("%s, time %d, %s: cleared, asked %v", c.File, i, name, answer.Asked.Words())
				}
				if name == "as it is" && finding != report.Found && !c.Want.Time.IsZero() {
					t.Errorf("%s, time %d: %s, asked %v, because %v", c.File, i, finding, answer.Asked.Words(), reasons)
				}
			}
		}
	}
}

// Text from which nothing can be searched for says what to ask for, and matches nothing.
func TestReceivedNothingToSearchFor(t *testing.T) {
	now := time.Now()
	log := logOf(t, now, sent(now, "1", "mail.com", "/usr/bin/perl", "www-data"))
	stdout, stderr, status := reportOn(t, "Your server 203.0.113.9 is listed.\n", "--own", "203.0.113.9", "--received", "-", log)
	for _, want := range []string{"Asked: received nothing to search for\n\nNothing matches, but that is not certain: what you pasted names no time, no HELO name and no destination: " +
		"ask the reporter for the Received header, or for the time with its zone and the name in HELO;"} {
		if status != exitDone || stderr != "" || !bytes.Contains([]byte(stdout), []byte(want)) {
			t.Errorf("status %d, no %q in\n%s%s", status, want, stdout, stderr)
		}
	}
}

// Behind NAT, what servers called this host in their answers is its address; on another machine, where its sessions
// came from.
func TestReceivedAddressFromLogs(t *testing.T) {
	at := time.Date(2018, 2, 13, 2, 54, 9, 0, time.UTC)
	header := "Received: from mail.com ([203.0.113.77])\n\tby mx.example.net with SMTP; Tue, 13 Feb 2018 03:54:09 +0100\n"
	for name, change := range map[string]func(*record.Record){
		"a refusal": func(r *record.Record) {
			r.Source.IP = netip.MustParseAddr("10.0.0.7")
			r.SMTP.LastReply = "554 5.7.1 Service unavailable; Client host [203.0.113.77] blocked using bl.example"
		},
		"a greeting": func(r *record.Record) {
			r.Source.IP = netip.MustParseAddr("10.0.0.7")
			r.SMTP.FirstReply = "250-mx.example.net Hello web1.example.org [203.0.113.77]"
		},
		"its source": func(r *record.Record) { r.Source.IP = netip.MustParseAddr("203.0.113.77") },
	} {
		r := sent(at.Add(50*time.Minute), "1", "other.example", "/usr/bin/perl", "www-data")
		change(&r)
		log := logOf(t, at, r)
		stdout, _, _ := reportOn(t, header, "--received", "-", "--format", "json", log)
		if !bytes.Contains([]byte(stdout), []byte(`"answer":"cleared"`)) {
			t.Errorf("%s: %s", name, stdout)
		}
		r.Source.IP, r.SMTP.LastReply, r.SMTP.FirstReply = netip.MustParseAddr("10.0.0.7"), "", ""
		stdout, _, _ = reportOn(t, header, "--received", "-", "--format", "json", logOf(t, at, r))
		if !bytes.Contains([]byte(stdout), []byte(`"answer":"unsure"`)) {
			t.Errorf("%s, and nothing known: %s", name, stdout)
		}
	}
}

// The object received of the JSON has what the text has, for a script.
func TestReceivedJSON(t *testing.T) {
	at := time.Date(2024, 2, 5, 14, 0, 0, 0, time.UTC)
	header := "Received: from mail.com ([203.0.113.9]:41822)\n\tby mx.example.net with esmtps (TLS1.3) (Exim 4.96)\n\tid 1pABCD-00012E-2X\n\tfor victim@example.net; Mon, 05 Feb 2024 14:00:00 +0000\n"
	stdout, stderr, status := reportOn(t, header, "--own", "203.0.113.9", "--received", "-", "--format", "json", logOf(t, at))
	var answer struct {
		Received struct {
			Kind       string
			Understood []string
			Time       time.Time
			HELO, IP   string
			Port       uint16
			Recipient  string
		}
		Query struct{ Conditions []string }
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || status != exitDone || stderr != "" {
		t.Fatalf("status %d, %v: %s%s", status, err, stdout, stderr)
	}
	r := answer.Received
	if r.Kind != "a Received header" || len(r.Understood) < 5 || !r.Time.Equal(at) || r.HELO != "mail.com" || r.IP != "203.0.113.9" || r.Port != 41822 ||
		r.Recipient != "victim@example.net" || !slices.Equal(answer.Query.Conditions, []string{"helo mail.com", "sport 41822"}) {
		t.Errorf("got %+v", answer)
	}
}
