package output

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// lost is a record that is one short line in either format.
func lost(n uint64) *record.Record {
	return &record.Record{
		Time:   time.Date(2026, 11, 21, 14, 31, 7, 0, time.UTC),
		Event:  record.Event{Action: record.ActionLost},
		Tracer: record.Tracer{Lost: record.Losses{Payloads: n}},
	}
}

func line(r *record.Record) string { return string(record.NewEncoder().Encode(r)) }

func open(t *testing.T, target string, o Options) *Output {
	t.Helper()
	out, err := Open(target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return out
}

func write(t *testing.T, out *Output, records ...*record.Record) {
	t.Helper()
	for _, r := range records {
		if err := out.Write(r); err != nil {
			t.Fatal(err)
		}
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFormats(t *testing.T) {
	connect := func(reason record.Reason) *record.Record {
		return &record.Record{Time: lost(0).Time, Event: record.Event{
			Action: record.ActionConnect, Reason: reason, Outcome: reason.Outcome(),
		}}
	}
	all := []*record.Record{
		lost(2), {Event: record.Event{Action: record.ActionHeartbeat}},
		{Event: record.Event{Action: record.ActionFirstPayload}}, connect(record.Established), connect(record.Refused),
	}
	var lines strings.Builder
	for _, r := range all {
		lines.WriteString(line(r))
	}
	const text = "14:31:07 LOST 2: 2 stretches of dialogue\n" +
		"14:31:07 CONNECT refused  unknown program  → unknown address\n"
	const colored = "14:31:07 \x1b[1;31mLOST 2: 2 stretches of dialogue\x1b[0m\n" +
		"14:31:07 \x1b[33mCONNECT refused\x1b[0m  unknown program  → unknown address\n"
	for _, test := range []struct {
		options Options
		want    string
	}{
		{Options{}, lines.String()},
		{Options{Format: Auto, Color: true}, lines.String()},
		{Options{Format: JSON}, lines.String()},
		{Options{Format: Text}, text},
		{Options{Format: Text, Color: true}, colored},
	} {
		var got bytes.Buffer
		test.options.Stdout = &got
		out := open(t, Stdout, test.options)
		write(t, out, all...)
		if got.String() != test.want {
			t.Errorf("%+v: got\n%s\nwant\n%s", test.options, got.String(), test.want)
		}
		if out.Text() != (test.options.Format == Text) {
			t.Errorf("%+v: Text() is %v", test.options, out.Text())
		}
	}
}

// On a terminal a person reads, by whatever name it is opened.
func TestTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	defer terminal.Close()
	for _, test := range []struct {
		target string
		format Format
		want   bool
	}{
		{Stdout, Auto, true}, {Stdout, "", true}, {"/dev/stdout", Auto, true}, {Stdout, JSON, false},
		{"/dev/ptmx", Auto, true}, {"/dev/ptmx", JSON, false}, {"/dev/null", Auto, false},
	} {
		if got := open(t, test.target, Options{Format: test.format, Stdout: terminal}).Text(); got != test.want {
			t.Errorf("%s as %q: text is %v", test.target, test.format, got)
		}
	}
}

// writes counts the writes that it takes.
type writes [][]byte

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, bytes.Clone(b))
	return len(b), nil
}

func TestEachRecordIsOneWrite(t *testing.T) {
	var got writes
	write(t, open(t, Stdout, Options{Stdout: &got}), lost(1), lost(2))
	if len(got) != 2 || string(got[0]) != line(lost(1)) || string(got[1]) != line(lost(2)) {
		t.Errorf("got %q", got)
	}
}

func TestClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	out := open(t, Stdout, Options{Stdout: w})
	write(t, out, lost(1))
	r.Close()
	for range 2 {
		if err := out.Write(lost(2)); !errors.Is(err, ErrClosedPipe) {
			t.Errorf("got %v, want ErrClosedPipe", err)
		}
	}
}

// The descriptor 1 of a process with a broken pipe there: the runtime must not kill it.
func TestClosedPipeOnDescriptor1(t *testing.T) {
	saved, err := syscall.Dup(1)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := syscall.Dup3(int(w.Fd()), 1, 0); err != nil {
		t.Fatal(err)
	}
	out, err := Open(Stdout, Options{Format: JSON})
	if err == nil {
		err = out.Write(lost(1))
	}
	if err := syscall.Dup3(saved, 1, 0); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if !errors.Is(err, ErrClosedPipe) {
		t.Errorf("got %v, want ErrClosedPipe", err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stdout.Write(nil); err != nil {
		t.Errorf("standard output was closed: %v", err)
	}
}

func TestFirstErrorIsFinal(t *testing.T) {
	disk, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for _, test := range []struct {
		target string
		want   string
	}{
		{"/dev/full", "write records to /dev/full: no space left on device: free some space there, or write elsewhere with -o"},
		{Stdout, "write records to standard output: no space left on device: free some space there, or write elsewhere with -o"},
	} {
		for _, format := range []Format{JSON, Text} {
			out := open(t, test.target, Options{Format: format, Stdout: disk, MaxBytes: 1})
			first := out.Write(lost(1))
			if first == nil || first.Error() != test.want || !errors.Is(first, syscall.ENOSPC) {
				t.Errorf("got  %v\nwant %s", first, test.want)
			}
			if again := out.Write(lost(2)); again != first {
				t.Errorf("then %v", again)
			}
		}
	}
}

func TestNothingIsWrittenAfterAnError(t *testing.T) {
	w := &failing{}
	out := open(t, Stdout, Options{Stdout: w})
	for range 3 {
		out.Write(lost(1))
	}
	if w.calls != 1 {
		t.Errorf("%d writes, want 1", w.calls)
	}
}

type failing struct{ calls int }

func (f *failing) Write([]byte) (int, error) {
	f.calls++
	return 0, syscall.EIO
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ target, want string }{
		{link, "open " + link + ": too many levels of symbolic links:" +
			" it is a symbolic link, which is not followed: name the file that it points to"},
		{dir, "open " + dir + ": is a directory: name a file in it"},
		{dir + "/no/such", "open " + dir + "/no/such: no such file or directory: create its directory first"},
		{"/dev/null/x", "open /dev/null/x: not a directory: write elsewhere with -o"},
	} {
		if _, err := Open(test.target, Options{}); err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
	if closed, err := os.Open("/dev/null"); err != nil {
		t.Fatal(err)
	} else {
		closed.Close()
		const want = "open standard output: bad file descriptor: write elsewhere with -o"
		if _, err := Open(Stdout, Options{Stdout: closed}); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	out, err := Open(filepath.Join(b.TempDir(), "log"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	r := lost(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := out.Write(r); err != nil {
			b.Fatal(err)
		}
	}
}
