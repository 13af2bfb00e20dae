package record

import (
	"errors"
	"fmt"
)

// Decode reads one line. Fields that it does not know are passed over, and so is the message, which
// follows from the others. An error says that the line is not JSON, not a record, or a record of a
// schema that is newer than this program (ErrNewer).
func Decode(line []byte) (Record, error) {
	var r Record
	if err := new(Decoder).Decode(line, &r); err != nil {
		return Record{}, err
	}
	return r, nil
}

// ErrNewer is a record of a schema that is newer than this program.
var ErrNewer = errors.New("use a newer one")

// known says whether r is a record that this program knows.
func (r *Record) known() error {
	if r.Tracer.Schema > Schema {
		return fmt.Errorf("decode a record: its schema is %d, and this smtptrace knows up to %d: %w",
			r.Tracer.Schema, Schema, ErrNewer)
	}
	switch r.Event.Action {
	case ActionStart, ActionStop, ActionHeartbeat, ActionConnect, ActionFirstPayload, ActionSession, ActionLost:
		return nil
	case "":
		return errors.New("decode a record: it has no event.action")
	}
	return fmt.Errorf("decode a record: unknown event.action %q", Escape(string(r.Event.Action), 40))
}
