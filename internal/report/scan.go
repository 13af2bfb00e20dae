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

// found is a record of a connection that is asked for, or may be, or that tells how such a one goes on.
type found struct {
	sign
	line []byte // of the block
	id   uint64 // of the connection
	run  runKey

	read   bool // the rest is there: else it is of before the window, and only its sign was read
	record record.Record
	judged judgement
	why    string // it is explained; "": by what it shows
	beside bool   // not asked for, but of the window and not expected by anybody
	key    uint64 // of the record: the same in another log
}

// scanned is what a block holds of interest.
type scanned struct {
	found   []found
	ended   []uint64             // connections that have ended, and are not asked for, by their ids
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
	words   map[string]string
	results *sync.Pool // of *scanned, to be used again
}

// precision is how much of a time is compared in the text of a line: whole seconds.
const precision = len("2006-01-02T15:04:05")

func newScanner(q *Query, seed maphash.Seed, results *sync.Pool) *scanner {
	s := &scanner{query: q, seed: seed, decoder: record.NewDecoder(), words: map[string]string{}, results: results}
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
	f := out.next()
	switch where := s.place(line); {
	case line[len(line)-1] != '}': // torn
	case where == behind:
		out.records++
		return
	case where == before:
		if s.glance(line, f) {
			out.records++
			f.line, f.read, f.why = line, false, ""
			s.pass(out, f)
			return
		}
	}
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
	}
	f.read, f.line, f.sign, f.run = true, line, signOf(r), runOf(r)
	f.id = connID(s.seed, hostKey(&r.Host), r.Event.ID)
	if r.Event.ID == "" { // no other record is of the same connection
		f.id = maphash.Bytes(s.seed, line)
	}
	f.key = s.key(f)
	f.judged = s.query.judge(r)
	if f.why = ""; f.judged == no {
		f.why = s.query.explains(r)
	}
	f.beside = f.judged == no && s.query.besides(r)
	s.pass(out, f)
}

// pass hands on what is of interest: what is asked for, and what tells how a connection goes on that may be.
func (s *scanner) pass(out *scanned, f *found) {
	asked := f.read && (f.judged != no || f.beside || f.why != "")
	switch {
	case asked:
	case f.action == record.ActionSession && f.sequence == 0 && f.ended:
		out.ended = append(out.ended, f.id)
		return
	case f.action == record.ActionConnect && (f.failed() || f.read && f.opens()):
		return // it sent nothing; or it is not asked for, whatever was said on it
	case f.action == record.ActionFirstPayload && f.read:
		return
	}
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
		if mangled(line) && s.asked(line) {
			out.damage.Asked++
		}
		// A power failure may leave zeros of what was written last.
		if rest := bytes.TrimLeft(line, "\x00"); len(rest) < len(line) && bytes.HasPrefix(rest, timeField) {
			s.line(out, rest)
		}
		return
	}
	if s.asked(line) {
		out.damage.Asked++
	}
	if next > 0 {
		s.line(out, line[next:])
	}
}

// asked says whether a line that could not be read may be a record of the window. A connection that began before it
// may last into it.
func (s *scanner) asked(line []byte) bool {
	switch s.place(line) {
	case behind:
		return false
	case before:
		return bytes.Contains(line[:min(len(line), 512)], connectText)
	}
	return true
}

// mangled says whether a line that is no record was one, for all that it still has.
func mangled(line []byte) bool {
	return bytes.IndexByte(line, 0) >= 0 || bytes.Contains(line, timeField[1:]) || bytes.Contains(line, tracerField) || bytes.Contains(line, eventField[2:])
}

// key tells a record from all others. Those without an id are told apart by all that they say.
func (s *scanner) key(f *found) uint64 {
	if f.record.Event.ID == "" || f.action == record.ActionSession && f.sequence == 0 {
		return f.id
	}
	return maphash.Comparable(s.seed, struct {
		id, sequence   uint64
		action, reason string
	}{f.id, f.sequence, string(f.action), string(f.reason)})
}

var (
	timeField   = []byte(`{"@timestamp":"`)
	startField  = []byte(`"start":"`)
	sessionText = []byte(`"action":"session"`)
	connectText = []byte(`"action":"connect"`)
	tracerField = []byte(`"smtptrace":{`)
)
