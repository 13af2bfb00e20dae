package report

import "bytes"

// of finds a connection, or makes it; nil where there is no room.
func (l *tracks) of(f *found) *track {
	c := l.open[f.id]
	if c != nil {
		return c
	}
	if !l.room(1, 0) {
		l.miss(f.run)
		return nil
	}
	c = &track{run: f.run}
	l.open[f.id] = c
	return c
}

// keep takes a copy of a line, without its transactions.
func (l *tracks) keep(to *[]byte, f *found) {
	line := withoutMails(f.line)
	if more := len(line) - len(*to); l.room(0, more) {
		*to = line
		l.octets += more
	} else {
		l.miss(f.run)
	}
}

// room says whether there is room for so many more connections and octets of lines. Where there is none, those of runs that ended
// before the window are let go.
func (l *tracks) room(more, octets int) bool {
	full := func() bool { return len(l.open)+more > maxPending || l.octets+max(octets, 0) > maxOctets }
	if full() && l.stops {
		l.stops = false
		for id, c := range l.open {
			if l.over(c.run) {
				l.drop(id)
			}
		}
	}
	return !full()
}

// miss notes that a connection of a run is not followed.
func (l *tracks) miss(run runKey) {
	if len(l.leftOut) < maxRuns {
		l.leftOut[run] = true
	} else {
		l.crowded = true
	}
}

func (l *tracks) drop(id uint64) {
	if c := l.open[id]; c != nil {
		l.octets -= len(c.connect) + len(c.said)
		delete(l.open, id)
	}
}

func (l *tracks) end(id uint64) {
	l.drop(id)
	l.ended.add(id)
}

var transactionsField = []byte(`,"transactions":[`)

// withoutMails is a copy of a line without the transactions, which may be long. In a text a quote is escaped, so that none
// looks like the field.
func withoutMails(line []byte) []byte {
	at := bytes.Index(line, transactionsField)
	if at < 0 {
		return bytes.Clone(line)
	}
	depth, quoted := 0, false
	for i := at + len(transactionsField) - 1; i < len(line); i++ {
		switch b := line[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '[':
			depth++
		case b == ']':
			if depth--; depth == 0 {
				return append(bytes.Clone(line[:at]), line[i+1:]...)
			}
		}
	}
	return bytes.Clone(line)
}
