package proc

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	maxLinks = 40   // as the kernel follows (MAXSYMLINKS in include/linux/namei.h)
	maxSteps = 4096 // names on the way: whoever made the links may want it to be long
)

// linksSettled tells that no link on a path was made or turned at atNs or later: it leads where it led
// then, as far as links decide. A link cannot be written, only replaced, and so its ctime tells.
func linksSettled(root *rootDir, name string, atNs int64) bool {
	at, rest := "/", strings.Split(name, "/")
	for links, steps := 0, 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		if steps++; steps > maxSteps {
			return false
		}
		next := path.Join(at, part) // at has no links
		target, st, err := root.link(next)
		if err != nil {
			return false
		}
		if st.mode&unix.S_IFMT != unix.S_IFLNK {
			at = next
			continue
		}
		if links++; links > maxLinks || !settled(st.ctimeNs, atNs) {
			return false
		}
		if path.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return true
}
