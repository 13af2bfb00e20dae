package live

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Root is a folder with a Linux system in it, whose programs run chrooted. In a VM it is "/".
type Root string

// MailRoot is a folder that scripts/mailroot makes: the one with Postfix or, by what is put behind its
// name, another one. SMTPTRACE_MAILROOT names the first.
func MailRoot(t testing.TB, behind ...string) Root {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: chroot, namespaces, cgroups and BPF programs")
	}
	dir := os.Getenv("SMTPTRACE_MAILROOT")
	if cache, err := os.UserCacheDir(); dir == "" && err == nil {
		dir = filepath.Join(cache, "smtptrace", "mailroot")
	}
	dir += strings.Join(behind, "")
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		_, err = os.Stat(filepath.Join(real, "etc/mailroot"))
	}
	switch {
	case err != nil && InVM() && len(behind) > 0:
		t.Skip("needs the further mail roots, which do not fit in a VM's memory")
	case err != nil:
		t.Skip("needs a mail root: make mailroot")
	}
	return Root(real)
}

// Path is a path in the folder as the machine sees it.
func (r Root) Path(name string) string { return filepath.Join(string(r), name) }

// Command is a program of the folder, by its path in there.
func (r Root) Command(name string, args ...string) *exec.Cmd {
	return &exec.Cmd{
		Path: name, Args: append([]string{name}, args...), Dir: "/",
		Env:         []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "PYTHONDONTWRITEBYTECODE=1"},
		SysProcAttr: &syscall.SysProcAttr{Chroot: string(r)},
	}
}

// Scratch makes a folder that every user in there may search, gives its path in there, and removes it
// with the test.
func (r Root) Scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(r.Path("/tmp"), "smtptrace-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join("/tmp", filepath.Base(dir))
}

// Write writes a file in there, and the folders above it.
func (r Root) Write(t testing.TB, name, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(r.Path(name)), 0o755)
	if err == nil {
		err = os.WriteFile(r.Path(name), []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// CopyFolders copies a folder in there with all folders below it, but no file, to a new place.
func (r Root) CopyFolders(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(r.Path(from), func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		at := r.Path(to + strings.TrimPrefix(p, r.Path(from)))
		return errors.Join(os.Mkdir(at, 0o700), os.Chown(at, int(st.Uid), int(st.Gid)), os.Chmod(at, info.Mode()))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Read reads a file in there.
func (r Root) Read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(r.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// SHA256 is the digest of a file in there, in hex.
func (r Root) SHA256(t testing.TB, name string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256([]byte(r.Read(t, name))))
}

// UID is the number of a user in there.
func (r Root) UID(t testing.TB, user string) string {
	t.Helper()
	for line := range strings.Lines(r.Read(t, "/etc/passwd")) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[0] == user {
			return fields[2]
		}
	}
	t.Fatalf("no user %s in %s", user, r)
	return ""
}

// Open lets every user in there write to a folder.
func (r Root) Open(t testing.TB, dir string) {
	t.Helper()
	if err := os.Chmod(r.Path(dir), 0o777); err != nil {
		t.Fatal(err)
	}
}
