package proc

import (
	"path"
	"sync"
	"time"

	"github.com/smtptrace/smtptrace/internal/lru"
)

// catalogs are the package databases of the roots that were asked about lately.
type catalogs struct {
	mu    sync.Mutex
	known *lru.Map[fileKey, *catalog] // by the directory that holds the database
}

// catalog is a database that is read again when it has changed.
type catalog struct {
	mu    sync.Mutex
	state databaseState
	next  time.Time // not to be read again before
	index *index    // nil: it cannot be read
}

// fileKey names a file whatever its content.
type fileKey struct{ dev, inode uint64 }

const (
	maxCatalogs = 4
	rebuildWait = 5 * time.Second // a database in the midst of an upgrade is not read over and over,
	rebuildRest = 20              // nor a large one: it rests so many times what the reading took
)

func newCatalogs() *catalogs { return &catalogs{known: lru.New[fileKey, *catalog](maxCatalogs)} }

// index finds the packages of a root; nil: it has no package database that can be read now.
func (c *catalogs) index(root *rootDir) *index {
	for _, kind := range databaseKinds {
		state, ok := kind.state(root)
		if !ok {
			continue
		}
		dir, err := root.stat(path.Dir(kind.first), inRoot)
		if err != nil {
			continue
		}
		key := fileKey{dir.dev, dir.inode}
		c.mu.Lock()
		one, ok := c.known.Get(key)
		if !ok {
			one = &catalog{}
			c.known.Put(key, one)
		}
		c.mu.Unlock()
		return one.refresh(root, kind, state)
	}
	return nil
}

func (c *catalog) refresh(root *rootDir, kind databaseKind, state databaseState) *index {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == state {
		return c.index
	}
	began := time.Now()
	if began.Before(c.next) {
		return c.index.outdated()
	}
	c.state, c.index = state, c.index.outdated()
	built, err := newIndex(root, kind.open(kind.first))
	c.next = time.Now().Add(max(rebuildWait, rebuildRest*time.Since(began)))
	after, ok := kind.state(root)
	if err == nil && ok && after == state {
		c.index = built
	}
	return c.index
}
