package main

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/report"
)

// reportFormat is how an answer is written.
type reportFormat string

// The formats.
const (
	formatText reportFormat = "text"
	formatJSON reportFormat = "json"
	formatHTML reportFormat = "html"
)

// reportFlags are the flags of report.
type reportFlags struct {
	at, since, until *received.Moment
	window           time.Duration
	query            report.Query
	received         string
	own              []string
	hashed           func(address string) string
	format           reportFormat
	keyless          error // why there is no key to find addresses by their hash; nil if it was not needed
}

// newReportFlags makes them. hash is the keyed hash of an address.
func newReportFlags(now time.Time, hash func(address string) (string, error)) (*reportFlags, *pflag.FlagSet) {
	f := &reportFlags{format: formatText}
	f.query.Home = readLine("/etc/machine-id")
	hashed := func(address string) string {
		h, err := hash(address)
		if err != nil {
			f.keyless = err
		}
		return h
	}
	f.hashed = hashed
	s := pflag.NewFlagSet("report", pflag.ContinueOnError)
	s.Var(moment(&f.at, now), "at", "when it was: 2015-12-04T14:30Z, '13 Feb 2018 03:54:09 +0100', 'yesterday 14:30', '15m ago'")
	s.Var(duration(&f.window), "window", "how far from --at (15m, or what the time itself says)")
	s.Var(moment(&f.since, now), "since", "not before")
	s.Var(moment(&f.until, now), "until", "not after")
	s.Var(file(&f.received), "received", "search for what this file tells: a bounce, abuse report, notice, blocklist page, Received header or log lines; - is standard input")
	s.Var(own(&f.own), "own", "a further address or name of this host, as others see it: behind NAT, in a cloud; may be repeated")
	term := func(name, kind, help string, parse func(string) (report.Term, error)) {
		s.Var(condition(&f.query, kind, parse), name, help)
	}
	term("helo", "GLOB", "what the client called itself; brackets stand for themselves: [127.0.0.1]", report.HELO)
	term("from", "ADDRESS", "sender in the envelope: an address, a domain, *@DOMAIN, or <> for a bounce",
		func(s string) (report.Term, error) { return report.From(s, hashed) })
	term("rcpt", "ADDRESS", "recipient in the envelope: an address or a domain",
		func(s string) (report.Term, error) { return report.Rcpt(s, hashed) })
	term("dst", "WHERE", "destination: an address, a network, a port, ADDRESS:PORT or a domain (which cannot clear beside sessions)", report.Destination)
	term("sport", "PORT", "source port", report.SourcePort)
	term("exe", "GLOB", "program or script: its path, or its name (this and the next six, to --flag, can never clear)", report.Exe)
	term("sha256", "HEX", "hash of the program or script, or the start of it", report.SHA256)
	term("uid", "USER", "user, by name or number", report.UID)
	term("unit", "GLOB", "systemd unit", report.Unit)
	term("container", "NAME", "container or pod: its name, that of its image, or the start of its id", report.Container)
	term("verdict", "VERDICT", "direct_mx, smtp_odd_port, submission, relay, local or attempt", report.Verdict)
	term("flag", "GLOB", "flag, such as mta_impostor", report.Flag)
	term("reply", "TEXT", "part of a server's reply, such as TS03", report.Reply)
	s.Var(choice(&f.format, formatText, formatJSON, formatHTML), "format", "of the answer; html is one file to attach")
	return f, s
}

// moment takes a point in time.
func moment(to **received.Moment, now time.Time) *value {
	return &value{"TIME", "", func(s string) error {
		m, err := received.ParseTime(s, now)
		if err != nil {
			return err
		}
		*to = &m
		return nil
	}}
}

// file takes the name of a file, or - for standard input.
func file(to *string) *value {
	return &value{"FILE", "", func(s string) error {
		if s == "" {
			return errors.New("it takes the name of a file, or - for standard input")
		}
		*to = s
		return nil
	}}
}

// condition takes a term of the query.
func condition(q *report.Query, kind string, parse func(string) (report.Term, error)) *value {
	return &value{kind, "", func(s string) error {
		t, err := parse(s)
		if err != nil {
			return err
		}
		q.Add(t)
		return nil
	}}
}

// defaultWindow is how far from a time a session may be: what blocklists say beside theirs.
const defaultWindow = 15 * time.Minute

// setWindow turns the times into the window of the query.
func (f *reportFlags) setWindow() error {
	switch {
	case f.at != nil && (f.since != nil || f.until != nil):
		return errors.New("--at does not go together with --since and --until")
	case f.window > 0 && f.at == nil && f.received == "":
		return errors.New("--window needs --at or --received")
	case len(f.own) > 0 && f.received == "":
		return errors.New("--own needs --received")
	case f.at != nil:
		f.around(*f.at)
	}
	if f.since != nil {
		f.query.Window.From = f.since.Time
	}
	if f.until != nil {
		f.query.Window.To = f.until.End()
	}
	if w := f.query.Window; !w.To.IsZero() && w.To.Before(w.From) {
		return errors.New("--until is before --since")
	}
	return nil
}

// around sets the window to the time around a moment: as far as --window says or, without it, the
// moment.
func (f *reportFlags) around(m received.Moment) {
	switch {
	case f.window > 0:
		f.query.Around(m.Time, f.window)
	case m.Margin > 0:
		f.query.Around(m.Time, m.Margin)
	case m.Day:
		f.query.Window = report.Window{From: m.Time, To: m.End()}
	default:
		f.query.Around(m.Time, defaultWindow)
	}
	if !m.Later.IsZero() {
		f.query.Window.To = f.query.Window.To.Add(m.Later.Sub(m.Time))
	}
}
