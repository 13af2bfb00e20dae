package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestReconnect: a socket that is disconnected in the middle of a message and connected again is another session,
// of which all is seen, in every family.
func TestReconnect(t *testing.T) {
	live.Thorough(t)
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			cell.Serve(mx)
			tr := start(t, cell, f)
			cell.Run(live.Child("reconnect", mx, mx))
			tr.await(record.ActionSession, 2)
			var got []string
			for _, r := range pick(tr.stop(), record.ActionSession) {
				got = append(got, fmt.Sprint(r.SMTP.HELO, " ", r.SMTP.Messages, " ", r.SMTP.LastReply, " ", r.SMTP.Unseen))
			}
			want := "first.example.org 0 354 End data with <CR><LF>.<CR><LF> 0\nsecond.example.org 1 221 2.0.0 Bye 0"
			if strings.Join(got, "\n") != want {
				t.Errorf("sessions\n%s\nwant\n%s", strings.Join(got, "\n"), want)
			}
		})
	}
}

// TestUnreachable: a connect for which there is no route is recorded by the cgroup hooks alone, each time that the
// same socket tries.
func TestUnreachable(t *testing.T) {
	live.Thorough(t)
	cell := live.NewCell(t)
	cell.Serve(mx)
	tr := start(t, cell, probe.Cgroup)
	cell.Run(live.Child("reconnect", "198.51.100.25:25", "198.51.100.25:25", "198.51.100.25:25", mx))
	tr.await(record.ActionSession, 1)
	var got []string
	for _, r := range pick(tr.stop(), record.ActionConnect) {
		got = append(got, fmt.Sprint(r.Destination.AddrPort(), " ", r.Event.Reason))
	}
	want := strings.Repeat("198.51.100.25:25 not_sent\n", 3) + mx + " established"
	if strings.Join(got, "\n") != want {
		t.Errorf("connects\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// reconnect connects one socket to one server after the other: to all but the last it sends half a message, if it
// reaches them, to that a whole one.
func reconnect(args []string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for i, to := range args {
		err := unix.Connect(s, sockaddr(netip.MustParseAddrPort(to)))
		if errors.Is(err, unix.ENETUNREACH) {
			continue
		}
		if err := errors.Join(err, reply(s)); err != nil {
			return err
		}
		if i == len(args)-1 {
			return errors.Join(converse(s, said("second", "\r\n"), write, false), unix.Close(s))
		}
		if err := converse(s, said("first", "\r\n")[:4], write, false); err != nil {
			return err
		}
		if err := write(s, []byte("Subject: canary-in-the-body\r\n\r\n")); err != nil {
			return err
		}
		nobody := unix.RawSockaddr{Family: unix.AF_UNSPEC}
		if _, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s), uintptr(unsafe.Pointer(&nobody)), unsafe.Sizeof(nobody)); errno != 0 {
			return fmt.Errorf("disconnect: %w", errno)
		}
	}
	return nil
}
