package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

func init() {
	live.Become(map[string]func([]string) error{"throng": throng})
}

// TestEvicted: a sender that connected, and then waited while more processes connected than the kernel or the tracer
// keeps, is named all the same, in the session as in its other records, or it is counted that somebody is not.
func TestEvicted(t *testing.T) {
	live.Thorough(t)
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			t.Run("by others' mail", func(t *testing.T) { outlast(t, f, 8_000, 25) })
			t.Run("by others' connections", func(t *testing.T) {
				live.NotInVM(t)
				outlast(t, f, 16_000, 8080)
			})
		})
	}
}

// outlast lets so many others connect meanwhile. The kernel keeps some 4,096 processes, or more where there are many
// CPUs; the tracer keeps those that connect to mail ports, and half as many.
func outlast(t *testing.T, f probe.Family, others int, port uint16) {
	if live.InVM() { // emulated, a fork takes a hundred times as long: five minutes in all
		others = 5_000
	}
	cell := live.NewCell(t)
	for i := range throngServers {
		cell.ServeFunc(throngServer(i, port), func(conn net.Conn) { io.Copy(io.Discard, conn) })
	}
	waiters := []struct {
		name, addr string
		before     []live.Turn // said before the others come
	}{
		{"nothing said", "127.8.0.1:25", nil},
		{"nothing said, to another port", "127.8.0.2:2526", nil},
		{"greeted", "127.8.0.3:25", greeted},
		{"greeted, on another port", "127.8.0.4:2526", greeted},
		{"EHLO said", "127.8.0.5:25", append(greeted[:1:1], wholeMail[:2]...)},
		{"EHLO said, on another port", "127.8.0.6:2526", append(greeted[:1:1], wholeMail[:2]...)},
	}
	tr := start(t, cell, f)
	lines, peers, pids := make([]*live.Line, len(waiters)), make([]net.Conn, len(waiters)), make([]uint32, len(waiters))
	for i, x := range waiters { // each is a process of its own
		in := cell.Listen(x.addr)
		actor := cell.NewActor()
		lines[i], pids[i] = actor.Dial(x.addr), actor.PID()
		peers[i] = <-in
		lines[i].With(peers[i], x.before...)
	}
	tr.await(record.ActionConnect, 3)
	began := time.Now()
	cell.Run(live.Child("throng", fmt.Sprint(others), fmt.Sprint(port)))
	t.Logf("%d processes have connected in %v", others, time.Since(began).Round(time.Millisecond))
	all := append(greeted[:1:1], wholeMail...)
	for i, x := range waiters {
		lines[i].With(peers[i], all[len(x.before):]...)
		lines[i].Close()
	}
	records := tr.survive()
	lost := records[len(records)-1].Tracer.Counters.Lost
	sums, nameless := accounts(records), []string(nil)
	exe, _ := self(t)
	for i, x := range waiters {
		a := only(t, sums, x.addr)
		if lie := a.lie(1, 1); lie != "" {
			t.Errorf("%s: %s", x.name, lie)
		}
		switch {
		case a.exe == "":
			nameless = append(nameless, x.name)
		case a.exe != exe || a.pid != pids[i]:
			t.Errorf("%s: by %d %s, and it was %d %s", x.name, a.pid, a.exe, pids[i], exe)
		}
	}
	if uint64(len(nameless)) > lost.Unidentified {
		t.Errorf("sessions of nobody: %q; and %d processes counted that were not identified", nameless, lost.Unidentified)
	}
}

// throngServers are several, or all local ports would be waiting for late packets of connections to one.
const throngServers = 4

func throngServer(i int, port uint16) string { return fmt.Sprintf("127.8.1.%d:%d", i+1, port) }

// throng makes so many processes one after the other that each connect, and end.
func throng(args []string) error {
	var n int
	var port uint16
	if _, err := fmt.Sscan(args[0]+" "+args[1], &n, &port); err != nil {
		return err
	}
	runtime.LockOSThread()
	var to [throngServers]unix.RawSockaddrInet4
	for i := range to {
		addr := netip.MustParseAddrPort(throngServer(i, port))
		to[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: addr.Addr().As4()}
		*(*[2]byte)(unsafe.Pointer(&to[i].Port)) = [2]byte{byte(addr.Port() >> 8), byte(addr.Port())}
	}
	for i := range n {
		pid, errno := connectForked(&to[i%len(to)])
		if errno != 0 {
			return fmt.Errorf("fork: %w", errno)
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return fmt.Errorf("wait for a process: %w", err)
		}
		if !status.Exited() || status.ExitStatus() != 0 {
			return errors.New("a process could not connect")
		}
	}
	return nil
}

// connectForked makes a process that connects, and ends. In it is this thread alone, and so it does nothing but
// system calls.
//
//go:noinline
//go:nosplit
func connectForked(to *unix.RawSockaddrInet4) (pid int, errno unix.Errno) {
	child, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if child != 0 || errno != 0 {
		return int(child), errno
	}
	status := uintptr(1)
	s, _, errno := unix.RawSyscall(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
	if errno == 0 {
		_, _, errno = unix.RawSyscall(unix.SYS_CONNECT, s, uintptr(unsafe.Pointer(to)), unix.SizeofSockaddrInet4)
	}
	if errno == 0 {
		status = 0
	}
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, status, 0, 0)
	}
}
