package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroupDir is where the packet hooks are attached: the root of the v2 hierarchy, or the --cgroup.
type cgroupDir struct {
	path     string
	file     *os.File // a private mount, where the host has none
	filterID uint64   // 0: the root, no filter
	level    uint32   // of the filter's cgroup below the root
}

// CheckCgroup says whether dir is a directory in a cgroup v2 hierarchy.
func CheckCgroup(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return fmt.Errorf("%s is not in a cgroup v2 hierarchy", dir)
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	return nil
}

func openCgroup(dir string) (*cgroupDir, error) {
	if dir == "" {
		return openCgroupRoot()
	}
	if err := CheckCgroup(dir); err != nil {
		return nil, err
	}
	id, err := cgroupID(dir)
	if err != nil {
		return nil, err
	}
	level, err := cgroupLevel(dir)
	if err != nil {
		return nil, err
	}
	return &cgroupDir{path: dir, filterID: id, level: level}, nil
}

// rootCgroupID is the id of the first directory of a kernfs (fs/kernfs/dir.c, kernfs_create_root).
const rootCgroupID = 1

// cgroupID is the kernel's id of a cgroup. The handle of a kernfs directory is its 64-bit id
// (fs/kernfs/mount.c, kernfs_encode_fh).
func cgroupID(dir string) (uint64, error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, dir, 0)
	if err != nil {
		return 0, fmt.Errorf("find the id of cgroup %s: %w", dir, err)
	}
	var id uint64
	for i, b := range handle.Bytes() {
		id |= uint64(b) << (8 * i)
	}
	return id, nil
}

// cgroupLevel counts the directories between dir and its mount's root, and the root's own depth.
func cgroupLevel(dir string) (uint32, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return 0, fmt.Errorf("cgroup: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return 0, fmt.Errorf("cgroup: %w", err)
	}
	mounts, err := cgroupMounts()
	if err != nil {
		return 0, err
	}
	best := -1
	var level uint32
	for _, m := range mounts {
		rest, inside := strings.CutPrefix(dir, m.point)
		if !inside || len(m.point) <= best || (rest != "" && rest[0] != '/') {
			continue
		}
		best = len(m.point)
		level = uint32(depth(m.root) + depth(rest))
	}
	if best < 0 {
		return 0, fmt.Errorf("cgroup %s is below no cgroup2 mount of this mount namespace", dir)
	}
	return level, nil
}

func depth(p string) int { return len(strings.FieldsFunc(p, func(r rune) bool { return r == '/' })) }

type cgroupMount struct{ root, point string }

// cgroupMounts lists the mounts of type cgroup2 (proc(5), mountinfo).
func cgroupMounts() ([]cgroupMount, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("find the cgroup2 mount: %w", err)
	}
	var mounts []cgroupMount
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		before, after, _ := strings.Cut(s.Text(), " - ")
		f := strings.Fields(before)
		if len(f) > 4 && strings.HasPrefix(after, "cgroup2 ") {
			mounts = append(mounts, cgroupMount{root: f[3], point: f[4]})
		}
	}
	return mounts, nil
}

// openCgroupRoot finds the root of the v2 hierarchy, or mounts one that nobody else sees.
func openCgroupRoot() (*cgroupDir, error) {
	mounts, err := cgroupMounts()
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		if id, err := cgroupID(m.point); err == nil && id == rootCgroupID {
			return &cgroupDir{path: m.point}, nil
		}
	}
	fd, err := mountCgroup()
	if err != nil {
		return nil, fmt.Errorf("mount a cgroup2 hierarchy of our own: %w", err)
	}
	dir := &cgroupDir{path: fmt.Sprintf("/proc/self/fd/%d", fd), file: os.NewFile(uintptr(fd), "cgroup2")}
	if id, err := cgroupID(dir.path + "/."); err != nil || id != rootCgroupID {
		dir.close()
		return nil, errors.New("the root of the cgroup v2 hierarchy is out of reach from this cgroup namespace: " +
			"run it in the host's (docker run --cgroupns=host), or watch one cgroup with --cgroup")
	}
	return dir, nil
}

// mountCgroup makes a detached mount (Linux 5.2+): it has no place in the tree and goes with its
// descriptor.
func mountCgroup() (int, error) {
	fs, err := unix.Fsopen("cgroup2", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil && !errors.Is(err, unix.EBUSY) {
		return -1, fmt.Errorf("fsconfig: %w", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("fsmount: %w", err)
	}
	return fd, nil
}

func (c *cgroupDir) close() {
	if c.file != nil {
		c.file.Close()
	}
}
