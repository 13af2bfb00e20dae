package report

import (
	"bytes"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// sign is what a record tells of how its connection goes on, whatever was said on it.
type sign struct {
	action   record.Action
	reason   record.Reason // of a connect
	sequence uint64        // of a session
	ended    bool          // by this record
	mute     bool          // the client sent nothing
	port     uint16        // of the destination; 0: not known
	at       time.Time     // behind all that it tells
	since    bool          // it says since when it tells
}

// signOf reads it from a record.
func signOf(r *record.Record) sign {
	_, at := sent(r)
	return sign{
		r.Event.Action, r.Event.Reason, r.Event.Sequence, !r.Event.End.IsZero(), r.Source.Bytes == 0, r.Destination.Port, at,
		!r.SMTP.Since.IsZero(),
	}
}

// connID tells a connection from all others: an event.id is that of one host.
func connID(seed maphash.Seed, host, id string) uint64 {
	return maphash.Comparable(seed, [2]string{host, id})
}

var (
	eventField       = []byte(`","event":{`)
	agentField       = []byte(`,"agent":{`)
	hostField        = []byte(`,"host":{`)
	destinationField = []byte(`,"destination":{`)
	endField         = []byte(`"end":"`)
	sinceField       = []byte(`"smtp":{"since":"`)
)

// glance reads the sign of a record of before the window from the text of its line: a connection may have begun then
// that lasts into the window. It gives up on a line that is not as smtptrace writes it. In a text a quote is escaped,
// so that no text looks like a field.
func (s *scanner) glance(line []byte, f *found) bool {
	rest := line[len(timeField):]
	end := bytes.IndexByte(rest, '"')
	if end < 0 || !bytes.HasPrefix(rest[end:], eventField) {
		return false
	}
	event, ok := flat(rest[end+len(eventField):])
	id, known := textOf(event, `"id":"`)
	if !ok || !known {
		return false
	}
	action, _ := textOf(event, `"action":"`)
	reason, _ := textOf(event, `"reason":"`)
	f.sign = sign{action: record.Action(s.word(action)), reason: record.Reason(s.word(reason)), ended: bytes.Contains(event, endField),
		since: bytes.Contains(line, sinceField)}
	if n, has := numberOf(event, `"sequence":`); has {
		f.sign.sequence = n
	}
	if at, err := time.Parse(time.RFC3339Nano, string(rest[:end])); err == nil {
		f.sign.at = at
	}
	host, ok := objectOf(line, hostField)
	if !ok {
		return false
	}
	key, named := textOf(host, `"id":"`)
	if !named {
		key, _ = textOf(host, `"name":"`)
	}
	if f.sign.action == record.ActionConnect {
		to, ok := objectOf(line, destinationField)
		port, has := numberOf(to, `"port":`)
		if !ok || !has || port > 1<<16-1 {
			return false
		}
		f.sign.port = uint16(port)
	}
	agent, _ := objectOf(line, agentField)
	run, _ := textOf(agent, `"ephemeral_id":"`)
	f.run = runKey{s.word(key), s.word(run)}
	f.id = connID(s.seed, f.run.host, string(id))
	return true
}

// word is a text that comes again and again, kept once.
func (s *scanner) word(b []byte) string {
	if w, known := s.words[string(b)]; known {
		return w
	}
	if len(s.words) > 1000 {
		clear(s.words)
	}
	w := string(b)
	s.words[w] = w
	return w
}

// objectOf is the object that is the value of a field, as far as flat gives it.
func objectOf(line, field []byte) ([]byte, bool) {
	at := bytes.Index(line, field)
	if at < 0 {
		return nil, false
	}
	return flat(line[at+len(field):])
}

// flat is an object up to its end or the first object in it. It has no escapes.
func flat(b []byte) ([]byte, bool) {
	end := bytes.IndexAny(b, "{}")
	if end < 0 || bytes.IndexByte(b[:end], '\\') >= 0 {
		return nil, false
	}
	return b[:end], true
}

// textOf is the text of a field in a flat object.
func textOf(object []byte, field string) ([]byte, bool) {
	_, rest, found := bytes.Cut(object, []byte(field))
	if !found {
		return nil, false
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return nil, false
	}
	return rest[:end], true
}

// numberOf is the number of a field in a flat object.
func numberOf(object []byte, field string) (uint64, bool) {
	_, rest, found := bytes.Cut(object, []byte(field))
	if !found {
		return 0, false
	}
	end := 0
	for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(string(rest[:end]), 10, 64)
	return n, err == nil
}
