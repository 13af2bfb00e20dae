package record

import (
	"net/netip"
	"strings"
	"testing"
)

// The lines whole: they are the contract that log pipelines are built on.
func TestEncode(t *testing.T) {
	for _, test := range []struct {
		record Record
		want   string
	}{
		{session(), `{"@timestamp":"2026-11-21T14:31:07.120394817Z",` +
			`"event":{"action":"session","id":"9f2c","outcome":"success","duration":812345678},` +
			`"host":{"name":"web1"},"verdict":"direct_mx","expected":false,` +
			`"flags":["exe_writable_dir","argv0_mismatch","script_deleted","helo_loopback"],` +
			`"source":{"ip":"203.0.113.7","port":41822,"bytes":3421},` +
			`"destination":{"ip":"198.51.100.25","port":25,"domain":"mx.example.net","bytes":388},` +
			`"process":{"pid":4242,"start":"2026-11-21T14:31:06.9Z","name":"httpd","executable":"/usr/bin/perl",` +
			`"args":["httpd"],"working_directory":"/tmp","hash":{"sha256":"ab12","status":"verified"},` +
			`"script":{"path":"/tmp/.x/dm.cgi","deleted":true},` +
			`"package":{"name":"perl-base","version":"5.36.0-7","intact":true},` +
			`"parent":{"pid":4240,"executable":"/usr/sbin/apache2"},"ancestors":["4240 apache2","1 systemd"]},` +
			`"user":{"id":"33","name":"www-data"},"systemd":{"unit":"apache2.service"},` +
			`"cgroup":{"id":4711,"path":"/system.slice/apache2.service"},` +
			`"smtp":{"verb":"HELO","helo":"[127.0.0.1]","banner":"220 mx.example.net ESMTP",` +
			`"messages":1,"recipients":3,"tls":false,"last_reply":"221 2.0.0 Bye",` +
			`"transactions":[{"mail_from":"posteitaliane@test123.it","rcpt_count":3,"rcpt_refused":0,` +
			`"rcpt_domains":["example.net"],"size":3096,"reply":"250 2.0.0 Ok: queued as 4E81026038"}]},` +
			`"smtptrace":{"schema":1},"ecs":{"version":"8.17.0"},` +
			`"message":"DIRECT-MX unexpected: /usr/bin/perl (as httpd) /tmp/.x/dm.cgi uid www-data` +
			` → 198.51.100.25:25 HELO [127.0.0.1], 1 message, 3 recipients"}`},
		{firstPayload(), `{"@timestamp":"2026-11-21T14:31:07.120394817Z",` +
			`"event":{"action":"first_payload","id":"9f2c"},"host":{"name":"web1"},` +
			`"verdict":"direct_mx","expected":false,` +
			`"flags":["exe_writable_dir","argv0_mismatch","script_deleted","helo_loopback"],` +
			`"source":{"ip":"203.0.113.7","port":41822},` +
			`"destination":{"ip":"198.51.100.25","port":25,"domain":"mx.example.net"},` +
			`"process":{"pid":4242,"executable":"/usr/bin/perl"},"user":{"id":"33"},` +
			`"smtp":{"verb":"HELO","helo":"[127.0.0.1]"},"smtptrace":{"schema":1},"ecs":{"version":"8.17.0"},` +
			`"message":"DIRECT-MX unexpected: /usr/bin/perl uid 33` +
			` → 198.51.100.25:25 HELO [127.0.0.1], just begun"}`},
		{refusedConnect(), `{"@timestamp":"2026-11-21T14:31:07.120394817Z",` +
			`"event":{"action":"connect","id":"9f2d","outcome":"failure","reason":"refused","duration":41000},` +
			`"host":{"name":"web1"},"verdict":"attempt","expected":false,` +
			`"source":{"ip":"2001:db8::7","port":41823},"destination":{"ip":"2001:db8::25","port":25},` +
			`"network":{"namespace":4026531840},` +
			`"process":{"pid":77,"thread":{"id":78},"executable":"/usr/bin/python3.11",` +
			`"args":["python3","/opt/x.py"],"args_truncated":true,` +
			`"file":{"inode":"18446744073709551615","device":"8:1","ctime":"2018-02-13T02:44:05.000000007Z","mode":"4755","size":0,"links":0},` +
			`"script":{"path":"/opt/x.py","hash":{"sha256":"cd34","status":"verified"}},` +
			`"namespaces":{"mnt":4026531841,"pid":4026531836}},` +
			`"user":{"id":"0","name":"root","audit":{"id":"1000","name":"eve"}},` +
			`"error":{"code":"ECONNREFUSED","errno":111,"message":"connection refused"},` +
			`"smtptrace":{"schema":1},"ecs":{"version":"8.17.0"},` +
			`"message":"CONNECT refused, unexpected: /usr/bin/python3.11 /opt/x.py uid root → [2001:db8::25]:25"}`},
		{start(), `{"@timestamp":"2026-11-21T14:31:07.120394817Z",` +
			`"event":{"action":"start","start":"2026-11-21T14:31:07.120394817Z","end":"2026-11-21T14:31:07.120394817Z"},` +
			`"agent":{"type":"smtptrace","version":"0.1.0","ephemeral_id":"5b0e"},` +
			`"host":{"name":"web1","id":"d0c1","architecture":"x86_64",` +
			`"os":{"kernel":"6.1.0-18-amd64","full":"Debian GNU/Linux 12 (bookworm)"}},` +
			`"smtptrace":{"schema":1,"hooks":[{"question":"connect","name":"tp_btf/inet_sock_set_state",` +
			`"refused":[{"name":"fentry/tcp_connect","reason":"operation not permitted"},` +
			`{"name":"kprobe/tcp_connect","reason":"no such file or directory"}]},` +
			`{"question":"wire","name":"cgroup_skb/egress,ingress"}],` +
			`"filters":{"uid":0,"mail_ports":[25,465],"connects":"mail"},"forwarding":false,` +
			`"counters":{"events":0,"connects":0,"sessions":0,"records":0,"lost":{"total":0}}},` +
			`"ecs":{"version":"8.17.0"},"message":"START: watching web1 (kernel 6.1.0-18-amd64), only uid 0;` +
			` connect by tp_btf/inet_sock_set_state; wire by cgroup_skb/egress,ingress"}`},
		{stop(), `{"@timestamp":"2026-11-21T15:31:07.120394817Z",` +
			`"event":{"action":"stop","duration":3600000000000,` +
			`"start":"2026-11-21T14:31:07.120394817Z","end":"2026-11-21T15:31:07.120394817Z"},` +
			`"agent":{"type":"smtptrace","version":"0.1.0","ephemeral_id":"5b0e"},` +
			`"host":{"name":"web1","id":"d0c1","architecture":"x86_64",` +
			`"os":{"kernel":"6.1.0-18-amd64","full":"Debian GNU/Linux 12 (bookworm)"}},` +
			`"smtptrace":{"schema":1,"hooks":[{"question":"connect","name":"tp_btf/inet_sock_set_state",` +
			`"refused":[{"name":"fentry/tcp_connect","reason":"operation not permitted"},` +
			`{"name":"kprobe/tcp_connect","reason":"no such file or directory"}]},` +
			`{"question":"wire","name":"cgroup_skb/egress,ingress"}],` +
			`"filters":{"uid":0,"mail_ports":[25,465],"connects":"mail"},"forwarding":false,` +
			`"counters":{"events":456,"connects":3,"sessions":12,"records":18,"lost":{"total":0}}},` +
			`"ecs":{"version":"8.17.0"},` +
			`"message":"STOP: watched 1h0m0s: 12 sessions, 3 connects, 456 events; lost nothing"}`},
		{heartbeat(), `{"@timestamp":"2026-11-21T15:31:07.120394817Z",` +
			`"event":{"action":"heartbeat","duration":3600000000000,` +
			`"start":"2026-11-21T14:31:07.120394817Z","end":"2026-11-21T15:31:07.120394817Z"},` +
			`"agent":{"type":"smtptrace","version":"0.1.0","ephemeral_id":"5b0e"},` +
			`"host":{"name":"web1","id":"d0c1","architecture":"x86_64",` +
			`"os":{"kernel":"6.1.0-18-amd64","full":"Debian GNU/Linux 12 (bookworm)"}},` +
			`"smtptrace":{"schema":1,"forwarding":true,` +
			`"counters":{"events":7,"connects":0,"sessions":0,"records":0,"lost":{"total":2,"payloads":2}}},` +
			`"ecs":{"version":"8.17.0"},"message":"HEARTBEAT: watched 1h0m0s: 0 sessions, 0 connects, 7 events;` +
			` lost 2: 2 stretches of dialogue"}`},
		{lost(), `{"@timestamp":"2026-11-21T14:31:07.120394817Z","event":{"action":"lost"},"host":{"name":"web1"},` +
			`"smtptrace":{"schema":1,"lost":{"total":12,"connections":3,"payloads":9}},"ecs":{"version":"8.17.0"},` +
			`"message":"LOST 12: 3 connections, 9 stretches of dialogue"}`},
	} {
		t.Run(string(test.record.Event.Action), func(t *testing.T) {
			if got := encode(t, &test.record); got != test.want+"\n" {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A start record says which smarthosts the verdict relay rests on, and the answer at the end does.
func TestSmarthosts(t *testing.T) {
	r := start()
	r.Tracer.Hooks = nil
	r.Tracer.Smarthosts = []Smarthost{{Host: "mail.example.org", Port: 587, File: "/etc/postfix/main.cf"}, {Host: "192.0.2.25"}}
	got := encode(t, &r)
	for _, want := range []string{
		`"smarthosts":[{"host":"mail.example.org","port":587,"file":"/etc/postfix/main.cf"},{"host":"192.0.2.25"}]}`,
		`only uid 0; smarthost mail.example.org:587 of /etc/postfix/main.cf; smarthost 192.0.2.25"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	s, end := NewSummary(), stop()
	s.Add(&r)
	s.Add(&end)
	if text := s.Text(end.Time, false); !strings.Contains(text, "; smarthost mail.example.org:587 of /etc/postfix/main.cf;") {
		t.Errorf("the answer does not say it: %s", text)
	}
}

// What an action carries is there, zero or not, and nowhere else.
func TestZerosThatMeanZero(t *testing.T) {
	const none = `"smtptrace":{"schema":1},"ecs":{"version":"8.17.0"},"message":`
	for _, test := range []struct {
		name   string
		record Record
		want   string // up to the message's text
	}{
		{"session", Record{Event: Event{Action: ActionSession}},
			`{"event":{"action":"session","duration":0},"source":{"bytes":0},"destination":{"bytes":0},` +
				`"smtp":{"messages":0,"recipients":0,"tls":false},` + none},
		{"session under TLS", Record{Event: Event{Action: ActionSession}, SMTP: SMTP{TLS: true}},
			`{"event":{"action":"session","duration":0},"source":{"bytes":0},"destination":{"bytes":0},` +
				`"smtp":{"tls":true},` + none},
		{"session with mail before TLS", Record{Event: Event{Action: ActionSession}, SMTP: SMTP{TLS: true, Messages: 1}},
			`{"event":{"action":"session","duration":0},"source":{"bytes":0},"destination":{"bytes":0},` +
				`"smtp":{"messages":1,"recipients":0,"tls":true},` + none},
		{"transaction", Record{Event: Event{Action: ActionFirstPayload}, SMTP: SMTP{Transactions: []Transaction{{}}}},
			`{"event":{"action":"first_payload"},` +
				`"smtp":{"transactions":[{"rcpt_count":0,"rcpt_refused":0,"size":0}]},` + none},
		{"connect", Record{Event: Event{Action: ActionConnect}}, `{"event":{"action":"connect"},` + none},
		{"not known whether intact", Record{Event: Event{Action: ActionConnect},
			Identity: Identity{Process: Process{Package: Package{Name: "perl"}}}},
			`{"event":{"action":"connect"},"process":{"package":{"name":"perl"}},` + none},
		{"not intact", Record{Event: Event{Action: ActionConnect},
			Identity: Identity{Process: Process{Package: Package{Name: "perl", Intact: new(false)}}}},
			`{"event":{"action":"connect"},"process":{"package":{"name":"perl","intact":false}},` + none},
		{"lost", Record{Event: Event{Action: ActionLost}}, `{"event":{"action":"lost"},` +
			`"smtptrace":{"schema":1,"lost":{"total":0}},"ecs":{"version":"8.17.0"},"message":`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, _ := strings.Cut(encode(t, &test.record), `"message":`)
			if got += `"message":`; got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A start record lists the connections that were there before, and says how many more there were.
func TestOpen(t *testing.T) {
	r := start()
	r.Tracer.Hooks = nil
	r.Tracer.Open = []Open{{
		Source:      Endpoint{IP: netip.MustParseAddr("192.0.2.7"), Port: 40000},
		Destination: Endpoint{IP: netip.MustParseAddr("198.51.100.25"), Port: 25},
		Process:     Parent{PID: 12, Executable: "/tmp/\x1b[2J"}, User: User{ID: "33"},
	}}
	r.Tracer.OpenOmitted, r.Tracer.OpenUnknown = 3, true
	got := encode(t, &r)
	for _, want := range []string{
		`"open":[{"source":{"ip":"192.0.2.7","port":40000},"destination":{"ip":"198.51.100.25","port":25},` +
			`"process":{"pid":12,"executable":"/tmp/\u001b[2J"},"user":{"id":"33"}}],"open_omitted":3,"open_unknown":true}`,
		`only uid 0; already open: pid 12 /tmp/\\x1b[2J → 198.51.100.25:25 and 3 more; not all that was open is known"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	back, err := Decode([]byte(got))
	if err != nil || len(back.Tracer.Open) != 1 || back.Tracer.Open[0] != r.Tracer.Open[0] || back.Tracer.OpenOmitted != 3 || !back.Tracer.OpenUnknown {
		t.Errorf("read again: %+v, %v", back.Tracer.Open, err)
	}
}
