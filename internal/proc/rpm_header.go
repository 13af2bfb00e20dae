package proc

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// rpmHeader is one package's header as a database holds it: the count of entries and the length of
// the store, 16 bytes for each entry, the store (rpm's docs/manual/format_header.md).
type rpmHeader struct {
	entries []byte
	store   []byte
}

// Tags (rpm's include/rpm/rpmtag.h) and types of entries.
const (
	rpmName          = 1000
	rpmVersion       = 1001
	rpmRelease       = 1002
	rpmEpoch         = 1003
	rpmFileStates    = 1029
	rpmFileDigests   = 1035
	rpmDirIndexes    = 1116
	rpmBaseNames     = 1117
	rpmDirNames      = 1118
	rpmDigestAlgo    = 5011
	rpmTypeChar      = 1
	rpmTypeInt32     = 4
	rpmTypeString    = 6
	rpmTypeStrings   = 8
	rpmEntrySize     = 16
	rpmMaxEntries    = 1 << 16
	rpmMaxHeader     = 32 << 20 // bytes; the header of a package of 100,000 files takes about 10 MiB
	rpmAlgoMD5       = 1
	rpmAlgoSHA256    = 8
	rpmFileInstalled = 0
)

var errRpmHeader = errors.New("malformed package header")

func parseRpmHeader(b []byte) (rpmHeader, error) {
	if len(b) < 8 {
		return rpmHeader{}, errRpmHeader
	}
	n, size := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	b = b[8:]
	if n > rpmMaxEntries || uint64(len(b)) < uint64(n)*rpmEntrySize+uint64(size) {
		return rpmHeader{}, errRpmHeader
	}
	entries := b[:n*rpmEntrySize]
	return rpmHeader{entries, b[len(entries):][:size]}, nil
}

// entry finds a tag: its bytes through the end of the store, and how many values it has.
func (h rpmHeader) entry(tag, kind uint32) (data []byte, count int) {
	for e := h.entries; len(e) > 0; e = e[rpmEntrySize:] {
		if binary.BigEndian.Uint32(e) != tag {
			continue
		}
		offset, n := binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])
		if binary.BigEndian.Uint32(e[4:]) != kind || uint64(offset) > uint64(len(h.store)) {
			return nil, 0
		}
		return h.store[offset:], int(min(n, uint32(len(h.store))))
	}
	return nil, 0
}

func (h rpmHeader) text(tag uint32) string {
	data, n := h.entry(tag, rpmTypeString)
	if n == 0 {
		return ""
	}
	s, _, _ := bytes.Cut(data, []byte{0})
	return string(s[:min(len(s), maxName)])
}

func (h rpmHeader) ints(tag uint32) []byte {
	data, n := h.entry(tag, rpmTypeInt32)
	return data[:min(len(data), 4*n)&^3]
}

// evr is the version as rpm prints it.
func (h rpmHeader) evr() string {
	v := h.text(rpmVersion) + "-" + h.text(rpmRelease)
	if epoch := h.ints(rpmEpoch); len(epoch) == 4 {
		v = itoa(binary.BigEndian.Uint32(epoch)) + ":" + v
	}
	return v
}

// strings cuts an array of strings; the parts are of the header's own memory.
func (h rpmHeader) strings(tag uint32) [][]byte {
	data, n := h.entry(tag, rpmTypeStrings)
	list := make([][]byte, 0, min(n, len(data)))
	for range n {
		s, rest, ok := bytes.Cut(data, []byte{0})
		if !ok {
			return nil
		}
		list = append(list, s)
		data = rest
	}
	return list
}

// files calls visit with the directory and name of each file that is on disk, until it says stop.
func (h rpmHeader) files(visit func(i int, dir, base []byte) (stop bool)) error {
	dirs, bases, indexes := h.strings(rpmDirNames), h.strings(rpmBaseNames), h.ints(rpmDirIndexes)
	states, n := h.entry(rpmFileStates, rpmTypeChar)
	states = states[:min(n, len(states))]
	if len(indexes) != 4*len(bases) {
		return errRpmHeader
	}
	for i, base := range bases {
		dir := binary.BigEndian.Uint32(indexes[4*i:])
		if uint64(dir) >= uint64(len(dirs)) {
			return errRpmHeader
		}
		if i < len(states) && states[i] != rpmFileInstalled {
			continue
		}
		if visit(i, dirs[dir], base) {
			return nil
		}
	}
	return nil
}

// digest gives the recorded digest of a file if it is of a kind that is computed here.
func (h rpmHeader) digest(i int) string {
	algo := uint32(rpmAlgoMD5)
	if a := h.ints(rpmDigestAlgo); len(a) == 4 {
		algo = binary.BigEndian.Uint32(a)
	}
	digests := h.strings(rpmFileDigests)
	if i >= len(digests) || algo != rpmAlgoMD5 && algo != rpmAlgoSHA256 {
		return ""
	}
	return string(digests[i])
}
