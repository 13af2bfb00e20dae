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
		st, err := root.stat(name, inRoot)
		return err == nil && st.inode != lib.inode
	}
	return false
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
