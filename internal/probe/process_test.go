package probe

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/smtptrace/smtptrace/bpf"
	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/live"
)

// TestProcessTakenAgain: a process whose entry has made room for others, or is just being filled by another thread, is
// read anew when its connection turns out to be mail. No half of an entry is told.
func TestProcessTakenAgain(t *testing.T) {
	for name, tamper := range map[string]func(*ebpf.Map, *event.ProcessKey, *bpf.SmtptraceProcessEvent) error{
		"evicted": func(m *ebpf.Map, key *event.ProcessKey, _ *bpf.SmtptraceProcessEvent) error { return m.Delete(key) },
		"half filled": func(m *ebpf.Map, key *event.ProcessKey, p *bpf.SmtptraceProcessEvent) error {
			p.Kind, p.ExeLen, p.CgroupLen = 0, 0, 0
			return m.Put(key, p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cell := live.NewCell(t)
			cell.ServeFunc("127.0.0.1:2526", parrot("220 mx ESMTP\r\n", "250 ok\r\n"))
			p := open(t, cell, Auto, true)
			_, cmd, next := old(t, cell, "127.0.0.1:2526", "", "EHLO a.example\r\n|QUIT\r\n")
			pid, found := uint32(cmd.Process.Pid), 0
			var key event.ProcessKey
			var entry bpf.SmtptraceProcessEvent
			m := p.loader.maps["processes"]
			for each := m.Iterate(); each.Next(&key, &entry); {
				if key.Pid != pid {
					continue
				}
				found++
				if err := tamper(m, &key, &entry); err != nil {
					t.Fatal(err)
				}
				break
			}
			if found != 1 {
				t.Fatalf("%d entries of the process", found)
			}
			next()
			next()
			_, procs := collect(t, p, 1)
			if got := procs[pid]; got == nil || got.Exe == "" || got.Comm == "" || got.Cgroup == "" {
				t.Errorf("it is told as %+v", got)
			}
			if c, err := p.Counters(); err != nil || c.Lost() != 0 {
				t.Errorf("lost: %+v, %v", c, err)
			}
		})
	}
}
