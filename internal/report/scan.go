package report

import (
	"bytes"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// Damage counts what is in the logs and is no record that could be read.
type Damage struct {
	Torn    uint64 // lines that end too early
	Foreign uint64 // lines of something else
	Newer   uint64 // records of a newer smtptrace
	TooLong uint64 // lines longer than any record
	Asked   uint64 // of these, those that may be records of the window; a foreign line is none
}

func (d *Damage) add(more Damage) {
	d.Torn += more.Torn
	d.Foreign += more.Foreign
	d.Newer += more.Newer
	d.TooLong += more.TooLong
	d.Asked += more.Asked
}

// found is a record of a connection that is asked for, or may be.
type found struct {
	record record.Record
	judged judgement
	beside bool   // not asked for, but of the window and not expected by anybody
	line   []byte // of the block
	id     uint64 // of its event.id
	key    uint64 // of the record: the same in another log
}

// scanned is what a block holds of interest.
type scanned struct {
	found   []found
	ended   []uint64             // sessions that are not asked for, by their ids
	run     []record.Record      // start, stop, heartbeat, lost
	last    map[string]time.Time // of each run, its last record, by the run's id
	records uint64
	damage  Damage
}

func (out *scanned) reset() {
	clear(out.last)
	*out = scanned{found: out.found[:0], ended: out.ended[:0], run: out.run[:0], last: out.last}
}

// next is the place for one more record, which may hold another still.
func (out *scanned) next() *found {
	n := len(out.found)
	if n == cap(out.found) {
		out.found = slices.Grow(out.found, max(n, 64))
	}
	return &out.found[:n+1][n]
}

// scanner reads blocks. It is for one goroutine.
type scanner struct {
	query   *Query
	seed    maphash.Seed
	from    []byte // the ends of the window, as the time of a record begins: nil if open
	to      []byte
	decoder *record.Decoder
	results *sync.Pool // of *scanned, to be used again
}

// precision is how much of a time is compared in the text of a line: whole seconds.
const precision = len("2006-01-02T15:04:05")

func newScanner(q *Query, seed maphash.Seed, results *sync.Pool) *scanner {
	s := &scanner{query: q, seed: seed, decoder: record.NewDecoder(), results: results}
	if w := q.Window; !w.From.IsZero() {
		s.from = []byte(w.From.UTC().Format("2006-01-02T15:04:05"))
	}
	if w := q.Window; !w.To.IsZero() {
		s.to = []byte(w.To.UTC().Format("2006-01-02T15:04:05"))
	}
	return s
}

// scan reads a block.
func (s *scanner) scan(b *block) *scanned {
	out, ok := s.results.Get().(*scanned)
	if !ok {
		out = &scanned{last: map[string]time.Time{}}
	}
	out.reset()
	out.damage.TooLong, out.damage.Asked = b.tooLong, b.tooLong
	for data := b.data; len(data) > 0; {
		line := data
		if end := bytes.IndexByte(data, '\n'); end >= 0 {
			line, data = data[:end], data[end+1:]
		} else {
			data = nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			s.line(out, line)
		}
	}
	return out
}

func (s *scanner) line(out *scanned, line []byte) {
	if s.outside(line) {
		out.records++
		return
	}
	f := out.next()
	r := &f.record
	if err := s.decoder.Decode(line, r); err != nil {
		s.damaged(out, line, err)
		return
	}
	if r.Tracer.Schema == 0 { // something else that follows ECS, too
		out.damage.Foreign++
		return
	}
	out.records++
	if run := r.Agent.EphemeralID; out.last[run].Before(r.Time) {
		out.last[run] = r.Time
	}
	switch r.Event.Action {
	case record.ActionStart, record.ActionStop, record.ActionHeartbeat, record.ActionLost:
		out.run = append(out.run, *r)
		return
	case record.ActionConnect:
		if r.Event.Outcome == record.Success { // its session tells of it
			return
		}
	}
	id := maphash.String(s.seed, r.Event.ID)
	j := s.query.judge(r)
	if j == no {
		if r.Event.Action == record.ActionSession {
			out.ended = append(out.ended, id)
		}
		if f.beside = s.query.besides(r); !f.beside {
			return
		}
	}
	f.judged, f.line, f.id, f.key = j, line, id, s.key(r, line, id)
	out.found = out.found[:len(out.found)+1]
}

// damaged counts a line that could not be read. A tracer that died while it wrote may have the first line of
// the next one behind its own: that is read. It cannot be forged: in a text of a record a quote is escaped.
func (s *scanner) damaged(out *scanned, line []byte, err error) {
	next, ours := 0, bytes.HasPrefix(timeField, line)
	if bytes.HasPrefix(line, timeField) {
		next, ours = bytes.LastIndex(line, timeField), true
	}
	switch {
	case errors.Is(err, record.ErrNewer):
		out.damage.Newer++
		next = 0
	case errors.Is(err, record.ErrCut) && ours, next > 0:
		out.damage.Torn++
	default:
		out.damage.Foreign++
		return
	}
	if s.from == nil && s.to == nil || !s.elsewhere(line) {
		out.damage.Asked++
	}
	if next > 0 {
		s.line(out, line[next:])
	}
}

// key tells a record from all others. Those without an id are told apart by all that they say.
func (s *scanner) key(r *record.Record, line []byte, id uint64) uint64 {
	switch {
	case r.Event.ID == "":
		return maphash.Bytes(s.seed, line)
	case r.Event.Action == record.ActionSession && r.Event.Sequence == 0:
		return id
	}
	return maphash.Comparable(s.seed, [3]uint64{id, r.Event.Sequence, maphash.String(s.seed, string(r.Event.Action))})
}

var (
	timeField   = []byte(`{"@timestamp":"`)
	startField  = []byte(`"start":"`)
	sessionText = []byte(`"action":"session"`)
	connectText = []byte(`"action":"connect"`)
)

// outside says whether a line is, by a look at its text alone, a record of a connection outside the
// window. Times in a record are in UTC, so that their text has their order. What it is not sure of
// is decoded.
func (s *scanner) outside(line []byte) bool {
	return (s.from != nil || s.to != nil) && line[len(line)-1] == '}' && s.elsewhere(line)
}

// elsewhere is outside for a line that may be torn. There is a window.
func (s *scanner) elsewhere(line []byte) bool {
	if !bytes.HasPrefix(line, timeField) {
		return false
	}
	head := line[:min(len(line), 512)]
	if !bytes.Contains(head, sessionText) && !bytes.Contains(head, connectText) {
		return false
	}
	at := stamp(head, len(timeField))
	if at == nil {
		return false
	}
	if s.from != nil && bytes.Compare(at, s.from) < 0 { // a record is written when what it tells of is over
		return true
	}
	if s.to == nil || bytes.Compare(at, s.to) <= 0 {
		return false
	}
	// The first start in a line is that of the event or, without one, of the process, which is no
	// later.
	began := bytes.Index(head, startField)
	if began < 0 {
		return false
	}
	start := stamp(head, began+len(startField))
	return start != nil && bytes.Compare(start, s.to) > 0
}

// stamp is the time at a place of a line, to the second; nil if it is not one in UTC.
func stamp(line []byte, at int) []byte {
	rest := line[at:]
	end := bytes.IndexByte(rest, '"')
	if end < precision+1 || rest[end-1] != 'Z' || rest[4] != '-' {
		return nil
	}
	return rest[:precision]
}
