package probe

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// selftestName is what the self-test's child is called, and what makes a process one. The tracer runs
// itself again for that: a process, not a thread, can be put into a network namespace and a cgroup of
// its own.
const selftestName = "smtptrace: self-test"

func init() {
	if os.Args[0] != selftestName {
		return
	}
	if err := selftestChild(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// selftestChild holds one SMTP dialogue with itself for each byte that it reads, until the end of in.
func selftestChild(in io.Reader, out io.Writer) error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bring up the loopback of the self-test: %w", err)
	}
	if _, err := out.Write([]byte{'r'}); err != nil {
		return err
	}
	b := make([]byte, 1)
	for {
		if _, err := in.Read(b); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := dialogue(); err != nil {
			return fmt.Errorf("the self-test's dialogue: %w", err)
		}
		if _, err := out.Write([]byte{'d'}); err != nil {
			return err
		}
	}
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr)
}

// dialogue is a connect, a greeting, a command and a close, on a port that is a mail port by default and
// needs no right to listen on.
func dialogue() error {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	addr := &unix.SockaddrInet4{Port: 2525, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := unix.Bind(listener, addr); err != nil {
		return err
	}
	if err := unix.Listen(listener, 1); err != nil {
		return err
	}
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(client)
	if err := unix.Connect(client, addr); err != nil {
		return err
	}
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(server)
	b := make([]byte, 64)
	for _, turn := range []struct {
		from, to int
		line     string
	}{{server, client, "220 selftest ESMTP\r\n"}, {client, server, "EHLO selftest\r\n"}} {
		if _, err := unix.Write(turn.from, []byte(turn.line)); err != nil {
			return err
		}
		if _, err := unix.Read(turn.to, b); err != nil {
			return err
		}
	}
	return nil
}
