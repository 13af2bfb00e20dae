package main

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// ringFull are mails that are said in part while the tracer does not read, and the ring is full: the turns from one to
// the other of wholeMail.
var ringFull = []struct {
	name     string
	from, to int
	hangsUp  bool // the client says no more
}{
	{"all of the mail but QUIT", 0, 10, false},
	{"all of the mail, and then it hung up", 0, 10, true},
	{"all of the mail, and QUIT", 0, 12, true},
	{"the mail without its EHLO", 2, 10, false},
	{"the EHLO alone", 0, 2, false},
	{"the MAIL alone", 2, 4, false},
	{"the recipient alone", 4, 6, false},
	{"DATA and the message", 6, 10, false},
	{"DATA and the message, and then it hung up", 6, 10, true},
	{"the message, and its reply", 8, 10, false},
	{"the message, and then it hung up", 8, 10, true},
	{"the reply to the message alone", 9, 10, false},
	{"the reply to the message, and then it hung up", 9, 10, true},
}

// TestRingFull: a mail of which the ring has no room for some, while its connection goes on before and after, is told
// of, or it is said that something is unseen: no record says that nothing was sent, and no answer clears.
func TestRingFull(t *testing.T) {
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) { fillRing(t, f) })
	}
}

func fillRing(t *testing.T, f probe.Family) {
	cell := live.NewCell(t)
	sender := cell.NewActor()
	noise := make([]func(), 2) // of other processes
	lines, peers := make([]*live.Line, len(ringFull)), make([]net.Conn, len(ringFull))
	addr := func(i int) string { return fmt.Sprintf("127.7.%d.1:25", i) }
	tr := start(t, cell, f, "--privacy", "full")
	for i := range noise {
		noise[i] = makeNoise(cell, fmt.Sprintf("127.7.100.%d:25", i+1))
	}
	for i, x := range ringFull {
		in := cell.Listen(addr(i))
		lines[i] = sender.Dial(addr(i))
		peers[i] = <-in
		lines[i].With(peers[i], slices.Concat(greeted, wholeMail[:x.from])...)
	}
	tr.await(record.ActionConnect, len(ringFull)+len(noise))
	tr.freeze()
	noise[0]()
	for i, x := range ringFull {
		lines[i].With(peers[i], wholeMail[x.from:x.to]...)
	}
	noise[1]()
	tr.thaw()
	tr.await(record.ActionLost, 1)
	for i, x := range ringFull { // the tracer reads again
		if !x.hangsUp {
			lines[i].With(peers[i], wholeMail[x.to:]...)
		}
		lines[i].Close()
	}
	records := tr.survive()
	if lost := records[len(records)-1].Tracer.Counters.Lost; lost.Payloads == 0 {
		t.Fatalf("the ring was not full: %+v", lost)
	}
	sums := accounts(records)
	for i, x := range ringFull {
		a := only(t, sums, addr(i))
		if lie := a.lie(1, 1); lie != "" {
			t.Errorf("while the ring was full, %s: %s", x.name, lie)
		}
		log := tr.unfiltered(addr(i))
		for _, question := range [][]string{victim, toVictim} {
			if a := tr.ask(log, question...); a.cleared() || !slices.Contains(either, a.Answer) {
				t.Errorf("while the ring was full, %s: %q: %v", x.name, question, a)
			}
		}
	}
}

// makeNoise connects a process to a server of its own, and gives what fills the ring: eight lines, half of them cut, make an
// event, and there are some megabytes of them.
func makeNoise(cell *live.Cell, addr string) func() {
	in := cell.Listen(addr)
	line := cell.NewActor().Dial(addr)
	peer := <-in
	line.With(peer, slices.Concat(greeted, wholeMail[:2])...)
	drained := make(chan int64)
	const packets = 8000
	noops := strings.Repeat("NOOP\r\nX\r\n", 130)
	go func() {
		n, _ := io.CopyN(io.Discard, peer, int64(packets*len(noops)))
		drained <- n
	}()
	return func() {
		line.Repeat(noops, packets)
		<-drained
	}
}
