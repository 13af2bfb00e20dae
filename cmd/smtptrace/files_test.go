package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/record"
)

// fileOf is what stat(2) says of a file, in a record's words.
func fileOf(t *testing.T, path string) record.File {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return record.File{
		Inode: number(int(st.Ino)), Device: number(int(unix.Major(st.Dev))) + ":" + number(int(unix.Minor(st.Dev))),
		CTime: time.Unix(st.Ctim.Unix()).UTC(), Mode: fmt.Sprintf("%04o", st.Mode&0o7777),
		Size: uint64(st.Size), Links: uint32(st.Nlink),
	}
}

func ownNamespaces(t *testing.T) (n record.Namespaces) {
	t.Helper()
	for name, inode := range map[string]*uint32{"mnt": &n.Mount, "pid": &n.PID} {
		var st unix.Stat_t
		if err := unix.Stat("/proc/self/ns/"+name, &st); err != nil {
			t.Fatal(err)
		}
		*inode = uint32(st.Ino)
	}
	return n
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pour writes the test's own binary.
func pour(t *testing.T, w io.Writer) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		_, err = io.Copy(w, bytes.NewReader(b))
	}
	if err != nil {
		t.Fatal(err)
	}
}
