package report

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// benchmarkRecords is how many sessions the log of the benchmark has. The requirement is for a
// million, about 1 GB: under 10 s and 200 MB. To measure it:
//
//	SMTPTRACE_REPORT_RECORDS=1000000 go test ./internal/report -run '^$' -bench Report -benchtime 1x
func benchmarkRecords(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("SMTPTRACE_REPORT_RECORDS"))
	if err != nil {
		return 5000
	}
	b.Logf("%d records", n)
	return n
}

// benchmarkLog writes a log of a week: a few programs, each session another, heartbeats among them.
func benchmarkLog(b *testing.B, n int) (path string, began time.Time, step time.Duration) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "mail.log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w, e := bufio.NewWriterSize(f, 1<<20), record.NewEncoder()
	put := func(r record.Record) {
		if _, err := w.Write(e.Encode(&r)); err != nil {
			b.Fatal(err)
		}
	}
	began, step = T, 7*24*time.Hour/time.Duration(n)
	put(life("r1", record.ActionStart, began, began))
	beat := began
	for i := range n {
		at := began.Add(time.Duration(i) * step)
		for ; at.Sub(beat) >= time.Minute; beat = beat.Add(time.Minute) {
			put(life("r1", record.ActionHeartbeat, began, beat.Add(time.Minute)))
		}
		r := postfix(fmt.Sprintf("5b0e-%x", i), at)
		if i%10 == 0 {
			r = session(fmt.Sprintf("5b0e-%x", i), at)
			r.Process.Executable = fmt.Sprintf("/var/tmp/smtp%d", i%700)
		}
		r.Process.PID, r.Source.Port = uint32(i%30000+300), uint16(i%28000+32768)
		r.Destination.IP = netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
		r.Process.Ancestors = []string{"880 master", "1 systemd"}
		r.Process.Parent = record.Parent{PID: 880, Name: "master", Executable: "/usr/lib/postfix/sbin/master"}
		r.Process.Hash.SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
		r.SMTP.Transactions[0].Reply = fmt.Sprintf("250 2.0.0 Ok: queued as %X", i*7919)
		r.SMTP.Transactions[0].RcptHMAC = []string{fmt.Sprintf("%064x", i)}
		put(r)
	}
	put(life("r1", record.ActionStop, began, began.Add(7*24*time.Hour)))
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return path, began, step
}

func BenchmarkReport(b *testing.B) {
	n := benchmarkRecords(b)
	path, began, step := benchmarkLog(b, n)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	var window Query
	window.Around(began.Add(time.Duration(n/2)*step), 15*time.Minute)
	for _, bench := range []struct {
		name  string
		query Query
	}{
		{"window", window},
		{"helo", with(b, of(HELO, "[127.0.0.1]"))},
		{"all", Query{}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(info.Size())
			before, runs := usage(b), 0
			for b.Loop() {
				runs++
				a := Ask(Options{Logs: []string{path}, Query: bench.query, Now: began.AddDate(0, 0, 8)})
				if a.Records < uint64(n) || len(a.Programs) == 0 {
					b.Fatalf("not the answer: %s", a.Sentence(time.UTC))
				}
			}
			after := usage(b)
			b.ReportMetric(float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano())/1e9/float64(runs), "cpu-s/op")
			b.ReportMetric(float64(after.Maxrss>>10), "peak-MB") // of all benchmarks before, too
		})
	}
}

// usage is what this process has used (getrusage(2)). Its CPU time says more than the time that
// passed, where others use the machine, too.
func usage(b *testing.B) (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}
