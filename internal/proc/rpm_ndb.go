package proc

import (
	"encoding/binary"
	"errors"
	"io"
)

// rpmNdb reads rpm's own database format (rpm's lib/backend/ndb/rpmpkg.c), as SUSE uses it: pages of
// slots, each of which points to a package's header.
type rpmNdb struct {
	db    io.ReaderAt
	slots int64 // bytes
}

var errNdb = errors.New("malformed ndb database")

const (
	ndbMagic     = "RpmP"
	ndbSlotMagic = "Slot"
	ndbBlobMagic = "BlbS"
	ndbPage      = 4096
	ndbSlot      = 16 // bytes; also of a block, and of the head of a blob
	ndbMaxPages  = 2048
)

func openRpmNdb(db, _ io.ReaderAt, _, _ int64) (rpmStore, error) {
	head := make([]byte, 2*ndbSlot)
	if _, err := db.ReadAt(head, 0); err != nil || string(head[:4]) != ndbMagic || binary.LittleEndian.Uint32(head[4:]) != 0 {
		return nil, errNdb
	}
	pages := binary.LittleEndian.Uint32(head[12:])
	if pages == 0 || pages > ndbMaxPages {
		return nil, errNdb
	}
	return &rpmNdb{db, int64(pages) * ndbPage}, nil
}

func (n *rpmNdb) list(visit func(rpmRef) error) error {
	slot := make([]byte, ndbSlot)
	for at := int64(2 * ndbSlot); at < n.slots; at += ndbSlot {
		if _, err := n.db.ReadAt(slot, at); err != nil || string(slot[:4]) != ndbSlotMagic {
			return errNdb
		}
		pkg, block := binary.LittleEndian.Uint32(slot[4:]), binary.LittleEndian.Uint32(slot[8:])
		if pkg == 0 {
			continue
		}
		blob := make([]byte, ndbSlot)
		where := int64(block) * ndbSlot
		if _, err := n.db.ReadAt(blob, where); err != nil || string(blob[:4]) != ndbBlobMagic ||
			binary.LittleEndian.Uint32(blob[4:]) != pkg {
			return errNdb
		}
		size := binary.LittleEndian.Uint32(blob[12:])
		if size > rpmMaxHeader {
			return errNdb
		}
		if err := visit(rpmRef{at: uint64(where + ndbSlot), size: size}); err != nil {
			return err
		}
	}
	return nil
}

func (n *rpmNdb) load(ref rpmRef, buf []byte) ([]byte, error) { return readAt(n.db, ref, buf) }

// readAt reads a header that stands in one piece.
func readAt(db io.ReaderAt, ref rpmRef, buf []byte) ([]byte, error) {
	if cap(buf) < int(ref.size) {
		buf = make([]byte, ref.size)
	}
	buf = buf[:ref.size]
	_, err := db.ReadAt(buf, int64(ref.at))
	return buf, err
}
