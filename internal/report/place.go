package report

import "bytes"

// place is where a record of a connection stands to the window, by a look at its text alone.
type place int

const (
	inside place = iota // or it is not sure of it
	before              // it was written before
	behind              // what it tells of began behind it
)

// place is for a line that may be torn, too. Times in a record are in UTC, so that their text has their order. A line
// that has another behind it is decoded.
func (s *scanner) place(line []byte) place {
	if s.from == nil && s.to == nil || !bytes.HasPrefix(line, timeField) {
		return inside
	}
	head := line[:min(len(line), 512)]
	if !bytes.Contains(head, sessionText) && !bytes.Contains(head, connectText) || bytes.Contains(line[1:], timeField) {
		return inside
	}
	at := stamp(head, len(timeField))
	if at == nil {
		return inside
	}
	if s.from != nil && bytes.Compare(at, s.from) < 0 { // a record is written when what it tells of is over
		return s.past(line)
	}
	if s.to == nil || bytes.Compare(at, s.to) <= 0 {
		return inside
	}
	// The first start in a line is that of the event or, without one, of the process, which is no
	// later.
	began := bytes.Index(head, startField)
	if began < 0 {
		return inside
	}
	if start := stamp(head, began+len(startField)); start != nil && bytes.Compare(start, s.to) > 0 {
		return behind
	}
	return inside
}

// past is before, unless the line is of a session that goes on: a version of before gave such a record the time of its
// begin, and only the ones behind the first show by their since that they are of another.
func (s *scanner) past(line []byte) place {
	event, ok := objectOf(line, eventField[2:])
	switch _, goesOn := numberOf(event, `"sequence":`); {
	case !ok:
		return inside
	case !goesOn, bytes.Contains(line, sinceField):
		return before
	}
	if at := bytes.Index(event, endField); at >= 0 {
		if end := stamp(event, at+len(endField)); end != nil && bytes.Compare(end, s.from) < 0 {
			return before
		}
	}
	return inside
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
