// Command smtptrace names the process on this machine that sent mail directly to somebody's MX.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// verb is a subcommand. Its error becomes a line on stderr and the exit status.
type verb struct {
	name, summary string
	run           func(args []string, stdout, stderr io.Writer) error
}

func verbs(stdin io.Reader) []verb {
	report := func(args []string, stdout, stderr io.Writer) error { return runReport(args, stdin, stdout, stderr) }
	return []verb{
		{"run", "watch, and say who sends mail", runTracer},
		{"report", "say from the logs who sent this mail, and whether anybody watched", report},
		{"check", "say what this machine has of what the tracer needs", runCheck},
		{"version", "say which version this is", runVersion},
	}
}

// usageError is a command line that says something wrong.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// failure is what went wrong, and what to do.
type failure struct{ message, hint string }

func (e *failure) Error() string { return e.message }

// errSaid ends the program with status 1 where the output has said why.
var errSaid = errors.New("said already")

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := dispatch(args, stdin, stdout, stderr)
	var usage *usageError
	var failed *failure
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSaid):
	case errors.As(err, &usage):
		sayError(stderr, usage.err.Error(), usage.hint)
		return exitUsage
	case errors.As(err, &failed):
		sayError(stderr, failed.message, failed.hint)
	default:
		sayError(stderr, err.Error(), "")
	}
	return exitFailed
}

func dispatch(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return &usageError{errors.New("no command given"), hintHelp}
	}
	switch args[0] {
	case "help", "-h", "--help":
		fmt.Fprint(stdout, helpText(verbs(stdin)))
		return nil
	case "--version":
		return runVersion(nil, stdout, stderr)
	}
	for _, v := range verbs(stdin) {
		if v.name == args[0] {
			return v.run(args[1:], stdout, stderr)
		}
	}
	return &usageError{fmt.Errorf("unknown command %q", args[0]), hintHelp}
}

// parse reads the flags of a verb that takes no arguments. help is true where they were asked for, and are
// written.
func parse(flags *pflag.FlagSet, args []string, stdout io.Writer) (help bool, err error) {
	if help, err := parseFlags(flags, args, stdout); help || err != nil {
		return help, err
	}
	if flags.NArg() > 0 {
		return false, &usageError{fmt.Errorf("unexpected argument %q", flags.Arg(0)), seeHelp(flags)}
	}
	return false, nil
}

func seeHelp(flags *pflag.FlagSet) string { return "see smtptrace " + flags.Name() + " --help" }

// parseFlags is parse for a verb that takes arguments.
func parseFlags(flags *pflag.FlagSet, args []string, stdout io.Writer) (help bool, err error) {
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	flags.Usage = func() {}
	switch err := flags.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(stdout, verbHelp(flags))
		return true, nil
	case err != nil:
		return false, &usageError{err, seeHelp(flags)}
	}
	return false, nil
}
