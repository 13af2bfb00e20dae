package proc

import (
	"encoding/binary"
	"errors"
	"io"
)

// rpmBdb reads a Berkeley DB hash file (libdb's src/dbinc/db_page.h), as rpm had it until version
// 4.16: pages of keys and values, the values on chains of overflow pages.
type rpmBdb struct {
	db    io.ReaderAt
	order binary.ByteOrder
	page  int64
	last  uint32 // page
}

var errBdb = errors.New("malformed berkeley database")

const (
	bdbHashMagic    = 0x00061561
	bdbMetaType     = 8
	bdbHashUnsorted = 2
	bdbHash         = 13
	bdbOverflow     = 7
	bdbOffPage      = 3 // kind of a value: it is on overflow pages
	bdbPageHead     = 26
	bdbOffPageSize  = 12
)

func openRpmBdb(db, _ io.ReaderAt, size, _ int64) (rpmStore, error) {
	meta := make([]byte, 72)
	if _, err := db.ReadAt(meta, 0); err != nil {
		return nil, errBdb
	}
	b := &rpmBdb{db: db, order: binary.LittleEndian}
	if b.order.Uint32(meta[12:]) != bdbHashMagic {
		b.order = binary.BigEndian
	}
	b.page = int64(b.order.Uint32(meta[20:]))
	b.last = b.order.Uint32(meta[32:])
	encrypted, kind := meta[24] != 0, meta[25]
	if b.order.Uint32(meta[12:]) != bdbHashMagic || encrypted || kind != bdbMetaType ||
		b.page < 512 || b.page > 65536 || b.page&(b.page-1) != 0 || int64(b.last) > size/b.page {
		return nil, errBdb
	}
	return b, nil
}

func (b *rpmBdb) list(visit func(rpmRef) error) error {
	page := make([]byte, b.page)
	for n := uint32(1); n <= b.last; n++ {
		head := page[:bdbPageHead]
		if _, err := b.db.ReadAt(head, int64(n)*b.page); err != nil {
			return errBdb
		}
		if kind := head[25]; kind != bdbHash && kind != bdbHashUnsorted {
			continue
		}
		if _, err := b.db.ReadAt(page, int64(n)*b.page); err != nil {
			return errBdb
		}
		entries := int(b.order.Uint16(page[20:]))
		if bdbPageHead+2*entries > len(page) {
			return errBdb
		}
		for i := 1; i < entries; i += 2 { // keys and values take turns
			at := int(b.order.Uint16(page[bdbPageHead+2*i:]))
			if at >= len(page) || page[at] != bdbOffPage {
				continue
			}
			if at+bdbOffPageSize > len(page) {
				return errBdb
			}
			ref := rpmRef{at: uint64(b.order.Uint32(page[at+4:])), size: b.order.Uint32(page[at+8:])}
			if ref.size > rpmMaxHeader {
				return errBdb
			}
			if err := visit(ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// load follows a chain of overflow pages, which are full but for the last.
func (b *rpmBdb) load(ref rpmRef, buf []byte) ([]byte, error) {
	buf = buf[:0]
	page := make([]byte, b.page)
	for next := uint32(ref.at); len(buf) < int(ref.size); {
		if next == 0 || next > b.last {
			return nil, errBdb
		}
		if _, err := b.db.ReadAt(page, int64(next)*b.page); err != nil || page[25] != bdbOverflow {
			return nil, errBdb
		}
		n := int(b.order.Uint16(page[22:]))
		if bdbPageHead+n > len(page) || bdbPageHead+n < len(page) && len(buf)+n < int(ref.size) {
			return nil, errBdb
		}
		buf = append(buf, page[bdbPageHead:bdbPageHead+n]...)
		next = b.order.Uint32(page[16:])
	}
	return buf[:ref.size], nil
}
