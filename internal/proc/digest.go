package proc

import (
	"crypto/md5" // what dpkg records
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// digest is what one reading of a file gives.
type digest struct {
	sha256 [sha256.Size]byte
	md5    [md5.Size]byte
}

var (
	errChanged = errors.New("file changed while it was read")
	errClosed  = errors.New("resolver closed")
)

// digestFile reads a file to its end through buf. It fails if the file changed meanwhile. allow is
// asked before each stretch, and may wait; false ends the reading.
func digestFile(f *os.File, want fileID, buf []byte, allow func(n int) bool) (digest, error) {
	sha, md := sha256.New(), md5.New()
	var at int64
	for {
		if !allow(int(min(int64(len(buf)), max(want.size-at, 1)))) {
			return digest{}, errClosed
		}
		n, err := f.ReadAt(buf, at)
		sha.Write(buf[:n])
		md.Write(buf[:n])
		at += int64(n)
		if at > want.size {
			return digest{}, errChanged
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return digest{}, fmt.Errorf("hash a file at byte %d: %w", at, err)
		}
	}
	st, err := statFd(int(f.Fd()))
	if err != nil {
		return digest{}, err
	}
	if at != want.size || st.fileID != want {
		return digest{}, errChanged
	}
	var d digest
	sha.Sum(d.sha256[:0])
	md.Sum(d.md5[:0])
	return d, nil
}
