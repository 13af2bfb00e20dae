//go:build !race

// Under the race detector sync.Pool forgets on purpose, and zerolog's events come from one.

package record

import "testing"

func TestEncodeDoesNotAllocate(t *testing.T) {
	r := session()
	e := NewEncoder()
	if n := testing.AllocsPerRun(100, func() { e.Encode(&r) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func TestTextDoesNotAllocate(t *testing.T) {
	r := session()
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { AppendText(buf, &r, true) }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}
