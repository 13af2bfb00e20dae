package report

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

// A log is read in blocks of whole lines.
const (
	blockSize = 256 << 10
	maxLine   = 1 << 20 // a record with all its fields full has some 200 KB
)

// block is some lines, each with its line end; only that of a log's last line may be missing.
type block struct {
	data    []byte
	tooLong uint64 // lines in front of it that were passed over
	buf     []byte // to be used again
}

// blocks cuts what is read into blocks. buffer gives a buffer of blockSize bytes or more. The error
// is that of reading, nil at the end; what came before it is yielded.
func blocks(r io.Reader, buffer func() []byte) (seq iter.Seq[*block], failed func() error) {
	var err error
	return func(yield func(*block) bool) { err = cut(r, buffer, yield) }, func() error { return err }
}

func cut(r io.Reader, buffer func() []byte, yield func(*block) bool) error {
	b := &block{buf: buffer()}
	fill := 0
	skipping := false // within a line that is too long
	for {
		if fill == len(b.buf) {
			if fill >= maxLine {
				skipping, fill = true, 0
			} else {
				b.buf = append(b.buf, make([]byte, len(b.buf))...)
			}
		}
		n, err := r.Read(b.buf[fill:])
		if skipping {
			end := bytes.IndexByte(b.buf[:n], '\n')
			if end >= 0 || err != nil {
				skipping = false
				b.tooLong++
				n = copy(b.buf, b.buf[max(end+1, 0):n])
				if end < 0 {
					n = 0
				}
			} else {
				n = 0
			}
		}
		fill += n
		end := bytes.LastIndexByte(b.buf[:fill], '\n') + 1
		if err != nil {
			end = fill
		}
		if (end > 0 && fill >= len(b.buf)/2) || err != nil {
			next := &block{}
			if err == nil {
				next.buf = buffer()
				if rest := fill - end; rest > len(next.buf) {
					next.buf = append(next.buf, make([]byte, rest)...)
				}
				fill = copy(next.buf, b.buf[end:fill])
			}
			b.data = b.buf[:end]
			if !yield(b) || errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			b = next
		}
	}
}
