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

func verbs() []verb {
	return []verb{
		{"run", "watch, and say who sends mail", runTracer},
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

func run(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	err := dispatch(args, stdout, stderr)
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

func dispatch(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return &usageError{errors.New("no command given"), hintHelp}
	}
	switch args[0] {
	case "help", "-h", "--help":
		fmt.Fprint(stdout, helpText(verbs()))
		return nil
	case "--version":
		return runVersion(nil, stdout, stderr)
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return v.run(args[1:], stdout, stderr)
		}
	}
	return &usageError{fmt.Errorf("unknown command %q", args[0]), hintHelp}
}

// parse reads a verb's flags. help is true where they were asked for, and are written.
func parse(flags *pflag.FlagSet, args []string, stdout io.Writer) (help bool, err error) {
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	flags.Usage = func() {}
	hint := "see smtptrace " + flags.Name() + " --help"
	switch err := flags.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(stdout, verbHelp(flags))
		return true, nil
	case err != nil:
		return false, &usageError{err, hint}
	case flags.NArg() > 0:
		return false, &usageError{fmt.Errorf("unexpected argument %q", flags.Arg(0)), hint}
	}
	return false, nil
}
