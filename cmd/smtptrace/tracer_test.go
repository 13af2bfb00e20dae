package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

func TestMain(m *testing.M) {
	live.Main(m, map[string]func([]string) error{
		"smtptrace": func(args []string) error {
			os.Exit(run(args, os.Stdin, os.Stdout, os.Stderr))
			return nil
		},
		"mail": func(args []string) error {
			conn, err := net.Dial("tcp", args[0])
			if err != nil {
				return err
			}
			defer conn.Close()
			return live.Talk(conn, live.Message...)
		},
		"connect": func(args []string) error {
			s, _, err := dial(args[0])
			// Sloppy: it does not look whether there is a connection.
			unix.Sendto(s, []byte("EHLO me\r\n"), unix.MSG_NOSIGNAL, nil)
			return errors.Join(err, unix.Close(s))
		},
		"knock": func(args []string) error {
			for range time.Tick(time.Millisecond) { // or the ring overflows before anybody reads it
				s, _, err := dial(args[0])
				if err := errors.Join(err, unix.Close(s)); err != nil {
					return err
				}
			}
			return nil
		},
		"connected":       connected,
		"portless":        portless,
		"reconnect":       reconnect,
		"hoard":           hoard,
		"crowd":           crowd,
		"play":            live.PlayChild,
		"web":             func(args []string) error { return live.Browse(args[0]) },
		"spray":           spray,
		"shot":            shot,
		"wait":            wait,
		"way":             sendMail,
		"passed":          passed,
		"allow-fast-open": allowFastOpen,
		"tunnel":          tunnel,
		"helo":            helo,
		"gosmtp":          goSMTP,
		"mxmail":          mxmail,
	})
}

// allFamilies are all, for what depends on them, where there is time: see live.Thorough.
func allFamilies() []probe.Family {
	if testing.Short() {
		return families()
	}
	return probe.Families[1:] // auto is one of them
}

// families are those to try what hardly depends on them. In a VM, where a start takes ten seconds, the
// first that works does.
func families() []probe.Family {
	if live.InVM() {
		return []probe.Family{probe.Auto}
	}
	return probe.Families[1:] // auto is one of them
}

// tracer is a running smtptrace that watches a cell.
type tracer struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    string // "-": standard output
	stderr bytes.Buffer
	ended  chan error
}

// start runs the tracer on the cell, in one family of hooks, with a log file, until stop.
func start(t testing.TB, cell *live.Cell, f probe.Family, flags ...string) *tracer {
	t.Helper()
	return startTo(t, cell, f, nil, append([]string{"-o", filepath.Join(t.TempDir(), "log")}, flags...)...)
}

// startTo runs the tracer with its records on stdout. A family that this kernel refuses, for it has no
// kprobes, skips the test.
func startTo(t testing.TB, cell *live.Cell, f probe.Family, stdout io.Writer, flags ...string) *tracer {
	t.Helper()
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	args := append([]string{"run", "--hooks", string(f), "--cgroup", cell.Cgroup, "--ready-file", ready}, flags...)
	tr := &tracer{t: t, cmd: live.Child("smtptrace", args...), log: args[min(8, len(args)-1)], ended: make(chan error, 1)}
	tr.cmd.Env = append(tr.cmd.Env, "STATE_DIRECTORY="+dir)
	tr.cmd.Stdout, tr.cmd.Stderr = stdout, &tr.stderr
	if err := tr.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { tr.ended <- tr.cmd.Wait() }()
	t.Cleanup(func() {
		tr.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the tracer said: %s", tr.stderr.String())
		}
	})
	live.Eventually(t, "the tracer is ready", func() bool {
		select {
		case err := <-tr.ended:
			if live.RefusesProbes(t, string(f)) {
				t.Skipf("this kernel refuses the family: %s", tr.stderr.String())
			}
			t.Fatalf("the tracer ended: %v: %s", err, tr.stderr.String())
		default:
		}
		_, err := os.Stat(ready)
		return err == nil
	})
	return tr
}

// end ends the tracer by SIGTERM.
func (tr *tracer) end() {
	tr.t.Helper()
	if err := tr.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tr.t.Fatal(err)
	}
	if err := <-tr.ended; err != nil {
		tr.t.Fatalf("the tracer's exit: %v", err)
	}
}

// await waits until the log has so many records of an action: the hash of a large binary takes time.
func (tr *tracer) await(a record.Action, n int) {
	tr.t.Helper()
	live.Eventually(tr.t, fmt.Sprintf("%d %s records", n, a), func() bool { return len(pick(tr.records(), a)) >= n })
}

// warm lets children send until the digest of their binary is known, and gives how many sent: emulated,
// that can take longer than a record waits.
func (tr *tracer) warm(cell *live.Cell, addr string) (sent int) {
	tr.t.Helper()
	live.Eventually(tr.t, "a record with the digest of the test's binary", func() bool {
		cell.Run(live.Child("shot", addr))
		sent++
		tr.await(record.ActionSession, sent)
		sessions := pick(tr.records(), record.ActionSession)
		return sessions[sent-1].Process.Hash.Status == "verified"
	})
	return sent
}

// stop ends the tracer and gives its records: from start to stop, and nothing lost.
func (tr *tracer) stop() []record.Record {
	tr.t.Helper()
	tr.end()
	records := tr.records()
	if n := len(records); n < 2 || records[0].Event.Action != record.ActionStart ||
		records[n-1].Event.Action != record.ActionStop {
		tr.t.Fatalf("the log does not go from start to stop: %d records", n)
	}
	if lost := records[len(records)-1].Tracer.Counters.Lost; lost.Total() != 0 {
		tr.t.Errorf("lost: %+v", lost)
	}
	return records
}

// records reads the log as it stands, up to a line that is just being written.
func (tr *tracer) records() []record.Record {
	tr.t.Helper()
	b, err := os.ReadFile(tr.log)
	if err != nil {
		tr.t.Fatal(err)
	}
	var records []record.Record
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	for s := bufio.NewScanner(bytes.NewReader(whole)); s.Scan(); {
		r, err := record.Decode(s.Bytes())
		if err != nil {
			tr.t.Fatalf("%v: %s", err, s.Text())
		}
		records = append(records, r)
	}
	return records
}

func pick(records []record.Record, a record.Action) []record.Record {
	var picked []record.Record
	for _, r := range records {
		if r.Event.Action == a {
			picked = append(picked, r)
		}
	}
	return picked
}

// shot is a process that sends one message and ends right after its last byte.
func shot(args []string) error {
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(conn, strings.Join(live.Message, "\r\n")+"\r\n"); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}

// portless connects where every local port is taken: there is one, and a listener has it.
func portless(args []string) error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40000 40000"), 0); err != nil {
		return err
	}
	defer os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("32768 60999"), 0)
	taken, err := net.Listen("tcp4", "0.0.0.0:40000")
	if err != nil {
		return err
	}
	defer taken.Close()
	s, refused, err := dial(args[0])
	if err != nil {
		return err
	}
	defer unix.Close(s)
	if refused != unix.EADDRNOTAVAIL {
		return fmt.Errorf("the connect's error: %v", refused)
	}
	return nil
}

// dial connects once over IPv4, and gives the error of the connect beside that of the socket.
func dial(addr string) (s int, refused, err error) {
	to := netip.MustParseAddrPort(addr)
	if s, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return s, nil, err
	}
	return s, unix.Connect(s, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}), nil
}

// burst is a shell that sends one message, reads nothing, and ends.
func burst(name string) *exec.Cmd {
	script := "exec 3<>/dev/tcp/127.0.0.1/25; printf '" + strings.Join(live.Message, `\r\n`) + `\r\n' >&3`
	return exec.Command("/bin/bash", "-c", script, name)
}

// spray starts so many shots or bursts, eight at a time, and prints their process ids and how many
// microseconds each took from fork to wait.
func spray(args []string) error {
	var n int
	if _, err := fmt.Sscan(args[1], &n); err != nil {
		return err
	}
	slots := make(chan struct{}, 8)
	errs := make(chan error, n)
	for i := range n {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			name := fmt.Sprint("shot-", i)
			cmd := live.Child("shot", args[0], name)
			if len(args) > 2 {
				cmd = burst(name)
			}
			began := time.Now()
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = errors.Join(err, errors.New(string(out)))
			} else {
				fmt.Println(cmd.Process.Pid, name, time.Since(began).Microseconds())
			}
			errs <- err
		}()
	}
	var all []error
	for range n {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}
