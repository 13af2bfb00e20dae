package output

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// stream is standard output.
type stream struct {
	w    io.Writer
	file *os.File // our own descriptor of it; nil if it is no file
}

// openStream duplicates the descriptor of a file. The runtime kills a program that writes to a broken pipe
// on descriptor 1; on any other the write returns EPIPE.
func openStream(w io.Writer) (dest, error) {
	if w == nil {
		w = os.Stdout
	}
	f, ok := w.(*os.File)
	if !ok {
		return &stream{w: w}, nil
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fail("open", "standard output", err)
	}
	own := os.NewFile(uintptr(fd), "standard output")
	return &stream{w: own, file: own}, nil
}

func (s *stream) terminal() bool { return s.file != nil && isTerminal(s.file) }

func (s *stream) write(line []byte) error {
	_, err := s.w.Write(line)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPIPE):
		return ErrClosedPipe
	}
	return fail("write records to", "standard output", err)
}

func (s *stream) reopen() error { return nil }

func (s *stream) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
