// Package lru is a bounded map that forgets what was not used for longest.
package lru

// Map is not safe for concurrent use.
type Map[K comparable, V any] struct {
	limit     int
	evictions uint64
	items     map[K]*item[K, V]
	ring      item[K, V] // ring.next is the newest
}

type item[K comparable, V any] struct {
	key        K
	value      V
	prev, next *item[K, V]
}

// New makes a map of so many entries, one at least.
func New[K comparable, V any](limit int) *Map[K, V] {
	m := &Map[K, V]{limit: max(limit, 1), items: map[K]*item[K, V]{}}
	m.ring.prev, m.ring.next = &m.ring, &m.ring
	return m
}

// Evictions counts what was forgotten to make room.
func (m *Map[K, V]) Evictions() uint64 { return m.evictions }

// Get finds a value.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	it, ok := m.items[key]
	if !ok {
		return value, false
	}
	it.unlink()
	m.link(it)
	return it.value, true
}

// Put stores a value; full, it gives back the one that it forgot for it.
func (m *Map[K, V]) Put(key K, value V) (forgotten V, evicted bool) {
	if it, ok := m.items[key]; ok {
		it.value = value
		it.unlink()
		m.link(it)
		return forgotten, false
	}
	if len(m.items) >= m.limit {
		oldest := m.ring.prev
		oldest.unlink()
		delete(m.items, oldest.key)
		forgotten, evicted = oldest.value, true
		m.evictions++
	}
	it := &item[K, V]{key: key, value: value}
	m.items[key] = it
	m.link(it)
	return forgotten, evicted
}

func (m *Map[K, V]) link(it *item[K, V]) {
	it.prev, it.next = &m.ring, m.ring.next
	it.prev.next, it.next.prev = it, it
}

func (it *item[K, V]) unlink() {
	it.prev.next, it.next.prev = it.next, it.prev
}

// All yields the entries, the newest first.
func (m *Map[K, V]) All(yield func(K, V) bool) {
	for it := m.ring.next; it != &m.ring && yield(it.key, it.value); it = it.next {
	}
}
