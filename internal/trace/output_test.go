package trace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/record"
)

// fullDisk takes so many records and no more.
type fullDisk struct{ room int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.room == 0 {
		return 0, errFull
	}
	d.room--
	return len(b), nil
}

// When the output fails the run is stopped, once, and ends with that error, once, whatever is still to be
// written.
func TestOutputFails(t *testing.T) {
	for room := range 4 {
		stage := newStage(t)
		stage.write(output.Options{Stdout: &fullDisk{room}})
		err := stage.run(oneMail + "hold\n" + other("b", oneMail))
		if !errors.Is(err, errFull) || strings.Count(err.Error(), errFull.Error()) != 1 {
			t.Errorf("after %d records: error %v", room, err)
		}
		if stage.source.stops != 1 {
			t.Errorf("after %d records: stopped %d times", room, stage.source.stops)
		}
		if stage.source.next != len(stage.source.script.steps) {
			t.Errorf("after %d records: the source was left at event %d", room, stage.source.next)
		}
	}
}

// The summary that a person sees at the end counts what could not be written.
func TestOutputFailsAndTheSummaryGoesOn(t *testing.T) {
	stage := newStage(t)
	stage.write(output.Options{Stdout: &fullDisk{1}})
	stage.options.Summary = record.NewSummary()
	if err := stage.run(oneMail + "hold"); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if text := stage.options.Summary.Text(time.Now(), false); !strings.Contains(text, "/usr/bin/perl") {
		t.Errorf("summary:\n%s", text)
	}
}

// What is in the ring when the run is stopped is read to its end, and recorded.
func TestStopDrainsTheSource(t *testing.T) {
	stage := newStage(t)
	stage.do["stop"] = stage.source.stop
	s := stage.play("process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n do stop\n hold\n a established\n a smtp\n" + dialogue + "a closed 700 100")
	s.tells(t, "start connect first_payload session stop")
	said(t, s.only(t, record.ActionSession))
}

// A run without anything to see still says when it began and ended.
func TestNothingHappens(t *testing.T) {
	s := play(t, "")
	s.tells(t, "start stop")
	if c := s[1].Tracer.Counters; c != (record.Counters{Records: 2}) {
		t.Errorf("%+v", c)
	}
}

// An error of the source is the run's. What was seen before it is written, what waits too, and it is not
// called a whole run.
func TestSourceFails(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		stage.neverSure()
		stage.source.failure = errors.New("the ring is gone")
		if err := stage.run(oneMail); !errors.Is(err, stage.source.failure) {
			t.Errorf("error %v, want %v", err, stage.source.failure)
		}
		stage.told().tells(t, "start connect first_payload session")
		if n := stage.source.stops; n != 0 {
			t.Errorf("it was stopped %d times, and had ended by itself", n)
		}
	})
}

// A log that cannot be opened anew is warned of, and written on.
func TestReopen(t *testing.T) {
	stage := newStage(t)
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	stage.log = filepath.Join(dir, "log")
	stage.write(output.Options{})
	reopen, warned := make(chan os.Signal), make(chan error, 1)
	stage.options.Reopen = reopen
	stage.options.Warn = func(err error) { warned <- err }
	moved := filepath.Join(t.TempDir(), "log")
	stage.do["rotate to nowhere"] = func() {
		if err := errors.Join(os.Rename(stage.log, moved), os.Remove(dir)); err != nil {
			t.Error(err)
		}
		reopen <- os.Interrupt
		if err := <-warned; err == nil || !strings.Contains(err.Error(), stage.log) {
			t.Errorf("warning %v, want one that names %s", err, stage.log)
		}
	}
	if err := stage.run("do rotate to nowhere\n" + oneMail); err != nil {
		t.Fatal(err)
	}
	stage.log = moved
	stage.told().tells(t, "start connect first_payload session stop")
}

func TestRotate(t *testing.T) {
	stage := newStage(t)
	reopen := make(chan os.Signal)
	stage.options.Reopen = reopen
	moved := stage.log + ".1"
	stage.do["rotate"] = func() {
		if err := os.Rename(stage.log, moved); err != nil {
			t.Error(err)
		}
		// The second is taken when the first has been dealt with.
		reopen <- os.Interrupt
		reopen <- os.Interrupt
	}
	after := stage.play(oneMail + "do rotate\n" + other("b", oneMail))
	if len(after) == 0 || after[len(after)-1].Event.Action != record.ActionStop {
		t.Errorf("in the new file: %s, want stop at the end", after.actions())
	}
	stage.log = moved
	append(stage.told(), after...).tells(t, "start connect first_payload session connect first_payload session stop")
}

// other is a script of connection a with another name for it.
func other(name, text string) string { return strings.ReplaceAll(text, "\ta ", "\t"+name+" ") }
