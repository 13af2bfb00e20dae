package main

import (
	"os"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
)

// TestForwards: the first and the last record say whether the namespace that is watched forwards. The watched namespace
// is that of the processes in the cgroup. With no process there is no namespace to ask, and the answer is "unknown".
func TestForwards(t *testing.T) {
	cell := live.NewCell(t)
	cell.Serve("127.0.0.1:8025")
	forward := func(values ...string) {
		t.Helper()
		var err error
		cell.Do(func() {
			for _, value := range values {
				if err == nil {
					err = os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte(value), 0)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	told := func(change func()) (first, last string) {
		t.Helper()
		tr := start(t, cell, probe.Auto)
		tr.await("start", 1)
		change()
		records := tr.stop()
		return records[0].Tracer.Forwards, records[len(records)-1].Tracer.Forwards
	}
	if first, last := told(func() {}); first != "unknown" || last != "unknown" {
		t.Errorf("nobody is watched: %q %q", first, last)
	}
	child := live.Child("connected", "127.0.0.1:8025")
	connected, end := startWaiting(t, cell, child)
	t.Cleanup(func() { end(); child.Wait() })
	connected()
	forward("1", "0") // it may have been taken over from the host
	if first, last := told(func() { forward("1") }); first != "no" || last != "yes" {
		t.Errorf("turned on: %q %q", first, last)
	}
	if first, last := told(func() { forward("0") }); first != "yes" || last != "no" {
		t.Errorf("turned off: %q %q", first, last)
	}
}
