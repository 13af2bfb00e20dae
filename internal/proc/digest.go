package proc

import (
	"crypto/md5" // what dpkg records
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// digest names a content.
type digest struct {
	sha256 [sha256.Size]byte
	md5    [md5.Size]byte
}

// outcome is what one reading of a file gives.
type outcome struct {
	digest
	deleted bool // the file lost its name meanwhile
	err     error
}

func hexString(d digest) string { return hex.EncodeToString(d.sha256[:]) }

var (
	errChanged = errors.New("file changed while it was read")
	errClosed  = errors.New("resolver closed")
)

// digestFile reads a file to its end through buf. It fails if the file changed meanwhile. To lose its name is no
// change, but hides one: the mtime, by which they are told apart, can be set back. allow is asked before each
// stretch, and may wait; false ends the reading.
func digestFile(f *os.File, want stat, buf []byte, allow func(n int) bool) outcome {
	sha, md := sha256.New(), md5.New()
	var at int64
	for {
		if !allow(int(min(int64(len(buf)), max(want.size-at, 1)))) {
			return outcome{err: errClosed}
		}
		n, err := f.ReadAt(buf, at)
		sha.Write(buf[:n])
		md.Write(buf[:n])
		at += int64(n)
		// Hashing leaves a processor to others only when it is made to, after 10 ms: time enough for a process
		// that waits to be held to exit.
		runtime.Gosched()
		if at > want.size {
			return outcome{err: errChanged}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return outcome{err: fmt.Errorf("hash a file at byte %d: %w", at, err)}
		}
	}
	st, err := statFd(int(f.Fd()))
	if err != nil {
		return outcome{err: err}
	}
	deleted := st.nlink == 0 && want.nlink > 0 && st.mtimeNs == want.mtimeNs
	if at != want.size || st.size != want.size || st.ctimeNs != want.ctimeNs && !deleted {
		return outcome{err: errChanged}
	}
	o := outcome{deleted: deleted}
	sha.Sum(o.sha256[:0])
	md.Sum(o.md5[:0])
	return o
}
