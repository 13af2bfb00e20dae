package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/trace"
)

// runTracer is the run verb: attach, read until a signal, write, detach.
func runTracer(args []string, stdout, stderr io.Writer) (err error) {
	began := time.Now()
	f, flags := newRunFlags()
	if help, err := parse(flags, args, stdout); help || err != nil {
		return err
	}
	expected, err := f.expected()
	if err != nil {
		return err
	}
	background, end := context.WithCancel(context.Background())
	defer end()
	release := boundStart()
	host, relays, ready := hostWithRelays(background, f, stderr)
	if err := removeReadyFile(f.readyFile, ""); err != nil {
		return err
	}
	p, err := openProbe(f)
	if p == nil {
		return err
	}
	defer p.Close()
	policy, err := privacy.Open(f.privacy, stateDir())
	if err != nil {
		return &failure{err.Error(), "set STATE_DIRECTORY to a directory that can be written, or run with --privacy full or --privacy none"}
	}
	out, err := output.Open(f.output, output.Options{
		Format: f.format, Color: colourful(stdout), Stdout: stdout, MaxBytes: f.maxMiB << 20, Keep: f.keep,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	resolver, err := proc.New("/")
	if err != nil {
		return err
	}
	defer resolver.Close()

	ctx, unhook := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer unhook()
	if f.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.duration)
		defer cancel()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		unhook() // a second Ctrl-C ends the program at once
		drained <- p.Drain()
	}()
	reopen := make(chan os.Signal, 1)
	if f.output != output.Stdout { // else a closed terminal ends the program, as it should
		signal.Notify(reopen, syscall.SIGHUP)
	}
	metrics, err := serveMetrics(ctx, f.metricAddr)
	if err != nil {
		return &failure{err.Error(), "give --metrics-addr an address of this host and a free port"}
	}

	summary := record.NewSummary()
	tracer := trace.New(p, trace.Options{
		Output: out, Resolver: resolver, Host: host, Privacy: policy,
		Summary: summary, Every: f.summary, Tell: func() { sayAnswer(stdout, stderr, out.Text(), summary, true) },
		Expected: expected, Connects: f.connects, Smarthosts: relays, Open: f.open, Lookup: f.lookup(background),
		Agent: agent(), Machine: machine(), BootID: bootID(), Hooks: recordHooks(p.Hooks()), Filters: f.filters(),
		Reopen: reopen, Warn: func(err error) { sayWarning(stderr, err.Error()) },
		Stop: stop, Tracked: metrics.set,
	})
	awaitRelays(ctx, ready)
	release()
	if err := writeReadyFile(f.readyFile, ownReady()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeReadyFile(f.readyFile, ownReady())) }()
	sayReady(stderr, time.Since(began), out.Text(), f.filters())
	err = tracer.Run()
	stop()
	err = errors.Join(err, <-drained)
	if errors.Is(err, output.ErrClosedPipe) {
		return nil
	}
	sayAnswer(stdout, stderr, out.Text(), summary, false)
	return err
}

// startMemory bounds what the start may take, in octets: the kernel's types are much, and garbage soon.
const startMemory = 24 << 20

// boundStart keeps the memory of the start low. A server in trouble has none to spare: release gives back
// what only the start needed, and keeps garbage low from then on.
func boundStart() (release func()) {
	asked := debug.SetMemoryLimit(-1) // GOMEMLIMIT
	debug.SetMemoryLimit(min(asked, startMemory))
	return func() {
		debug.SetMemoryLimit(asked) // or a host with many connections would collect garbage all the time
		debug.SetGCPercent(50)
		debug.FreeOSMemory()
	}
}

// openProbe opens the probe; nil where the program is told to end meanwhile: what the start has made is taken
// away again.
func openProbe(f *runFlags) (*probe.Probe, error) {
	ctx, unhook := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer unhook()
	context.AfterFunc(ctx, unhook) // a second Ctrl-C ends the program at once
	p, err := probe.Open(f.probeOptions())
	switch {
	case ctx.Err() != nil && err == nil:
		return nil, p.Close()
	case ctx.Err() != nil: // it may be what made it fail
		return nil, nil
	case err != nil:
		return nil, explain(err)
	}
	return p, nil
}

// stateDir is where the key for address hashes lives; systemd names it for a unit with StateDirectory=.
func stateDir() string {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	return "/var/lib/smtptrace"
}
