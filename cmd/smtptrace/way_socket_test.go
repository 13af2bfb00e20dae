package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
)

// Ways to come to a socket, for TestWays.

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
