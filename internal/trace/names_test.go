package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/smtptrace/smtptrace/bpf"
	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/record"
)

// dns TYPE NAME VALUE…: the host is answered; dns ask PID NAME: the process asks for the name's MX.
func (s *script) dns(words []string, lost bool) {
	s.t.Helper()
	k := &bpf.SmtptraceDnsEvent{Kind: uint32(event.KindDNS), Dir: uint32(event.Server), TsNs: s.now}
	kind, name, values := words[0], words[1], words[2:]
	types := map[string]dnsmessage.Type{"ask": dnsmessage.TypeMX, "MX": dnsmessage.TypeMX, "A": dnsmessage.TypeA}
	if kind == "ask" {
		k.Dir, k.Asker = uint32(event.Client), s.key(s.number(name))
		name, values = values[0], nil
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: kind != "ask"}}
	owner := dnsmessage.MustNewName(name + ".")
	m.Questions = []dnsmessage.Question{{Name: owner, Type: types[kind], Class: dnsmessage.ClassINET}}
	for _, v := range values {
		var body dnsmessage.ResourceBody = &dnsmessage.MXResource{MX: dnsmessage.MustNewName(v + ".")}
		if kind == "A" {
			body = &dnsmessage.AResource{A: netip.MustParseAddr(v).As4()}
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 60}, Body: body,
		})
	}
	raw, err := m.Pack()
	s.check(err, name)
	k.DataLen = uint32(copy(k.Data[:], raw))
	k.MessageLen = uint32(len(raw))
	s.send(k, lostIf(lost, func(c *event.Counters) { c.LostDNS++ }))
}

// A session says whether it went where its recipients' mail goes, whatever of the recipients may be shown,
// and whether its process asked for that itself.
func TestMXMatch(t *testing.T) {
	const mx = "dns MX example.net mx.example.net\n dns MX example.org mx.example.net\n"
	for _, test := range []struct {
		name, dns string
		privacy   privacy.Mode
		match     string
		asked     bool
	}{
		{name: "nothing is known", match: "unknown"},
		{name: "an exchanger", dns: mx + "dns A mx.example.net 198.51.100.25", match: "yes"},
		{name: "another host", dns: mx + "dns A mx.example.net 198.51.100.26", match: "no"},
		{name: "one domain's are not known", dns: "dns MX example.net mx.example.net\n dns A mx.example.net 198.51.100.26", match: "unknown"},
		{name: "an answer is lost", dns: mx + "! dns A mx.example.net 198.51.100.25", match: "unknown"},
		{name: "no recipient is shown", privacy: privacy.None, dns: mx + "dns A mx.example.net 198.51.100.25", match: "yes"},
		{name: "it asked", dns: "dns ask 4242 example.net", match: "unknown", asked: true},
		{name: "another process asked", dns: "dns ask 4240 example.net", match: "unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stage := newStage(t)
			if test.privacy != "" {
				policy, err := privacy.Open(test.privacy, "")
				if err != nil {
					t.Fatal(err)
				}
				stage.options.Privacy = policy
			}
			who, rest, _ := strings.Cut(strings.TrimSpace(oneMail), "\n")
			s := stage.play(who + "\n" + test.dns + "\n" + rest)
			r := s.only(t, record.ActionSession)
			if r.MXMatch != test.match || r.Verdict != record.DirectMX {
				t.Errorf("mx_match %q, verdict %s, want %q", r.MXMatch, r.Verdict, test.match)
			}
			for i := range s {
				if s[i].Process.PID != 0 && slices.Contains(s[i].Flags, "self_mx_query") != test.asked {
					t.Errorf("%s: flags %q", s[i].Event.Action, s[i].Flags)
				}
			}
			lost := s.only(t, record.ActionStop).Tracer.Counters
			if n := lost.Verdict.AnswersLost; n != uint64(strings.Count(test.dns, "!")) || lost.Lost.Total() != 0 {
				t.Errorf("lost: %+v", lost)
			}
		})
	}
}

// More messages than the writer follows are counted, and the loop does not wait.
func TestDNSFlood(t *testing.T) {
	n := newNames(nil)
	for i := range cap(n.messages) + 3 {
		n.put(&event.DNS{TimeNs: uint64(i)})
	}
	if fmt.Sprint(n.dropped.Load()) != "3" {
		t.Errorf("%d dropped, want 3", n.dropped.Load())
	}
}
