package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// replays are the ways in which the bytes of a capture are sent anew; the sides take turns as they did there.
var replays = map[string]func([]live.Turn) []live.Turn{
	"as captured": func(turns []live.Turn) []live.Turn { return turns },
	"at once":     live.AtOnce,
	"in pieces":   live.Pieces,
}

// replayed is a flow of a capture as it is held again.
type replayed struct {
	name, how string
	script    live.Script
}

// stage gives a flow an address of its own in 127.0.0.0/8, and the port where it went or another one.
func stage(list []replayed, name, how string, f *capture.Flow, port uint16) []replayed {
	turns := []live.Turn{}
	for _, s := range f.Segments {
		if len(s.Data) > 0 { // of what is not in the capture nothing can be sent
			turns = append(turns, live.Turn{Server: s.Server, Data: s.Data})
		}
	}
	n := len(list) + 1
	addr := fmt.Sprintf("127.1.%d.%d:%d", n>>8, n&255, port)
	return append(list, replayed{name, how, live.Script{Addr: addr, Turns: replays[how](turns)}})
}

// flowsOf reads the captures of a folder, by file and number.
func flowsOf(t *testing.T, folder string) (names []string, flows []*capture.Flow) {
	t.Helper()
	for _, path := range capture.Files(t, folder) {
		for i, f := range capture.Read(t, path) {
			if len(f.Segments) > 0 {
				base := filepath.Base(path)
				names = append(names, fmt.Sprintf("%s/%d", strings.TrimSuffix(base, filepath.Ext(base)), i))
				flows = append(flows, f)
			}
		}
	}
	return names, flows
}

// hold lets a child hold all flows while the tracer watches, and gives the session records by address.
func hold(t *testing.T, f probe.Family, list []replayed) map[string][]*record.Record {
	t.Helper()
	scripts := make([]live.Script, len(list))
	for i := range list {
		scripts[i] = list[i].script
	}
	cell := live.NewCell(t)
	cell.Stage(scripts)
	tr := start(t, cell, f, "--privacy", "full")
	child := cell.Play(scripts)
	by := map[string][]*record.Record{}
	for _, r := range tr.stop() {
		if r.Event.Action == record.ActionFirstPayload || r.Event.Action == record.ActionSession {
			addr := r.Destination.AddrPort().String()
			by[addr] = append(by[addr], &r)
			if r.Process.PID != uint32(child.Process.Pid) || len(r.Tracer.Weak) > 0 && f != probe.Cgroup {
				t.Errorf("%s: by %d (%q), want %d", addr, r.Process.PID, r.Tracer.Weak, child.Process.Pid)
			}
		}
	}
	return by
}

// onSockets is what the running program says of the flows of which it says something else than the parser does
// that was given every byte.
var onSockets = map[string][]string{
	// Behind a ClientHello the kernel does not show what the server says in the clear.
	"smtp-errors__smtperr/3":        {"= last 220 v02.kerne.org ESMTP Postfix", "+ tls, tls implicit"},
	"smtp-tls-protodetect__input/0": {"+ tls, tls implicit"},
}

// TestCorpus: every SMTP dialogue of the corpus, held over real sockets, gives the one record that says of
// it what tshark reads in the capture.
func TestCorpus(t *testing.T) {
	names, flows := flowsOf(t, "suricata-verify")
	want := capture.Envelopes(t, filepath.Join("..", "..", "internal", "smtp", "testdata", "envelopes.txt"))
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			var list []replayed
			for how := range replays {
				for i, flow := range flows {
					list = stage(list, names[i], how, flow, flow.Port)
				}
			}
			got := hold(t, f, list)
			for _, r := range list {
				expected := want[r.name]
				if lines, ok := onSockets[r.name]; ok {
					expected = lines
				}
				checkEnvelope(t, &r, got[r.script.Addr], expected)
			}
		})
	}
}
