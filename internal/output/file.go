package output

import (
	"os"

	"golang.org/x/sys/unix"
)

// file is a file that records are appended to.
type file struct {
	path     string
	f        *os.File
	regular  bool // not a device or pipe: it has a size, and can be rotated
	size     int64
	torn     bool // the last line has no end: a run before this one was cut off in it
	maxBytes int64
	keep     int
}

func openFile(path string, maxBytes int64, keep int) (dest, error) {
	f := &file{path: path, maxBytes: maxBytes, keep: max(keep, 1)}
	if err := f.reopen(); err != nil {
		return nil, err
	}
	return f, nil
}

// reopen opens the file and takes it in place of the one that is open.
func (f *file) reopen() error {
	fd, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NOCTTY, 0o640)
	if err != nil {
		return fail("open", f.path, err)
	}
	next := file{path: f.path, f: fd, maxBytes: f.maxBytes, keep: f.keep}
	if err := next.findEnd(); err != nil {
		fd.Close()
		return fail("read the end of", f.path, err)
	}
	old := f.f
	*f = next
	if old != nil {
		if err := old.Close(); err != nil {
			return fail("close the file that was", f.path, err)
		}
	}
	return nil
}

// findEnd finds the size of a regular file, and whether its last line has an end.
func (f *file) findEnd() error {
	info, err := f.f.Stat()
	if err != nil {
		return err
	}
	f.regular, f.size = info.Mode().IsRegular(), info.Size()
	if !f.regular || f.size == 0 {
		return nil
	}
	r, err := os.OpenFile(f.path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	var last [1]byte
	if _, err := r.ReadAt(last[:], f.size-1); err != nil {
		return err
	}
	f.torn = last[0] != '\n'
	return nil
}

func (f *file) terminal() bool { return isTerminal(f.f) }

// write appends one line by one write(2).
func (f *file) write(line []byte) error {
	if f.regular && f.maxBytes > 0 && f.size > 0 && f.size+int64(len(line)) > f.maxBytes {
		if err := f.rotate(); err != nil {
			return err
		}
	}
	if f.torn {
		line = append([]byte("\n"), line...)
		f.torn = false
	}
	n, err := f.f.Write(line)
	f.size += int64(n)
	if err != nil {
		return fail("write records to", f.path, err)
	}
	return nil
}

func (f *file) close() error {
	if err := f.f.Close(); err != nil {
		return fail("close", f.path, err)
	}
	return nil
}
