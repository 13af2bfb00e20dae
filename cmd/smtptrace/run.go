package main

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/trace"
)

// runTracer is the run verb: open what needs no hook, attach, read until a signal, write, detach.
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
	if err := haveRights(); err != nil {
		return err
	}
	release := boundStart()
	background, end := context.WithCancel(context.Background())
	defer end()
	k, err := openKit(f, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	host, relays, looked := hostWithRelays(background, f, stderr)

	ctx, unhook := toldToEnd()
	defer unhook()
	p, err := openProbe(ctx, f)
	if p == nil {
		return err
	}
	since := time.Now()
	w := watchUntil(ctx, lastLook{p, f}, f.duration)
	context.AfterFunc(w.ctx, unhook)
	defer func() { err = errors.Join(err, w.end()) }()

	older := adoptOlder(p, f)

	summary := record.NewSummary()
	warn := func(err error) { sayWarning(stderr, err.Error()) }
	tracer := trace.New(p, trace.Options{
		Output: k.output, Resolver: k.resolver, Host: host, Privacy: k.policy,
		Summary: summary, Every: f.summary, Tell: func() { sayAnswer(stdout, stderr, k.output.Text(), summary, true) },
		Expected: expected, Connects: f.connects, Own: f.own, Smarthosts: relays, Lookup: f.lookup(background),
		Since: since, Open: older.open, Owner: older.owner, Live: f.live, Forwards: f.forwards(warn),
		Agent: agent(), Machine: machine(), BootID: bootID(), Hooks: recordHooks(p.Hooks()), Filters: f.filters(),
		Reopen: k.reopen, Warn: warn, Debug: faultSayer(stderr),
		Stop: w.stop, Tracked: k.metrics.set,
	})
	awaitRelays(w.ctx, looked)
	release()
	if err := writeReadyFile(f.readyFile, ownReady()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeReadyFile(f.readyFile, ownReady())) }()
	sayReady(stderr, time.Since(began), k.output.Text(), f.filters())
	err = errors.Join(tracer.Run(), w.end())
	if errors.Is(err, output.ErrClosedPipe) {
		return nil
	}
	sayAnswer(stdout, stderr, k.output.Text(), summary, false)
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
