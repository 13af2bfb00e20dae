package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/report"
)

// runReport is the report verb: read the logs, answer.
func runReport(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	now := time.Now()
	f, flags := newReportFlags(now, addressHash)
	if help, err := parseFlags(flags, args, stdout); help || err != nil {
		return err
	}
	logs := flags.Args()
	if err := f.check(logs); err != nil {
		return &usageError{err, seeHelp(flags)}
	}
	f.sayAssumptions(stderr)
	clues, err := f.readClues(stdin, logs, now)
	if err != nil {
		return err
	}
	progress := progressOn(stderr, now)
	answer := report.Ask(report.Options{
		Logs: logs, Stdin: stdin, Query: f.query, Clues: clues, Now: now, Progress: progress.show,
	})
	progress.end()
	if err := writeAnswer(stdout, answer, f.format); err != nil {
		return err
	}
	if err := answer.Failed(); err != nil {
		hint := ""
		if slices.ContainsFunc(answer.Logs, func(l report.Log) bool { return l.Opened }) {
			hint = "the answer is from the other logs alone"
		}
		return &failure{strings.ReplaceAll(err.Error(), "\n", "; "), hint}
	}
	return nil
}

// check finds what does not go together.
func (f *reportFlags) check(logs []string) error {
	if len(logs) == 0 {
		return errors.New("no log given: name the files that smtptrace run -o wrote, their directory, or - for standard input")
	}
	if f.received == report.Stdin && slices.Contains(logs, report.Stdin) {
		return errors.New("standard input cannot be both the log and what was received")
	}
	return f.setWindow()
}

// sayAssumptions says what the user did not, and was taken for granted.
func (f *reportFlags) sayAssumptions(stderr io.Writer) {
	for _, t := range []struct {
		flag   string
		moment *received.Moment
	}{{"at", f.at}, {"since", f.since}, {"until", f.until}} {
		if t.moment != nil && t.moment.Local {
			sayLocal(stderr, t.flag, t.moment)
		}
	}
	if f.keyless != nil {
		sayWarning(stderr, fmt.Sprintf("addresses that --privacy hid are found by their domain at most: %v", f.keyless))
	}
}

// addressHash finds the hash that an address has in the records of this host.
func addressHash(address string) (string, error) {
	policy, err := privacy.Load(stateDir())
	if err != nil {
		return "", err
	}
	return policy.Hash(address), nil
}

func writeAnswer(stdout io.Writer, a *report.Answer, format reportFormat) error {
	var out []byte
	var err error
	switch format {
	case formatJSON:
		out, err = a.JSON()
	case formatHTML:
		out, err = a.HTML()
	default:
		out = []byte(a.Text(colourful(stdout)))
	}
	if err != nil {
		return err
	}
	if _, err := stdout.Write(out); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// progress shows on a terminal how far a long read has come.
type progress struct {
	w     io.Writer
	due   time.Time
	shown bool
}

// progressOn makes a progress that is silent for the first second, and where there is no terminal.
func progressOn(w io.Writer, now time.Time) *progress {
	if !terminal(w) {
		return &progress{}
	}
	return &progress{w: w, due: now.Add(time.Second)}
}

func (p *progress) show(read, total int64) {
	if now := time.Now(); p.w != nil && now.After(p.due) {
		sayProgress(p.w, read, total)
		p.due, p.shown = now.Add(200*time.Millisecond), true
	}
}

func (p *progress) end() {
	if p.shown {
		sayProgressOver(p.w)
	}
}
