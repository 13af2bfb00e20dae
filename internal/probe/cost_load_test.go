package probe

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
)

// The sockets that a load has. None of them is mail.
const (
	judged    = "judged"    // opened while the tracer watched, and found to be something else
	unwatched = "unwatched" // opened before it watched: in its cgroup, and without state
	bothEnds  = "both-ends" // judged, and the accepting end, which has no state, is in the cgroup too
	elsewhere = "elsewhere" // of another cgroup
)

// load is a child that loads the loopback of a cell, and says how long it took. It is one thread that has
// both ends of its connections: no wait and no second CPU hides what the tracer costs.
type load struct {
	b   *testing.B
	in  io.Writer
	out *bufio.Reader
}

// startLoad starts a load in the cell's namespace, and in its cgroup if it is to be watched. Its listener
// is the test's own, and so are the accepted sockets in the test's cgroup (sk_clone_lock inherits it):
// packet hooks then see the connecting end alone.
func startLoad(b *testing.B, cell *live.Cell, watched bool) *load {
	b.Helper()
	var fd int
	var err error
	cell.Do(func() { fd, err = listen() })
	if err != nil {
		b.Fatal(err)
	}
	listener := os.NewFile(uintptr(fd), "listener")
	defer listener.Close()
	cmd := live.Child("load")
	cmd.ExtraFiles = []*os.File{listener}
	cmd.Stderr = os.Stderr
	l := &load{b: b}
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	l.in, l.out = in, bufio.NewReader(out)
	if watched {
		cell.Start(cmd)
	} else if cell.Do(func() { err = cmd.Start() }); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("the load: %v", err)
		}
	})
	return l
}

// do gives the load a command of loadChild, and waits for its end. It gives the nanoseconds of an operation.
func (l *load) do(verb, name string, n int) float64 {
	l.b.Helper()
	var took float64
	if _, err := fmt.Fprintln(l.in, verb, name, n); err != nil {
		l.b.Fatal(err)
	}
	if _, err := fmt.Fscanln(l.out, &took); err != nil {
		l.b.Fatalf("the load's answer to %s %s: %v", verb, name, err)
	}
	return took
}

// listen opens a listener on a loopback port that the kernel chooses.
func listen() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, err
	}
	return fd, unix.Listen(fd, 16)
}

// ends are the two descriptors of a connection.
type ends struct{ client, server int }

func connect(listener int) (e ends, err error) {
	addr, err := unix.Getsockname(listener)
	if err != nil {
		return e, err
	}
	if e.client, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return e, err
	}
	if err = unix.SetsockoptInt(e.client, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return e, err
	}
	if err = unix.Connect(e.client, addr); err != nil {
		return e, err
	}
	e.server, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
	return e, err
}

// close ends a connection by the client's FIN and the server's RST: nothing stays in TIME_WAIT.
func (e ends) close() error {
	if err := unix.SetsockoptLinger(e.server, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := unix.Close(e.client); err != nil {
		return err
	}
	return unix.Close(e.server)
}

// The sizes of what is sent. None of it is SMTP.
const (
	small = 32
	large = 16 << 10
)

// pass sends so many messages, each read before the next.
func pass(from, to, n, size int) error {
	message, b := make([]byte, size), make([]byte, size)
	for range n {
		if _, err := unix.Write(from, message); err != nil {
			return err
		}
		for left := size; left > 0; {
			got, err := unix.Read(to, b)
			if err != nil {
				return err
			}
			left -= got
		}
	}
	return nil
}

// visit is a short connection: a request, an answer, the end.
func visit(listener int) error {
	e, err := connect(listener)
	if err != nil {
		return err
	}
	if err := pass(e.client, e.server, 1, small); err != nil {
		return err
	}
	if err := pass(e.server, e.client, 1, small); err != nil {
		return err
	}
	return e.close()
}

// handedDown is the descriptor of the listener that startLoad hands down.
const handedDown = 3

// visitor is a process of one connection.
func visitor([]string) error { return visit(handedDown) }

// loadChild obeys lines of a verb, a name and a number:
//
//	open NAME 1       connects once for each of the next three: TCP's acknowledgements adapt to the use
//	sends NAME N      the connecting end of an open connection sends small messages
//	bulk NAME N       large ones
//	answers NAME N    the accepting end sends small ones
//	visits NAME N     short connections, of this process
//	visitors NAME N   short connections, each of a new process
//
// and answers each with the nanoseconds that an operation took. The accepting end is in the cgroup of the test, and
// in that of the child where the NAME is bothEnds.
func loadChild([]string) error {
	runtime.LockOSThread()
	own, err := listen()
	if err != nil {
		return err
	}
	file := os.NewFile(handedDown, "listener")
	defer file.Close()
	listeners := map[string]int{bothEnds: own}
	open := map[string]ends{}
	for {
		var verb, name string
		var n int
		if _, err := fmt.Scanln(&verb, &name, &n); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a command: %w", err)
		}
		listener := max(listeners[name], handedDown)
		pair := open[name+" "+verb]
		var do func(n int) error
		switch verb {
		case "open":
			do = func(int) error {
				for _, use := range []string{"sends", "bulk", "answers"} {
					e, err := connect(listener)
					if err != nil {
						return err
					}
					if err := pass(e.client, e.server, 1, small); err != nil {
						return err
					}
					open[name+" "+use] = e
				}
				return nil
			}
		case "sends":
			do = func(n int) error { return pass(pair.client, pair.server, n, small) }
		case "bulk":
			do = func(n int) error { return pass(pair.client, pair.server, n, large) }
		case "answers":
			do = func(n int) error { return pass(pair.server, pair.client, n, small) }
		case "visits":
			do = func(n int) error { return repeat(n, func() error { return visit(listener) }) }
		case "visitors":
			do = func(n int) error {
				return repeat(n, func() error {
					cmd := live.Child("visitor")
					cmd.ExtraFiles = []*os.File{file}
					cmd.Stderr = os.Stderr
					return cmd.Run()
				})
			}
		}
		took, err := stretches(n, do)
		if err != nil {
			return fmt.Errorf("%s %s: %w", verb, name, err)
		}
		fmt.Println(took)
	}
}

func repeat(n int, do func() error) error {
	for range n {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// stretches does n operations, and gives the nanoseconds of one: the median of short stretches, most of
// which nothing interrupts. Go's own monitor does so for a millisecond after each wait.
func stretches(n int, do func(int) error) (float64, error) {
	var took []float64
	for left, size := n, max(1, n/10); left > 0; left -= size {
		size = min(size, left)
		began := time.Now()
		if err := do(size); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(began).Nanoseconds())/float64(size))
	}
	return median(took), nil
}
