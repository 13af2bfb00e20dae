package proc

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// search looks for a script by its name in the directories of PATH, as perl -S (perlrun(1)) and bash (bash(1))
// do, and takes it only where it must have been found when the program began: what comes before it in PATH
// has not changed since.
func (s *Script) search(dirs string, root *rootDir, began span, executable bool) {
	name := s.Path
	for dir := range strings.SplitSeq(dirs, ":") {
		if !path.IsAbs(dir) { // of whatever directory the program was in
			return
		}
		at := path.Join(dir, name)
		st, err := root.stat(at, inRoot)
		switch {
		case isMissing(err):
			if !absentSince(root, dir, began) {
				return
			}
		case err != nil || !settled(st.ctimeNs, began.from) || !linksSettled(root, at, began.from):
			return
		case st.regular() && (!executable || st.mode&0o111 == 0o111):
			s.Path, s.Relative = at, false
			return
		case st.regular() && st.mode&0o111 != 0: // whether it was allowed to run it takes all its groups to tell
			return
		}
	}
}

// absentSince tells that what is not in a directory now was not there when the program began: the directory, or
// the one above that it is missing from, has not changed since.
func absentSince(root *rootDir, dir string, began span) bool {
	for ; ; dir = path.Dir(dir) {
		st, err := root.stat(dir, inRoot)
		switch {
		case err == nil:
			return st.mode&unix.S_IFMT == unix.S_IFDIR && settled(st.ctimeNs, began.from) && linksSettled(root, dir, began.from)
		case !isMissing(err) || dir == "/":
			return false
		}
	}
}
