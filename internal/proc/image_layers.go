package proc

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// layers are the directories of an image in the overlay driver of docker or of containers/storage, which no
// container writes to.
type layers struct {
	place string // the driver's directory
	top   string // the name of the container's own layer, which is above them; "": not known
}

// maxLayers is more than docker and containers/storage allow an image.
const maxLayers = 512

// each opens them, the uppermost first, until visit returns false. whole: visit saw all that it wanted.
func (l layers) each(root *rootDir, visit func(layer *rootDir) bool) (whole bool) {
	if l.top == "" || strings.ContainsAny(l.top, "/.") {
		return false
	}
	lower := strings.SplitN(firstLine(root, path.Join(l.place, l.top, "lower")), ":", maxLayers)
	for _, link := range lower { // l/SHORTNAME, which leads to ../NAME/diff
		if !strings.HasPrefix(link, "l/") {
			return false
		}
		fd, st, err := root.look(path.Join(l.place, link), inRoot)
		if err != nil {
			return false // with one missing, nobody knows what is covered
		}
		layer := &rootDir{fd: fd}
		more := st.dir() && visit(layer)
		layer.close()
		if !more {
			return st.dir()
		}
	}
	return true
}

// open opens the regular file that the image has at a path; nil: it has none there or, unless sure, nobody can tell.
func (l layers) open(root *rootDir, name string) (f *os.File, st stat, sure bool) {
	clear := true
	whole := l.each(root, func(layer *rootDir) bool {
		var err error
		if f, st, err = layer.open(name, noSymlinks); err == nil {
			return false
		}
		f = nil
		clear = isMissing(err) || errors.Is(err, errNotRegular) // a whiteout is a device
		return seesBelow(layer, name, err)
	})
	return f, st, whole && clear
}

// user names a uid by the passwd of the image.
func (l layers) user(root *rootDir, names *accounts, uid uint32) (name string) {
	l.each(root, func(layer *rootDir) bool {
		st, err := layer.stat("etc/passwd", noSymlinks)
		if err == nil && st.regular() {
			name = names.name(layer, "etc/passwd", uid)
		}
		return seesBelow(layer, "etc/passwd", err)
	})
	return name
}

// seesBelow says whether the layers under one show what they have at a path, of which this error came: not where a
// directory on the way has been taken away, or made anew (overlayfs.rst of Linux: whiteouts and opaque directories).
func seesBelow(layer *rootDir, name string, err error) bool {
	if !errors.Is(err, unix.ENOENT) {
		return false
	}
	for dir := path.Dir(name); dir != "/" && dir != "."; dir = path.Dir(dir) {
		fd, _, err := layer.look(dir, noSymlinks)
		if err != nil {
			continue
		}
		var opaque [2]byte
		n, err := unix.Getxattr(fmt.Sprintf("/proc/self/fd/%d", fd), "trusted.overlay.opaque", opaque[:])
		unix.Close(fd)
		if err == nil && string(opaque[:n]) == "y" {
			return false
		}
	}
	return true
}
