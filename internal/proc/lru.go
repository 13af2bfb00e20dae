package proc

// lru is a bounded map that forgets what was not used for longest. It is not safe for concurrent use.
type lru[K comparable, V any] struct {
	limit     int
	evictions uint64
	items     map[K]*lruItem[K, V]
	ring      lruItem[K, V] // ring.next is the newest
}

type lruItem[K comparable, V any] struct {
	key        K
	value      V
	prev, next *lruItem[K, V]
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	l := &lru[K, V]{limit: max(limit, 1), items: map[K]*lruItem[K, V]{}}
	l.ring.prev, l.ring.next = &l.ring, &l.ring
	return l
}

func (l *lru[K, V]) get(key K) (value V, ok bool) {
	item, ok := l.items[key]
	if !ok {
		return value, false
	}
	item.unlink()
	l.link(item)
	return item.value, true
}

// put stores a value; full, it gives back the one that it forgot for it.
func (l *lru[K, V]) put(key K, value V) (forgotten V, evicted bool) {
	if item, ok := l.items[key]; ok {
		item.value = value
		item.unlink()
		l.link(item)
		return forgotten, false
	}
	if len(l.items) >= l.limit {
		oldest := l.ring.prev
		oldest.unlink()
		delete(l.items, oldest.key)
		forgotten, evicted = oldest.value, true
		l.evictions++
	}
	item := &lruItem[K, V]{key: key, value: value}
	l.items[key] = item
	l.link(item)
	return forgotten, evicted
}

func (l *lru[K, V]) link(item *lruItem[K, V]) {
	item.prev, item.next = &l.ring, l.ring.next
	item.prev.next, item.next.prev = item, item
}

func (item *lruItem[K, V]) unlink() {
	item.prev.next, item.next.prev = item.next, item.prev
}
