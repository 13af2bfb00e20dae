package report

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// log is an open log, unpacked.
type log struct {
	io.Reader
	read  *counter // how far its file is read
	close func()
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// maxZstdWindow is what unpacking a .zst may take; zstd --long=27 makes files that need as much.
const maxZstdWindow = 128 << 20

// The first bytes of packed files: RFC 1952 section 2.3.1, RFC 8878 section 3.1.1.
var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// openLog opens a log. Whether it is packed is told by its first bytes, so that standard input may
// be, too.
func openLog(path string, stdin io.Reader) (*log, error) {
	l := &log{read: &counter{r: stdin}, close: func() {}}
	if path != Stdin {
		f, err := os.Open(path)
		if err != nil {
			return nil, err // it names the file
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			f.Close()
			return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
		}
		l.read.r, l.close = f, func() { f.Close() }
	} else if stdin == nil {
		return nil, errors.New("there is no standard input")
	}
	b := bufio.NewReaderSize(l.read, 128<<10)
	l.Reader = b
	magic, _ := b.Peek(4) // an error comes again when it is read
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		z, err := gzip.NewReader(b)
		if err != nil {
			l.Reader = failing{err}
			break
		}
		l.Reader = z
	case bytes.HasPrefix(magic, zstdMagic):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			l.Reader = failing{err}
			break
		}
		file := l.close
		l.Reader, l.close = z, func() { z.Close(); file() }
	}
	return l, nil
}

// failing is a log of which nothing can be unpacked.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
