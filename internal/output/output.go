// Package output writes records to where they go, a whole line at a time.
package output

import (
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Stdout is the target that stands for standard output.
const Stdout = "-"

// Format is how a record is written.
type Format string

// The formats.
const (
	Auto Format = "auto" // text on a terminal, JSON elsewhere
	JSON Format = "json" // every record, see package record
	Text Format = "text" // a line for a person for each session, failed connect, loss, start and stop
)

// Options says how to write. The zero value writes JSON to a file that grows without bound.
type Options struct {
	Format Format    // "" is Auto
	Color  bool      // in text
	Stdout io.Writer // what "-" stands for; an *os.File is duplicated, so that closing the Output leaves it open

	// A file that would grow beyond MaxBytes is renamed to FILE.1, FILE.1 to FILE.2 and so on; Keep of
	// these are kept, at least 1. 0 bytes: no limit. Devices and pipes have none.
	MaxBytes int64
	Keep     int
}

// Output is an open target. It is for one goroutine: Write, Reopen and Close are never called at once.
type Output struct {
	dest   dest
	text   bool
	color  bool
	enc    *record.Encoder
	buf    []byte
	failed error
}

// dest takes whole lines.
type dest interface {
	terminal() bool
	write(line []byte) error
	reopen() error
	close() error
}

// Open opens a target: "-", or a file, which is created with mode 0640 or appended to. A symbolic link is
// refused: the tracer runs as root, and another user may have put the link there; but links to its directory
// are followed. A named pipe is waited for until it has a reader. The error says what failed, on what, and
// what to do.
func Open(target string, o Options) (*Output, error) {
	var d dest
	var err error
	if target == Stdout || target == "/dev/stdout" {
		d, err = openStream(o.Stdout)
	} else {
		d, err = openFile(target, o.MaxBytes, o.Keep)
	}
	if err != nil {
		return nil, err
	}
	return &Output{
		dest: d, color: o.Color, enc: record.NewEncoder(),
		text: o.Format == Text || o.Format != JSON && d.terminal(),
	}, nil
}

// Text says whether records are written for a person.
func (o *Output) Text() bool { return o.text }

// Write writes r as one line, by one write(2), at once; it waits as long as the reader of a pipe does. The
// first error is final: nothing is written after it, and each later Write returns it again. ErrClosedPipe
// says that the reader of standard output went away.
func (o *Output) Write(r *record.Record) error {
	if o.failed != nil {
		return o.failed
	}
	if !o.text {
		o.failed = o.dest.write(o.enc.Encode(r))
		return o.failed
	}
	if !shown(r) {
		return nil
	}
	o.buf = append(record.AppendText(o.buf[:0], r, o.color), '\n')
	o.failed = o.dest.write(o.buf)
	return o.failed
}

// shown says whether a person is told of r: not of what another record of the same connection tells
// better, and not that nothing changed.
func shown(r *record.Record) bool {
	switch r.Event.Action {
	case record.ActionHeartbeat, record.ActionFirstPayload:
		return false
	case record.ActionConnect:
		return r.Event.Outcome != record.Success || r.Event.Reason == record.NotSMTP
	}
	return true
}

// Reopen opens the file anew by its name, after it was renamed or removed. It does nothing for standard
// output. After an error the old file is written on.
func (o *Output) Reopen() error { return o.dest.reopen() }

// Close closes the file, and leaves the caller's standard output open.
func (o *Output) Close() error { return o.dest.close() }

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
