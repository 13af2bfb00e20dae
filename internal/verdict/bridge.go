package verdict

import (
	"os"
	"path/filepath"
	"syscall"
)

// classNet is where the kernel describes the interfaces (Documentation/ABI/testing/sysfs-class-net).
const classNet = "/sys/class/net"

// isOwnBridge says whether an interface is a bridge that only containers and guests of this machine hang
// on, such as docker0 or virbr0. One with a network card among its ports (which has a device), or a bond
// or VLAN over one (which has a lower_ link), is part of the network outside: who is on it is not known.
func isOwnBridge(sys, name string) bool {
	ports, err := os.ReadDir(filepath.Join(sys, name, "brif"))
	if err != nil {
		return false
	}
	for _, port := range ports {
		dir := filepath.Join(sys, port.Name())
		if _, err := os.Stat(filepath.Join(dir, "device")); err == nil {
			return false
		}
		if lower, _ := filepath.Glob(filepath.Join(dir, "lower_*")); len(lower) > 0 {
			return false
		}
	}
	return true
}

// ownMountNamespace is the inode number of the mount namespace that the tracer runs in; 0, which no
// namespace has, where it cannot be read.
func ownMountNamespace() uint32 {
	st, err := os.Stat("/proc/self/ns/mnt")
	if err != nil {
		return 0
	}
	return uint32(st.Sys().(*syscall.Stat_t).Ino)
}
