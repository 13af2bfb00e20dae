package main

import (
	"errors"
	"net"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestGreetingForgotten: a greeting that waited for its client's first word, and made room for those of many other
// servers meanwhile, is counted as lost, and no reply is taken for it.
func TestGreetingForgotten(t *testing.T) {
	live.NotInVM(t)
	cell := live.NewCell(t)
	const odd = "127.0.0.1:2526"
	cell.Serve(odd)
	tr := start(t, cell, probe.Auto)
	cell.Run(live.Child("crowd", odd))
	tr.await(record.ActionSession, 1)
	tr.end()
	records := tr.records()
	r := pick(records, record.ActionSession)[0]
	if r.SMTP.Banner != "" || r.SMTP.Unseen == 0 || r.SMTP.HELO != "[127.0.0.1]" || r.SMTP.Recipients != 2 ||
		r.SMTP.LastReply != "221 2.0.0 Bye" || len(r.SMTP.Transactions) != 1 ||
		r.SMTP.Transactions[0].Reply != "250 2.0.0 Ok: queued as 4E81026038" {
		t.Errorf("session %+v", r.SMTP)
	}
	if lost := records[len(records)-1].Tracer.Counters.Lost; lost.Payloads != 1 {
		t.Errorf("lost %+v, want one payload", lost)
	}
}

// crowd makes more connections than there is room for greetings, and sends a mail on the first of them.
func crowd(args []string) (err error) {
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			err = errors.Join(err, conn.Close())
		}
	}()
	for range 3 * 4096 {
		conn, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		conns = append(conns, conn)
		if len(conns) > 1 { // the first one's greeting is left to Talk
			if _, err := conn.Read(make([]byte, 64)); err != nil {
				return err
			}
		}
	}
	return live.Talk(conns[0], live.Message...)
}
