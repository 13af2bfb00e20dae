package record

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Decode reads one line. Fields that it does not know are passed over, and so is the message, which
// follows from the others. An error says that the line is not JSON, not a record, or a record of a schema
// that is newer than this program.
func Decode(line []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return Record{}, fmt.Errorf("decode a record: %w", err)
	}
	if r.Tracer.Schema > Schema {
		return Record{}, fmt.Errorf("decode a record: its schema is %d, and this smtptrace knows up to %d: use a newer one",
			r.Tracer.Schema, Schema)
	}
	switch r.Event.Action {
	case ActionStart, ActionStop, ActionHeartbeat, ActionConnect, ActionFirstPayload, ActionSession, ActionLost:
		return r, nil
	case "":
		return Record{}, errors.New("decode a record: it has no event.action")
	}
	return Record{}, fmt.Errorf("decode a record: unknown event.action %q", Escape(string(r.Event.Action), 40))
}
