package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/proc"
)

// kit is what a run needs besides the probe. It is there before anything is attached: what fails of it fails without
// a hook in the kernel.
type kit struct {
	metrics  *metrics
	policy   *privacy.Policy
	output   *output.Output
	resolver *proc.Resolver
	reopen   chan os.Signal // asks for the output file to be opened anew
}

// openKit opens all of it, or nothing. The ready file of a run before this one goes.
func openKit(f *runFlags, stdout io.Writer) (_ *kit, err error) {
	k := &kit{reopen: make(chan os.Signal, 1)}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	if err := errors.Join(removeReadyFile(f.readyFile, ""), tryReadyFile(f.readyFile)); err != nil {
		return nil, err
	}
	if k.metrics, err = serveMetrics(f.metricAddr); err != nil {
		return nil, &failure{err.Error(), "give --metrics-addr an address of this host and a free port"}
	}
	if k.policy, err = privacy.Open(f.privacy, stateDir()); err != nil {
		return nil, &failure{err.Error(), "set STATE_DIRECTORY to a directory that can be written, or run with --privacy full or --privacy none"}
	}
	if k.resolver, err = proc.New("/"); err != nil {
		return nil, err
	}
	if f.output != output.Stdout { // else a closed terminal ends the program, as it should
		signal.Notify(k.reopen, syscall.SIGHUP)
	}
	k.output, err = output.Open(f.output, output.Options{
		Format: f.format, Color: colourful(stdout), Stdout: stdout, MaxBytes: f.maxMiB << 20, Keep: f.keep,
	})
	return k, err
}

func (k *kit) close() (err error) {
	signal.Stop(k.reopen)
	if k.output != nil {
		err = k.output.Close()
	}
	if k.resolver != nil {
		k.resolver.Close()
	}
	if k.metrics != nil {
		k.metrics.close()
	}
	return err
}

// stateDir is where the key for address hashes lives; systemd names it for a unit with StateDirectory=.
func stateDir() string {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	return "/var/lib/smtptrace"
}
