package smtp

import "math/bits"

// Bounds of the tape. It grows to them only in a client that runs far ahead of the server: 200 mails to
// one recipient each, of which nothing is answered, find room.
const (
	maxEntries  = 1024 // a power of 2
	maxTapeText = 16 << 10
	textSlack   = 1 << 10 // so much is consumed before what is left is moved
)

// entry is one client line, or a run of equal ones, waiting for its reply.
type entry struct {
	at, next uint64 // stream offsets: where the line begins, where the next one does
	size     uint64 // of the command: SIZE=, BDAT octets
	text     span   // of the command: its arg
	run      uint32 // lines in a run of verbUnknown or verbBlank, or of verbRcpt without text
	verb     verb
	found    bool // as in command
	utf8     bool
	last     bool
	bad      bool
	cut      bool  // the end of the text is not known
	partial  bool  // so, and not because it is one too many to be kept
	long     bool  // the end of the line is not known
	pending  bool  // only SMTP has the command, and it is no evidence yet: it may stand in a body
	split    bool  // begins where an assumed BDAT chunk ends, possibly inside a body line
	dotted   uint8 // octets of a dot in front of that, in a line that has nothing more
	vague    bool  // stands for bytes not copied: one unknown line or several
}

// endsBody says whether the line ends a body, if it stands in one.
func (e *entry) endsBody() bool { return e.verb == verbDot && !e.split || e.dotted > 0 }

// span is a part of a text arena. That of an empty text is zero.
type span struct{ off, n uint32 }

// moveBack is what becomes of the span where so many octets in front of it went. The zero span stays.
func (s *span) moveBack(n uint32) {
	if s.n > 0 {
		s.off -= n
	}
}

// tape is the queue of client lines that have no reply yet (RFC 2920). Replies are matched in
// order, never by time of arrival, so that the result does not depend on how the two directions
// interleave. While it is unknown whether lines are commands or a message body (DATA sent, its
// reply not seen) they wait here too; of lines that are no command only the number is kept.
type tape struct {
	ring    []entry // its length is 0 or a power of 2
	head, n int     // the first entry, and how many there are
	text    []byte
	gone    uint32        // octets of text that no entry has any more, from the start
	count   [verbs]uint16 // entries of each verb
}

func (t *tape) len() int        { return t.n }
func (t *tape) at(i int) *entry { return &t.ring[(t.head+i)&(len(t.ring)-1)] }
func (t *tape) front() *entry   { return t.at(0) }

func (t *tape) reset() {
	t.head, t.n, t.text, t.gone, t.count = 0, 0, t.text[:0], 0, [verbs]uint16{}
}

func (t *tape) bytes(s span) []byte { return t.text[s.off : s.off+s.n] }

// pop drops the front line.
func (t *tape) pop() {
	if e := t.front(); e.run > 1 {
		e.run--
		return
	}
	t.drop()
}

// drop drops the front entry with all its lines.
func (t *tape) drop() {
	e := t.front()
	t.count[e.verb]--
	if e.text.n > 0 {
		t.gone = e.text.off + e.text.n
	}
	t.head++
	if t.n--; t.n == 0 {
		t.head, t.text, t.gone = 0, t.text[:0], 0
	}
}

// push appends e with its text. It reports false if there is no room.
func (t *tape) push(e entry, text []byte) bool {
	if t.n > 0 && t.at(t.n-1).absorb(&e, len(text)) {
		return true
	}
	if t.n >= maxEntries {
		return false
	}
	if len(t.text)+len(text) > maxTapeText && t.gone >= textSlack {
		t.compact()
	}
	if len(t.text)+len(text) > maxTapeText {
		text, e.cut, e.partial = nil, true, e.partial || len(text) > 0
		if e.verb == verbRcpt && t.at(t.n-1).absorb(&e, 0) {
			return true
		}
	}
	if len(text) > 0 {
		e.text = span{uint32(len(t.text)), uint32(len(text))}
		t.text = append(t.text, text...)
	}
	if t.n == len(t.ring) {
		t.grow()
	}
	t.n++
	*t.at(t.n - 1) = e
	t.count[e.verb]++
	return true
}

// grow makes the ring twice as long.
func (t *tape) grow() {
	ring := make([]entry, max(2*len(t.ring), 8))
	for i := range t.n {
		ring[i] = *t.at(i)
	}
	t.ring, t.head = ring, 0
}

// absorb lets a run of unknown or empty lines, of recipients without text, or of lost bytes grow.
func (e *entry) absorb(next *entry, text int) bool {
	if e.verb == verbLost && next.verb == verbLost {
		e.next = next.next
		return true
	}
	if e.verb != next.verb || text > 0 || e.text.n > 0 || e.split || next.split || e.vague || next.vague {
		return false
	}
	if next.dotted > 0 || e.dotted > 0 || e.verb > verbBlank && (e.verb != verbRcpt || !e.cut || !next.cut) {
		return false
	}
	e.run += next.run
	e.next = next.next
	return true
}

// extend lets the last entry grow by bytes that were not copied, if it stands for such bytes too.
func (t *tape) extend(next uint64) bool {
	if t.n == 0 {
		return false
	}
	e := t.at(t.n - 1)
	if e.verb != verbUnknown || !e.vague {
		return false
	}
	e.next = next
	return true
}

// compact moves the text that is left to the start.
func (t *tape) compact() {
	t.text = t.text[:copy(t.text, t.text[t.gone:])]
	for i := range t.n {
		t.at(i).text.moveBack(t.gone)
	}
	t.gone = 0
}

// clone copies what later calls change in place.
func (t *tape) clone() {
	n := 0
	if t.n > 0 {
		n = 1 << bits.Len(uint(t.n-1))
	}
	ring := make([]entry, n)
	for i := range t.n {
		ring[i] = *t.at(i)
	}
	t.ring, t.head = ring, 0
}

// has says whether an unanswered v is on the tape.
func (t *tape) has(v verb) bool { return t.count[v] > 0 }
