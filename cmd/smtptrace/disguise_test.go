package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
)

// The children of TestIdentity. Each says a byte on its output and waits for one on its input, before its
// mail and behind it.

func number(n int) string { return strconv.Itoa(n) }

// startWaiting starts such a child in the cell. said waits for its byte, and answer lets it go on.
func startWaiting(t *testing.T, cell *live.Cell, cmd *exec.Cmd) (said, answer func()) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cell.Start(cmd)
	said = func() {
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatalf("the child: %v", err)
		}
	}
	return said, func() { in.Write([]byte{'\n'}) }
}

// disguised are the ways to mail; each gets the arguments behind its name.
var disguised = map[string]func(args []string) error{
	"mail": mailOnce,
	"titled": func(args []string) error {
		addr := strings.Clone(args[1]) // it stands among what is written over
		writeTitle(strings.Clone(args[0]))
		return mailOnce([]string{addr})
	},
	"orphan":    orphan,
	"unshared":  unshared,
	"hand-over": handOver,
	"fd":        mailOn3,
}

// wait runs a way to mail between two bytes.
func wait(args []string) error {
	return disguised[args[0]](args[1:])
}

func await() error {
	if _, err := os.Stdout.Write([]byte{'r'}); err != nil {
		return err
	}
	_, err := os.Stdin.Read(make([]byte, 1))
	return err
}

// connected connects, and goes when it is told to.
func connected(args []string) error {
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	return await()
}

func mailOnce(args []string) error {
	if err := await(); err != nil {
		return err
	}
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	return mailOnConn(conn)
}

func mailOnConn(conn net.Conn) error {
	defer conn.Close()
	if err := live.Talk(conn, live.Message...); err != nil {
		return err
	}
	return await()
}

// writeTitle writes over the arguments, as a daemon does that shows its state in ps.
func writeTitle(title string) {
	for i, arg := range os.Args {
		b := unsafe.Slice(unsafe.StringData(arg), len(arg)+1)
		clear(b)
		if i == 0 {
			copy(b, title)
		}
	}
}

// orphan lets a child mail, and has ended by then.
func orphan(args []string) error {
	cmd := live.Child("wait", append([]string{"mail"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Start()
}

// unshared runs a binary that is in a file system of its own mount namespace alone: one beside the host's,
// or an overlay that is its root, as in a container. The namespace is there from the beginning: a thread
// that made one would leave this program's others in the host's.
func unshared(args []string) error {
	dir := args[1]
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	if args[0] == "overlay" {
		for _, name := range []string{"upper", "work", "root"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				return err
			}
		}
		layers := fmt.Sprintf("lowerdir=/,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
		if err := unix.Mount("overlay", dir+"/root", "overlay", 0, layers); err != nil {
			return fmt.Errorf("mount an overlay: %w", err)
		}
		if err := unix.Chroot(dir + "/root"); err != nil {
			return err
		}
		dir = "/"
	}
	hidden := filepath.Join(dir, "hidden")
	if err := os.WriteFile(hidden, binary, 0o755); err != nil {
		return err
	}
	return syscall.Exec(hidden, []string{hidden, "mail", args[2]}, os.Environ())
}

// handOver connects, and lets a child send on the socket.
func handOver(args []string) error {
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := live.Child("wait", "fd")
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdin, os.Stdout, os.Stderr, []*os.File{f}
	return cmd.Run()
}

func mailOn3([]string) error {
	if err := await(); err != nil {
		return err
	}
	conn, err := net.FileConn(os.NewFile(3, "socket"))
	if err != nil {
		return fmt.Errorf("take the socket: %w", err)
	}
	return mailOnConn(conn)
}
