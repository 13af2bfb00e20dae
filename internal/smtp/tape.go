package smtp

// Bounds of the tape. It grows to them only in a client that runs far ahead of the server.
const (
	maxEntries  = 256
	maxTapeText = 8 << 10
)

// entry is one client line, or a run of equal ones, waiting for its reply.
type entry struct {
	at, next uint64 // stream offsets: where the line begins, where the next one does
	size     uint64 // of the command: SIZE=, BDAT octets
	text     span   // of the command: its arg
	run      uint32 // lines in a run of verbUnknown, or of verbRcpt without text
	verb     verb
	found    bool // as in command
	utf8     bool
	last     bool
	bad      bool
	cut      bool // the end of the text is not known
	partial  bool // so, and not because it is one too many to be kept
	long     bool // the end of the line is not known
	pending  bool // only SMTP has the command, and it is no evidence yet: it may stand in a body
	split    bool // begins where an assumed BDAT chunk ends, possibly inside a body line
	vague    bool // stands for bytes not copied: one unknown line or several
}

// span is a part of a text arena.
type span struct{ off, n uint32 }

// tape is the queue of client lines that have no reply yet (RFC 2920). Replies are matched in
// order, never by time of arrival, so that the result does not depend on how the two directions
// interleave. While it is unknown whether lines are commands or a message body (DATA sent, its
// reply not seen) they wait here too; of lines that are no command only the number is kept.
type tape struct {
	entries []entry
	head    int
	text    []byte
}

func (t *tape) len() int      { return len(t.entries) - t.head }
func (t *tape) front() *entry { return &t.entries[t.head] }

func (t *tape) reset() {
	t.entries, t.head, t.text = t.entries[:0], 0, t.text[:0]
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
	t.head++
	if t.head == len(t.entries) {
		t.reset()
	}
}

// push appends e with its text. It reports false if there is no room.
func (t *tape) push(e entry, text []byte) bool {
	if n := len(t.entries); n > t.head && t.entries[n-1].absorb(&e, len(text)) {
		return true
	}
	if t.len() >= maxEntries {
		return false
	}
	if len(t.text)+len(text) > maxTapeText {
		t.compact()
	}
	if len(t.text)+len(text) > maxTapeText {
		text, e.cut, e.partial = nil, true, e.partial || len(text) > 0
		if e.verb == verbRcpt && t.entries[len(t.entries)-1].absorb(&e, 0) {
			return true
		}
	}
	if len(t.entries) >= 2*maxEntries {
		t.compact()
	}
	e.text = span{uint32(len(t.text)), uint32(len(text))}
	t.text = append(t.text, text...)
	t.entries = append(t.entries, e)
	return true
}

// absorb lets a run of unknown lines, of recipients without text, or of lost bytes grow.
func (e *entry) absorb(next *entry, text int) bool {
	if e.verb == verbLost && next.verb == verbLost {
		e.next = next.next
		return true
	}
	if e.verb != next.verb || text > 0 || e.text.n > 0 || e.split || next.split || e.vague || next.vague {
		return false
	}
	if e.verb != verbUnknown && (e.verb != verbRcpt || !e.cut || !next.cut) {
		return false
	}
	e.run += next.run
	e.next = next.next
	return true
}

// extend lets the last entry grow by bytes that were not copied, if it stands for such bytes too.
func (t *tape) extend(next uint64) bool {
	if t.len() == 0 {
		return false
	}
	e := &t.entries[len(t.entries)-1]
	if e.verb != verbUnknown || !e.vague {
		return false
	}
	e.next = next
	return true
}

// compact moves what is left to the start of both arrays. It is called after at least as much
// was consumed, or when text is short, which costs no more than the text that follows.
func (t *tape) compact() {
	if t.head == 0 {
		return
	}
	from := uint32(len(t.text))
	for i := t.head; i < len(t.entries); i++ {
		if s := t.entries[i].text; s.n > 0 {
			from = s.off
			break
		}
	}
	n := copy(t.entries, t.entries[t.head:])
	t.entries, t.head = t.entries[:n], 0
	for i := range t.entries {
		if t.entries[i].text.n > 0 {
			t.entries[i].text.off -= from
		} else {
			t.entries[i].text.off = 0
		}
	}
	t.text = t.text[:copy(t.text, t.text[from:])]
}

// has says whether an unanswered v is on the tape.
func (t *tape) has(v verb) bool {
	for i := t.head; i < len(t.entries); i++ {
		if t.entries[i].verb == v {
			return true
		}
	}
	return false
}
