package live

import (
	"crypto/tls"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
)

// Actor is a process in a cell that does with its connections what the test tells it, step by step.
type Actor struct {
	Cmd  *exec.Cmd
	t    testing.TB
	to   *gob.Encoder
	from *gob.Decoder
	in   io.Closer
	n    int
}

// Line is a connection of an actor.
type Line struct {
	actor *Actor
	n     int
}

// act is a step, and done what came of it.
type act struct {
	Do   string // dial, say, hear, drain, close, reset, tls
	Line int
	Addr string
	Data []byte
	N    int
}

type done struct {
	Data []byte
	Err  string
}

// NewActor starts one. The test binary must have the child "actor": ActorChild. It goes with the test.
func (c *Cell) NewActor() *Actor {
	c.t.Helper()
	a := &Actor{Cmd: Child("actor"), t: c.t}
	in, err := a.Cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := a.Cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	a.in, a.to, a.from = in, gob.NewEncoder(in), gob.NewDecoder(out)
	c.Start(a.Cmd)
	c.t.Cleanup(a.End)
	return a
}

// PID is the actor's process id, as it is in records.
func (a *Actor) PID() uint32 { return uint32(a.Cmd.Process.Pid) }

// End ends the actor, and closes what it has open.
func (a *Actor) End() {
	a.in.Close()
	a.Cmd.Wait()
}

func (a *Actor) do(x act) []byte {
	a.t.Helper()
	var d done
	if err := errors.Join(a.to.Encode(x), a.from.Decode(&d)); err != nil {
		a.t.Fatalf("the actor is gone at %s: %v", x.Do, err)
	}
	if d.Err != "" {
		a.t.Fatalf("the actor cannot %s: %s", x.Do, d.Err)
	}
	return d.Data
}

// Dial connects.
func (a *Actor) Dial(addr string) *Line {
	a.t.Helper()
	a.n++
	a.do(act{Do: "dial", Line: a.n, Addr: addr})
	return &Line{a, a.n}
}

// Say writes, all at once.
func (l *Line) Say(text string) {
	l.actor.t.Helper()
	l.actor.do(act{Do: "say", Line: l.n, Data: []byte(text)})
}

// Repeat writes the same again and again, a packet each time.
func (l *Line) Repeat(text string, times int) {
	l.actor.t.Helper()
	l.actor.do(act{Do: "say", Line: l.n, Data: []byte(text), N: times})
}

// Hear reads so many octets.
func (l *Line) Hear(n int) string {
	l.actor.t.Helper()
	return string(l.actor.do(act{Do: "hear", Line: l.n, N: n}))
}

// Drain reads to the end.
func (l *Line) Drain() {
	l.actor.t.Helper()
	l.actor.do(act{Do: "drain", Line: l.n})
}

// TLS begins TLS as a client; the name of the server is not checked.
func (l *Line) TLS() {
	l.actor.t.Helper()
	l.actor.do(act{Do: "tls", Line: l.n})
}

// Close closes the connection.
func (l *Line) Close() {
	l.actor.t.Helper()
	l.actor.do(act{Do: "close", Line: l.n})
}

// Reset breaks the connection off.
func (l *Line) Reset() {
	l.actor.t.Helper()
	l.actor.do(act{Do: "reset", Line: l.n})
}

// With holds a dialogue with the other side's connection, each turn when the one before it has arrived.
func (l *Line) With(peer net.Conn, turns ...Turn) {
	l.actor.t.Helper()
	for _, turn := range turns {
		if !turn.Server {
			l.Say(string(turn.Data))
			if _, err := io.ReadFull(peer, make([]byte, len(turn.Data))); err != nil {
				l.actor.t.Fatalf("the server reads %q: %v", turn.Data, err)
			}
			continue
		}
		if _, err := peer.Write(turn.Data); err != nil {
			l.actor.t.Fatalf("the server writes %q: %v", turn.Data, err)
		}
		if heard := l.Hear(len(turn.Data)); heard != string(turn.Data) {
			l.actor.t.Fatalf("the actor heard %q, and %q was said", heard, turn.Data)
		}
	}
}

// Listen gives the connections that come in at an address of the cell. They go with the test.
func (c *Cell) Listen(addr string) <-chan net.Conn {
	c.t.Helper()
	var l net.Listener
	var err error
	c.Do(func() { l, err = net.Listen("tcp", addr) })
	if err != nil {
		c.t.Fatal(err)
	}
	conns := make(chan net.Conn, 1024)
	var all []net.Conn
	ended := make(chan struct{})
	c.t.Cleanup(func() {
		l.Close()
		<-ended
		for _, conn := range all {
			conn.Close()
		}
	})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all = append(all, conn)
			conns <- conn
		}
	}()
	return conns
}

// ActorChild is the child "actor".
func ActorChild([]string) error {
	from, to := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
	lines := map[int]net.Conn{}
	for {
		var x act
		if err := from.Decode(&x); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what to do: %w", err)
		}
		var d done
		data, err := x.act(lines)
		if d.Data = data; err != nil {
			d.Err = err.Error()
		}
		if err := to.Encode(d); err != nil {
			return fmt.Errorf("say what came of it: %w", err)
		}
	}
}

func (x *act) act(lines map[int]net.Conn) ([]byte, error) {
	conn := lines[x.Line]
	switch x.Do {
	case "dial":
		conn, err := net.Dial("tcp", x.Addr)
		lines[x.Line] = conn
		return nil, err
	case "say":
		for range max(x.N, 1) {
			if _, err := conn.Write(x.Data); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "hear":
		b := make([]byte, x.N)
		_, err := io.ReadFull(conn, b)
		return b, err
	case "drain":
		_, err := io.Copy(io.Discard, conn)
		return nil, err
	case "tls":
		client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: "www.example.net"})
		lines[x.Line] = client
		return nil, client.Handshake()
	case "reset":
		conn.(*net.TCPConn).SetLinger(0)
	}
	return nil, conn.Close()
}
