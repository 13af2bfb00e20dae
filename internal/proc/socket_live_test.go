package proc

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"

	sandbox "github.com/smtptrace/smtptrace/internal/live"
)

// connectToItself listens for IPv4 and IPv6 at once, and connects so often over IPv4. Of twice as many connections more
// the client's end stays in TIME_WAIT.
func connectToItself(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "[::]:2525")
	if err != nil {
		return err
	}
	for i := range 3 * n {
		client, err := net.Dial("tcp", fmt.Sprintf("127.0.0.%d:2525", i%100+1))
		if err != nil {
			return err
		}
		server, err := listener.Accept()
		if err != nil {
			return err
		}
		if i >= n {
			client.Close()
			io.Copy(io.Discard, server)
			server.Close()
		}
	}
	return nil
}

// connected is a process in a cell with so many connections, and where to look for them.
func connected(t testing.TB, count int) (pid uint32, h Holders) {
	t.Helper()
	cell := sandbox.NewCell(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperVar+"=connections", "COUNT="+strconv.Itoa(count))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cell.Start(cmd)
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "ready\n" {
		t.Fatal(said, err)
	}
	return uint32(cmd.Process.Pid), Holders{NetNS: cell.NetNS, Cgroup: cell.Cgroup}
}

// The kernel's own tables are read whole: each end of each connection, which of them was accepted, and whose it is.
func TestSocketsOfTheKernel(t *testing.T) {
	const n = 100
	pid, h := connected(t, n)
	got, err := Sockets("/proc", h)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for i := range got {
		s := &got[i]
		kind := fmt.Sprintf("%02X IPv6 %t listens %t", s.State, s.IPv6, s.Listens)
		kinds[kind]++
		if s.NetNS != h.NetNS || s.UID != uint32(os.Getuid()) && s.State != TCPTimeWait {
			t.Errorf("%+v", s)
		}
		switch {
		case s.State == TCPTimeWait:
			if s.Inode != 0 || s.HeldBy != nil || s.Destination.Port() != 2525 {
				t.Errorf("%+v", s)
			}
			continue
		case s.State == TCPListen:
			if s.Source != netip.AddrPortFrom(netip.IPv6Unspecified(), 2525) {
				t.Errorf("%+v", s)
			}
		case s.Listens == (s.Destination.Port() == 2525), !s.Source.Addr().Is4(), !s.Destination.Addr().Is4():
			t.Errorf("%+v", s)
		}
		if len(s.HeldBy) != 1 || s.HeldBy[0].PID != pid || s.HeldBy[0].StartTicks == 0 || s.HeldBy[0].Executable == "" {
			t.Errorf("%+v held by %+v", s, s.HeldBy)
		}
	}
	for kind, want := range map[string]int{
		"0A IPv6 true listens true": 1, "01 IPv6 true listens true": n, "01 IPv6 false listens false": n,
		"06 IPv6 false listens false": 0, // TIME_WAIT is left out
	} {
		if kinds[kind] != want {
			t.Errorf("%d of %s, want %d: %v", kinds[kind], kind, want, kinds)
		}
	}
}

// BenchmarkSockets reads about 40,000 sockets, of which 18,000 are open.
func BenchmarkSockets(b *testing.B) {
	_, h := connected(b, 9000)
	b.ReportAllocs()
	for b.Loop() {
		got, err := Sockets("/proc", h)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(got)), "sockets")
	}
}
