package probe

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/live"
)

// veteran has a connection that is older than the probe: it says one thing, tells its local address, waits for a
// line, and says another.
func veteran(args []string) error {
	addr := args[0]
	before, err := strconv.Unquote(args[1])
	if err != nil {
		return err
	}
	after, err := strconv.Unquote(args[2])
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := exchange(conn, before); err != nil {
		return err
	}
	fmt.Println(conn.LocalAddr())
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	if err := exchange(conn, after); err != nil {
		return err
	}
	fmt.Println("done")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// exchange sends steps, and waits after each for something to come.
func exchange(conn net.Conn, steps string) error {
	buf := make([]byte, 4096)
	for step := range strings.SplitSeq(steps, "|") {
		if step == "" {
			continue
		}
		if _, err := io.WriteString(conn, step); err != nil {
			return err
		}
		if _, err := conn.Read(buf); err != nil {
			return err
		}
	}
	return nil
}

// old starts a veteran in the cell; it waits for the first call of next, which lets it say the rest, and for the
// second, which lets it end.
func old(t *testing.T, cell *live.Cell, addr, before, after string) (o Old, cmd *exec.Cmd, next func()) {
	t.Helper()
	cmd = live.Child("veteran", addr, strconv.Quote(before), strconv.Quote(after))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cell.Start(cmd)
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("it said nothing: %v", cmd.Wait())
	}
	o = Old{Source: netip.MustParseAddrPort(lines.Text()), Destination: netip.MustParseAddrPort(addr)}
	o.IPv6 = o.Source.Addr().Is6()
	calls := 0
	return o, cmd, func() {
		if calls++; calls == 1 {
			io.WriteString(in, "\n")
			if !lines.Scan() {
				t.Errorf("it did not come to its end: %v", cmd.Wait())
			}
			return
		}
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// parrot answers whatever it gets with the same text, after a greeting.
func parrot(greeting, answer string) func(net.Conn) {
	return func(conn net.Conn) {
		io.WriteString(conn, greeting)
		buf := make([]byte, 4096)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			io.WriteString(conn, answer)
		}
	}
}

// TestAdopt: of connections from before the hooks, those that go to a mail port or speak SMTP are followed from
// then on, and those that speak TLS or another protocol on other ports are not told of.
func TestAdopt(t *testing.T) {
	for _, f := range Families[1:] {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			for _, addr := range []string{"127.0.0.1:25", "127.0.0.1:2526", "[::1]:25", "127.0.0.2:2526"} {
				cell.ServeFunc(addr, parrot("220 mx ESMTP\r\n", "250 ok\r\n"))
			}
			cell.ServeFunc("127.0.0.1:6379", parrot("", "+OK\r\n"))
			cell.ServeFunc("127.0.0.1:443", parrot("", "\x17\x03\x03\x00\x02ok"))
			cell.ServeFunc("127.0.0.3:25", parrot("220 mx ESMTP\r\n", ""))
			const hello, mail = "EHLO a.example\r\n", "MAIL FROM:<a@example.org>\r\n|RCPT TO:<b@example.net>\r\n"
			cases := []struct{ addr, before, after, said string }{
				{"127.0.0.1:25", hello, mail, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n"},
				{"[::1]:25", hello, mail, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n"},
				{"127.0.0.1:2526", hello, mail, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n"},
				{"127.0.0.2:2526", hello, "the end of a body\r\nMAIL FROM:<c@example.org>\r\n", "MAIL FROM:<c@example.org>\r\n"},
				{"127.0.0.3:25", hello, "", ""},
				{"127.0.0.1:6379", "PING\r\n", "SET a b\r\n", ""},
				{"127.0.0.1:443", "\x16\x03\x01\x00\x01x", "\x17\x03\x03\x00\x01y", ""},
			}
			var list []Old
			var next []func()
			pids := map[string]uint32{}
			for _, c := range cases {
				o, cmd, more := old(t, cell, c.addr, c.before, c.after)
				list, next = append(list, o), append(next, more)
				pids[c.addr] = uint32(cmd.Process.Pid)
			}
			p := open(t, cell, f, true)
			ids, err := p.Adopt(cell.NetNS, append(list, Old{list[0].Source, netip.MustParseAddrPort("127.0.0.9:25"), false}), func(do func() error) (err error) {
				cell.Do(func() { err = do() })
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range ids {
				if (id == 0) != (i == len(list)) { // the last one is not there
					t.Errorf("%d of %d: id %d", i, len(list), id)
				}
			}
			for _, more := range next {
				more()
			}
			for _, more := range next {
				more()
			}
			ends := slices.Clone(ids[:5])
			if f == Cgroup { // sockops is not asked of old sockets
				ends = nil
			}
			conns := drained(t, p, ends...)
			for i, c := range cases {
				s := conns[ids[i]]
				mail := strings.HasSuffix(c.addr, ":25") || c.said != ""
				switch {
				case s == nil && mail:
					t.Errorf("%s: nothing is told of it", c.addr)
				case s != nil && !mail && s.last.State != event.StateOther:
					t.Errorf("%s is told of: %+v, %v", c.addr, s.last, s.said)
				case s == nil || !mail:
				case !strings.HasPrefix(strings.TrimLeft(s.said[event.Client], "…"), c.said):
					t.Errorf("%s: the client is told to have said %v, want %q", c.addr, s.said, c.said)
				case !s.last.Old || s.last.Destination != list[i].Destination || s.last.Source != list[i].Source:
					t.Errorf("%s: %+v", c.addr, s.last)
				case c.said != "" && s.last.Sender.Pid != pids[c.addr]:
					t.Errorf("%s: sent by %d, want %d", c.addr, s.last.Sender.Pid, pids[c.addr])
				case len(ends) > 0 && s.last.Phase != event.PhaseClosed:
					t.Errorf("%s: its end is not told: %+v", c.addr, s.last)
				case c.said == "" && s.last.BytesSent != 0:
					t.Errorf("%s: %d octets sent since it is followed", c.addr, s.last.BytesSent)
				}
			}
			if c, err := p.Counters(); err != nil || c.Lost() != 0 {
				t.Errorf("lost: %+v, %v", c, err)
			}
		})
	}
}

// drained reads what the hooks have told, by connection, until these have ended and the hooks are detached.
func drained(t *testing.T, p *Probe, ends ...uint64) map[uint64]*seen {
	t.Helper()
	conns := map[uint64]*seen{}
	p.SetDeadline(time.Now().Add(time.Minute))
	for drain := true; ; {
		if drain && len(ends) == 0 {
			if err := p.Drain(); err != nil {
				t.Fatal(err)
			}
			drain = false
		}
		var e event.Event
		if err := p.Read(&e); err == io.EOF {
			return conns
		} else if err != nil {
			t.Fatal(err)
		}
		id := map[event.Kind]uint64{event.KindConn: e.Conn.ID, event.KindPayload: e.Payload.ID}[e.Kind]
		if id != 0 && conns[id] == nil {
			conns[id] = &seen{said: map[event.Direction]string{}}
		}
		switch e.Kind {
		case event.KindConn:
			conns[id].last = e.Conn
			if e.Conn.Phase == event.PhaseClosed {
				ends = slices.DeleteFunc(ends, func(id uint64) bool { return id == e.Conn.ID })
			}
		case event.KindPayload:
			for part := range e.Payload.Parts {
				if part.Cut > 0 {
					conns[id].said[e.Payload.Direction] += "…"
				}
				conns[id].said[e.Payload.Direction] += string(part.Data)
			}
		}
	}
}
