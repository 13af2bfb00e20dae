package lru

import (
	"fmt"
	"testing"
)

// A full map forgets what was not used for longest, and counts it.
func TestMap(t *testing.T) {
	m := New[string, int](3)
	for i, key := range []string{"a", "b", "c"} {
		if _, evicted := m.Put(key, i); evicted {
			t.Errorf("%s: something was forgotten", key)
		}
	}
	m.Get("a")
	m.Put("b", 11)
	if forgotten, evicted := m.Put("d", 3); !evicted || forgotten != 2 {
		t.Errorf("forgotten: %d, %t, want c's", forgotten, evicted)
	}
	got := ""
	for key, value := range m.All {
		got += fmt.Sprint(key, value, " ")
	}
	if _, ok := m.Get("c"); ok || got != "d3 b11 a0 " || m.Evictions() != 1 {
		t.Errorf("%s, %d evictions", got, m.Evictions())
	}
}
