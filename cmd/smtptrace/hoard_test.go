package main

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestNoRoomInSocket: a program that has filled its socket's memory for options, so that the kernel keeps nothing
// with it, is named all the same, and what is not seen of it is counted. A state that is elsewhere has room.
func TestNoRoomInSocket(t *testing.T) {
	live.Thorough(t)
	major, minor := live.Kernel(t)
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			cell.Serve(mx)
			tr := start(t, cell, f)
			child := live.Child("hoard", mx, optionMemory())
			cell.Run(child)
			tr.end()
			records := tr.records()
			lost := records[len(records)-1].Tracer.Counters.Lost.Unwatched
			inSocket := f != probe.Kprobe && (major > 5 || major == 5 && minor >= 11)
			if sessions := pick(records, record.ActionSession); !inSocket && len(sessions) == 1 && lost == 0 {
				return
			}
			connects := pick(records, record.ActionConnect)
			if len(connects) != 1 || lost == 0 {
				t.Fatalf("%d connects, and %d unwatched", len(connects), lost)
			}
			exe, _ := self(t)
			r := &connects[0]
			if r.Event.Reason != record.Unwatched || r.Event.Outcome != record.OutcomeUnknown || r.Verdict != record.Local ||
				r.Process.PID != uint32(child.Process.Pid) || r.Process.Executable != exe || r.Destination.AddrPort().String() != mx {
				t.Errorf("%s %s: %s by %d %s to %v", r.Event.Outcome, r.Event.Reason, r.Verdict, r.Process.PID, r.Process.Executable, r.Destination)
			}
		})
	}
}

// optionMemory is what a socket may have for options; before 6.7 the namespaces of others do not tell it: "".
func optionMemory() string {
	text, _ := os.ReadFile("/proc/sys/net/core/optmem_max")
	return strings.TrimSpace(string(text))
}

// hoard connects within a sendmsg whose control data takes nearly all that the socket may have for options
// (net.core.optmem_max; net/core/sock.c: sock_kmalloc), and sends a mail.
func hoard(args []string) error {
	room, err := strconv.Atoi(cmp.Or(optionMemory(), args[1]))
	if err != nil {
		return err
	}
	const otherLevel = 4711 // it is passed over
	control := make([]byte, room-64)
	binary.NativeEndian.PutUint64(control, uint64(len(control)))
	binary.NativeEndian.PutUint32(control[8:], otherLevel)
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	chunks := said("hoard", "\r\n")
	to := sockaddr(netip.MustParseAddrPort(args[0]))
	if _, err := unix.SendmsgN(s, []byte(chunks[0]), control, to, unix.MSG_FASTOPEN); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if err := errors.Join(reply(s), reply(s)); err != nil {
		return err
	}
	return errors.Join(converse(s, chunks[1:], write, false), unix.Close(s))
}
