package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// mxmail looks the MX of its first argument up, or only its address where that ends in "!", at the name
// server of the second, such as udp/127.0.0.53:53, and mails the message there, to addresses in the domain of
// the third.
func mxmail(args []string) error {
	ctx := context.Background()
	network, server, _ := strings.Cut(args[1], "/")
	dns := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}}
	host, direct := strings.CutSuffix(args[0], "!")
	if !direct {
		list, err := dns.LookupMX(ctx, host)
		if err != nil {
			return err
		}
		host = list[0].Host
	}
	addrs, err := dns.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(addrs[0].String(), "25"))
	if err != nil {
		return err
	}
	defer conn.Close()
	said := slices.Clone(live.Message)
	for i := range said {
		said[i] = strings.ReplaceAll(said[i], "@example.net", "@"+args[2])
	}
	return live.Talk(conn, said...)
}

// TestPassiveDNS: from the answers that the host receives it is known whether a session went to an exchanger of
// its recipients' domain; and who asked for the MX, where it was the sender, is said.
func TestPassiveDNS(t *testing.T) {
	live.Thorough(t)
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) { passiveDNS(t, network) })
	}
}

func passiveDNS(t *testing.T, network string) {
	cell := live.NewCell(t)
	cell.AddAddress("198.51.100.25") // the only one: the others of its network are not the host's own
	const server = "127.0.0.53:53"
	cell.ServeDNS(server, map[string]string{
		"example.net.": "mx.example.net.", "mx.example.net.": "198.51.100.26", "web.example.org.": "198.51.100.27",
	})
	cell.Serve("198.51.100.26:25")
	cell.Serve("198.51.100.27:25")
	tr := start(t, cell, probe.Auto)
	want := map[string]string{}
	for _, test := range []struct {
		host, domain, want string
	}{
		{"example.net", "example.net", "yes true"},
		{"web.example.org!", "example.net", "no false"}, // by what the first was answered
		{"web.example.org!", "unknown.example", "unknown false"},
	} {
		child := live.Child("mxmail", test.host, network+"/"+server, test.domain)
		cell.Run(child)
		want[fmt.Sprint(child.Process.Pid)] = test.want
	}
	tr.await(record.ActionSession, len(want))
	for _, r := range pick(tr.stop(), record.ActionSession) {
		pid := fmt.Sprint(r.Process.PID)
		got := fmt.Sprint(r.MXMatch, " ", slices.Contains(r.Flags, "self_mx_query"))
		if got != want[pid] || r.Verdict != record.DirectMX {
			t.Errorf("to %s for %v: %s %s, want %s", r.Destination.IP, r.SMTP.Transactions, r.Verdict, got, want[pid])
		}
		delete(want, pid)
	}
	if len(want) > 0 {
		t.Errorf("no session of %v", want)
	}
}

// TestDNSOfOthers: what is asked outside of the cgroup that is watched is not seen.
func TestDNSOfOthers(t *testing.T) {
	live.Thorough(t)
	cell := live.NewCell(t)
	const server = "127.0.0.53:53"
	cell.ServeDNS(server, map[string]string{"example.net.": "mx.example.net.", "mx.example.net.": "198.51.100.26"})
	cell.AddAddress("198.51.100.25")
	cell.Serve("198.51.100.26:25")
	tr := start(t, cell, probe.Auto)
	var err error
	cell.Do(func() { err = live.Child("mxmail", "example.net", "udp/"+server, "example.net").Run() })
	if err != nil {
		t.Fatal(err)
	}
	cell.Run(live.Child("mxmail", "mx.example.net!", "udp/"+server, "example.net"))
	tr.await(record.ActionSession, 1)
	sessions := pick(tr.stop(), record.ActionSession)
	if len(sessions) != 1 || sessions[0].MXMatch != "unknown" {
		t.Errorf("%d sessions: %+v", len(sessions), sessions)
	}
}
