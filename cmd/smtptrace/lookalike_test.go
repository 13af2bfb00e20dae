package main

import (
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/live"
)

// greetedAsSMTP are dialogues of FTP (RFC 959, 4217) on a host whose server has SMTP in its greeting.
var greetedAsSMTP = map[string][]live.Turn{
	"FTP over TLS": live.Say("S: 220 smtp.example.net SMTP and FTP server", "C: AUTH TLS", "S: 234 go", "c: \x16\x03\x01\x00\x02hi"),
	"FTP over SSL": live.Say("S: 220 smtp.example.net SMTP and FTP server", "C: auth ssl", "S: 234 go", "c: \x16\x03\x01\x00\x02hi"),
	"FTP without": live.Say("S: 220-SMTP\r\n220 and FTP", "C: AUTH TLS", "S: 502 no", "C: USER bob", "S: 331 and?", "C: PASS canary",
		"S: 230 welcome", "C: QUIT", "S: 221 bye"),
}

// TestLookAlikes: no dialogue of another protocol is taken for SMTP, where it was held and elsewhere.
func TestLookAlikes(t *testing.T) {
	names, flows := flowsOf(t, "zeek-lookalikes")
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			var list []replayed
			for how := range replays {
				for i, flow := range flows {
					list = stage(list, names[i], how, flow, flow.Port)
					list = stage(list, names[i], how, flow, 7777)
				}
			}
			for name, turns := range greetedAsSMTP {
				flow := &capture.Flow{}
				for _, turn := range turns {
					flow.Segments = append(flow.Segments, capture.Segment{Server: turn.Server, Data: turn.Data})
				}
				for how := range replays {
					list = stage(list, name, how, flow, 2121)
				}
			}
			got := hold(t, f, list)
			for _, r := range list {
				for _, record := range got[r.script.Addr] {
					t.Errorf("%s (%s) at %s is taken for SMTP: %+v, via %v", r.name, r.how, r.script.Addr, record.SMTP, record.Via)
				}
			}
		})
	}
}
