package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

func init() {
	live.Become(map[string]func([]string) error{"random-client": randomClient, "random-server": randomServer})
}

// TestRandom: no dialogue that two sides hold over a socket ends the tracer, whatever they say. Those that go to a mail
// port, and those elsewhere that are SMTP, are accounted for, and of what is SMTP by the book no count is false.
// SMTPTRACE_RANDOM is how many there are, and SMTPTRACE_RANDOM_SEED which: the same seed makes the same dialogues.
func TestRandom(t *testing.T) {
	n, seed := 2000, uint64(1)
	if live.InVM() {
		n = 100
	}
	for name, to := range map[string]any{"SMTPTRACE_RANDOM": &n, "SMTPTRACE_RANDOM_SEED": &seed} {
		if asked := os.Getenv(name); asked != "" {
			if _, err := fmt.Sscan(asked, to); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			t.Logf("%d dialogues of seed %d", n, seed)
			cell := live.NewCell(t)
			startHerd(t, cell, live.Child("random-server", fmt.Sprint(seed), fmt.Sprint(n))).ready()
			tr := start(t, cell, f, "--privacy", "none")
			began := time.Now()
			var want made
			clients := make([]*herd, randomClients)
			for i := range clients {
				clients[i] = startHerd(t, cell, live.Child("random-client", fmt.Sprint(seed), fmt.Sprint(n), fmt.Sprint(i)))
			}
			for _, c := range clients {
				want.Connects += c.made().Connects
			}
			t.Logf("%d connections in %v", want.Connects, time.Since(began).Round(time.Millisecond))
			tr.outlive()
			checkRandom(t, tr, seed, n, want)
		})
	}
}

// Each of several clients has several workers. A worker holds one dialogue after the other with its own part of the
// server: so both sides know which is next.
const (
	randomClients = 2
	randomEach    = 4
	randomWorkers = randomClients * randomEach
)

// Where dialogues are held: of those on the last port nothing is to be known.
const (
	randomMail  = 25
	randomOdd   = 2526
	randomOther = 2527
)

// randomOne makes up a dialogue, and where it is held.
func randomOne(seed uint64) (port int, kind live.Kind) {
	switch rand.New(rand.NewPCG(seed, 4711)).IntN(10) {
	case 0:
		return randomOdd, live.Valid
	case 1:
		return randomOther, live.Broken
	case 2, 3, 4, 5:
		return randomMail, live.Valid
	}
	return randomMail, live.Broken
}

func randomAddr(worker, port int) string { return fmt.Sprintf("127.10.%d.1:%d", worker, port) }

// randomSeeds are those of a worker's dialogues.
func randomSeeds(args []string, worker int) (seeds []uint64, err error) {
	var seed, n uint64
	if _, err := fmt.Sscan(args[0]+" "+args[1], &seed, &n); err != nil {
		return nil, err
	}
	for i := uint64(worker); i < n; i += randomWorkers {
		seeds = append(seeds, seed*1_000_000_000+i)
	}
	return seeds, nil
}

func randomServer(args []string) error {
	for w := range randomWorkers {
		seeds, err := randomSeeds(args, w)
		if err != nil {
			return err
		}
		listeners := map[int]net.Listener{}
		for _, port := range []int{randomMail, randomOdd, randomOther} {
			if listeners[port], err = net.Listen("tcp", randomAddr(w, port)); err != nil {
				return err
			}
		}
		go func() {
			for _, seed := range seeds {
				port, kind := randomOne(seed)
				conn, err := listeners[port].Accept()
				if err != nil {
					return
				}
				live.MakeUp(seed, kind).Hold(conn.(*net.TCPConn), true) // the client may have gone
			}
		}()
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func randomClient(args []string) error {
	var client int
	if _, err := fmt.Sscan(args[2], &client); err != nil {
		return err
	}
	var a tally
	err := each(randomEach, randomEach, func(i int) error {
		worker := client*randomEach + i
		seeds, err := randomSeeds(args, worker)
		for _, seed := range seeds {
			port, kind := randomOne(seed)
			conn, failed := a.dial(randomAddr(worker, port))
			if failed != nil {
				return failed
			}
			d := live.MakeUp(seed, kind)
			if failed := d.Hold(conn.(*net.TCPConn), false); failed != nil && kind == live.Valid {
				err = errors.Join(err, fmt.Errorf("seed %d: %w", seed, failed))
			}
			a.mails.Add(d.Mails)
		}
		return err
	})
	return errors.Join(err, a.print())
}

func checkRandom(t *testing.T, tr *tracer, seed uint64, n int, made made) {
	t.Helper()
	want := map[int]uint64{} // how many connections to each port
	valid := map[string]bool{}
	for i := range uint64(n) {
		s := seed*1_000_000_000 + i
		port, kind := randomOne(s)
		want[port]++
		if kind == live.Valid {
			valid[live.MakeUp(s, kind).Name(s)] = true
		}
	}
	if made.Connects != uint64(n) {
		t.Errorf("%d connections made, want %d", made.Connects, n)
	}
	sums, lost := map[string]*account{}, record.Losses{}
	tr.scan(func(r *record.Record) {
		addTo(sums, r)
		if r.Event.Action == record.ActionStop {
			lost = r.Tracer.Counters.Lost
		}
	})
	got, lies, whole := map[int]uint64{}, 0, 0
	for _, a := range sums {
		_, port, _ := strings.Cut(a.to, ":")
		var to int
		fmt.Sscan(port, &to)
		got[to]++
		if !valid[a.helo] {
			if a.denied {
				t.Errorf("a broken dialogue at %s: failure, though %d octets are unseen", a.to, a.unseen)
			}
			continue
		}
		delete(valid, a.helo)
		var mails, rcpts uint64
		fmt.Sscanf(a.helo, "m%dr%d.", &mails, &rcpts)
		if lie := a.lie(mails, rcpts); lie != "" {
			if lies++; lies < 10 {
				t.Errorf("%s at %s: %s", a.helo, a.to, lie)
			}
		} else if a.unseen == 0 {
			whole++
		}
	}
	// Of those on the last port that are not recognised nothing is lost, and one may be counted all the same.
	missing := int64(want[randomMail]+want[randomOdd]) - int64(got[randomMail]+got[randomOdd]+got[0])
	if l := int64(lost.Connections); missing > l || missing < 0 || l > missing+int64(want[randomOther]-got[randomOther]) {
		t.Errorf("of the connections to %v, %v have records, and %d were lost", want, got, l)
	}
	if len(valid) > 0 && lost.Total() == 0 {
		t.Errorf("%d valid dialogues have no session, and nothing was lost: %.300v", len(valid), valid)
	}
	if lies > 0 {
		t.Errorf("%d valid dialogues are told of falsely", lies)
	}
	t.Logf("connections by port %v, with records %v; %d valid ones seen whole, %d without a name; lost %+v", want, got, whole, len(valid), lost)
}
