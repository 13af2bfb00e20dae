package proc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// rootDir is a directory that paths are looked up in as if it were "/": nothing in it, however
// hostile, leads outside of it (openat2(2), Linux 5.6).
type rootDir struct {
	fd int    // O_PATH
	at string // its path in the mount namespace, for a chroot; "": the namespace's own root
}

const (
	inRoot     = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	noSymlinks = inRoot | unix.RESOLVE_NO_SYMLINKS
)

// openRoot opens a directory below dirfd, or at a path of our own with unix.AT_FDCWD.
func openRoot(dirfd int, path string) (*rootDir, error) {
	fd, err := unix.Openat(dirfd, path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the root directory %s: %w", path, err)
	}
	return &rootDir{fd: fd}, nil
}

// openRootOf opens the root directory of a process, by its directory in /proc.
func openRootOf(dir int) (*rootDir, error) {
	root, err := openRoot(dir, "root")
	if err != nil {
		return nil, err
	}
	at, err := readlinkAt(dir, "root")
	if err != nil {
		root.close()
		return nil, fmt.Errorf("read where a root directory is: %w", err)
	}
	root.at = strings.TrimSuffix(at, "/")
	return root, nil
}

// inside turns a path of the mount namespace into one of the root directory; false: it is not below.
func (d *rootDir) inside(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, d.at)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// relative makes a path one for openat2: "." is the root directory itself.
func relative(path string) string {
	if path = strings.TrimLeft(path, "/"); path == "" {
		return "."
	}
	return path
}

func (d *rootDir) close() { unix.Close(d.fd) }

// look finds a path and opens nothing: neither a FIFO nor a device notices. The descriptor is O_PATH.
func (d *rootDir) look(path string, resolve uint64) (int, stat, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve}
	fd, err := unix.Openat2(d.fd, relative(path), &how)
	for try := 0; err == unix.EAGAIN && try < 8; try++ { // a rename raced with ".."
		fd, err = unix.Openat2(d.fd, relative(path), &how)
	}
	if err != nil {
		return -1, stat{}, err
	}
	st, err := statFd(fd)
	if err != nil {
		unix.Close(fd)
		return -1, stat{}, err
	}
	return fd, st, nil
}

// stat looks at what a path leads to.
func (d *rootDir) stat(path string, resolve uint64) (stat, error) {
	fd, st, err := d.look(path, resolve)
	if err == nil {
		unix.Close(fd)
	}
	return st, err
}

// open opens a regular file for reading, and nothing else.
func (d *rootDir) open(path string, resolve uint64) (*os.File, stat, error) {
	fd, st, err := d.look(path, resolve)
	if err != nil {
		return nil, stat{}, fmt.Errorf("look up %s: %w", path, err)
	}
	defer unix.Close(fd)
	if !st.regular() {
		return nil, st, fmt.Errorf("%s: %w", path, errNotRegular)
	}
	f, err := reopen(fd)
	if err != nil {
		return nil, st, fmt.Errorf("open %s: %w", path, err)
	}
	return f, st, nil
}

// readlink reads a symbolic link, which is not followed.
func (d *rootDir) readlink(path string) (string, error) {
	target, st, err := d.link(path)
	if err == nil && st.mode&unix.S_IFMT != unix.S_IFLNK {
		err = unix.EINVAL
	}
	return target, err
}

// link looks at a path without following it, and reads it if it is a symbolic link.
func (d *rootDir) link(path string) (target string, st stat, err error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: inRoot}
	fd, err := unix.Openat2(d.fd, relative(path), &how)
	if err != nil {
		return "", stat{}, err
	}
	defer unix.Close(fd)
	if st, err = statFd(fd); err == nil && st.mode&unix.S_IFMT == unix.S_IFLNK {
		target, err = readlinkAt(fd, "")
	}
	return target, st, err
}

// reopen opens for reading what an O_PATH descriptor names. O_NONBLOCK: a file lease must not hold us.
func reopen(fd int) (*os.File, error) {
	self := fmt.Sprintf("/proc/self/fd/%d", fd)
	n, err := unix.Open(self, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(n), self), nil
}

func readlinkAt(dirfd int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dirfd, name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// eachLine calls visit with the lines of a file, without their ends. What is over limit bytes is an
// error: a hostile file costs neither memory nor time.
func (d *rootDir) eachLine(path string, limit int64, visit func(line string) error) error {
	f, st, err := d.open(path, inRoot)
	if err != nil {
		return err
	}
	defer f.Close()
	if st.size > limit {
		return fmt.Errorf("read %s: %d bytes are over the limit of %d", path, st.size, limit)
	}
	lines := bufio.NewScanner(io.LimitReader(f, limit))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := visit(lines.Text()); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func isMissing(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR)
}
