package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// self is the path and the digest of the binary that all children run.
func self(t *testing.T) (exe, sha string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	return exe, fmt.Sprintf("%x", sha256.Sum256(b))
}

// TestSession: one mail on the mail port and one on another, over IPv4 and IPv6, in every family, is one
// session record each with all of who and what; a web client has none.
func TestSession(t *testing.T) {
	live.Thorough(t)
	exe, sha := self(t)
	addrs := []string{"127.0.0.1:25", "127.0.0.1:2526", "[::1]:25", "[::1]:2526"}
	for _, f := range probe.Families[1:] { // auto is one of them
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			web := cell.ServeWeb("127.0.0.1:80")
			tr := start(t, cell, f, "--privacy", "full")
			pids := map[string]uint32{}
			for _, addr := range addrs {
				cell.Serve(addr)
				child := live.Child("mail", addr)
				cell.Run(child)
				pids[addr] = uint32(child.Process.Pid)
			}
			cell.Run(live.Child("web", web))
			tr.await(record.ActionSession, len(addrs))
			sessions := pick(tr.stop(), record.ActionSession)
			if len(sessions) != len(addrs) {
				t.Fatalf("%d sessions, want %d: %+v", len(sessions), len(addrs), sessions)
			}
			for i := range sessions {
				r := &sessions[i]
				addr := r.Destination.AddrPort().String()
				got := fmt.Sprint(r.Process.PID, r.Process.Executable, r.Process.Args[1:], r.Process.Hash,
					r.SMTP.Verb, r.SMTP.HELO, r.SMTP.Messages, r.SMTP.Recipients, r.SMTP.LastReply,
					r.Verdict, r.Event.Outcome, r.User.ID)
				want := fmt.Sprint(pids[addr], exe, []string{addr}, record.Hash{SHA256: sha, Status: "verified"},
					"EHLO", "[127.0.0.1]", 1, 2, "221 2.0.0 Bye", record.Local, record.Success, "0")
				if got != want {
					t.Errorf("%s\n got %s\nwant %s", addr, got, want)
				}
				if len(r.SMTP.Transactions) != 1 {
					t.Fatalf("transactions: %+v", r.SMTP.Transactions)
				}
				tx := r.SMTP.Transactions[0]
				if tx.MailFrom != "a@example.org" || !slices.Equal(tx.RcptTo, []string{"b@example.net", "c@example.net"}) ||
					tx.Reply != "250 2.0.0 Ok: queued as 4E81026038" || tx.Size != 38 {
					t.Errorf("transaction: %+v", tx)
				}
			}
		})
	}
}

// TestShortLived: a process that ends right after its last byte is named fully, every time.
func TestShortLived(t *testing.T) {
	live.Thorough(t)
	exe, _ := self(t)
	shortLived(t, families(), 500, exe)
}

// TestShortestLived: so is one that lives for a few milliseconds.
func TestShortestLived(t *testing.T) {
	bash, err := filepath.EvalSymlinks("/bin/bash")
	if err != nil {
		t.Skipf("needs bash: %v", err)
	}
	shortLived(t, probe.Families[1:], 1000, bash, "burst") // auto is one of them
}

// shortLived lets so many processes send, or SMTPTRACE_SHOTS.
func shortLived(t *testing.T, families []probe.Family, shots int, exe string, how ...string) {
	if asked := os.Getenv("SMTPTRACE_SHOTS"); asked != "" {
		if _, err := fmt.Sscan(asked, &shots); err != nil {
			t.Fatalf("SMTPTRACE_SHOTS: %v", err)
		}
	} else if live.InVM() { // emulated: a process takes 100 times as long
		shots /= 40
	}
	sha := live.Root("/").SHA256(t, exe)
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			cell.Serve(mx)
			tr := start(t, cell, f)
			warm := tr.warm(cell, mx)
			spray := live.Child("spray", append([]string{mx, fmt.Sprint(shots)}, how...)...)
			var out bytes.Buffer
			spray.Stdout = &out
			cell.Run(spray)
			pids, took := map[string]uint32{}, []int{}
			for s := bufio.NewScanner(&out); s.Scan(); {
				var pid uint32
				var name string
				var us int
				if _, err := fmt.Sscan(s.Text(), &pid, &name, &us); err != nil {
					t.Fatal(err)
				}
				pids[name], took = pid, append(took, us)
			}
			slices.Sort(took)
			t.Logf("from fork to wait: median %d µs, longest %d µs", took[len(took)/2], took[len(took)-1])
			tr.await(record.ActionSession, warm+shots)
			now, peak := resident(t, tr.cmd.Process.Pid)
			t.Logf("the tracer has %d KiB resident, %d at its peak", now, peak)
			live.Eventually(t, "it has less than 64 MB resident: garbage is given back by and by", func() bool {
				now, _ := resident(t, tr.cmd.Process.Pid)
				return now <= 62_500
			})
			named := 0
			for _, r := range pick(tr.stop(), record.ActionSession)[warm:] {
				p := &r.Process
				name := p.Args[len(p.Args)-1]
				got := fmt.Sprint(p.Executable, p.Hash, p.PID, p.Parent.PID, r.User.ID, filepath.Base(r.Cgroup.Path))
				want := fmt.Sprint(exe, record.Hash{SHA256: sha, Status: "verified"}, pids[name], spray.Process.Pid, "0", filepath.Base(cell.Cgroup))
				if got != want {
					t.Errorf("%s is not named fully:\n got %s\nwant %s", name, got, want)
					continue
				}
				named++
				delete(pids, name)
			}
			if named != shots {
				t.Errorf("%d of %d named fully", named, shots)
			}
		})
	}
}

// TestConnectOutcome: a connect that comes to nothing is recorded with the process and the reason, in every
// family.
func TestConnectOutcome(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("needs nft, of the package nftables")
	}
	cell := live.NewCell(t)
	cell.Run(exec.Command("sh", "-c", "echo 0 > /proc/sys/net/ipv4/tcp_syn_retries 2>/dev/null; echo 1 > /proc/sys/net/ipv4/tcp_syn_retries"))
	rules := exec.Command(nft, "-f", "-")
	rules.Stdin = strings.NewReader(`
		add table inet t
		add chain inet t out { type filter hook output priority 0 ; }
		add rule inet t out ip daddr 127.0.0.3 tcp dport 25 drop
		add rule inet t out ip daddr 127.0.0.4 tcp dport 25 reject
		add rule inet t out ip daddr 127.0.0.5 tcp dport 25 reject with tcp reset
		add rule inet t out ip daddr 127.0.0.6 tcp dport 25 reject with icmp type admin-prohibited
		add chain inet t in { type filter hook input priority 0 ; }
		add rule inet t in ip daddr 127.0.0.2 tcp dport 25 drop
`)
	cell.Run(rules)
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			want := map[string]record.Reason{
				"127.0.0.1:25": record.Refused,
				"127.0.0.2:25": record.TimedOut,
				"127.0.0.3:25": record.Blocked,
				"127.0.0.4:25": record.Blocked,
				"127.0.0.5:25": record.Blocked,
				"127.0.0.6:25": record.Blocked,
			}
			tr := start(t, cell, f)
			children := map[string]*exec.Cmd{}
			if f == probe.Tracepoint || f == probe.Cgroup { // the others are behind the choice of a port
				want["127.0.0.7:25"] = record.NotSent
				children["127.0.0.7:25"] = live.Child("portless", "127.0.0.7:25")
				cell.Run(children["127.0.0.7:25"])
			}
			for addr, reason := range want {
				if reason != record.NotSent {
					children[addr] = live.Child("connect", addr)
					cell.Start(children[addr])
				}
			}
			for _, child := range children {
				if child.ProcessState == nil {
					child.Wait()
				}
			}
			checkConnects(t, tr.stop(), want, children)
		})
	}
}

// TestStartsAmid: a tracer that comes and goes while connects are refused calls none of them blocked.
func TestStartsAmid(t *testing.T) {
	live.Thorough(t)
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			knocking := live.Child("knock", mx)
			cell.Start(knocking)
			t.Cleanup(func() { knocking.Process.Kill(); knocking.Wait() })
			tr := start(t, cell, f)
			tr.await(record.ActionConnect, 20)
			last := 0
			for _, r := range pick(tr.stop(), record.ActionConnect) {
				switch r.Event.Reason {
				case record.Refused:
				case record.StillOpen, record.EndNotSeen: // it was under way while the hooks were detached
					last++
				default:
					t.Errorf("%s: %+v", r.Event.Reason, r.Event)
				}
			}
			if last > 1 { // it makes one at a time
				t.Errorf("of %d connects the end is not told", last)
			}
		})
	}
}

// TestOpenBefore: connections to mail ports that were there before the start are listed, with who has them.
func TestOpenBefore(t *testing.T) {
	cell := live.NewCell(t)
	cell.Serve(mx)
	cell.Serve("[::1]:2525")
	cell.Serve("127.0.0.1:8025")
	exe, _ := self(t)
	var want []string
	for _, addr := range []string{mx, "[::1]:2525", "127.0.0.1:8025"} { // the last is no mail port
		child := live.Child("connected", addr)
		connected, end := startWaiting(t, cell, child)
		t.Cleanup(func() { end(); child.Wait() })
		connected()
		want = append(want, fmt.Sprint(child.Process.Pid, " ", exe, " ", addr, " 0"))
	}
	tr := start(t, cell, probe.Auto)
	var got []string
	for _, c := range tr.stop()[0].Tracer.Open {
		got = append(got, fmt.Sprint(c.Process.PID, " ", c.Process.Executable, " ", c.Destination.AddrPort(), " ", c.User.ID))
	}
	if want = want[:2]; !slices.Equal(got, want) {
		t.Errorf("open before the start\n got %q\nwant %q", got, want)
	}
}

func checkConnects(t *testing.T, records []record.Record, want map[string]record.Reason, children map[string]*exec.Cmd) {
	t.Helper()
	connects := pick(records, record.ActionConnect)
	if len(connects) != len(want) {
		t.Errorf("%d connect records, want %d", len(connects), len(want))
	}
	exe, _ := self(t)
	for i := range connects {
		r := &connects[i]
		addr := r.Destination.AddrPort().String()
		pid := uint32(children[addr].Process.Pid)
		if r.Event.Reason != want[addr] || r.Event.Outcome != record.Failure ||
			r.Process.PID != pid || r.Process.Executable != exe {
			t.Errorf("%s: %s %s (%s) by %d %s, want %s by %d", addr, r.Event.Outcome, r.Event.Reason, r.Error.Code,
				r.Process.PID, r.Process.Executable, want[addr], pid)
		}
		t.Logf("%s: %s %s", addr, r.Event.Reason, r.Error.Code)
	}
}
