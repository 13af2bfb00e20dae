package proc

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

var errNotRegular = errors.New("not a regular file")

// fileID names one content of one file: a write changes the ctime, which no user can set.
type fileID struct {
	dev     uint64 // as the kernel packs it: major << 20 | minor
	inode   uint64
	ctimeNs int64
	size    int64
}

// stat is what statx(2) says of an open file.
type stat struct {
	fileID
	mtimeNs int64
	btimeNs int64 // birth; 0: the file system does not keep it
	nlink   uint32
	uid     uint32
	gid     uint32
	mode    uint16
	mount   uint64 // as in mountinfo
}

func (s *stat) regular() bool { return s.mode&unix.S_IFMT == unix.S_IFREG }
func (s *stat) dir() bool     { return s.mode&unix.S_IFMT == unix.S_IFDIR }

func statFd(fd int) (stat, error) { return statAt(fd, "", unix.AT_EMPTY_PATH) }

func statAt(dirfd int, path string, flags int) (stat, error) {
	var x unix.Statx_t
	mask := unix.STATX_BASIC_STATS | unix.STATX_BTIME | unix.STATX_MNT_ID
	if err := unix.Statx(dirfd, path, flags|unix.AT_STATX_SYNC_AS_STAT, mask, &x); err != nil {
		return stat{}, fmt.Errorf("statx: %w", err)
	}
	s := stat{
		fileID:  fileID{kernelDev(x.Dev_major, x.Dev_minor), x.Ino, ns(x.Ctime), int64(x.Size)},
		mtimeNs: ns(x.Mtime), nlink: x.Nlink, uid: x.Uid, gid: x.Gid, mode: x.Mode,
	}
	if x.Mask&unix.STATX_BTIME != 0 {
		s.btimeNs = ns(x.Btime)
	}
	if x.Mask&unix.STATX_MNT_ID != 0 {
		s.mount = x.Mnt_id
	}
	return s, nil
}

// kernelDev packs a device number as the kernel does inside (include/linux/kdev_t.h).
func kernelDev(major, minor uint32) uint64 { return uint64(major)<<20 | uint64(minor) }

func ns(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }
