package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

func init() {
	live.Become(map[string]func([]string) error{"hundred": hundred})
}

const (
	hundredRecipients = 100
	hundredAtOnce     = 4
)

// TestHundredRecipients: a client that pipelines its envelope as RFC 2920 has it, to a server that answers each line by
// a packet of its own. Both directions then pass at once, on several CPUs, and nothing of it may be lost.
func TestHundredRecipients(t *testing.T) {
	sessions := 400
	if live.InVM() {
		sessions = 40
	}
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			cell.ServeFunc("127.0.0.1:25", lineByLine)
			tr := start(t, cell, f, "--privacy", "none")
			cell.Run(live.Child("hundred", "127.0.0.1:25", fmt.Sprint(sessions)))
			var whole, messages, recipients, unseen uint64
			records := tr.stop()
			for _, r := range pick(records, record.ActionSession) {
				messages, recipients, unseen = messages+r.SMTP.Messages, recipients+r.SMTP.Recipients, unseen+r.SMTP.Unseen
				if r.SMTP.Messages == 1 && r.SMTP.Recipients == hundredRecipients {
					whole++
				}
			}
			n := uint64(sessions)
			if whole != n || messages != n || recipients != n*hundredRecipients || unseen > 0 {
				t.Errorf("%d of %d sessions are whole, %d messages, %d recipients, %d octets unseen", whole, n, messages, recipients, unseen)
			}
			for _, r := range pick(records, record.ActionLost) {
				t.Errorf("lost: %+v", r.Tracer)
			}
		})
	}
}

// lineByLine is a server that answers each line as soon as it has read it.
func lineByLine(conn net.Conn) {
	fmt.Fprint(conn, "220 mx.example.net ESMTP\r\n")
	body := false
	for s := bufio.NewScanner(conn); s.Scan(); {
		line := s.Text()
		switch {
		case body && line != ".":
			continue
		case body:
			body = false
		case line == "DATA":
			body = true
			fmt.Fprint(conn, "354 go\r\n")
			continue
		}
		fmt.Fprint(conn, "250 2.1.0 Ok\r\n")
		if line == "QUIT" {
			return
		}
	}
}

// hundred holds so many sessions, several at a time.
func hundred(args []string) error {
	var n int
	if _, err := fmt.Sscan(args[1], &n); err != nil {
		return err
	}
	return each(n, hundredAtOnce, func(int) error {
		conn, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		defer conn.Close()
		c := textproto.NewConn(conn)
		_, _, err = c.ReadResponse(220)
		return errors.Join(err, ask(c, "EHLO client.example.org\r\n", 1), ask(c, envelope("a@example.org", hundredRecipients), hundredRecipients+2),
			ask(c, strings.Repeat("a line of the body\r\n", 100)+".\r\n", 1), ask(c, "QUIT\r\n", 1))
	})
}
