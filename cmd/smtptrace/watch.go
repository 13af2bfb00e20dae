package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/smtptrace/smtptrace/internal/probe"
)

// toldToEnd is over when the program is told to end. From then on, or from unhook, Ctrl-C ends it at once.
func toldToEnd() (ctx context.Context, unhook func()) {
	ctx, unhook = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, unhook)
	return ctx, unhook
}

// openProbe opens the probe; nil where the program is told to end meanwhile: what the start has made is taken
// away again.
func openProbe(ctx context.Context, f *runFlags) (*probe.Probe, error) {
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

// watch is a probe at work.
type watch struct {
	ctx     context.Context // over when the run is to end
	stop    context.CancelFunc
	probe   attached // nil: it has ended
	drained chan error
}

// attached is what of a probe the end of a run needs.
type attached interface {
	Drain() error
	Close() error
}

// lastLook is a probe that has all connections told as they stand before it drains: of those that outlive the run it
// is then known whether anything was said.
type lastLook struct {
	*probe.Probe
	flags *runFlags
}

func (l lastLook) Drain() error {
	// Without it they are told as they stood before, and nothing more is claimed of them.
	_ = l.Refresh(l.flags.inNetworks)
	return l.Probe.Drain()
}

// watchUntil drains a probe when ctx is over, after a time (0: never), or when stop is called.
func watchUntil(ctx context.Context, p attached, d time.Duration) *watch {
	w := &watch{probe: p, drained: make(chan error, 1)}
	w.ctx, w.stop = context.WithCancel(ctx)
	if d > 0 {
		timer := time.AfterFunc(d, w.stop)
		context.AfterFunc(w.ctx, func() { timer.Stop() })
	}
	context.AfterFunc(w.ctx, func() { w.drained <- p.Drain() })
	return w
}

// end ends the run and waits for that: nothing is attached any more behind it. Again it does nothing.
func (w *watch) end() error {
	if w.probe == nil {
		return nil
	}
	w.stop()
	err := errors.Join(<-w.drained, w.probe.Close())
	w.probe = nil
	return err
}
