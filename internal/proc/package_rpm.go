package proc

import (
	"io"
	"os"
	"strconv"
)

// rpm reads an rpm database. It is written here because the libraries for it were found to load the
// whole database, to crash or to spin on a damaged one, and to write to the host's: a container's
// database is anybody's input, and a host's is not ours to touch.
type rpm struct {
	file string
	open rpmOpen
	refs []rpmRef
}

type rpmOpen func(db, wal io.ReaderAt, size, walSize int64) (rpmStore, error)

func rpmOf(open rpmOpen) func(string) database {
	return func(file string) database { return &rpm{file: file, open: open} }
}

// rpmStore is a database file of one format: it lists the headers, and loads one into buf.
type rpmStore interface {
	list(visit func(rpmRef) error) error
	load(ref rpmRef, buf []byte) ([]byte, error)
}

// rpmRef is where a header stands: a page or an offset, a position in it, and the length in bytes.
type rpmRef struct {
	at   uint64
	cell uint32
	size uint32
}

const maxRpm = 1 << 30 // bytes of a database; a large host has 200 MiB

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// with opens the database for one use.
func (r *rpm) with(root *rootDir, use func(store rpmStore, size int64) error) error {
	f, st, err := root.open(r.file, inRoot)
	if err != nil {
		return err
	}
	defer f.Close()
	var wal *os.File
	var walSize int64
	if w, wst, err := root.open(r.file+"-wal", inRoot); err == nil {
		defer w.Close()
		wal, walSize = w, wst.size
	}
	if st.size > maxRpm {
		return errTooMany
	}
	store, err := r.open(f, wal, st.size, walSize)
	if err != nil {
		return err
	}
	return use(store, st.size+walSize)
}

// eachRpm calls visit with each header of a database. Their lengths, of which none is small, sum up to
// less than the size of the files, or they do not all exist.
func eachRpm(store rpmStore, size int64, visit func(rpmRef, rpmHeader) error) error {
	var buf []byte
	return store.list(func(ref rpmRef) error {
		if size -= int64(max(ref.size, 512)); size < 0 {
			return errTooMany
		}
		var err error
		if buf, err = store.load(ref, buf); err != nil {
			return err
		}
		h, err := parseRpmHeader(buf)
		if err != nil {
			return err
		}
		return visit(ref, h)
	})
}

func (r *rpm) read(root *rootDir, add func(string, int) error) error {
	return r.with(root, func(store rpmStore, size int64) error {
		return eachRpm(store, size, func(ref rpmRef, h rpmHeader) error {
			pkg := len(r.refs)
			r.refs = append(r.refs, ref)
			var full error
			err := h.files(func(_ int, dir, base []byte) bool {
				if p := string(dir) + string(base); isProgramPath(p) {
					full = add(p, pkg)
				}
				return full != nil
			})
			if err == nil {
				err = full
			}
			return err
		})
	})
}

func (r *rpm) owner(root *rootDir, path string, pkg int) (owned, error) {
	if pkg >= len(r.refs) {
		return owned{}, errNoFile
	}
	var o owned
	err := r.with(root, func(store rpmStore, _ int64) error {
		buf, err := store.load(r.refs[pkg], nil)
		if err != nil {
			return err
		}
		h, err := parseRpmHeader(buf)
		if err != nil {
			return err
		}
		err = errNoFile
		failed := h.files(func(i int, dir, base []byte) bool {
			if string(dir)+string(base) != path {
				return false
			}
			o = owned{Package: Package{Name: h.text(rpmName), Version: h.evr()}, digest: h.digest(i)}
			err = nil
			return true
		})
		if failed != nil {
			return failed
		}
		return err
	})
	return o, err
}
