package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// BenchmarkReady is the time from a process's start to its ready file, as the median.
func BenchmarkReady(b *testing.B) {
	cell := live.NewCell(b)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		tr := start(b, cell, probe.Auto)
		took = append(took, time.Since(began))
		tr.stop()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(0, "ns/op")
}

// helo sends HELO and says when, for the latency of the alert.
func helo(args []string) error {
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, line := range []string{"", "HELO latency.example.org\r\n", "QUIT\r\n"} {
		if line[:min(4, len(line))] == "HELO" {
			fmt.Println(time.Now().UnixNano())
		}
		if _, err := fmt.Fprint(conn, line); err != nil {
			return err
		}
		if _, err := r.ReadString('\n'); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkAlert is the time from the HELO's write to the reading of its first_payload line, through a
// pipe, at the 99th percentile.
func BenchmarkAlert(b *testing.B) { alert(b, nil) }

// BenchmarkAlertWhileHashing is the same while a binary of 2 GiB is hashed that has sent mail too, and the
// peak of the tracer's resident memory.
func BenchmarkAlertWhileHashing(b *testing.B) {
	giant := filepath.Join(b.TempDir(), "giant")
	binary, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(giant, binary, 0o755)
	}
	if err == nil {
		err = os.Truncate(giant, 2<<30) // the rest is a hole, which takes no room
	}
	if err != nil {
		b.Fatal(err)
	}
	child := live.Child("mail", mx)
	child.Path = giant
	alert(b, child)
}

func alert(b *testing.B, giant *exec.Cmd) {
	cell := live.NewCell(b)
	cell.Serve(mx)
	read, write, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer read.Close()
	tr := startTo(b, cell, probe.Auto, write)
	write.Close()
	lines := bufio.NewScanner(read)
	lines.Buffer(nil, 1<<20)
	if giant != nil {
		cell.Run(giant)
	}
	var took []time.Duration
	for b.Loop() {
		child := live.Child("helo", mx)
		var out bytes.Buffer
		child.Stdout = &out
		cell.Run(child)
		var said int64
		if _, err := fmt.Sscan(out.String(), &said); err != nil {
			b.Fatal(err)
		}
		for lines.Scan() {
			r, err := record.Decode(lines.Bytes())
			if err != nil {
				b.Fatal(err)
			}
			if giant != nil && r.Event.Action == record.ActionSession && r.Process.Executable == giant.Path {
				b.Fatal("the giant was hashed before the end: nothing was measured beside that")
			}
			if r.Event.Action == record.ActionFirstPayload && (giant == nil || r.Process.Executable != giant.Path) {
				took = append(took, time.Since(time.Unix(0, said)))
				break
			}
		}
	}
	for giant != nil && lines.Scan() { // in the end it is hashed, and whole
		r, err := record.Decode(lines.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		if r.Event.Action == record.ActionSession && r.Process.Executable == giant.Path {
			if r.Process.Hash.Status != "verified" {
				b.Fatalf("its hash: %+v", r.Process.Hash)
			}
			_, peak := resident(b, tr.cmd.Process.Pid)
			b.ReportMetric(float64(peak)/1024, "peak-MiB")
			break
		}
	}
	tr.end()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(0, "ns/op")
}

// resident is the memory that a process has resident, and the most that it ever had, in KiB.
func resident(t testing.TB, pid int) (now, peak int) {
	t.Helper()
	b, err := os.ReadFile("/proc/" + number(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			fmt.Sscan(rest, &now)
		}
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Sscan(rest, &peak)
		}
	}
	return now, peak
}
