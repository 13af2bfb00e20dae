package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The children of TestWays: the same mail each time, on a socket of its own, each sent in another way.

// said is the mail of a way, a chunk before each reply that is waited for.
func said(way, end string) []string {
	lines := []string{
		"EHLO " + way + ".example.org\n", "MAIL FROM:<a@example.org>\n", "RCPT TO:<b@example.net>\n", "DATA\n",
		"Subject: canary-in-the-body\n\nhello\n.\n", "QUIT\n",
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\n", end)
	}
	return lines
}

// sending puts a chunk on a socket.
type sending func(s int, chunk []byte) error

// sendingWay is how a child sends.
type sendingWay struct {
	dial    func(to netip.AddrPort) (int, error) // nil: over IPv4
	prepare func(s int) error                    // between connect and the first word
	send    sending                              // nil: write
	end     string                               // of a line; "": CRLF
	early   bool                                 // the first word does not wait for the greeting
	talk    func(s int, chunks []string) error   // nil: send each chunk, and wait for its reply
}

var sendingWays = map[string]sendingWay{
	"write":         {},
	"writev":        {send: gathered(unix.Writev)},
	"sendmsg":       {send: gathered(func(s int, v [][]byte) (int, error) { return unix.SendmsgBuffers(s, v, nil, nil, 0) })},
	"sendmmsg":      {send: sendmmsg},
	"sendfile":      {send: fromFile(sendfile)},
	"splice":        {send: fromFile(spliced)},
	"mmap":          {send: fromFile(mapped)},
	"zerocopy":      {prepare: zerocopyOn, send: zerocopy},
	"fastopen":      {dial: fastOpen, early: true, talk: onward},
	"lateconnect":   {dial: fastOpenConnect, early: true, talk: onward},
	"mptcp":         {dial: mptcp(false)},
	"mptcpfallback": {dial: mptcp(true)},
	"fork":          {talk: forked},
	"scmrights":     {talk: passedOn},
	"bytewise":      {prepare: noDelay, send: byteByByte},
	"bareline":      {end: "\n"},
	"urgent":        {prepare: noDelay, send: withUrgent},
	"wrapped":       {dial: wrapsAround},
	"earlytalker":   {early: true},
	"mapped":        {dial: mappedAddress},
	"uring":         {send: byRing(ringSend, 0)},
	"uringwrite":    {send: byRing(ringWrite, 0)},
	"uringworker":   {send: byRing(ringSend, ringAsync)},
	"uringzerocopy": {send: byRing(ringSendZC, 0)},
	"ktls":          {talk: kernelTLS},
	"tls":           {talk: programTLS},
}

// sendMail is the child "way".
func sendMail(args []string) error {
	runtime.LockOSThread() // io_uring and the forked child are of one thread
	name := args[0]
	way := sendingWays[name]
	if way.dial == nil {
		way.dial = func(to netip.AddrPort) (int, error) {
			s, refused, err := dial(to.String())
			return s, errors.Join(refused, err)
		}
	}
	s, err := way.dial(netip.MustParseAddrPort(args[1]))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if way.prepare != nil {
		if err := way.prepare(s); err != nil {
			return err
		}
	}
	end := "\r\n"
	if way.end != "" {
		end = way.end
	}
	chunks := said(name, end)
	if !way.early {
		if err := reply(s); err != nil {
			return err
		}
	}
	if way.talk == nil {
		send := way.send
		if send == nil {
			send = write
		}
		way.talk = func(s int, chunks []string) error { return converse(s, chunks, send, way.early) }
	}
	if err := way.talk(s, chunks); err != nil {
		return err
	}
	return unix.Close(s)
}

func converse(s int, chunks []string, send sending, early bool) error {
	for _, chunk := range chunks {
		if err := send(s, []byte(chunk)); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if early {
			early = false
			if err := reply(s); err != nil {
				return err
			}
		}
		if err := reply(s); err != nil {
			return err
		}
	}
	return nil
}

// onward goes on where the first word has gone with the SYN.
func onward(s int, chunks []string) error {
	if err := reply(s); err != nil {
		return err
	}
	return converse(s, chunks[1:], write, false)
}

// reply reads through the end of one reply, and not further.
func reply(s int) error {
	line := []byte{}
	for b := make([]byte, 1); ; {
		switch n, err := unix.Read(s, b); {
		case err != nil:
			return fmt.Errorf("read a reply: %w", err)
		case n == 0:
			return fmt.Errorf("the server hung up behind %q", line)
		}
		if line = append(line, b[0]); b[0] == '\n' {
			if line[3] != '-' {
				return nil
			}
			line = line[:0]
		}
	}
}

func write(s int, chunk []byte) error {
	n, err := unix.Write(s, chunk)
	return all(n, err, chunk)
}

// all is an error where not all of a chunk was taken.
func all(n int, err error, chunk []byte) error {
	if err == nil && n != len(chunk) {
		err = fmt.Errorf("%d of %d bytes were taken", n, len(chunk))
	}
	return err
}

// cut makes parts of a chunk, inside of its verb.
func cut(chunk []byte) [][]byte { return [][]byte{chunk[:2], chunk[2:3], chunk[3:]} }

func gathered(call func(int, [][]byte) (int, error)) sending {
	return func(s int, chunk []byte) error {
		n, err := call(s, cut(chunk))
		return all(n, err, chunk)
	}
}

func sendmmsg(s int, chunk []byte) error {
	type message struct {
		header unix.Msghdr
		sent   uint32
	}
	parts := cut(chunk)
	vectors := make([]unix.Iovec, len(parts))
	messages := make([]message, len(parts))
	for i := range parts {
		vectors[i].Base = &parts[i][0]
		vectors[i].SetLen(len(parts[i]))
		messages[i].header.Iov = &vectors[i]
		messages[i].header.SetIovlen(1)
	}
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s), uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), 0, 0, 0)
	if errno != 0 || int(n) != len(messages) {
		return fmt.Errorf("sendmmsg: %d messages, %w", n, errno)
	}
	return nil
}

// fromFile sends a chunk out of a file that holds nothing else.
func fromFile(send func(s int, f *os.File, n int) (int, error)) sending {
	return func(s int, chunk []byte) error {
		f, err := os.CreateTemp("", "smtptrace-")
		if err != nil {
			return err
		}
		defer f.Close()
		if err := os.Remove(f.Name()); err != nil {
			return err
		}
		if _, err := f.Write(chunk); err != nil {
			return err
		}
		n, err := send(s, f, len(chunk))
		return all(n, err, chunk)
	}
}

func sendfile(s int, f *os.File, n int) (int, error) {
	var from int64
	return unix.Sendfile(s, int(f.Fd()), &from, n)
}

func spliced(s int, f *os.File, n int) (int, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return 0, err
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	var from int64
	if _, err := unix.Splice(int(f.Fd()), &from, p[1], nil, n, 0); err != nil {
		return 0, fmt.Errorf("splice from the file: %w", err)
	}
	sent, err := unix.Splice(p[0], nil, s, nil, n, 0)
	return int(sent), err
}

// mapped sends out of a page that this process has not touched yet: it is not there when the kernel is called.
func mapped(s int, f *os.File, n int) (int, error) {
	page, err := unix.Mmap(int(f.Fd()), 0, n, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return 0, fmt.Errorf("map the file: %w", err)
	}
	defer unix.Munmap(page)
	return unix.Write(s, page)
}

func zerocopyOn(s int) error { return unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_ZEROCOPY, 1) }

// zerocopy sends pages of this process, which it must not change before the kernel says so: it never does.
func zerocopy(s int, chunk []byte) error {
	n, err := unix.SendmsgN(s, chunk, nil, nil, unix.MSG_ZEROCOPY)
	return all(n, err, chunk)
}

func noDelay(s int) error { return unix.SetsockoptInt(s, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }

func byteByByte(s int, chunk []byte) error {
	for i := range chunk {
		if err := write(s, chunk[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// withUrgent sends amid a chunk a byte that the server does not read with the others (tcp(7), urgent data).
func withUrgent(s int, chunk []byte) error {
	const amid = 3
	if err := write(s, chunk[:amid]); err != nil {
		return err
	}
	if err := unix.Sendto(s, []byte{'x'}, unix.MSG_OOB, nil); err != nil {
		return fmt.Errorf("send urgent data: %w", err)
	}
	return write(s, chunk[amid:])
}
