package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

type mount struct{ fs, at, data string }

var always = []mount{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"devpts", "/dev/pts", "ptmxmode=0666"},
	{"tmpfs", "/dev/shm", "mode=1777"},
	{"tmpfs", "/tmp", "mode=1777"},
	{"tmpfs", "/run", "mode=755"},
	{"bpf", "/sys/fs/bpf", ""},
	{"debugfs", "/sys/kernel/debug", ""},
	{"tracefs", "/sys/kernel/tracing", ""},
	{"securityfs", "/sys/kernel/security", ""},
}

var unified = []mount{{"cgroup2", "/sys/fs/cgroup", ""}}

// hybrid is systemd's older layout: v1 controllers beside an empty v2 tree.
var hybrid = []mount{
	{"tmpfs", "/sys/fs/cgroup", "mode=755"},
	{"cgroup2", "/sys/fs/cgroup/unified", ""},
	{"cgroup", "/sys/fs/cgroup/pids", "pids"},
	{"cgroup", "/sys/fs/cgroup/memory", "memory"},
}

// leaveRootfs makes / a mount on top of the kernel's own root, as on a real machine: pivot_root
// refuses the kernel's own.
func leaveRootfs() error {
	const at = "/newroot"
	if err := os.Mkdir(at, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("/", at, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind / on %s: %w", at, err)
	}
	if err := os.Chdir(at); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move %s to /: %w", at, err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return os.Remove(at)
}

func mountAll(withV1 bool) error {
	cgroups := unified
	if withV1 {
		cgroups = hybrid
	}
	for _, m := range append(always, cgroups...) {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		err := unix.Mount(m.fs, m.at, m.fs, 0, m.data)
		if err == unix.EINVAL && m.data == "memory" {
			// Debian builds no v1 memory controller from 6.12 on (CONFIG_MEMCG_V1).
			os.Remove(m.at)
			continue
		}
		if err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.fs, m.at, err)
		}
	}
	return nil
}

// openRaw opens a serial port without line endings translated or input echoed.
func openRaw(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the output port %q: %w", path, err)
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("read the mode of %s: %w", path, err)
	}
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	t.Cflag |= unix.CLOCAL
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return nil, fmt.Errorf("set the mode of %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// drain waits until everything written has left the port: powering off would cut it short.
func drain(f *os.File) { unix.IoctlSetInt(int(f.Fd()), unix.TCSBRK, 1) }
