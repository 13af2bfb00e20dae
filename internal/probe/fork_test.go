package probe

import (
	"net/netip"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
)

// TestForked: what began its program itself is told from a fork of such, whoever is made the fork's parent.
func TestForked(t *testing.T) {
	const addr = "127.0.0.1:25"
	cell := live.NewCell(t)
	cell.Serve(addr)
	p := open(t, cell, Auto, true)
	for how, forked := range map[string]bool{"mail": false, "fork": true, "sibling": true} {
		cell.Run(live.Child(how, addr))
		conns, procs := collect(t, p, 1)
		who := procs[conns[addr].last.Connector.Pid]
		if who == nil || who.Forked != forked {
			t.Errorf("%s: forked is not %v: %+v", how, forked, who)
		}
		if how == "sibling" && who != nil {
			if _, err := unix.Wait4(int(who.Key.Pid), nil, 0, nil); err != nil {
				t.Error(err)
			}
		}
	}
}

// forkTo is a child whose fork, made with such flags of clone(2), connects.
func forkTo(flags uintptr) func(args []string) error {
	return func(args []string) error {
		addr, err := netip.ParseAddrPort(args[0])
		if err != nil {
			return err
		}
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		to := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: addr.Addr().As4()}
		port := (*[2]byte)(unsafe.Pointer(&to.Port))
		port[0], port[1] = byte(addr.Port()>>8), byte(addr.Port())
		runtime.LockOSThread()
		pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if pid == 0 && errno == 0 { // it has one thread, and no runtime
			unix.RawSyscall(unix.SYS_CONNECT, uintptr(s), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		if errno != 0 {
			return errno
		}
		if flags == 0 {
			_, err = unix.Wait4(int(pid), nil, 0, nil)
		}
		return err
	}
}
