package main

import (
	"context"
	"io"
	"time"

	"github.com/smtptrace/smtptrace/internal/dns"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

// relayPatience is how long the start waits for the smarthosts' addresses: without them mail to a
// smarthost is taken for direct mail, and an unreachable name server must not keep the tracer from
// watching.
const relayPatience = 2 * time.Second

// hostWithRelays is this host with its smarthosts, those of the flags first. ready is closed when their
// names were looked up.
func hostWithRelays(ctx context.Context, f *runFlags, stderr io.Writer) (host *verdict.Host, said []record.Smarthost, ready <-chan struct{}) {
	list := f.smarthosts
	if !f.ownRelays {
		found, errs := verdict.DetectSmarthosts("/")
		for _, err := range errs {
			sayWarning(stderr, err.Error())
		}
		list = append(list, found...)
	}
	for _, s := range list {
		said = append(said, record.Smarthost{Host: s.Host, Port: s.Port, File: s.File})
	}
	host = verdict.NewHost()
	ready = host.Relays(ctx, list, func(err error) { sayWarning(stderr, err.Error()) })
	return host, said, ready
}

// awaitRelays waits for ready, not for long.
func awaitRelays(ctx context.Context, ready <-chan struct{}) {
	select {
	case <-ready:
	case <-ctx.Done():
	case <-time.After(relayPatience):
	}
}

// lookup looks up the domains of recipients, if that is wanted.
func (f *runFlags) lookup(ctx context.Context) *dns.Lookup {
	if !f.resolve {
		return nil
	}
	return dns.StartLookup(ctx)
}
