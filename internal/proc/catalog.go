package proc

import (
	"path"
	"sync"
	"time"
)

// catalogs are the package databases of the roots that were asked about lately.
type catalogs struct {
	mu    sync.Mutex
	known *lru[fileKey, *catalog] // by the directory that holds the database
}

// catalog is a database that is read again when it has changed.
type catalog struct {
	mu    sync.Mutex
	state databaseState
	tried time.Time
	index *index // nil: it cannot be read, or was changing
}

// fileKey names a file whatever its content.
type fileKey struct{ dev, inode uint64 }

const (
	maxCatalogs = 4
	rebuildWait = 5 * time.Second // a database in the midst of an upgrade is not read over and over
)

func newCatalogs() *catalogs { return &catalogs{known: newLRU[fileKey, *catalog](maxCatalogs)} }

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
		one, ok := c.known.get(key)
		if !ok {
			one = &catalog{}
			c.known.put(key, one)
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
	if time.Since(c.tried) < rebuildWait {
		return nil
	}
	c.tried, c.state, c.index = time.Now(), state, nil
	built, err := newIndex(root, kind.open(kind.first))
	// A change meanwhile, or one so close before that its time might be used twice, and it is read again.
	after, ok := kind.state(root)
	if err == nil && ok && after == state {
		c.index = built
	}
	return c.index
}
