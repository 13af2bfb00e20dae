package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

func init() {
	live.Become(map[string]func([]string) error{"rush": rush})
}

const (
	greeting = "S: 220 mx.example.net ESMTP"
	hello    = "C: EHLO client.example.org"
	helloed  = "S: 250-mx.example.net\r\n250 PIPELINING"
)

// envelope is that of one mail, up to DATA, and envelopeTaken its replies.
func envelope(from string, rcpts int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "MAIL FROM:<%s>\r\n", from)
	for i := range rcpts {
		fmt.Fprintf(&b, "RCPT TO:<b%d@example.net>\r\n", i)
	}
	return b.String() + "DATA\r\n"
}

func envelopeTaken(rcpts int) string {
	return strings.Repeat("250 2.1.0 Ok\r\n", 1+rcpts) + "354 go\r\n"
}

const (
	pipelinedBody = "Subject: canary-in-the-body\r\n\r\nhello\r\n"
	wasQueued     = "250 2.0.0 Ok: queued as 4E81026038\r\n"
)

// pipelined is a session that is pipelined as some client does it, and how much mail it is.
type pipelined struct {
	name              string
	mails, recipients uint64
	turns             []live.Turn
}

// TestBehindTheDot: bounces whose envelope goes in the packet of the dot before it, as Postfix sends them, do not end
// the tracer, and all are counted.
func TestBehindTheDot(t *testing.T) {
	playPipelined(t, true, []pipelined{
		{"bounces, the dot with the next envelope", 30, 30, behindTheDot(30, 1, "", false)},
		{"bounces, the body with the next envelope", 30, 60, behindTheDot(30, 2, "", true)},
		{"many bounces", 90, 90, behindTheDot(90, 1, "", true)},
		{"mails and bounces", 60, 60, behindTheDot(60, 1, "a@example.org", true)},
	})
}

// TestInOneGo: 200 mails sent without waiting for any answer are counted, or the record says that some are unseen.
func TestInOneGo(t *testing.T) {
	playPipelined(t, false, []pipelined{
		{"at once", 200, 200, inOneGo(200, 1, "a@example.org", true)},
		{"one by one", 200, 400, inOneGo(200, 2, "a@example.org", false)},
		{"bounces", 200, 200, inOneGo(200, 1, "", true)},
	})
}

// playPipelined plays sessions to the mail port and to another one; whole: nothing of them may be unseen.
func playPipelined(t *testing.T, whole bool, list []pipelined) {
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			var scripts []live.Script
			for i, x := range list {
				for j, port := range []int{25, 2526} {
					scripts = append(scripts, live.Script{Addr: fmt.Sprintf("127.3.%d.%d:%d", i, j+1, port), Turns: x.turns})
				}
			}
			cell.Stage(scripts)
			tr := start(t, cell, f)
			cell.Play(scripts)
			sums := accounts(tr.survive())
			for i, s := range scripts {
				x, a := &list[i/2], only(t, sums, s.Addr)
				if lie := a.lie(x.mails, x.recipients); lie != "" {
					t.Errorf("%s, at %s: %s", x.name, s.Addr, lie)
				} else if whole && a.unseen > 0 {
					t.Errorf("%s, at %s: %d octets unseen", x.name, s.Addr, a.unseen)
				}
			}
		})
	}
}

// behindTheDot: the next envelope goes in the packet of the dot, and one packet answers all, as Postfix does both. Every
// other mail has the sender, the others are bounces.
func behindTheDot(mails, rcpts int, from string, withBody bool) []live.Turn {
	turns := live.Say(greeting, hello, helloed, "c: "+envelope("", rcpts), "s: "+envelopeTaken(rcpts))
	for i := range mails {
		next, answer := "QUIT\r\n", wasQueued+"221 2.0.0 Bye\r\n"
		if i < mails-1 {
			sender := ""
			if i%2 == 0 {
				sender = from
			}
			next, answer = envelope(sender, rcpts), wasQueued+envelopeTaken(rcpts)
		}
		if withBody {
			next = pipelinedBody + ".\r\n" + next
		} else {
			turns = append(turns, live.Say("c: "+pipelinedBody)...)
			next = ".\r\n" + next
		}
		turns = append(turns, live.Say("c: "+next, "s: "+answer)...)
	}
	return turns
}

// inOneGo: the client waits for nothing, and the server answers when it has read all. The mails are written at once, or
// one by one.
func inOneGo(mails, rcpts int, from string, atOnce bool) []live.Turn {
	turns := live.Say(greeting, hello, helloed)
	mail := envelope(from, rcpts) + pipelinedBody + ".\r\n"
	if atOnce {
		turns = append(turns, live.Say("c: "+strings.Repeat(mail, mails))...)
	} else {
		for range mails {
			turns = append(turns, live.Say("c: "+mail)...)
		}
	}
	return append(turns, live.Say("s: "+strings.Repeat(envelopeTaken(rcpts)+wasQueued, mails), "C: QUIT", "S: 221 2.0.0 Bye")...)
}

// TestNotWaiting: a client that waits for nothing, not even the greeting, while the server answers as it reads. All of
// its mails are counted, or some are unseen.
func TestNotWaiting(t *testing.T) {
	const times = 10
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			want := map[string]uint64{}
			for _, mails := range []uint64{1, 30, 60} {
				for i := range times {
					addr := fmt.Sprintf("127.4.%d.%d:25", mails, i+1)
					cell.Serve(addr)
					want[addr] = mails
				}
			}
			tr := start(t, cell, f)
			for addr, mails := range want {
				cell.Run(live.Child("rush", addr, fmt.Sprint(mails)))
			}
			records := tr.survive()
			sums := accounts(records)
			whole := map[uint64]int{}
			for addr, mails := range want {
				a := only(t, sums, addr)
				if lie := a.lie(mails, mails); lie != "" {
					t.Errorf("%d mails: %s", mails, lie)
				} else if a.unseen == 0 {
					whole[mails]++
				}
			}
			for i := range records {
				if r := &records[i]; r.Event.Action == record.ActionSession && r.SMTP.Messages > 0 && r.SMTP.Unseen == 0 && r.Event.Outcome != record.Success {
					t.Errorf("%d messages, outcome %s", r.SMTP.Messages, r.Event.Outcome)
				}
			}
			t.Logf("of %d sessions each, seen whole: %v", times, whole)
		})
	}
}

// rush says all of so many mails at once, and reads the answers meanwhile: it must have all of them.
func rush(args []string) error {
	var mails int
	if _, err := fmt.Sscan(args[1], &mails); err != nil {
		return err
	}
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	taken := make(chan int)
	go func() {
		n := 0
		for s := bufio.NewScanner(conn); s.Scan(); {
			if strings.HasPrefix(s.Text(), "250 2.0.0 Ok: queued") {
				n++
			}
		}
		taken <- n
	}()
	all := "EHLO rush.example.org\r\n" + strings.Repeat(envelope("a@example.org", 1)+pipelinedBody+".\r\n", mails) + "QUIT\r\n"
	_, err = conn.Write([]byte(all))
	if n := <-taken; n != mails {
		err = errors.Join(err, fmt.Errorf("the server has taken %d of %d mails", n, mails))
	}
	return err
}
