package proc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// sameFile tells whether an open file is the one that the kernel saw, unchanged. live is the /proc
// directory of a process that sees the file's mount, or -1.
//
// Where statx gives other numbers than the kernel has inside (a btrfs subvolume has a device of its
// own, an overlay over several file systems has numbers of its own), the kernel's are looked up: the
// inode in fdinfo (Linux 5.14), the device in mountinfo. What cannot be shown to be equal is not.
func sameFile(p *event.Process, fd int, st *stat, live int) bool {
	if st.ctimeNs != int64(p.ExeCtimeNs) || st.size != int64(p.ExeSize) {
		return false
	}
	return sameInode(p, fd, st, live)
}

// sameInode compares inode and device alone.
func sameInode(p *event.Process, fd int, st *stat, live int) bool {
	if !st.regular() {
		return false
	}
	if st.inode == p.ExeInode && st.dev == uint64(p.ExeDev) {
		return true
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || uint32(fs.Type) != p.ExeMagic {
		return false
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return false
	}
	inode := st.inode
	if n, ok := fdinfoField(info, "ino:"); ok {
		inode = n
	}
	mount, ok := fdinfoField(info, "mnt_id:")
	if !ok || inode != p.ExeInode {
		return false
	}
	if st.dev == uint64(p.ExeDev) {
		return true
	}
	dev, ok := mountDev("/proc/self/mountinfo", mount)
	if !ok && live >= 0 {
		dev, ok = mountDev(fmt.Sprintf("/proc/self/fd/%d/mountinfo", live), mount)
	}
	return ok && dev == uint64(p.ExeDev)
}

func fdinfoField(info []byte, name string) (uint64, bool) {
	for line := range bytes.Lines(info) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			n, err := strconv.ParseUint(string(bytes.TrimSpace(rest)), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// mountDev finds a mount's device in a mountinfo file (proc_pid_mountinfo(5)): the superblock's own.
func mountDev(path string, mount uint64) (uint64, bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	id := strconv.FormatUint(mount, 10)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || fields[0] != id {
			continue
		}
		major, minor, _ := strings.Cut(fields[2], ":")
		a, err1 := strconv.ParseUint(major, 10, 32)
		b, err2 := strconv.ParseUint(minor, 10, 32)
		return kernelDev(uint32(a), uint32(b)), err1 == nil && err2 == nil
	}
	return 0, false
}
