package probe

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/live"
)

func TestMain(m *testing.M) {
	live.Main(m, map[string]func([]string) error{
		"mail": func(args []string) error {
			conn, err := net.Dial("tcp", args[0])
			if err != nil {
				return err
			}
			defer conn.Close()
			return live.Talk(conn, live.Message...)
		},
		"load":    loadChild,
		"visitor": visitor,
		"listen":  listenTo,
		"hurry":   hurry,
		"fork":    forkTo(0),
		"sibling": forkTo(unix.CLONE_PARENT),
		"veteran": veteran,
		"play":    live.PlayChild,
	})
}

// open opens a probe on the cell in one family.
func open(t *testing.T, cell *live.Cell, f Family, packets bool) *Probe {
	t.Helper()
	p, err := Open(Options{
		Family: f, MailPorts: []uint16{25}, Cgroup: cell.Cgroup, NetNS: cell.NetNS, NoPackets: !packets,
	})
	var none *NoHookError
	if errors.As(err, &none) && live.RefusesProbes(t, string(f)) {
		t.Skipf("this kernel refuses the family: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// seen is what arrived of one connection.
type seen struct {
	last event.Conn // the latest snapshot
	said map[event.Direction]string
}

// collect reads events until so many connections have closed, and gives them by destination.
func collect(t *testing.T, p *Probe, closes int) (map[string]*seen, map[uint32]*event.Process) {
	t.Helper()
	conns, procs := map[uint64]*seen{}, map[uint32]*event.Process{}
	of := func(id uint64) *seen {
		if conns[id] == nil {
			conns[id] = &seen{said: map[event.Direction]string{}}
		}
		return conns[id]
	}
	p.SetDeadline(time.Now().Add(60 * time.Second))
	for closes > 0 {
		var e event.Event
		if err := p.Read(&e); err != nil {
			t.Fatalf("%v; so far %+v", err, conns)
		}
		switch e.Kind {
		case event.KindConn:
			of(e.Conn.ID).last = e.Conn
			if e.Conn.Phase == event.PhaseClosed || e.Conn.Phase == event.PhaseFailed {
				closes--
			}
		case event.KindProcess:
			procs[e.Process.Key().Pid] = e.Process.Process()
		case event.KindPayload:
			said, dir := of(e.Payload.ID).said, e.Payload.Direction
			for part := range e.Payload.Parts {
				if part.Cut > 0 && !strings.HasSuffix(said[dir], "…") {
					said[dir] += "…"
				}
				said[dir] += string(part.Data)
			}
		}
	}
	byDestination := map[string]*seen{}
	for _, s := range conns {
		byDestination[s.last.Destination.String()] = s
	}
	return byDestination, procs
}

func TestMailIsSeen(t *testing.T) {
	for _, f := range Families {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			p := open(t, cell, f, true)
			t.Logf("%+v", p.Hooks())
			for addr, s := range mailIsSeen(t, cell, p) {
				if s.last.Caught {
					t.Errorf("%s: the connect hook did not see it", addr)
				}
			}
		})
	}
}

// TestMissed: where a tracing program does not run because it interrupts itself, sockops and the packet
// hooks see all that it would have. Here it misses every event.
func TestMissed(t *testing.T) {
	live.Thorough(t)
	for _, f := range []Family{Fentry, Kprobe, Tracepoint} {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			p := open(t, cell, f, true)
			for i := range p.answers {
				for j, l := range p.answers[i].links {
					if q := p.answers[i].hook.Question; q == Connect || q == Send || q == State && j == 0 {
						l.Close()
					}
				}
			}
			for addr, s := range mailIsSeen(t, cell, p) {
				if !s.last.Caught || !s.last.SenderByLock {
					t.Errorf("%s: a hook is still there: %+v", addr, s.last)
				}
			}
		})
	}
}

// TestLineageMissing: a process that began while we watch, and whose beginning was not kept, is counted.
func TestLineageMissing(t *testing.T) {
	cell := live.NewCell(t)
	p := open(t, cell, Auto, true)
	mailIsSeen(t, cell, p)
	for _, a := range p.answers {
		if a.hook.Question == Lineage {
			for _, l := range a.links {
				l.Close()
			}
		}
	}
	cell.Run(live.Child("mail", "127.0.0.1:25"))
	collect(t, p, 1)
	if c, err := p.Counters(); err != nil || c.LineageMissing != 1 {
		t.Errorf("%d lineages are counted as missing, %v", c.LineageMissing, err)
	}
}

// TestExecMissed: the program that sees execs may be interrupted by another task, and miss one. What was kept of the
// parent is then not taken for the process's own, and the lack is counted.
func TestExecMissed(t *testing.T) {
	cell := live.NewCell(t)
	const addr = "127.0.0.1:25"
	cell.Serve(addr)
	p := open(t, cell, Auto, true)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mail := live.Child("mail", addr)
	shell := exec.Command("/bin/sh", append([]string{"-c", `read go; "$@"; exit $?`, "sh", exe}, mail.Args[1:]...)...)
	shell.Env = mail.Env
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cell.Start(shell)
	lineage := p.answers[slices.Index(Questions, Lineage)]
	lineage.links[1].Close() // its exec
	in.Write([]byte("\n"))
	if err := shell.Wait(); err != nil {
		t.Fatal(err)
	}
	conns, procs := collect(t, p, 1)
	who := procs[conns[addr].last.Connector.Pid]
	if who == nil || who.ExeSwapped || who.ExecArgs != nil || who.ExecNs != 0 || len(who.Ancestors) == 0 || who.Ancestors[0].Pid != uint32(shell.Process.Pid) {
		t.Errorf("seen as %+v", who)
	}
	if c, err := p.Counters(); err != nil || c.LineageMissing != 1 {
		t.Errorf("%d lineages are counted as missing, %v", c.LineageMissing, err)
	}
}

// mailIsSeen lets children send mail and checks what is seen of them.
func mailIsSeen(t *testing.T, cell *live.Cell, p *Probe) map[string]*seen {
	t.Helper()
	addrs := []string{"127.0.0.1:25", "127.0.0.1:2526", "[::1]:25", "[::1]:2526"}
	pids := map[string]uint32{}
	for _, addr := range addrs {
		cell.Serve(addr)
		child := live.Child("mail", addr)
		cell.Run(child)
		pids[addr] = uint32(child.Process.Pid)
	}
	conns, procs := collect(t, p, len(addrs))
	for _, addr := range addrs {
		if conns[addr] == nil {
			t.Errorf("nothing seen of %s", addr)
			continue
		}
		checkMail(t, conns[addr], procs[pids[addr]], pids[addr], addr)
	}
	c, err := p.Counters()
	if err != nil || c.Lost() != 0 || c.LineageMissing != 0 {
		t.Errorf("lost %+v, %v", c, err)
	}
	return conns
}

// TestWithoutPackets: where no packet hook can be had, what the client says is read from its memory.
func TestWithoutPackets(t *testing.T) {
	for _, f := range []Family{Fentry, Kprobe} {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			cell.Serve("127.0.0.1:2526")
			p := open(t, cell, f, false)
			child := live.Child("mail", "127.0.0.1:2526")
			cell.Run(child)
			conns, _ := collect(t, p, 1)
			s := conns["127.0.0.1:2526"]
			if s == nil || s.last.Sender.Pid != uint32(child.Process.Pid) {
				t.Fatalf("not seen, or not its sender: %+v", s)
			}
			if got := s.said[event.Client]; got != mailSaid || s.said[event.Server] != "" {
				t.Errorf("the client said %q, want %q", got, mailSaid)
			}
		})
	}
}

// mailSaid is what leaves the kernel of live.Message.
const mailSaid = "EHLO [127.0.0.1]\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n" +
	"RCPT TO:<c@example.net>\r\nDATA\r\n….\r\nQUIT\r\n"

// checkMail compares what was seen of a connection with what the child did: it sends live.Message.
func checkMail(t *testing.T, s *seen, proc *event.Process, pid uint32, addr string) {
	t.Helper()
	if s.last.Connector.Pid != pid || s.last.Sender.Pid != pid {
		t.Errorf("connector %d, sender %d, want %d", s.last.Connector.Pid, s.last.Sender.Pid, pid)
	}
	if s.last.Source.Port() == 0 || s.last.EstablishedNs == 0 || s.last.BytesSent == 0 || s.last.BytesReceived == 0 {
		t.Errorf("no source, not established or no bytes: %+v", s.last)
	}
	if got := s.said[event.Client]; got != mailSaid {
		t.Errorf("the client said %q, want %q", got, mailSaid)
	}
	if got := s.said[event.Server]; !strings.HasPrefix(got, "220 mx.example.net ESMTP test\r\n250-mx") ||
		!strings.HasSuffix(got, "queued as 4E81026038\r\n221 2.0.0 Bye\r\n") {
		t.Errorf("the server said %q", got)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if proc == nil || proc.Exe != exe || len(proc.Args) != 2 || proc.Args[1] != addr ||
		proc.Ppid != uint32(os.Getpid()) {
		t.Errorf("process %+v, want exe %s", proc, exe)
	}
}
