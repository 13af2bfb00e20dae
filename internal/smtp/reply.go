package smtp

import "bytes"

// maxReplyLine bounds a kept reply line (RFC 5321 section 4.5.3.1.5).
const maxReplyLine = 512

// Reply is a server's reply (RFC 5321 section 4.2). The zero Reply means that none was seen.
type Reply struct {
	Code  int    // 200 to 559 as a rule; 0 without reply
	First string // its first line as sent, without line end, at most 512 bytes
	Last  string // its last line; equal to First in a reply of one line
}

// accepted says whether the code is a positive completion.
func accepted(code int) bool { return code >= 200 && code < 300 }

// refused says whether the code is a transient or permanent refusal.
func refused(code int) bool { return code >= 400 }

// goAhead says whether the code asks for more: 354 after DATA, 334 after AUTH.
func goAhead(code int) bool { return code >= 300 && code < 400 }

// parseReplyLine reads "250-text", "250 text" or "250". final is false for "250-".
func parseReplyLine(line []byte) (code int, final, ok bool) {
	if len(line) < 3 || line[0] < '1' || line[0] > '5' {
		return 0, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		code = code*10 + int(c-'0')
	}
	if len(line) == 3 || isBlank(line[3]) {
		return code, true, true
	}
	return code, false, line[3] == '-'
}

// Bounds of the reply queue. It grows to them only where replies are fed far ahead of commands.
const (
	maxReplies   = 512
	repliesSlack = 128 // so many are consumed before what is left is moved
	maxReplyText = 16 << 10
)

// answer is a complete reply that waits for its command. Code 0 stands for bytes of the server
// that were lost: an unknown number of replies.
type answer struct {
	code        int
	first, last span
	run         uint32 // equal replies in a row
}

// answers is the queue of replies that no command was matched with yet.
type answers struct {
	queue []answer
	head  int
	text  []byte
}

func (q *answers) len() int           { return len(q.queue) - q.head }
func (q *answers) front() *answer     { return &q.queue[q.head] }
func (q *answers) line(s span) []byte { return q.text[s.off : s.off+s.n] }

func (q *answers) reset() {
	q.queue, q.head, q.text = q.queue[:0], 0, q.text[:0]
}

func (q *answers) pop() {
	if a := q.front(); a.run > 1 {
		a.run--
		return
	}
	q.head++
	if q.head == len(q.queue) {
		q.reset()
	}
}

// push appends a reply. A last line equal to nil means that it is the first line. It reports false if
// the reply or its text was dropped for want of room.
func (q *answers) push(code int, first, last []byte) (kept bool) {
	if n := len(q.queue); n > q.head && last == nil && code != 0 {
		if a := &q.queue[n-1]; a.code == code && a.last == a.first && bytes.Equal(q.line(a.first), first) {
			a.run++
			return true
		}
	}
	if q.len() >= maxReplies {
		return false
	}
	kept = true
	if len(q.queue) >= maxReplies+repliesSlack || len(q.text)+len(first)+len(last) > maxReplyText {
		q.compact()
	}
	if len(q.text)+len(first)+len(last) > maxReplyText {
		first, last, kept = nil, nil, false
	}
	a := answer{code: code, run: 1, first: span{uint32(len(q.text)), uint32(len(first))}}
	q.text = append(q.text, first...)
	a.last = a.first
	if last != nil {
		a.last = span{uint32(len(q.text)), uint32(len(last))}
		q.text = append(q.text, last...)
	}
	q.queue = appendWithin(q.queue, a, maxReplies+repliesSlack)
	return kept
}

// concealed returns a reply without text, but for its enhanced status code (RFC 3463).
func (q *answers) concealed(a answer) answer {
	line := q.line(a.first)
	n := min(len(line), 3)
	if len(line) > 3 {
		status := firstArg(line[4:])
		if len(status) > 0 && status[0] == byte('0'+a.code/100) && bytes.IndexByte(status, '.') == 1 && len(bytes.Trim(status, "0123456789.")) == 0 {
			line[3] = ' '
			n = 4 + len(status)
		}
	}
	a.first.n = uint32(n)
	a.last = a.first
	return a
}

// compact moves what is left to the start of both arrays.
func (q *answers) compact() {
	if q.head == 0 {
		return
	}
	from := q.queue[q.head].first.off
	q.queue, q.head = q.queue[:copy(q.queue, q.queue[q.head:])], 0
	q.text = q.text[:copy(q.text, q.text[from:])]
	for i := range q.queue {
		q.queue[i].first.off -= from
		q.queue[i].last.off -= from
	}
}

// appendWithin is append to a list that never holds more than limit, and takes no more memory.
func appendWithin[T any](list []T, x T, limit int) []T {
	if n := len(list); n == cap(list) {
		list = append(make([]T, 0, min(max(2*n, 8), limit)), list...)
	}
	return append(list, x)
}

// replyText is a Reply with room of its own, for the replies that outlive the queue.
type replyText struct {
	code        int
	first, last []byte
	single      bool
}

func (t *replyText) clear() {
	t.code, t.first, t.last, t.single = 0, t.first[:0], t.last[:0], true
}

// set copies the reply; nil clears.
func (t *replyText) set(q *answers, a *answer) {
	t.clear()
	if a == nil {
		return
	}
	t.code = a.code
	t.first = append(t.first, q.line(a.first)...)
	if t.single = a.last == a.first; !t.single {
		t.last = append(t.last, q.line(a.last)...)
	}
}

func (t *replyText) reply() Reply {
	r := Reply{Code: t.code, First: string(t.first)}
	if r.Last = r.First; !t.single {
		r.Last = string(t.last)
	}
	return r
}

// clone gives the text arrays of its own.
func (t *replyText) clone() {
	t.first = bytes.Clone(t.first)
	t.last = bytes.Clone(t.last)
}
