package proc

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Nothing in a root leads out of it, and nothing but a regular file is opened.
func TestHostileRoot(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := files(t, map[string]string{
		"plain": "plain", "to-plain": "->/plain", "absolute": "->" + outside, "dots": "->../../../../../../../.." + outside,
		"magic": "->/proc/self/root" + outside, "loop": "->loop", "dir/file": "x", "dir/up": "->../plain",
	})
	// A /proc of its own inside the root, as a container has.
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := openTestRoot(t, dir)
	for path, want := range map[string]string{
		"plain": "plain", "/plain": "plain", "to-plain": "plain", "dir/up": "plain", "dir/../../../plain": "plain",
		"absolute": "", "dots": "", "magic": "", "loop": "", "link": "", "fifo": "", "dir": "", "": "", "nothing": "",
	} {
		f, _, err := root.open(path, inRoot)
		if err != nil {
			if want != "" {
				t.Errorf("%q: %v", path, err)
			}
			continue
		}
		b, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(b) != want {
			t.Errorf("%q reads %q, %v, want %q", path, b, err, want)
		}
	}
	if _, _, err := root.open("fifo", inRoot); !errors.Is(err, errNotRegular) {
		t.Errorf("a FIFO gives %v", err)
	}
	if _, _, err := root.open("to-plain", noSymlinks); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link where none may be gives %v", err)
	}
}

// Real magic links: /proc of a live process in the root must not lead out of it.
func TestMagicLinks(t *testing.T) {
	root := openTestRoot(t, "/")
	for _, path := range []string{"proc/self/exe", "proc/self/root/etc/passwd", "proc/self/fd/0"} {
		if f, _, err := root.open(path, inRoot); err == nil {
			f.Close()
			t.Errorf("%s could be opened", path)
		}
	}
}

func TestDevice(t *testing.T) {
	root := openTestRoot(t, "/dev")
	if _, _, err := root.open("zero", inRoot); !errors.Is(err, errNotRegular) {
		t.Errorf("a device gives %v", err)
	}
}

// A file that says it is small, and one that has a line without end, cost no more than that.
func TestEachLine(t *testing.T) {
	dir := files(t, map[string]string{"lines": "a\nb\n\nc"})
	big, err := os.Create(filepath.Join(dir, "endless"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if err := big.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	root := openTestRoot(t, dir)
	var got []string
	if err := root.eachLine("lines", 100, func(line string) error { got = append(got, line); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0] != "a" || got[3] != "c" {
		t.Errorf("lines are %q", got)
	}
	if err := root.eachLine("endless", 1<<41, func(string) error { return nil }); err == nil {
		t.Error("a line of a terabyte was read")
	}
}
