package probe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/live"
)

// TestClosedAmidPackets: connections that are closed while another CPU takes a packet of theirs leave nothing behind
// in the memory that the next ones have: those are followed, and every record makes sense.
func TestClosedAmidPackets(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("needs two CPUs")
	}
	const addr, children = "127.0.0.1:25", 2
	each := 500
	if live.InVM() { // emulated: each takes many times as long
		each /= 10
	}
	cell := live.NewCell(t)
	p, err := Open(Options{MailPorts: []uint16{25}, Cgroup: cell.Cgroup, NetNS: cell.NetNS, NoStorage: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	replies := bytes.Repeat([]byte("250 xxxxxxxx\r\n"), 4096)
	cell.ServeFunc(addr, func(conn net.Conn) {
		fmt.Fprint(conn, "220 mx.example.net ESMTP\r\n")
		conn.Read(make([]byte, 64))
		for range 3 {
			conn.Write(replies)
		}
	})
	var hurried sync.WaitGroup
	for range children {
		child := live.Child("hurry", addr, strconv.Itoa(each))
		cell.Start(child)
		hurried.Go(func() {
			if err := child.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	go func() {
		hurried.Wait()
		p.Drain()
	}()
	told, untold := map[uint64]bool{}, 0
	for {
		var e event.Event
		if err := p.Read(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Kind == event.KindPayload && e.Payload.Direction == event.Server:
			told[e.Payload.ID] = true
		case e.Kind == event.KindConn && e.Conn.Phase == event.PhaseClosed && !told[e.Conn.ID]:
			untold++
		}
	}
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.Undecodable > 0 || untold > 0 && c.LostPayload == 0 {
		t.Errorf("%d records make no sense, and nothing is told of %d connections", c.Undecodable, untold)
	}
}

// hurry is the child that closes connections without reading what the server has to say.
func hurry(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for range n {
		conn, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		fmt.Fprint(conn, "EHLO a.example\r\n")
		for _, size := range []int{100, 1000} {
			if _, err := conn.Read(make([]byte, size)); err != nil {
				return err
			}
		}
		conn.Close()
	}
	return nil
}
