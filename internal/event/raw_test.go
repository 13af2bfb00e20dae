package event

import (
	"encoding/binary"
	"testing"
)

// raw gives the bytes of a struct as the kernel writes them: field after field, without gaps.
func raw(t testing.TB, k any) []byte {
	t.Helper()
	b, err := binary.Append(nil, binary.NativeEndian, k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decode decodes what is valid.
func decode(t testing.TB, k any) *Event {
	t.Helper()
	var e Event
	if err := e.Decode(raw(t, k)); err != nil {
		t.Fatal(err)
	}
	return &e
}
