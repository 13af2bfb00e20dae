package smtp

import "slices"

// Bounds of what is kept of the transactions of one session until Drain.
const (
	maxTransactions = 64
	maxRcpts        = 100      // addresses a transaction
	maxRcptsHeld    = 1500     // addresses a session
	maxRcptText     = 16 << 10 // octets of addresses a session
	maxArena        = 24 << 10 // octets of addresses and deciding replies a session
)

// mail is one transaction under way or finished. Its texts are in the arena of the envelope.
type mail struct {
	from                          span
	textFrom                      uint32 // its texts are in the arena from here on
	rcptFrom, rcptTo              uint32 // part of envelope.rcpts
	rcptsOmitted                  uint64
	accepted, refused, unanswered uint64
	size, declared, delivered     uint64
	first, last                   span // of the deciding reply
	code                          int
	outcome                       Outcome
	at                            uint64
	fromKnown, fromCut            bool
	utf8, chunked, offered        bool
	barred                        bool // MAIL FROM was not seen, or was refused: a server takes nothing more
}

type rcpt struct {
	text span
	code uint16
	cut  bool
}

// envelope holds the transactions of a session.
type envelope struct {
	mails   []mail
	rcpts   []rcpt
	arena   []byte
	open    int       // the transaction that the session is in, counted from 1, or 0
	decided replyText // the deciding reply of the open transaction, as far as there is one
	omitted uint64    // finished transactions dropped undrained
	now     uint64    // see Parser.Now
	unseen  uint64    // see Session.Unseen; what was lost on the way here is not in it

	offered, accepted, recipients uint64 // sums since the session began
}

func (v *envelope) reset() {
	v.mails, v.rcpts, v.arena, v.open = v.mails[:0], v.rcpts[:0], v.arena[:0], 0
	v.decided.clear()
	v.omitted, v.offered, v.accepted, v.recipients, v.now, v.unseen = 0, 0, 0, 0, 0, 0
}

// current returns the transaction that the session is in, or nil.
func (v *envelope) current() *mail {
	if v.open == 0 {
		return nil
	}
	return &v.mails[v.open-1]
}

// begin starts a transaction; the caller has ended the last one.
func (v *envelope) begin() *mail {
	if len(v.mails) >= maxTransactions {
		v.omitted += uint64(v.finished())
		v.drain()
	}
	n := uint32(len(v.rcpts))
	v.mails = append(v.mails, mail{textFrom: uint32(len(v.arena)), rcptFrom: n, rcptTo: n, at: v.now})
	v.open = len(v.mails)
	v.decided.clear()
	return v.current()
}

// keep stores a text below a bound of the arena. An empty one has no place there, and the zero span.
func (v *envelope) keep(text []byte, bound int) (span, bool) {
	if len(text) == 0 {
		return span{}, true
	}
	if len(v.arena)+len(text) > bound {
		return span{}, false
	}
	s := span{uint32(len(v.arena)), uint32(len(text))}
	v.arena = append(v.arena, text...)
	return s, true
}

// keepAll stores a text that has no smaller bound. Where there is no room it is missed.
func (v *envelope) keepAll(text []byte) span {
	s, ok := v.keep(text, maxArena)
	if !ok {
		v.miss(uint64(len(text)))
	}
	return s
}

// miss counts octets of the dialogue that are not understood; 0: nobody knows how many.
func (v *envelope) miss(n uint64) { v.unseen += max(n, 1) }

// addRcpt keeps a recipient of the open transaction.
func (v *envelope) addRcpt(address []byte, code int, cut bool) {
	m := v.current()
	s, ok := span{}, false
	if m.rcptTo-m.rcptFrom < maxRcpts && len(v.rcpts) < maxRcptsHeld {
		s, ok = v.keep(address, maxRcptText)
	}
	if !ok {
		m.rcptsOmitted++
		return
	}
	v.rcpts = append(v.rcpts, rcpt{s, uint16(code), cut})
	m.rcptTo++
}

// close ends the open transaction with the outcome it has.
func (v *envelope) close() {
	m := v.current()
	m.code = v.decided.code
	m.first = v.keepAll(v.decided.first)
	m.last = m.first
	if !v.decided.single {
		m.last = v.keepAll(v.decided.last)
	}
	v.decided.clear()
	v.open = 0
}

// finished counts the transactions that nothing can change any more.
func (v *envelope) finished() int {
	if v.open > 0 {
		return len(v.mails) - 1
	}
	return len(v.mails)
}

// full says whether addresses are no longer kept for want of room.
func (v *envelope) full() bool {
	return len(v.arena) > maxRcptText-maxAddress || len(v.rcpts) >= maxRcptsHeld
}

// drain forgets the finished transactions. The open one is always the last.
func (v *envelope) drain() {
	if v.open == 0 {
		v.mails, v.rcpts, v.arena = v.mails[:0], v.rcpts[:0], v.arena[:0]
		return
	}
	m := *v.current()
	from := m.textFrom
	v.arena = v.arena[:copy(v.arena, v.arena[from:])]
	v.rcpts = v.rcpts[:copy(v.rcpts, v.rcpts[m.rcptFrom:m.rcptTo])]
	m.from.moveBack(from)
	for i := range v.rcpts {
		v.rcpts[i].text.moveBack(from)
	}
	m.textFrom = 0
	m.rcptFrom, m.rcptTo = 0, uint32(len(v.rcpts))
	v.mails = append(v.mails[:0], m)
	v.open = 1
}

// clone copies what later calls change in place.
func (v *envelope) clone() {
	v.mails = slices.Clone(v.mails)
	v.rcpts = slices.Clone(v.rcpts)
	v.arena = slices.Clone(v.arena)
	v.decided.clone()
}

// text returns a kept text.
func (v *envelope) text(s span) string { return string(v.arena[s.off : s.off+s.n]) }

// transaction builds the exported form of a mail.
func (v *envelope) transaction(m *mail) Transaction {
	t := Transaction{
		At:       m.at,
		MailFrom: v.text(m.from), FromKnown: m.fromKnown, FromCut: m.fromCut, UTF8: m.utf8,
		RcptsOmitted: m.rcptsOmitted, RcptAccepted: m.accepted, RcptRefused: m.refused, RcptUnanswered: m.unanswered,
		Size: m.size, SizeDeclared: m.declared, Chunked: m.chunked,
		Offered: m.offered, Outcome: m.outcome, Delivered: m.delivered,
	}
	for _, r := range v.rcpts[m.rcptFrom:m.rcptTo] {
		t.Rcpts = append(t.Rcpts, Rcpt{Address: v.text(r.text), Code: int(r.code), Cut: r.cut})
	}
	if m.outcome == Accepted || m.outcome == Refused {
		t.Reply = Reply{Code: m.code, First: v.text(m.first), Last: v.text(m.last)}
		if m == v.current() {
			t.Reply = v.decided.reply()
		}
	}
	return t
}
