package main

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// Every sentence that the user reads stands in this file. stdout is data, stderr is speech.

const hintHelp = "see smtptrace help"

func sayError(w io.Writer, message, hint string) {
	fmt.Fprintf(w, "smtptrace: error: %s\n", record.Escape(message, maxSaid))
	if hint != "" {
		fmt.Fprintf(w, "smtptrace: hint: %s\n", record.Escape(hint, maxSaid))
	}
}

func sayWarning(w io.Writer, message string) {
	fmt.Fprintf(w, "smtptrace: warning: %s\n", record.Escape(message, maxSaid))
}

// maxFaults bounds how many faults of our own are told with their stacks.
const maxFaults = 5

// faultSayer tells of faults of our own: the first ones with their stacks, for a bug report.
func faultSayer(w io.Writer) func(string) {
	var said atomic.Int32
	return func(stack string) {
		if said.Add(1) > maxFaults {
			return
		}
		var s strings.Builder
		s.WriteString("smtptrace: warning: gave up one connection after a fault of its own; please report this:\n")
		for line := range strings.Lines(stack) {
			fmt.Fprintf(&s, "smtptrace: debug: %s\n", record.Escape(strings.TrimRight(line, "\n"), maxSaid))
		}
		io.WriteString(w, s.String())
	}
}

func sayNote(w io.Writer, message string) {
	fmt.Fprintf(w, "smtptrace: note: %s\n", record.Escape(message, maxSaid))
}

// maxSaid bounds a sentence in characters: a verifier's complaint can be long.
const maxSaid = 1000

// sayReady says that events arrive. In text the start record says the rest.
func sayReady(w io.Writer, took time.Duration, text bool, f record.Filters) {
	fmt.Fprintf(w, "smtptrace: ready after %d ms", took.Milliseconds())
	if !text {
		fmt.Fprintf(w, ", watching %s", watched(f))
	}
	fmt.Fprintln(w)
}

// sayAnswer says who sent mail so far, where a person reads: on stdout, if that is a terminal or takes text.
// One who asks for it while the run goes on finds it on stderr otherwise.
func sayAnswer(stdout, stderr io.Writer, text bool, s *record.Summary, soFar bool) {
	w := stdout
	if !text && !terminal(stdout) {
		if !soFar {
			return
		}
		w = stderr
	}
	answer := s.Text(time.Now(), colourful(w))
	if soFar {
		answer = "\n" + answer + "\n" // between the records
	}
	fmt.Fprint(w, answer)
}

// watched says what the filters let through.
func watched(f record.Filters) string {
	var parts []string
	if f.NetNS != 0 {
		parts = append(parts, fmt.Sprintf("network namespace %d", f.NetNS))
	}
	if f.Cgroup != "" {
		parts = append(parts, "cgroup "+record.Escape(f.Cgroup, 200))
	}
	if f.PID != 0 {
		parts = append(parts, fmt.Sprintf("process %d", f.PID))
	}
	if f.UID != nil {
		parts = append(parts, fmt.Sprintf("uid %d", *f.UID))
	}
	if len(parts) == 0 {
		return "the whole host"
	}
	return "only " + strings.Join(parts, " and ")
}

func helpText(verbs []verb) string {
	var s strings.Builder
	s.WriteString("smtptrace names the process on this machine that sent mail directly to somebody's MX.\n\n")
	s.WriteString("usage: sudo smtptrace run\n\ncommands:\n")
	for _, v := range verbs {
		fmt.Fprintf(&s, "  %-9s %s\n", v.name, v.summary)
	}
	s.WriteString("\nsmtptrace COMMAND --help lists the flags of a command\n")
	return s.String()
}

// arguments are what a verb takes beside its flags.
var arguments = map[string]string{"report": " [LOG…]"}

func verbHelp(flags *pflag.FlagSet) string {
	return fmt.Sprintf("usage: smtptrace %s [flags]%s\n\n%s", flags.Name(), arguments[flags.Name()], flags.FlagUsagesWrapped(100))
}

// sayLocal says that a time had no zone.
func sayLocal(w io.Writer, flag string, at *received.Moment) {
	words := at.Time.Format("2006-01-02 15:04:05 -07:00")
	if !at.Later.IsZero() {
		words += at.Later.Format(" and again 15:04:05 -07:00")
	}
	sayNote(w, fmt.Sprintf("--%s has no zone: taken as local time, %s", flag, words))
}

// sayProgress says how far the logs are read, in place of what it said before.
func sayProgress(w io.Writer, read, total int64) {
	if total > 0 {
		fmt.Fprintf(w, "\r\x1b[Ksmtptrace: read %d of %d MiB (%d %%)", read>>20, total>>20, min(100, 100*read/total))
		return
	}
	fmt.Fprintf(w, "\r\x1b[Ksmtptrace: read %d MiB", read>>20)
}

// sayProgressOver takes the line away.
func sayProgressOver(w io.Writer) { fmt.Fprint(w, "\r\x1b[K") }
