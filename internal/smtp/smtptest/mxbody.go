package smtptest

import (
	"strconv"
	"strings"
)

// bodyLine takes a line of a body, or a part of one: a bare LF is nothing special to a strict server.
func (m *MX) bodyLine(line string) {
	where := InBody
	switch {
	case m.dotted:
		where = BehindDot
	case m.uneven && m.ahead+len(line) > 0:
		where = AheadUneven
	}
	m.hide(line, where)
	dot := strings.TrimRight(line, "\r\n") == "."
	ends := m.lineStart && line == ".\r\n"
	if dot && (m.LFEnds || ends) {
		m.body = false
		m.uneven = m.uneven || !ends
		m.deliver()
		return
	}
	m.dotted = m.dotted || dot
	m.lineStart = strings.HasSuffix(line, "\r\n")
}

// deliver decides on a message that has come to its end.
func (m *MX) deliver() {
	if m.lucky(5) {
		m.say("554 spam")
	} else {
		m.say("250 queued")
		m.Mails++
		m.Recipients += m.rcpts
	}
	m.reset()
}

// bdat takes the words behind BDAT.
func (m *MX) bdat(w []string) {
	if m.Chunks == NoChunks {
		m.uneven = true
		m.say(m.pick("500 what", "502 not here"))
		return
	}
	n, ok := chunkSize(w)
	m.uneven = m.uneven || !ok
	if m.Chunks == ChunksLenient {
		n, ok = lenientSize(w), true
	}
	if !ok {
		m.say("501 syntax")
		return
	}
	m.last = len(w) > 1 && strings.EqualFold(w[1], "LAST")
	m.discard = m.rcpts == 0
	m.oddTail = len(w) > 2 || len(w) == 2 && !m.last
	m.chunk = n
	if n == 0 {
		m.endChunk()
	}
}

// chunkSize reads what is by the book (RFC 3030 section 2).
func chunkSize(w []string) (n int, ok bool) {
	if len(w) == 0 || len(w) > 2 || len(w) == 2 && !strings.EqualFold(w[1], "LAST") || strings.Trim(w[0], "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(w[0])
	return n, err == nil
}

// lenientSize reads digits, as atoi does.
func lenientSize(w []string) (n int) {
	for _, c := range strings.TrimLeft(strings.Join(w[:min(1, len(w))], ""), "+") {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func (m *MX) takeChunk() {
	n := min(m.chunk, len(m.In))
	where := InBody
	switch {
	case m.chunk > 1<<30:
		where = InEndlessChunk
	case m.oddTail && isCommand(string(m.In[:n])):
		where = InOddChunk
	}
	m.hide(string(m.take(n)), where)
	if m.chunk -= n; m.chunk == 0 {
		m.endChunk()
	}
}

func (m *MX) endChunk() {
	switch {
	case m.discard:
		m.say("503 RCPT first")
	case m.lucky(9):
		m.say("452 no room")
		m.reset()
	case m.last:
		m.deliver()
	default:
		m.say("250 octets")
	}
}
