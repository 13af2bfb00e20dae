package report

import "cmp"

// seen remembers which records were counted, so that logs that overlap are not counted twice. It
// keeps 8 bytes for each, and of very many the last 2 to 4 million.
type seen struct {
	most        int // of now; 0: maxSeen
	now, before hashes
	forgot      bool // some were: what comes again so late is counted again
}

const maxSeen = 1 << 21

// add says whether h is new.
func (s *seen) add(h uint64) bool {
	if s.has(h) {
		return false
	}
	if s.now.n >= cmp.Or(s.most, maxSeen) {
		s.forgot = s.forgot || s.before.n > 0
		s.before, s.now = s.now, hashes{}
	}
	s.now.add(h)
	return true
}

func (s *seen) has(h uint64) bool { return s.now.has(h) || s.before.has(h) }

// hashes is a set of numbers that are spread evenly: a table with open addressing. 0 means free,
// and is taken for 1.
type hashes struct {
	table []uint64
	n     int
}

func (t *hashes) has(h uint64) bool {
	return len(t.table) > 0 && t.table[t.slot(max(h, 1))] != 0
}

func (t *hashes) add(h uint64) {
	h = max(h, 1)
	if t.n*4 >= len(t.table)*3 {
		old := t.table
		t.table = make([]uint64, max(1024, 2*len(old)))
		for _, o := range old {
			if o != 0 {
				t.table[t.slot(o)] = o
			}
		}
	}
	if at := t.slot(h); t.table[at] == 0 {
		t.table[at] = h
		t.n++
	}
}

// slot is where h is, or would be.
func (t *hashes) slot(h uint64) uint64 {
	mask := uint64(len(t.table) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		if t.table[at] == 0 || t.table[at] == h {
			return at
		}
	}
}
