package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/trace"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

// runFlags are the flags of run.
type runFlags struct {
	output     string
	format     output.Format
	maxMiB     int64
	keep       int
	connects   trace.Connects
	mailPorts  []uint16
	netns      uint32
	cgroup     string
	pid        uint32
	uid        *uint32
	hooks      probe.Family
	duration   time.Duration
	summary    time.Duration
	readyFile  string
	privacy    privacy.Mode
	expect     []verdict.Sender
	expectFile string
	smarthosts []verdict.Smarthost
	resolve    bool
	own        []string
	ownRelays  bool // no smarthost is looked for in files
	metricAddr string
}

func newRunFlags() (*runFlags, *pflag.FlagSet) {
	f := &runFlags{
		format: output.Auto, connects: trace.ConnectsMail, mailPorts: []uint16{25, 465, 587, 2525},
		hooks: probe.Auto, privacy: privacy.Domain, keep: 5,
	}
	s := pflag.NewFlagSet("run", pflag.ContinueOnError)
	s.StringVarP(&f.output, "output", "o", output.Stdout, "write records to this `FILE`; - is standard output")
	s.Var(choice(&f.format, output.Auto, output.JSON, output.Text), "format", "of the records; auto: text on a terminal, else JSON")
	s.Var(atLeast(&f.maxMiB, 0, "MiB"), "max-size", "rotate the output file at this size; 0: never")
	s.Var(atLeast(&f.keep, 1, "N"), "keep", "rotated files to keep")
	s.Var(choice(&f.connects, trace.ConnectsMail, trace.ConnectsAll, trace.ConnectsNone), "connects", "which TCP connects to record")
	s.Var(ports(&f.mailPorts), "mail-ports", "ports where mail is to be expected; SMTP is found on any port")
	s.Var(netns(&f.netns), "netns", "watch only this network namespace")
	s.Var(cgroup(&f.cgroup), "cgroup", "watch only this cgroup and those below it")
	s.Var(pid(&f.pid), "pid", "watch only this process")
	s.Var(uid(&f.uid), "uid", "watch only processes of this user")
	s.Var(choice(&f.hooks, probe.Families...), "hooks", "kernel hooks to use; auto: the first that work")
	s.Var(duration(&f.duration), "duration", "stop after this time, such as 10m, and not at Ctrl-C only")
	s.Var(duration(&f.summary), "summary-every", "say who sent mail so far this often, such as 1h, and not at the end only")
	s.StringVar(&f.readyFile, "ready-file", "", "write the process id to this `PATH` when events arrive")
	s.Var(choice(&f.privacy, privacy.Full, privacy.Domain, privacy.HMAC, privacy.None), "privacy", "what to show of envelope addresses")
	s.Var(senders(&f.expect), "expect", "a program that may send mail, besides the known mail servers; in a container its hash, its path with image= if it is as the image brought it, or image:NAME for the mail servers that the image brought; may be repeated")
	s.StringVar(&f.expectFile, "expect-file", "", "a `FILE` with more of them, one a line, in place of "+expectedFile)
	s.Var(smarthosts(&f.smarthosts, &f.ownRelays), "smarthost", "a server that this host hands its mail to, besides those in its mailers' files; none: look in no file; may be repeated")
	s.Var(own(&f.own), "own", "a further address or name of this host, where it is behind NAT; it stands in the log for report; may be repeated")
	s.BoolVar(&f.resolve, "resolve", false, "look up the MX of recipients' domains, where this host was not just answered; a name server then learns them")
	s.Var(address(&f.metricAddr), "metrics-addr", "serve counters for Prometheus here")
	return f, s
}

// expectedFile is read where no other one is given, if it is there.
const expectedFile = "/etc/smtptrace/expected"

// expected are the expected senders of the flags and of the file.
func (f *runFlags) expected() ([]verdict.Sender, error) {
	path := cmp.Or(f.expectFile, expectedFile)
	more, err := verdict.ReadSenders(path)
	if errors.Is(err, os.ErrNotExist) && f.expectFile == "" {
		return f.expect, nil
	}
	if err != nil {
		return nil, &failure{err.Error(), "mend " + path + ", or name another file with --expect-file"}
	}
	return append(f.expect, more...), nil
}

func (f *runFlags) probeOptions() probe.Options {
	return probe.Options{
		Family: f.hooks, MailPorts: f.mailPorts, AllPorts: f.connects == trace.ConnectsAll,
		NetNS: f.netns, Cgroup: f.cgroup, Pid: f.pid, UID: f.uid,
	}
}

// forwards gives a question: whether what is watched forwards packets of others. That it is not known is told to warn
// once, but where a filter is the reason.
func (f *runFlags) forwards(warn func(error)) func() string {
	var told sync.Once
	return func() string {
		forwards, err := proc.Forwards("/proc", f.holders())
		switch filters := f.filters(); {
		case forwards:
			return "yes"
		case err == nil:
			return "no"
		case !filters.Narrow():
			told.Do(func() { warn(fmt.Errorf("whether this host forwards mail of others is not known: %w", err)) })
		}
		return "unknown"
	}
}

func (f *runFlags) filters() record.Filters {
	return record.Filters{
		NetNS: f.netns, Cgroup: f.cgroup, PID: f.pid, UID: f.uid,
		MailPorts: f.mailPorts, Connects: string(f.connects),
	}
}
