package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
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
func BenchmarkAlert(b *testing.B) {
	cell := live.NewCell(b)
	cell.Serve("127.0.0.1:25")
	read, write, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer read.Close()
	tr := startTo(b, cell, probe.Auto, write)
	write.Close()
	lines := bufio.NewScanner(read)
	lines.Buffer(nil, 1<<20)
	var took []time.Duration
	for b.Loop() {
		child := live.Child("helo", "127.0.0.1:25")
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
			if r.Event.Action == record.ActionFirstPayload {
				took = append(took, time.Since(time.Unix(0, said)))
				break
			}
		}
	}
	tr.end()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(0, "ns/op")
}
