package proc

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// rpmSqlite reads the table of headers of an rpmdb.sqlite (https://www.sqlite.org/fileformat2.html):
// a table whose rows are a number, and the header as a blob.
type rpmSqlite struct {
	pager  *sqlitePager
	usable int // bytes of a page, without what is reserved at its end
	root   uint32
}

var errSqlite = errors.New("malformed sqlite database")

const (
	sqliteInterior = 5
	sqliteLeaf     = 13
	sqliteHeader   = 100
	sqliteDepth    = 20
)

func openRpmSqlite(db, wal io.ReaderAt, size, walSize int64) (rpmStore, error) {
	pager, reserved, err := openSqlitePager(db, wal, size, walSize)
	if err != nil {
		return nil, err
	}
	s := &rpmSqlite{pager: pager, usable: pager.size - reserved}
	err = s.walk(1, func(ref rpmRef) error {
		if ref.size > 1<<20 { // a table's definition; rpm's are short
			return errSqlite
		}
		payload, err := s.payload(ref, nil)
		if err != nil {
			return err
		}
		kinds, values := sqliteRecord(payload)
		if len(values) >= 4 && string(values[0]) == "table" && string(values[1]) == "Packages" && kinds[3] <= 6 {
			for _, b := range values[3] {
				s.root = s.root<<8 | uint32(b)
			}
		}
		return nil
	})
	if err == nil && s.root == 0 {
		err = errSqlite
	}
	return s, err
}

func (s *rpmSqlite) list(visit func(rpmRef) error) error { return s.walk(s.root, visit) }

// load gives the blob of a row.
func (s *rpmSqlite) load(ref rpmRef, buf []byte) ([]byte, error) {
	payload, err := s.payload(ref, buf)
	if err != nil {
		return nil, err
	}
	_, values := sqliteRecord(payload)
	if len(values) < 2 {
		return nil, errSqlite
	}
	// The row keeps its memory from the start, so that it can be used again.
	return payload[:copy(payload, values[1])], nil
}

// walk visits the rows of a table's tree in order.
func (s *rpmSqlite) walk(root uint32, visit func(rpmRef) error) error {
	left := s.pager.pages() // each page is in the tree once, or it is no tree
	var down func(page uint32, depth int) error
	down = func(page uint32, depth int) error {
		if left--; left < 0 || depth > sqliteDepth {
			return errSqlite
		}
		b, err := s.pager.page(page)
		if err != nil {
			return err
		}
		b = slices.Clone(b) // what is called below reads other pages
		at := 0
		if page == 1 {
			at = sqliteHeader
		}
		kind, cells := b[at], int(binary.BigEndian.Uint16(b[at+3:]))
		head := 8
		if kind == sqliteInterior {
			head = 12
		} else if kind != sqliteLeaf {
			return errSqlite
		}
		if at+head+2*cells > s.usable {
			return errSqlite
		}
		for i := range cells {
			cell := int(binary.BigEndian.Uint16(b[at+head+2*i:]))
			if cell+4 > s.usable {
				return errSqlite
			}
			if kind == sqliteInterior {
				if err := down(binary.BigEndian.Uint32(b[cell:]), depth+1); err != nil {
					return err
				}
				continue
			}
			size, _ := sqliteVarint(b[cell:s.usable])
			if size > rpmMaxHeader {
				return errSqlite
			}
			if err := visit(rpmRef{uint64(page), uint32(cell), uint32(size)}); err != nil {
				return err
			}
		}
		if kind == sqliteInterior {
			return down(binary.BigEndian.Uint32(b[at+8:]), depth+1)
		}
		return nil
	}
	return down(root, 0)
}

// payload reads a row: the part in the leaf, and the chain of overflow pages.
func (s *rpmSqlite) payload(ref rpmRef, buf []byte) ([]byte, error) {
	b, err := s.pager.page(uint32(ref.at))
	if err != nil || int(ref.cell) >= s.usable {
		return nil, errSqlite
	}
	cell := b[ref.cell:s.usable]
	size, n := sqliteVarint(cell)
	_, m := sqliteVarint(cell[n:])
	cell = cell[n+m:]
	if size != uint64(ref.size) {
		return nil, errSqlite
	}
	local := int(size)
	if most := s.usable - 35; local > most {
		least := (s.usable-12)*32/255 - 23
		if local = least + (int(size)-least)%(s.usable-4); local > most {
			local = least
		}
	}
	next := uint32(0)
	if len(cell) < local || local < int(size) && len(cell) < local+4 {
		return nil, errSqlite
	}
	if local < int(size) {
		next = binary.BigEndian.Uint32(cell[local:])
	}
	buf = append(buf[:0], cell[:local]...)
	for len(buf) < int(size) {
		if b, err = s.pager.page(next); err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(b)
		buf = append(buf, b[4:min(s.usable, 4+int(size)-len(buf))]...)
	}
	return buf, nil
}

// sqliteRecord takes a row apart: the kind and the bytes of each column.
func sqliteRecord(b []byte) (kinds []uint64, values [][]byte) {
	head, n := sqliteVarint(b)
	if n == 0 || head > uint64(len(b)) || head < uint64(n) {
		return nil, nil
	}
	body := b[head:]
	for h := b[n:head]; len(h) > 0 && len(values) < 8; {
		kind, n := sqliteVarint(h)
		size := sqliteSize(kind)
		if n == 0 || size > uint64(len(body)) {
			return nil, nil
		}
		kinds, values = append(kinds, kind), append(values, body[:size])
		h, body = h[n:], body[size:]
	}
	return kinds, values
}

func sqliteSize(kind uint64) uint64 {
	switch {
	case kind >= 12:
		return (kind - 12) / 2
	case kind >= 8: // 8 and 9 stand for 0 and 1
		return 0
	}
	return [...]uint64{0, 1, 2, 3, 4, 6, 8, 8}[kind]
}

// sqliteVarint reads a number of up to 9 bytes; n is 0 if b is too short.
func sqliteVarint(b []byte) (v uint64, n int) {
	for i, c := range b {
		if i == 8 {
			return v<<8 | uint64(c), 9
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
