package proc

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What happens to a file while it is read decides whether its digest is worth anything.
func TestDigestFile(t *testing.T) {
	content := string(make([]byte, 1000))
	for name, c := range map[string]struct {
		change func(path string) error
		err    error
	}{
		"nothing":   {func(string) error { return nil }, nil},
		"deleted":   {os.Remove, nil},
		"mode":      {func(path string) error { return os.Chmod(path, 0o600) }, errChanged},
		"renamed":   {func(path string) error { return os.Rename(path, path+"2") }, errChanged},
		"grown":     {func(path string) error { return os.Truncate(path, 2000) }, errChanged},
		"shrunk":    {func(path string) error { return os.Truncate(path, 10) }, errChanged},
		"rewritten": {func(path string) error { return os.WriteFile(path, []byte(content), 0o755) }, errChanged},
		"rewritten and deleted": {func(path string) error {
			if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
				return err
			}
			return os.Remove(path)
		}, errChanged},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
				t.Fatal(err)
			}
			settle(t, path)
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			st, err := statFd(int(f.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			stretches := 0
			o := digestFile(f, st, make([]byte, 300), func(int) bool {
				if stretches++; stretches == 2 {
					if err := c.change(path); err != nil {
						t.Fatal(err)
					}
				}
				return true
			})
			if !errors.Is(o.err, c.err) {
				t.Fatalf("error is %v, want %v", o.err, c.err)
			}
			if c.err == nil && (hexString(o.digest) != sha256Of(content) || o.deleted != (name == "deleted")) {
				t.Errorf("outcome is %+v", o)
			}
		})
	}
}

func TestDigestFileStops(t *testing.T) {
	f, err := os.Open(selfExe(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if o := digestFile(f, stat{}, make([]byte, 10), func(int) bool { return false }); !errors.Is(o.err, errClosed) {
		t.Errorf("error is %v", o.err)
	}
}

func TestPace(t *testing.T) {
	stop := make(chan struct{})
	p := newPace(1<<20, 1<<20, stop)
	if began := time.Now(); !p.take(1<<20) || time.Since(began) > time.Second/2 {
		t.Error("a burst had to wait")
	}
	began := time.Now()
	if !p.take(100 << 10) {
		t.Error("stopped early")
	}
	if waited := time.Since(began); waited < 50*time.Millisecond {
		t.Errorf("100 KiB at 1 MiB/s after a burst waited %v", waited)
	}
	close(stop)
	if p.take(1 << 30) {
		t.Error("goes on after the end")
	}
}

// A content is read once for all who ask, and again if it could have changed unnoticed.
func TestHasherShares(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	settle(t, path)
	h := newHasher(100, 10, make(chan struct{}))
	st, err := statAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	ask := func(st stat) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		h.hash(st, false, f, nil, func(o outcome) {
			if o.err != nil {
				got <- o.err.Error()
				return
			}
			got <- hexString(o.digest)
		})
	}
	for range 3 {
		ask(st)
	}
	if n := len(h.fast.jobs); n != 1 {
		t.Errorf("%d jobs for one content", n)
	}
	large := st
	large.size = 101
	ask(large)
	if s := <-got; s != errTooLarge.Error() {
		t.Errorf("a large file gives %s", s)
	}
	go h.fast.run()
	defer h.fast.close()
	for range 3 {
		if s := <-got; s != sha256Of("x") {
			t.Errorf("digest is %s", s)
		}
	}
	if _, ok := h.cached(st.fileID); !ok {
		t.Error("the digest is not kept")
	}
	fresh := st
	fresh.ctimeNs = time.Now().UnixNano()
	ask(fresh)
	if s := <-got; s != errChanged.Error() { // since the file's real ctime is another
		t.Errorf("a fresh file gives %s", s)
	}
	if _, ok := h.cached(fresh.fileID); ok {
		t.Error("a digest that may be outdated is kept")
	}
}
