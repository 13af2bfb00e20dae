package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

// wayTest is one of sendingWays with what it needs and what its record says besides the common mail.
type wayTest struct {
	name         string
	major, minor int           // the first kernel that has it; zero: all do
	absent       func() string // why this machine has it not all the same; nil or "": it has
	to           string        // the server; "": mx
	another      bool          // another process than the connector sends
	size         uint64        // of the body; 0: 38
	flags        []string
	encrypted    bool
}

// Servers of their own for ways that need one.
const (
	plainTCP = "127.0.0.2:25" // no MPTCP
	fastTCP  = "127.0.0.3:25" // takes data in a SYN
	lateTCP  = "127.0.0.4:25" // greets when the client has spoken
	oddTCP   = "127.0.0.1:2526"
)

var wayTests = []wayTest{
	{name: "write"}, {name: "writev"}, {name: "sendmsg"}, {name: "sendmmsg"}, {name: "sendfile"}, {name: "splice"},
	{name: "mmap"}, {name: "zerocopy"}, {name: "bytewise"}, {name: "mapped"},
	{name: "bareline", size: 35},
	{name: "urgent"}, {name: "urgent", to: oddTCP}, {name: "wrapped"},
	{name: "earlytalker", to: lateTCP, flags: []string{"early_talker"}},
	{name: "fork", another: true}, {name: "scmrights", another: true},
	{name: "fastopen", to: fastTCP, flags: []string{"early_talker"}},
	{name: "lateconnect", to: fastTCP, flags: []string{"early_talker"}},
	{name: "mptcp", major: 5, minor: 16}, {name: "mptcpfallback", major: 5, minor: 16, to: plainTCP},
	{name: "uring", absent: noRings}, {name: "uringwrite", absent: noRings},
	{name: "uringworker", major: 5, minor: 12, absent: noRings}, // before that a kernel thread sends
	{name: "uringzerocopy", major: 6, minor: 0, absent: noRings},
	{name: "tls", encrypted: true}, {name: "ktls", encrypted: true, absent: noKernelTLS},
}

func noRings() string {
	if b, _ := os.ReadFile("/proc/sys/kernel/io_uring_disabled"); strings.TrimSpace(string(b)) == "2" {
		return "io_uring is switched off here: kernel.io_uring_disabled is 2"
	}
	return ""
}

func noKernelTLS() string {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err.Error()
	}
	defer unix.Close(s)
	if err := unix.SetsockoptString(s, unix.IPPROTO_TCP, unix.TCP_ULP, "tls"); errors.Is(err, unix.ENOENT) {
		return "this kernel has not the module tls, or it is not loaded"
	}
	cipher, err := unix.Socket(unix.AF_ALG, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0) // asks for its module, too
	if err != nil {
		return "this kernel does not tell its ciphers: " + err.Error()
	}
	defer unix.Close(cipher)
	if err := unix.Bind(cipher, &unix.SockaddrALG{Type: "aead", Name: "gcm(aes)"}); err != nil {
		return "this kernel has not the cipher gcm(aes), or its module is not loaded: " + err.Error()
	}
	return ""
}

// TestWays: a mail is found, with its sender and all that was said, however it is sent, in every family.
func TestWays(t *testing.T) {
	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			cell.Run(live.Child("allow-fast-open"))
			cell.Serve(mx)
			plain := &net.ListenConfig{}
			plain.SetMultipathTCP(false)
			cell.ServeWith(plain, false, plainTCP)
			fast := &net.ListenConfig{Control: fastOpenListener}
			fast.SetMultipathTCP(false)
			cell.ServeWith(fast, false, fastTCP)
			cell.ServeWith(plain, true, lateTCP)
			cell.Serve(oddTCP)
			tr := start(t, cell, f, "--privacy", "full")
			sent := 0
			for _, w := range wayTests {
				t.Run(w.name, func(t *testing.T) { w.run(t, cell, tr, &sent) })
			}
			records := tr.stop()
			if n := len(pick(records, record.ActionSession)); n != sent {
				t.Errorf("%d sessions, want %d", n, sent)
			}
		})
	}
}

func fastOpenListener(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 16)
	})
	return errors.Join(err, failed)
}

// allowFastOpen is a child that lets both ends of its namespace use it without a cookie
// (Documentation/networking/ip-sysctl.rst: tcp_fastopen).
func allowFastOpen([]string) error {
	return os.WriteFile("/proc/sys/net/ipv4/tcp_fastopen", []byte("519"), 0)
}

func (w *wayTest) run(t *testing.T, cell *live.Cell, tr *tracer, sent *int) {
	if major, minor := live.Kernel(t); major < w.major || major == w.major && minor < w.minor {
		t.Skipf("needs Linux %d.%d", w.major, w.minor)
	}
	if w.absent != nil {
		if why := w.absent(); why != "" {
			t.Skip(why)
		}
	}
	to := w.to
	if to == "" {
		to = mx
	}
	cmd := live.Child("way", w.name, to)
	var out bytes.Buffer
	cmd.Stdout = &out
	cell.Start(cmd)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	*sent++
	tr.await(record.ActionSession, *sent)
	sessions := pick(tr.records(), record.ActionSession)
	if len(sessions) != *sent {
		t.Fatalf("%d sessions, want %d", len(sessions), *sent)
	}
	for i := range sessions[*sent-1].SMTP.Transactions {
		sessions[*sent-1].SMTP.Transactions[i].Start = time.Time{}
	}
	w.check(t, cmd, out.String(), &sessions[*sent-1])
	who := "send hook"
	if len(sessions[*sent-1].Tracer.Weak) > 0 {
		who = strings.Join(sessions[*sent-1].Tracer.Weak, ", ")
	}
	t.Logf("who sends: %s", who)
}

func (w *wayTest) check(t *testing.T, cmd *exec.Cmd, sender string, r *record.Record) {
	t.Helper()
	pid := uint32(cmd.Process.Pid)
	if w.another {
		connector := pid
		if _, err := fmt.Sscan(sender, &pid); err != nil {
			t.Fatalf("the child does not say who sends: %v", err)
		}
		if r.Connector == nil || r.Connector.Process.PID != connector {
			t.Errorf("connector %+v, want %d", r.Connector, connector)
		}
	} else if r.Connector != nil {
		t.Errorf("another connector: %+v", r.Connector)
	}
	bye, size := "221 2.0.0 Bye", w.size
	if size == 0 {
		size = 38
	}
	mails := []record.Transaction{{
		MailFrom: "a@example.org", RcptTo: []string{"b@example.net"}, RcptDomains: []string{"example.net"}, RcptCount: 1,
		Size: size, Outcome: "accepted", Reply: "250 2.0.0 Ok: queued as 4E81026038",
	}}
	starttls := ""
	if w.encrypted {
		bye, mails, starttls = "220 2.0.0 Ready to start TLS", nil, "accepted"
	}
	for i := range r.SMTP.Transactions { // a hash with this run's key
		r.SMTP.Transactions[i].MailFromHMAC, r.SMTP.Transactions[i].RcptHMAC = "", nil
	}
	got := fmt.Sprintf("%d %s %s %q %s %q %t %d %+v", r.Process.PID, r.SMTP.Verb, r.SMTP.HELO, r.SMTP.HELOs, r.SMTP.LastReply,
		r.SMTP.StartTLS, r.SMTP.TLS, r.SMTP.Unseen, r.SMTP.Transactions)
	want := fmt.Sprintf("%d EHLO %s.example.org [] %s %q %t 0 %+v", pid, w.name, bye, starttls, w.encrypted, mails)
	if got != want {
		t.Errorf("the record\n got %s\nwant %s", got, want)
	}
	if early := slices.Contains(r.Flags, "early_talker"); early != slices.Contains(w.flags, "early_talker") {
		t.Errorf("flags %q, want %q", r.Flags, w.flags)
	}
}
