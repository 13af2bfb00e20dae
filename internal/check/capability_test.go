package check

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// keep becomes a user and drops all capabilities but those named, for whatever is run later too. The
// limit of locked memory becomes what kernels begin with.
func keep(names []string, uid int) error {
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 65536, Max: 65536}); err != nil {
		return err
	}
	set := capabilitySet(names)
	for c := range 64 {
		if set&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && err != unix.EINVAL {
			return err // EINVAL: there is no such capability
		}
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		word := uint32(set >> (32 * i))
		data[i] = unix.CapUserData{Effective: word, Permitted: word, Inheritable: word}
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return err
	}
	for c := range 64 {
		if set&(1<<c) == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0); err != nil {
			return err
		}
	}
	return nil
}

func capabilitySet(names []string) uint64 {
	var set uint64
	for c, name := range capabilityNames {
		if slices.Contains(names, name) {
			set |= 1 << c
		}
	}
	return set
}

// setcap makes a copy of this program whose file gives it capabilities.
func setcap(t *testing.T, names ...string) string {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	file := filepath.Join(t.TempDir(), "smtptrace.test")
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	set := capabilitySet(names)
	// struct vfs_cap_data (linux/capability.h): revision 2 and "effective"; permitted and inheritable, twice.
	var data []byte
	for _, word := range []uint32{0x02000000 | 1, uint32(set), 0, uint32(set >> 32), 0} {
		data = binary.LittleEndian.AppendUint32(data, word)
	}
	if err := unix.Setxattr(file, "security.capability", data, 0); err != nil {
		t.Fatal(err)
	}
	return file
}
