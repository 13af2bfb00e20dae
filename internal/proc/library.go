package proc

import (
	"path"

	"golang.org/x/sys/unix"
)

const maxLibraries = 16 // that are named

// unpackaged tells that a mapped file is of no package. covered: it was mapped in another mount namespace
// than the root's, where its path may lead to another file.
func unpackaged(x *index, root *rootDir, lib mapping, covered bool) bool {
	name, ok := root.inside(lib.path)
	switch {
	case !ok:
		return false
	case !x.has(name):
		// An upgrade takes libraries away whose names have versions in them. Nobody can tell whose it was, but by
		// who can have put it there.
		return !lib.gone || !onlyRoots(root, path.Dir(name))
	case covered && !lib.gone:
		return leadsElsewhere(root, name, lib.inode)
	}
	return false
}

// leadsElsewhere tells that another file than a mapped one is at a path. In an overlay nobody can tell: it may give
// its files other numbers than their mappings have.
func leadsElsewhere(root *rootDir, name string, inode uint64) bool {
	fd, st, err := root.look(name, inRoot)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var fs unix.Statfs_t
	return st.inode != inode && unix.Fstatfs(fd, &fs) == nil && uint32(fs.Type) != unix.OVERLAYFS_SUPER_MAGIC
}

// onlyRoots tells that nobody but root writes in a directory, as far as it is still there, nor in any above.
func onlyRoots(root *rootDir, dir string) bool {
	for ; ; dir = path.Dir(dir) {
		st, err := root.stat(dir, inRoot)
		if err != nil && !isMissing(err) || err == nil && (st.uid != 0 || st.mode&(unix.S_IWGRP|unix.S_IWOTH) != 0) {
			return false
		}
		if dir == "/" || dir == "." {
			return true
		}
	}
}
