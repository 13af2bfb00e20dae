// Package report answers from logs: who sent this mail, and was anybody watching?
package report

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// Options say what to read and what to look for.
type Options struct {
	Logs     []string  // paths; Stdin is standard input; those that a log was rotated to are read, too
	Stdin    io.Reader // may be nil where it is not among the logs
	Query    Query
	Clues    *received.Clues // what the query was made from, nil if from nothing received
	Now      time.Time
	Progress func(read, total int64) // bytes of the files; may be nil
}

// Answer is what the logs say.
type Answer struct {
	Asked Query
	Clues *received.Clues
	Now   time.Time

	Sessions   uint64 // that match
	Unfinished uint64 // of these, those whose end is not in the logs
	Attempts   uint64 // failed connects that match
	Unwatched  uint64 // connections that match and were not followed
	Summary    *record.Summary
	Programs   []record.Program // the worst first
	Evidence   []record.Record  // the worst, in the order of time
	LeftOut    uint64           // matching records that are not in Evidence
	Unsure     uint64           // sessions, and connections that were not followed, that hide what was asked for
	Unclear    []record.Program // who made these, and the connections that nobody can explain
	Beside     *record.Summary  // where nobody unexpected matches: who else sent in the window, unexpected; nil: not asked

	Explained []Explained
	Coverage  []Coverage // a host each
	Logs      []Log
	Records   uint64
	Repeated  uint64 // records that matched in more than one log, counted once
	Crowded   bool   // there were too many sessions at once: some whose end is missing may be left out
	Forgetful bool   // there were too many matches to tell whether one came again

	// What may be what was asked for, by why that is not known.
	unexplained, unseen, encrypted, adopted, alike suspects

	tooManyRuns bool // some are not in Coverage
	timelines   map[record.Key]*timeline
}

// Log is a file that was read.
type Log struct {
	Path    string
	Records uint64
	Damage  Damage
	Opened  bool
	Err     error // it could not be opened or, if Opened, read to its end
}

// maxMemory is what the heap may grow to before it is swept more often.
const maxMemory = 160 << 20

// Ask reads the logs and answers. What is wrong with a log is in the answer: the others are read
// all the same.
func Ask(o Options) *Answer {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // reading makes much garbage, and keeps little
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(maxMemory))
	a := newAsking(&o)
	paths := files(o.Logs)
	total := int64(0)
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && path != Stdin {
			total += info.Size()
		}
	}
	p := &pass{query: &o.Query, stdin: o.Stdin, seed: maphash.MakeSeed()}
	if read := int64(0); o.Progress != nil {
		p.progress = func(n int64) { read += n; o.Progress(read, total) }
	}
	for _, path := range paths {
		log := Log{Path: path}
		log.Opened, log.Err = p.read(path, func(s *scanned) {
			log.Records += s.records
			log.Damage.add(s.damage)
			a.take(s)
		})
		a.answer.Logs = append(a.answer.Logs, log)
		a.answer.Records += log.Records
	}
	return a.finish()
}

// Failed says which logs could not be opened; nil if all could.
func (a *Answer) Failed() error {
	var list []error
	for _, log := range a.Logs {
		if !log.Opened {
			list = append(list, fmt.Errorf("cannot read the log %s: %w", log.Path, log.cause()))
		}
	}
	return errors.Join(list...)
}

// Damage sums what could not be read.
func (a *Answer) Damage() (sum Damage) {
	for _, log := range a.Logs {
		sum.add(log.Damage)
	}
	return sum
}

// note says what is to be said of a log, "" where it is well.
func (l *Log) note() string {
	switch {
	case !l.Opened:
		return fmt.Sprintf("not read: %v", l.cause())
	case errors.Is(l.Err, io.ErrUnexpectedEOF):
		return "its packed data end too early: what came before was read"
	case l.Err != nil:
		return fmt.Sprintf("not read to its end: %v", l.Err)
	case l.Records == 0 && l.Damage == (Damage{}):
		return "empty"
	}
	return ""
}

// cause is the error without the name of the file.
func (l *Log) cause() error {
	var failed *os.PathError
	if errors.As(l.Err, &failed) {
		return failed.Err
	}
	return l.Err
}
