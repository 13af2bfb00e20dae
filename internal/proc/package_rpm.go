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

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// with opens the database for one use.
func (r *rpm) with(root *rootDir, use func(rpmStore) error) error {
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
	store, err := r.open(f, wal, st.size, walSize)
	if err != nil {
		return err
	}
	return use(store)
}

func (r *rpm) read(root *rootDir, add func(string, int) error) error {
	return r.with(root, func(store rpmStore) error {
		var buf []byte
		return store.list(func(ref rpmRef) error {
			var err error
			if buf, err = store.load(ref, buf); err != nil {
				return err
			}
			h, err := parseRpmHeader(buf)
			if err != nil {
				return err
			}
			pkg := len(r.refs)
			r.refs = append(r.refs, ref)
			failed := h.files(func(_ int, dir, base []byte) bool {
				if p := string(dir) + string(base); isProgramPath(p) {
					err = add(p, pkg)
				}
				return err != nil
			})
			if err == nil {
				err = failed
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
	err := r.with(root, func(store rpmStore) error {
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
			o = owned{Package{Name: h.text(rpmName), Version: h.evr()}, h.digest(i)}
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
