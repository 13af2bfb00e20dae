package proc

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/smtptrace/smtptrace/internal/lru"
)

// index finds the package of a path: 8 bytes each, 48 of their bits a hash of the path, 16 the number
// of the package. The hash is seeded, so that nobody can choose a path that meets another's.
type index struct {
	db      database
	links   [][2]string // directories that lead to others: "/bin/" to "/usr/bin/"
	entries []uint64    // sorted
	stale   bool        // the database has changed since: that it has no package for a path says nothing

	mu      sync.Mutex
	answers *lru.Map[string, *owned] // nil values: no package
}

const (
	maxPackages  = 1 << 16
	maxPaths     = 1 << 20
	knownAnswers = 2048
)

var (
	pathSeed   = maphash.MakeSeed()
	errTooMany = errors.New("package database is larger than a real one")
	errNoFile  = errors.New("package does not have the file")

	errNotIndexed = errors.New("path is of no program or library")
	errStale      = errors.New("package database is changing")
)

func pathHash(path string) uint64 { return maphash.String(pathSeed, path) &^ (maxPackages - 1) }

func newIndex(root *rootDir, db database) (*index, error) {
	x := &index{db: db, links: directoryLinks(root), answers: lru.New[string, *owned](knownAnswers)}
	err := db.read(root, func(path string, pkg int) error {
		if len(x.entries) >= maxPaths || pkg >= maxPackages {
			return errTooMany
		}
		x.entries = append(x.entries, pathHash(path)|uint64(pkg))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read a package database: %w", err)
	}
	slices.Sort(x.entries)
	x.entries = slices.Clip(x.entries)
	return x, nil
}

// outdated is the index of a database that has changed since. What it finds is read anew.
func (x *index) outdated() *index {
	if x == nil || x.stale {
		return x
	}
	return &index{db: x.db, links: x.links, entries: x.entries, stale: true}
}

// find looks up who owns a path; nil: no package does.
func (x *index) find(root *rootDir, path string) (*owned, error) {
	if !isProgramPath(path) {
		return nil, errNotIndexed
	}
	answer, ok := x.answer(path)
	if ok {
		return answer, nil
	}
	for _, name := range x.names(path) {
		for _, pkg := range x.packages(name) {
			o, err := x.db.owner(root, name, pkg)
			if errors.Is(err, errNoFile) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("look up the package of %s: %w", path, err)
			}
			if answer == nil || answer.digest == "" {
				answer = &o
			}
		}
	}
	if x.stale {
		if answer == nil {
			return nil, errStale
		}
		answer.stale = true
		return answer, nil
	}
	x.mu.Lock()
	x.answers.Put(path, answer)
	x.mu.Unlock()
	return answer, nil
}

// answer gives what was found before.
func (x *index) answer(path string) (o *owned, ok bool) {
	if x.stale {
		return nil, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.answers.Get(path)
}

// has tells whether a package owns a path, or may own it.
func (x *index) has(path string) bool {
	if !isProgramPath(path) || x.stale {
		return true
	}
	for _, name := range x.names(path) {
		if len(x.packages(name)) > 0 {
			return true
		}
	}
	return false
}

func (x *index) packages(path string) []int {
	var pkgs []int
	hash := pathHash(path)
	i, _ := slices.BinarySearch(x.entries, hash)
	for ; i < len(x.entries) && x.entries[i]&^(maxPackages-1) == hash; i++ {
		pkgs = append(pkgs, int(x.entries[i]&(maxPackages-1)))
	}
	return pkgs
}

// isProgramPath leaves out what is never run, which is half of a system's files.
func isProgramPath(p string) bool {
	rest, ok := strings.CutPrefix(p, "/usr/")
	if !ok {
		return len(p) > 1
	}
	for _, dir := range [...]string{"share/doc/", "share/man/", "share/locale/", "share/icons/", "include/", "src/"} {
		if strings.HasPrefix(rest, dir) {
			return false
		}
	}
	return true
}

// names gives the names that a database may have for a path: /usr/bin/sh was /bin/sh before the two
// directories were merged, and often still is in the database.
func (x *index) names(path string) []string {
	names := []string{path}
	for _, link := range x.links {
		for _, name := range names {
			if rest, ok := strings.CutPrefix(name, link[1]); ok {
				names = append(names, link[0]+rest)
			}
		}
	}
	return names
}

// directoryLinks finds the directories of programs and libraries that are links in a root.
func directoryLinks(root *rootDir) [][2]string {
	var links [][2]string
	for _, link := range [...]string{"/usr/sbin", "/usr/lib64", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		target, err := root.readlink(link)
		if err != nil || target == "" {
			continue
		}
		if target[0] != '/' {
			target = link[:strings.LastIndexByte(link, '/')+1] + target
		}
		links = append(links, [2]string{link + "/", strings.TrimSuffix(target, "/") + "/"})
	}
	return links
}
