package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

func init() {
	live.Become(map[string]func([]string) error{"load": load, "multitude": multitude, "host": live.HostChild})
}

// made is how many connections a client made, which must be as many as the log and its losses tell of.
type made struct{ Connects, Failed, Mails uint64 }

// counted is how it names itself in HELO: by how many mails it sends and to how many recipients each, so that each
// record can be judged by itself.
func counted(mails, rcpts int) string { return fmt.Sprintf("m%dr%d.example.org", mails, rcpts) }

// checkAccounting compares a log with the connections that were made and have ended: each is in a record of
// its own, or was counted as lost, and no record tells of less mail without saying that something is unseen, or of more.
// Connections to the address given as but are left out.
func checkAccounting(t *testing.T, tr *tracer, want made, but string) {
	t.Helper()
	sums, lost := map[string]*account{}, record.Losses{}
	tr.scan(func(r *record.Record) {
		if r.Destination.AddrPort().String() != but {
			addTo(sums, r)
		}
		if r.Event.Action == record.ActionStop {
			lost = r.Tracer.Counters.Lost
		}
	})
	if got := uint64(len(sums)) + lost.Connections; got != want.Connects {
		t.Errorf("%d connections were made: %d have records and %d were lost, which is %d (%+d)", want.Connects, len(sums), lost.Connections,
			got, int64(got)-int64(want.Connects))
	}
	lies, whole := map[string]int{}, 0
	for _, a := range sums {
		var mails, rcpts uint64
		if _, err := fmt.Sscanf(a.helo, "m%dr%d.", &mails, &rcpts); err != nil {
			switch {
			case a.sessions > 0 && a.unseen == 0:
				lies["a session without a HELO, and nothing unseen"]++
			case a.sessions == 0 && lost.Total() == 0:
				lies["no session, and nothing lost"]++
			}
			continue
		}
		if lie := a.lie(mails, mails*rcpts); lie != "" {
			lies[lie]++
		} else if a.unseen == 0 {
			whole++
		}
	}
	for lie, n := range lies {
		t.Errorf("%d times: %s", n, lie)
	}
	t.Logf("%+v: %d of the connections have records, %d were seen whole; lost %+v", want, len(sums), whole, lost)
}

// TestFrozen: while sessions go on, the tracer is stopped for three seconds, in which the ring overflows. What it has
// missed then is counted exactly.
func TestFrozen(t *testing.T) {
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			servers := []string{"127.9.0.1:25", "127.9.0.2:25", "127.9.0.3:2526", "127.9.0.4:587"}
			for _, addr := range servers {
				cell.Serve(addr)
			}
			tr := start(t, cell, f, "--privacy", "none")
			client := startHerd(t, cell, live.Child("load", append([]string{"1500"}, servers...)...))
			tr.await(record.ActionSession, 100)
			tr.freeze()
			if live.InVM() { // there the sessions alone do not fill the ring
				makeNoise(cell, "127.9.0.5:465")()
			}
			<-time.After(3 * time.Second) // so long it is to miss what happens
			tr.thaw()
			tr.await(record.ActionLost, 1)
			client.goOn()
			want := client.made()
			tr.outlive()
			checkAccounting(t, tr, want, "127.9.0.5:465")
			if a := tr.ask(tr.unfiltered(), nobody...); a.cleared() {
				t.Errorf("cleared, and some was lost: %v", a)
			}
		})
	}
}

// TestMultitude: of very many connections at once each is accounted for, too.
func TestMultitude(t *testing.T) {
	clients, conns := 5, 4000 // a process may have 20,000 files open where nobody has allowed more
	if live.InVM() {
		clients, conns = 2, 300
	}
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			herds := make([]*herd, clients)
			servers := func(i int) []string {
				return []string{fmt.Sprintf("127.9.%d.1:25", i+1), fmt.Sprintf("127.9.%d.1:2526", i+1)}
			}
			for i := range herds {
				startHerd(t, cell, live.Child("host", servers(i)...)).ready()
			}
			tr := start(t, cell, f, "--privacy", "none")
			for i := range herds {
				herds[i] = startHerd(t, cell, live.Child("multitude", append([]string{fmt.Sprint(conns)}, servers(i)...)...))
			}
			for range 2 { // all are connected; all have mailed
				for _, h := range herds {
					h.ready()
				}
				for _, h := range herds {
					h.goOn()
				}
			}
			var want made
			for _, h := range herds {
				m := h.made()
				want.Connects, want.Failed, want.Mails = want.Connects+m.Connects, want.Failed+m.Failed, want.Mails+m.Mails
			}
			tr.outlive()
			checkAccounting(t, tr, want, "")
		})
	}
}

// herd is a child that makes many connections, in steps.
type herd struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startHerd starts one, which goes with the test.
func startHerd(t *testing.T, cell *live.Cell, cmd *exec.Cmd) *herd {
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
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return &herd{t, cmd, in, bufio.NewReader(out)}
}

// ready waits until it says so, and goOn tells it to go on.
func (h *herd) ready() {
	h.t.Helper()
	if line, err := h.out.ReadString('\n'); err != nil || line != "ready\n" {
		h.t.Fatalf("%s: %q, %v", h.cmd, line, err)
	}
}

func (h *herd) goOn() {
	h.t.Helper()
	if _, err := h.in.Write([]byte{'\n'}); err != nil {
		h.t.Fatalf("%s: %v", h.cmd, err)
	}
}

// made is what it says at its end.
func (h *herd) made() (m made) {
	h.t.Helper()
	if err := json.NewDecoder(h.out).Decode(&m); err != nil {
		h.t.Fatalf("%s: %v", h.cmd, err)
	}
	return m
}

// step waits in a herd's child to be told to go on.
func step() error {
	fmt.Println("ready")
	_, err := os.Stdin.Read(make([]byte, 1))
	return err
}

// tally counts what a herd's child does.
type tally struct {
	connects, failed, mails atomic.Uint64
}

// dial connects, and counts each time that the kernel is asked to.
func (a *tally) dial(addr string) (net.Conn, error) {
	d := net.Dialer{Control: func(string, string, syscall.RawConn) error {
		a.connects.Add(1)
		return nil
	}}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		a.failed.Add(1)
	}
	return conn, err
}

// mail sends as many mails as the number says: none, one or two, to up to three recipients. Every other client waits
// for the reply to its dot before it goes on.
func (a *tally) mail(conn net.Conn, n int) error {
	mails, rcpts := n%3, 1+n/3%3
	c := textproto.NewConn(conn)
	if _, _, err := c.ReadResponse(220); err != nil {
		return err
	}
	if err := ask(c, "EHLO "+counted(mails, rcpts)+"\r\n", 1); err != nil {
		return err
	}
	said, replies := "", 0
	for range mails {
		if err := ask(c, said+envelope("a@example.org", rcpts), replies+rcpts+2); err != nil {
			return err
		}
		if said, replies = pipelinedBody+".\r\n", 1; n%2 == 0 {
			continue
		}
		if err := ask(c, said, replies); err != nil {
			return err
		}
		said, replies = "", 0
	}
	if err := ask(c, said+"QUIT\r\n", replies+1); err != nil {
		return err
	}
	a.mails.Add(uint64(mails))
	return nil
}

// ask says something, and reads so many replies.
func ask(c *textproto.Conn, text string, replies int) error {
	if _, err := io.WriteString(c.W, text); err != nil {
		return fmt.Errorf("say %q: %w", text, err)
	}
	if err := c.W.Flush(); err != nil {
		return fmt.Errorf("say %q: %w", text, err)
	}
	for i := range replies {
		if _, _, err := c.ReadResponse(0); err != nil {
			return fmt.Errorf("reply %d to %q: %w", i+1, text, err)
		}
	}
	return nil
}

// print says what was made.
func (a *tally) print() error {
	return json.NewEncoder(os.Stdout).Encode(made{a.connects.Load(), a.failed.Load(), a.mails.Load()})
}

// each does something for each number below n, several at a time, and gives the first error.
func each(n, workers int, do func(i int) error) error {
	next, errs := make(chan int), make(chan error, workers)
	for range workers {
		go func() {
			var first error
			for i := range next {
				if err := do(i); err != nil && first == nil {
					first = err
				}
			}
			errs <- first
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	var all []error
	for range workers {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// load makes sessions, so many a second at most, until it is told to end.
func load(args []string) error {
	var rate int
	if _, err := fmt.Sscan(args[0], &rate); err != nil {
		return err
	}
	var a tally
	over := make(chan error, 1)
	go func() {
		_, err := os.Stdin.Read(make([]byte, 1))
		over <- err
	}()
	sessions := make(chan int)
	go func() {
		defer close(sessions)
		n, began := 0, time.Now()
		for now := range time.Tick(2 * time.Millisecond) {
			for ; n < int(now.Sub(began).Seconds()*float64(rate)); n++ {
				select {
				case sessions <- n:
				case <-over:
					return
				}
			}
		}
	}()
	errs := make(chan error)
	const workers = 32
	for range workers {
		go func() {
			var all error
			for n := range sessions {
				conn, err := a.dial(args[1+n%(len(args)-1)])
				if err == nil {
					err = errors.Join(a.mail(conn, n), conn.Close())
				}
				all = errors.Join(all, err)
			}
			errs <- all
		}()
	}
	var all error
	for range workers {
		all = errors.Join(all, <-errs)
	}
	return errors.Join(all, a.print())
}

// multitude makes so many connections; when it is told to, it mails on all of them, and then it closes them.
func multitude(args []string) error {
	var n int
	if _, err := fmt.Sscan(args[0], &n); err != nil {
		return err
	}
	const workers = 32
	var a tally
	conns := make([]net.Conn, n)
	err := each(n, workers, func(i int) (err error) {
		conns[i], err = a.dial(args[1+i%(len(args)-1)])
		return err
	})
	if err := errors.Join(err, step()); err != nil {
		return err
	}
	err = each(n, workers, func(i int) error { return a.mail(conns[i], i) })
	if err := errors.Join(err, step()); err != nil {
		return err
	}
	err = each(n, workers, func(i int) error { return conns[i].Close() })
	return errors.Join(err, a.print())
}
