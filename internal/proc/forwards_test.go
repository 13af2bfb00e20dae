package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	sandbox "github.com/smtptrace/smtptrace/internal/live"
)

// inhabited is a cell with a process, which forwards nothing yet.
func inhabited(t *testing.T) *sandbox.Cell {
	t.Helper()
	cell := sandbox.NewCell(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperVar+"=live")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cell.Start(cmd)
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	for _, value := range []string{"1", "0"} { // it may have been taken over from the host
		sysctl(t, cell, "ipv4/ip_forward", value)
	}
	return cell
}

// sysctl sets one of the cell's network.
func sysctl(t *testing.T, cell *sandbox.Cell, name, value string) {
	t.Helper()
	var err error
	cell.Do(func() { err = os.WriteFile("/proc/sys/net/"+name, []byte(value), 0) })
	if err != nil {
		t.Fatal(err)
	}
}

// expectForwards looks in the cell's network namespace, and in that of the processes in its cgroup, which is the same.
func expectForwards(t *testing.T, cell *sandbox.Cell, what string, want bool) {
	t.Helper()
	for _, h := range []Holders{{NetNS: cell.NetNS}, {Cgroup: cell.Cgroup}} {
		if got, err := Forwards("/proc", h); err != nil || got != want {
			t.Errorf("%s, of %+v: %t, %v; want %t", what, h, got, err, want)
		}
	}
}

// A namespace forwards if one of its interfaces does, in either family.
func TestForwardsRouted(t *testing.T) {
	cell := inhabited(t)
	expectForwards(t, cell, "at first", false)
	for _, name := range []string{
		"ipv4/ip_forward", "ipv4/conf/lo/forwarding", "ipv6/conf/all/forwarding", "ipv6/conf/lo/forwarding",
	} {
		if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil && strings.HasPrefix(name, "ipv6") {
			continue
		}
		sysctl(t, cell, name, "1")
		expectForwards(t, cell, name, true)
		sysctl(t, cell, name, "0")
		expectForwards(t, cell, name+" no more", false)
	}
}

// A bridge with two ports carries what is not routed. With one it is an interface like any other.
func TestForwardsSwitched(t *testing.T) {
	cell := inhabited(t)
	var err error
	var taps [2]*os.File
	cell.Do(func() {
		err = addBridge("br0")
		for i := range taps {
			if err == nil {
				taps[i], err = addTap(fmt.Sprintf("tap%d", i))
			}
		}
	})
	for _, tap := range taps {
		t.Cleanup(func() { tap.Close() })
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOPKG) || errors.Is(err, unix.ENODEV) {
		t.Skipf("needs bridges and taps, which are modules on most kernels: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	expectForwards(t, cell, "a bridge without ports", false)
	for i, want := range []bool{false, true} {
		cell.Do(func() { err = addPort("br0", fmt.Sprintf("tap%d", i)) })
		if err != nil {
			t.Fatal(err)
		}
		expectForwards(t, cell, fmt.Sprintf("a bridge with %d ports", i+1), want)
	}
	taps[0].Close() // and the tap goes
	expectForwards(t, cell, "a bridge with a port that is left", false)
}

// What cannot be found out is not said to forward nothing.
func TestForwardsUnknown(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: network namespaces")
	}
	for name, h := range map[string]Holders{
		"a namespace that is not there": {NetNS: 1},
		"nobody":                        {PID: 1 << 22},
	} {
		if got, err := Forwards("/proc", h); err == nil || got {
			t.Errorf("%s: %t, %v", name, got, err)
		}
	}
	var crowd []network
	for i := range 3 {
		crowd = append(crowd, network{inode: uint32(i), doors: []string{"/nowhere"}})
	}
	if got, err := anyForwards("/proc", crowd); got || err != nil { // gone meanwhile
		t.Errorf("gone: %t, %v", got, err)
	}
	crowd[1].doors = []string{"/proc/self/status"}
	crowd[1].inode = inodeOf(t, "/proc/self/status")
	if got, err := anyForwards("/proc", crowd); got || err == nil {
		t.Errorf("not to be entered: %t, %v", got, err)
	}
}

func inodeOf(t *testing.T, path string) uint32 {
	t.Helper()
	st, err := statAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(st.inode)
}

// The namespaces of everybody are those of all processes, and those that are mounted.
func TestNetworks(t *testing.T) {
	procfs := fakeSockets(t, map[string]socketProcess{
		"7": {"0", hostNet, nil}, "12": {"33", hostNet, nil}, "200": {"33", cellNet, nil},
	}, nil)
	put(t, procfs, "self/mountinfo", `27 1 254:0 / / rw - ext4 /dev/vda rw
31 27 0:4 net:[4026532300] /run/netns/a\040router rw shared:9 - nsfs nsfs rw
32 27 0:4 mnt:[4026532301] /run/x rw - nsfs nsfs rw
`)
	host, cell := netnsOf(t, procfs, "host"), netnsOf(t, procfs, "cell")
	www := uint32(33)
	for name, test := range map[string]struct {
		h    Holders
		want map[uint32]string
	}{
		"everybody":   {Holders{}, map[uint32]string{host: "7/ns/net 12/ns/net", cell: "200/ns/net", 4026532300: "/run/netns/a router"}},
		"a process":   {Holders{PID: 7}, map[uint32]string{host: "7/ns/net 12/ns/net"}},
		"a user":      {Holders{UID: &www}, map[uint32]string{host: "7/ns/net 12/ns/net", cell: "200/ns/net"}},
		"a namespace": {Holders{NetNS: cell, PID: 7}, map[uint32]string{cell: "200/ns/net"}},
		"a mount":     {Holders{NetNS: 4026532300}, map[uint32]string{4026532300: "/run/netns/a router"}},
	} {
		list, err := test.h.networks(procfs)
		got := map[uint32]string{}
		for _, n := range list {
			got[n.inode] = strings.ReplaceAll(strings.Join(n.doors, " "), procfs+"/", "")
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: %v\n got %v\nwant %v", name, err, got, test.want)
		}
	}
}

// More namespaces than are entered are not known.
func TestTooManyNetworks(t *testing.T) {
	procfs := fakeSockets(t, map[string]socketProcess{"7": {"0", hostNet, nil}}, nil)
	var mounts strings.Builder
	for i := range maxNetworks {
		fmt.Fprintf(&mounts, "31 27 0:4 net:[%d] /run/netns/%d rw - nsfs nsfs rw\n", 4000000000+i, i)
	}
	put(t, procfs, "self/mountinfo", mounts.String())
	if got, err := Forwards(procfs, Holders{}); err == nil || got || !strings.Contains(err.Error(), "more than 1000") {
		t.Errorf("%t, %v", got, err)
	}
}

// No thread of the program is left in another namespace, and the first one never was in one.
func TestOwnThread(t *testing.T) {
	cell := inhabited(t)
	sysctl(t, cell, "ipv4/ip_forward", "1")
	own := inodeOf(t, "/proc/self/ns/net")
	for range 50 {
		if got, err := Forwards("/proc", Holders{NetNS: cell.NetNS}); err != nil || !got {
			t.Fatal(got, err)
		}
		if st := inodeOf(t, "/proc/self/ns/net"); st != own {
			t.Fatal("the first thread is in another namespace")
		}
	}
	strangers := func() (n int) {
		threads, _ := filepath.Glob("/proc/self/task/*/ns/net")
		for _, thread := range threads {
			var st unix.Stat_t
			if unix.Stat(thread, &st) == nil && uint32(st.Ino) != own {
				n++
			}
		}
		return n
	}
	sandbox.Eventually(t, "the cell's own thread alone is in another namespace", func() bool { return strangers() == 1 })
	for range 100 {
		var tid int
		onOwnThread(func() { tid = unix.Gettid() })
		if tid == unix.Getpid() {
			t.Fatal("it was on the first thread")
		}
	}
}

// addBridge makes a bridge in this thread's namespace.
func addBridge(name string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	room := append([]byte(name), make([]byte, unix.IFNAMSIZ-len(name))...)
	if err := ioctl(s, unix.SIOCBRADDBR, room); err != nil {
		return fmt.Errorf("make a bridge: %w", err)
	}
	return nil
}

// addPort makes an interface a port of a bridge.
func addPort(bridge, name string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	port, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(s, unix.SIOCGIFINDEX, port); err != nil {
		return err
	}
	master, err := unix.NewIfreq(bridge)
	if err != nil {
		return err
	}
	master.SetUint32(port.Uint32())
	if err := unix.IoctlIfreq(s, unix.SIOCBRADDIF, master); err != nil {
		return fmt.Errorf("add a port to a bridge: %w", err)
	}
	return nil
}

// addTap makes an interface that goes with its file.
func addTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a tap: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("make a tap: %w", err)
	}
	return f, nil
}

func ioctl(fd int, request uintptr, argument []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&argument[0])))
	if errno != 0 {
		return errno
	}
	return nil
}
