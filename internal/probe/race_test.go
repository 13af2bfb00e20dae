package probe

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/live"
)

// TestPacketsAtOnce: a server that talks without a pause is followed on several CPUs, some packets on two of them
// at once. Nothing is lost by it: every line is shown as it was said. Where the machine is so busy that a program
// is interrupted for longer than there is room to wait, what is lost is counted; it is not each time.
func TestPacketsAtOnce(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("needs two CPUs")
	}
	lines := 100000
	if live.InVM() { // emulated: each takes many times as long
		lines /= 10
	}
	for range 5 {
		if lost := packetsAtOnce(t, lines); lost == 0 || t.Failed() {
			return
		}
	}
	t.Error("something was lost each time")
}

// packetsAtOnce gives how many packets were lost.
func packetsAtOnce(t *testing.T, lines int) (lost uint64) {
	t.Helper()
	cell := live.NewCell(t)
	p := open(t, cell, Auto, true)
	sent := make(chan uint64, 1)
	cell.ServeFunc("127.0.0.1:25", func(conn net.Conn) {
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			io.Copy(io.Discard, conn)
		}()
		n, _ := fmt.Fprint(conn, "220 mx.example.net ESMTP\r\n")
		total := uint64(n)
		for i := range lines {
			n, err := fmt.Fprintf(conn, "250 %06d\r\n", i)
			total += uint64(n)
			if err != nil {
				t.Error(err)
				break
			}
		}
		conn.(*net.TCPConn).CloseWrite()
		<-asked
		sent <- total
	})
	child := live.Child("listen", "127.0.0.1:25")
	cell.Start(child)
	var told uint64
	var line strings.Builder
	whole := 0
	p.SetDeadline(time.Now().Add(3 * time.Minute))
	for open := true; open; {
		var e event.Event
		if err := p.Read(&e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Kind == event.KindConn:
			open = e.Conn.Phase != event.PhaseClosed
		case e.Kind == event.KindPayload && e.Payload.Direction == event.Server:
			told += e.Payload.Lost
			if e.Payload.Lost > 0 {
				line.Reset()
				line.WriteByte('?')
			}
			for part := range e.Payload.Parts {
				told += part.Cut + uint64(len(part.Data))
				if part.Cut > 0 {
					line.Reset()
					line.WriteByte('?')
				}
				for _, ch := range part.Data {
					if line.WriteByte(ch); ch != '\n' {
						continue
					}
					var i int
					if n, _ := fmt.Sscanf(line.String(), "250 %06d\r\n", &i); n == 1 && line.Len() == 12 {
						whole++
					} else if !strings.HasPrefix(line.String(), "?") && !strings.HasPrefix(line.String(), "220 ") {
						t.Errorf("a line that was never said: %q", line.String())
					}
					line.Reset()
				}
			}
		}
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	total := <-sent
	if told != total || (whole != lines && c.Unreadable == 0) || c.Lost() > c.Unreadable {
		t.Errorf("%d of %d bytes are told of, %d of %d lines whole; lost %+v", told, total, whole, lines, c)
	}
	return c.Unreadable
}

// listenTo is the child that reads what a server has to say, in small pieces, and asks for more.
func listenTo(args []string) error {
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	for b := make([]byte, 100); ; {
		if _, err := conn.Read(b); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if _, err := io.WriteString(conn, "NOOP\r\n"); err != nil { // nobody listens to a server without an end
			return err
		}
	}
}
