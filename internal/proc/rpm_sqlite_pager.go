package proc

import (
	"encoding/binary"
	"io"
)

// sqlitePager reads pages: the latest in the write-ahead log if there is one, else of the database.
type sqlitePager struct {
	db, wal io.ReaderAt
	size    int   // of a page
	bytes   int64 // of the database
	frames  map[uint32]int64
	cached  uint32
	buf     []byte
}

const maxWal = 256 << 20

func openSqlitePager(db, wal io.ReaderAt, bytes, walBytes int64) (p *sqlitePager, reserved int, err error) {
	head := make([]byte, sqliteHeader)
	if _, err := db.ReadAt(head, 0); err != nil || string(head[:16]) != "SQLite format 3\x00" {
		return nil, 0, errSqlite
	}
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 65536
	}
	reserved = int(head[20])
	if size < 512 || size&(size-1) != 0 || size-reserved < 480 {
		return nil, 0, errSqlite
	}
	p = &sqlitePager{db: db, wal: wal, size: size, bytes: bytes, frames: map[uint32]int64{}, buf: make([]byte, size)}
	if walBytes > maxWal {
		return nil, 0, errSqlite
	}
	if walBytes > 0 {
		p.readWal(walBytes)
	}
	return p, reserved, nil
}

func (p *sqlitePager) pages() int { return int(p.bytes/int64(p.size)) + len(p.frames) }

// page gives a page, until the next call.
func (p *sqlitePager) page(n uint32) ([]byte, error) {
	if n == 0 {
		return nil, errSqlite
	}
	if p.cached == n {
		return p.buf, nil
	}
	p.cached = 0
	from, at := p.db, int64(n-1)*int64(p.size)
	if frame, ok := p.frames[n]; ok {
		from, at = p.wal, frame
	}
	if _, err := from.ReadAt(p.buf, at); err != nil {
		return nil, errSqlite
	}
	p.cached = n
	return p.buf, nil
}

// readWal finds the pages of the log that were committed (section 4 of the format): frames up to the
// last commit whose salts and running checksums hold.
func (p *sqlitePager) readWal(bytes int64) {
	const headSize, frameHead = 32, 24
	head := make([]byte, headSize)
	if _, err := p.wal.ReadAt(head, 0); err != nil {
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(head) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return
	}
	sum := walSum{order: order}
	sum.add(head[:24])
	if int(binary.BigEndian.Uint32(head[8:])) != p.size || !sum.is(head[24:]) {
		return
	}
	frame := make([]byte, frameHead+p.size)
	pending := map[uint32]int64{}
	for at := int64(headSize); at+int64(len(frame)) <= bytes; at += int64(len(frame)) {
		if _, err := p.wal.ReadAt(frame, at); err != nil || string(frame[8:16]) != string(head[16:24]) {
			return
		}
		sum.add(frame[:8])
		sum.add(frame[frameHead:])
		if !sum.is(frame[16:]) {
			return
		}
		pending[binary.BigEndian.Uint32(frame)] = at + frameHead
		if binary.BigEndian.Uint32(frame[4:]) > 0 {
			for page, where := range pending {
				p.frames[page] = where
			}
			clear(pending)
		}
	}
}

// walSum is the checksum of the log (section 4.2).
type walSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (w *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		w.s0 += w.order.Uint32(b) + w.s1
		w.s1 += w.order.Uint32(b[4:]) + w.s0
	}
}

func (w *walSum) is(b []byte) bool {
	return w.s0 == binary.BigEndian.Uint32(b) && w.s1 == binary.BigEndian.Uint32(b[4:])
}
