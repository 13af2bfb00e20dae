package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/report"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

// readClues reads what was received, nil if that was not asked for. Where it is about an address that is not known here,
// the logs are asked whose it is.
func (f *reportFlags) readClues(stdin io.Reader, logs []string, now time.Time) (*received.Clues, error) {
	if f.received == "" {
		return nil, nil
	}
	from := stdin
	if f.received != report.Stdin {
		file, err := os.Open(f.received)
		if err != nil {
			return nil, fmt.Errorf("read what was received: %w", err)
		}
		defer file.Close()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, received.MaxInput))
	if err != nil {
		return nil, fmt.Errorf("read what was received: %w", err)
	}
	short, _ := os.Hostname() // without it no header is known to be this host's own
	hosts, _ := os.ReadFile("/etc/hosts")
	here := received.Host{
		Local: verdict.NewHost().Local, Name: fullName(short, string(hosts), readLine("/etc/mailname")), Own: f.own,
	}
	clues, err := received.Read(bytes.NewReader(raw), now, here)
	if err != nil || !here.Local(clues.Addr) && !clues.Sure() {
		known := report.Learn(logs)
		here.Logged, here.Told, here.Own = known.Addresses(), known.Told, append(slices.Clone(f.own), known.Own...)
		clues, err = received.Read(bytes.NewReader(raw), now, here)
	}
	if err != nil {
		return nil, &failure{err.Error(), "paste a Received header with its date, the whole mail, or give --at and --helo"}
	}
	if err := f.clues(clues); err != nil {
		return nil, err
	}
	return clues, nil
}

// clues takes from what was received what the flags do not say. What is certain is a condition; what may be translated
// on the way only puts those first that meet it.
func (f *reportFlags) clues(c *received.Clues) error {
	if f.at == nil && f.since == nil && f.until == nil {
		f.span(c)
	}
	if c.HELO != "" && !f.query.Has("helo") {
		for _, name := range append([]string{c.HELO}, c.Other...) {
			f.query.Add(report.HELOAs(name))
		}
	}
	if err := f.servers(c); err != nil {
		return err
	}
	if c.Port != 0 && !f.query.Has("sport") {
		port, err := report.SourcePort(strconv.Itoa(int(c.Port)))
		if err != nil {
			return fmt.Errorf("ask for the source port: %w", err)
		}
		f.query.AddHint(port)
	}
	if c.HELO == "" && c.Rcpt != "" && !f.query.Has("rcpt") {
		if rcpt, err := report.Rcpt(c.Rcpt, f.hashed); err == nil { // else it is no address
			f.query.AddHint(rcpt)
		}
	} else if c.Sure() && c.Rcpt == "" && c.Reply != "" && !f.query.Has("reply") {
		if reply, err := report.Reply(c.Reply[:min(len(c.Reply), 60)]); err == nil {
			f.query.AddHint(reply)
		}
	}
	if !c.Found() {
		f.query.Add(report.Nothing())
	}
	return nil
}

// servers asks for where the mail went to. Where a mail server of this host says it, or nothing else is known, it is
// certain.
func (f *reportFlags) servers(c *received.Clues) error {
	if f.query.Has("dst") {
		return nil
	}
	for _, to := range c.To {
		term, err := report.Destination(to.String())
		if err != nil {
			return fmt.Errorf("ask for the destination: %w", err)
		}
		if c.Sure() || !c.Dated && c.HELO == "" {
			f.query.Add(term)
		} else {
			f.query.AddHint(term)
		}
	}
	return nil
}

// span sets the window to the time that was found: as far around it as --window says or, without it, as the text does.
func (f *reportFlags) span(c *received.Clues) {
	from, to, exact := c.Span()
	switch {
	case !c.Dated && !c.Bound.IsZero():
		f.query.Window.To = c.Bound.Add(defaultWindow)
	case !c.Dated:
	case exact:
		f.around(c.When)
	default:
		margin := f.window
		if margin == 0 && c.When.Margin == 0 && !c.When.Day {
			margin = defaultWindow
		}
		f.query.Window = report.Window{From: from.Add(-margin), To: to.Add(margin)}
	}
}
