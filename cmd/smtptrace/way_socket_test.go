package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
)

// Ways to come to a socket, and to let others send on it, for TestWays.

// fastOpen connects with the first word in the SYN (RFC 7413).
func fastOpen(to netip.AddrPort) (int, error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s, err
	}
	first := []byte(said("fastopen", "\r\n")[0])
	if err := unix.Sendto(s, first, unix.MSG_FASTOPEN, sockaddr(to)); err != nil {
		return s, fmt.Errorf("send with the SYN: %w", err)
	}
	return s, inSYN(s)
}

// fastOpenConnect connects when the first word is sent, with that in the SYN.
func fastOpenConnect(to netip.AddrPort) (int, error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s, err
	}
	if err := unix.SetsockoptInt(s, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1); err != nil {
		return s, fmt.Errorf("set TCP_FASTOPEN_CONNECT: %w", err)
	}
	if err := unix.Connect(s, sockaddr(to)); err != nil {
		return s, err
	}
	if err := write(s, []byte(said("lateconnect", "\r\n")[0])); err != nil {
		return s, err
	}
	return s, inSYN(s)
}

func sockaddr(to netip.AddrPort) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
}

// inSYN makes sure that the server took what was sent with the SYN.
func inSYN(s int) error {
	const synData = 32               // TCPI_OPT_SYN_DATA
	if err := reply(s); err != nil { // the greeting: the SYN is acknowledged
		return err
	}
	info, err := unix.GetsockoptTCPInfo(s, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return fmt.Errorf("ask for the connection's state: %w", err)
	}
	if info.Options&synData == 0 {
		return errors.New("the first word was not taken from the SYN")
	}
	return nil
}

// mptcp connects by multipath TCP, and makes sure that it is, or has fallen back to TCP.
func mptcp(fallback bool) func(netip.AddrPort) (int, error) {
	return func(to netip.AddrPort) (int, error) {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
		if err != nil {
			return s, err
		}
		if err := unix.Connect(s, sockaddr(to)); err != nil {
			return s, err
		}
		const solMPTCP, info = 284, 1
		_, err = unix.GetsockoptInt(s, solMPTCP, info)
		if fell := errors.Is(err, unix.EOPNOTSUPP); fell != fallback {
			return s, fmt.Errorf("fallback to TCP: %v (%v), want %v", fell, err, fallback)
		}
		return s, nil
	}
}

// wrapsAround connects with a sequence number that comes to its end in the first word (include/uapi/linux/tcp.h:
// tcp_repair).
func wrapsAround(to netip.AddrPort) (int, error) {
	const repair, queue, sequence, on, off, sendQueue = 19, 20, 21, 1, 0, 2
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s, err
	}
	for _, o := range [][2]int{{repair, on}, {queue, sendQueue}, {sequence, -10}, {repair, off}} {
		if err := unix.SetsockoptInt(s, unix.IPPROTO_TCP, o[0], o[1]); err != nil {
			return s, fmt.Errorf("choose the sequence number: %w", err)
		}
	}
	return s, unix.Connect(s, sockaddr(to))
}

// mappedAddress connects to an IPv4 address in an IPv6 one.
func mappedAddress(to netip.AddrPort) (int, error) {
	s, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s, err
	}
	return s, unix.Connect(s, &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
}

// passedOn gives the socket to another program over a Unix socket, which sends.
func passedOn(s int, _ []string) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	theirs := os.NewFile(uintptr(pair[1]), "passed")
	cmd := live.Child("passed", "scmrights")
	cmd.ExtraFiles, cmd.Stderr = []*os.File{theirs}, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(s), nil, 0); err != nil {
		return fmt.Errorf("pass the socket: %w", err)
	}
	return cmd.Wait()
}

// passed is the child that takes the socket.
func passed(args []string) error {
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(3, make([]byte, 1), oob, 0)
	if err != nil {
		return fmt.Errorf("take the socket: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("%d control messages, %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return fmt.Errorf("%d descriptors, %w", len(fds), err)
	}
	return converse(fds[0], said(args[0], "\r\n"), write, false)
}

// kernelTLS lets the kernel encrypt what is said behind STARTTLS, with keys that the server does not know.
func kernelTLS(s int, chunks []string) error {
	if err := converse(s, []string{chunks[0], "STARTTLS\r\n"}, write, false); err != nil {
		return err
	}
	if err := tlsBySocket(s); err != nil {
		return err
	}
	for _, chunk := range chunks {
		if err := write(s, []byte(chunk)); err != nil {
			return err
		}
	}
	return nil
}

// programTLS sends behind STARTTLS what a TLS library could: records whose ciphertext happens to be lines.
func programTLS(s int, chunks []string) error {
	if err := converse(s, []string{chunks[0], "STARTTLS\r\n"}, write, false); err != nil {
		return err
	}
	for _, chunk := range chunks {
		record := append([]byte{0x17, 0x03, 0x03, 0, byte(2 + len(chunk))}, "\r\n"+chunk...)
		if err := write(s, record); err != nil {
			return err
		}
	}
	return nil
}

// tlsBySocket is TCP_ULP and then TLS_TX with fixed keys for AES-128-GCM (include/uapi/linux/tls.h).
func tlsBySocket(s int) error {
	if err := unix.SetsockoptString(s, unix.IPPROTO_TCP, unix.TCP_ULP, "tls"); err != nil {
		return fmt.Errorf("hand TLS to the kernel: %w", err)
	}
	const solTLS, txKeys = 282, 1
	keys := make([]byte, 4+8+16+4+8)
	copy(keys, []byte{0x03, 0x03, 51, 0}) // TLS 1.2, TLS_CIPHER_AES_GCM_128
	if err := unix.SetsockoptString(s, solTLS, txKeys, string(keys)); err != nil {
		return fmt.Errorf("give the kernel the keys: %w", err)
	}
	return nil
}

// forked lets a copy of this process send constants: it has not touched their pages since it is there.
func forked(s int, _ []string) error {
	in := make([]byte, 512)
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("fork: %w", errno)
	}
	if pid == 0 { // of Go only this thread is here: nothing but system calls, and no stack to grow
		for i := range constants {
			text := unsafe.StringData(constants[i])
			n, _, _ := unix.RawSyscall(unix.SYS_WRITE, uintptr(s), uintptr(unsafe.Pointer(text)), uintptr(len(constants[i])))
			got, _, _ := unix.RawSyscall(unix.SYS_READ, uintptr(s), uintptr(unsafe.Pointer(&in[0])), uintptr(len(in)))
			if int(n) != len(constants[i]) || got < 4 || got > uintptr(len(in)) {
				unix.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
			}
		}
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	fmt.Println(pid) // who sends
	return ended(int(pid))
}

var constants = [...]string{
	"EHLO fork.example.org\r\n", "MAIL FROM:<a@example.org>\r\n", "RCPT TO:<b@example.net>\r\n", "DATA\r\n",
	"Subject: canary-in-the-body\r\n\r\nhello\r\n.\r\n", "QUIT\r\n",
}

// ended waits for a child that this process forked.
func ended(pid int) error {
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return fmt.Errorf("wait for the child: %w", err)
	}
	if status != 0 {
		return fmt.Errorf("the child ended with %#x", status)
	}
	return nil
}
