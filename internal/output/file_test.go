package output

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFileIsAppendedTo(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "log")
	out := open(t, path, Options{})
	write(t, out, lost(1))
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, open(t, path, Options{}), lost(2))
	if got, want := content(t, path), line(lost(1))+line(lost(2)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// A crash leaves half a line: it stays alone on its line, whenever the file is opened.
func TestTornLastLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	const torn = `{"@timestamp":"2026-1`
	tear := func() {
		t.Helper()
		if err := os.WriteFile(path, []byte(torn), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	tear()
	out := open(t, path, Options{})
	if got := content(t, path); got != torn {
		t.Errorf("opened: got %q", got)
	}
	write(t, out, lost(1), lost(2))
	if got, want := content(t, path), torn+"\n"+line(lost(1))+line(lost(2)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	tear()
	if err := out.Reopen(); err != nil {
		t.Fatal(err)
	}
	write(t, out, lost(3))
	if got, want := content(t, path), torn+"\n"+line(lost(3)); got != want {
		t.Errorf("reopened: got %q, want %q", got, want)
	}
}

func TestReopenAfterRename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out := open(t, path, Options{})
	write(t, out, lost(1))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, out, lost(2)) // goes where the file went
	if err := out.Reopen(); err != nil {
		t.Fatal(err)
	}
	write(t, out, lost(3))
	if got, want := content(t, path+".1"), line(lost(1))+line(lost(2)); got != want {
		t.Errorf("old: got %q, want %q", got, want)
	}
	if got, want := content(t, path), line(lost(3)); got != want {
		t.Errorf("new: got %q, want %q", got, want)
	}
}

func TestReopenThatFailsKeepsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out := open(t, path, Options{})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o750); err != nil {
		t.Fatal(err)
	}
	if err, want := out.Reopen(), "open "+path+": is a directory: name a file in it"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	write(t, out, lost(1))
	if got, want := content(t, path+".1"), line(lost(1)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReopenLeaksNoDescriptor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out := open(t, path, Options{})
	count := func() int {
		t.Helper()
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := count()
	for range 20 {
		if err := out.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func TestReopenOfStandardOutput(t *testing.T) {
	var got strings.Builder
	out := open(t, Stdout, Options{Stdout: &got})
	if err := out.Reopen(); err != nil {
		t.Error(err)
	}
	write(t, out, lost(1))
	if got.String() != line(lost(1)) {
		t.Errorf("got %q", got.String())
	}
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	size := int64(len(line(lost(1))))
	out := open(t, path, Options{MaxBytes: 2*size + 1, Keep: 2})
	for i := range uint64(9) {
		write(t, out, lost(i+1))
	}
	for i, want := range []string{
		line(lost(9)), line(lost(7)) + line(lost(8)), line(lost(5)) + line(lost(6)),
	} {
		name := path
		if i > 0 {
			name = fmt.Sprintf("%s.%d", path, i)
		}
		if got := content(t, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 3 {
		t.Errorf("%d files, %v", len(list), err)
	}
}

// The size counts what was there, a line larger than the limit has a file of its own, and half a line goes
// with the file that it was in.
func TestRotationAtTheEdges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("torn"), 0o640); err != nil {
		t.Fatal(err)
	}
	write(t, open(t, path, Options{MaxBytes: 1}), lost(1), lost(2))
	if got, want := content(t, path), line(lost(2)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := content(t, path+".1"), line(lost(1)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := os.Stat(path + ".2"); err == nil {
		t.Error("more than one is kept")
	}
}

func TestRotationThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out := open(t, path, Options{MaxBytes: 1})
	if err := os.MkdirAll(path+".1/in the way", 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, out, lost(1))
	want := "rotate " + path + ": file exists: write elsewhere with -o"
	err := out.Write(lost(2))
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if got := content(t, path); got != line(lost(1)) {
		t.Errorf("got %q", got)
	}
}
