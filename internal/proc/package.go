package proc

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
)

// Package is the package that owns an exe.
type Package struct {
	Name    string
	Version string
	Intact  *bool // the file's digest is the one in the database; nil: not known
}

// owned is what a package database says of one file.
type owned struct {
	Package
	stale  bool   // the database has changed since it was read
	digest string // lower-case hex, of MD5 or SHA-256; "": the database has none, or of another kind
}

// intact compares the digest of the file that ran with the package's; nil: not comparable.
func (o *owned) intact(d digest) *bool {
	var same bool
	switch len(o.digest) {
	case 2 * md5.Size:
		same = o.digest == hex.EncodeToString(d.md5[:])
	case 2 * sha256.Size:
		same = o.digest == hex.EncodeToString(d.sha256[:])
	default:
		return nil
	}
	return &same
}

// database reads one kind of package database below one root.
type database interface {
	// read calls add with the path of each file and the number of its package, below maxPackages.
	read(root *rootDir, add func(path string, pkg int) error) error
	// owner tells of a path that read has shown in a package.
	owner(root *rootDir, path string, pkg int) (owned, error)
}

// databaseKind is a place where distributions keep a database. Both files are looked at to see that
// it changed; the first must be there.
type databaseKind struct {
	first, second string
	open          func(first string) database
}

var databaseKinds = []databaseKind{
	{"var/lib/dpkg/status", "var/lib/dpkg/info", openDpkg},
	{"usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite-wal", rpmOf(openRpmSqlite)},
	{"usr/lib/sysimage/rpm/Packages.db", "", rpmOf(openRpmNdb)},
	{"var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite-wal", rpmOf(openRpmSqlite)},
	{"var/lib/rpm/Packages.db", "", rpmOf(openRpmNdb)},
	{"var/lib/rpm/Packages", "", rpmOf(openRpmBdb)},
	{"usr/share/rpm/rpmdb.sqlite", "usr/share/rpm/rpmdb.sqlite-wal", rpmOf(openRpmSqlite)}, // ostree
}

// databaseState changes with the database.
type databaseState [2]fileID

func (k databaseKind) state(root *rootDir) (databaseState, bool) {
	first, err := root.stat(k.first, inRoot)
	if err != nil || !first.regular() || first.size == 0 {
		return databaseState{}, false
	}
	state := databaseState{first.fileID}
	if k.second != "" {
		if second, err := root.stat(k.second, inRoot); err == nil {
			state[1] = second.fileID
		}
	}
	return state, true
}
