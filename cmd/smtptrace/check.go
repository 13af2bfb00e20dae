package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/smtptrace/smtptrace/internal/check"
	"github.com/smtptrace/smtptrace/internal/probe"
)

// runCheck is the check verb: a row a requirement, then it attaches for real. It fails when something
// that is needed is missing.
func runCheck(args []string, stdout, _ io.Writer) error {
	o := probe.Options{Family: probe.Auto, MailPorts: []uint16{25}}
	var asJSON bool
	flags := pflag.NewFlagSet("check", pflag.ContinueOnError)
	flags.BoolVar(&asJSON, "json", false, "write JSON")
	flags.Var(choice(&o.Family, probe.Families...), "hooks", "kernel hooks to use; auto: the first that work")
	flags.Var(cgroup(&o.Cgroup), "cgroup", "attach to this cgroup only")
	if help, err := parse(flags, args, stdout); help || err != nil {
		return err
	}
	report := check.Run(o)
	write := func() error { return report.Table(stdout, colourful(stdout)) }
	if asJSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		write = func() error { return enc.Encode(report) }
	}
	if err := write(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if !report.OK() {
		return errSaid
	}
	return nil
}

// explain turns a failure to attach into what is missing and what to do.
func explain(err error) error {
	message, hint := check.Explain(err, check.Host())
	return &failure{message, hint}
}

// haveRights says what of its rights the program lacks: without them nothing else that fails is worth a word.
func haveRights() error {
	if message, hint := check.Rights(); message != "" {
		return &failure{message, hint}
	}
	return nil
}
