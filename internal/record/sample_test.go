package record

import (
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// The records of the tests: those of the contract, whole.

var at = time.Date(2026, 11, 21, 14, 31, 7, 120394817, time.UTC)

// perl is the identity of the contract's example.
func perl() Identity {
	return Identity{
		Process: Process{
			PID: 4242, Start: time.Date(2026, 11, 21, 14, 31, 6, 900000000, time.UTC), Name: "httpd",
			Executable: "/usr/bin/perl", Args: []string{"httpd"}, WorkingDirectory: "/tmp",
			Hash:      Hash{SHA256: "ab12", Status: "verified"},
			Script:    Script{Path: "/tmp/.x/dm.cgi", Deleted: true},
			Package:   Package{Name: "perl-base", Version: "5.36.0-7", Intact: new(true)},
			Parent:    Parent{PID: 4240, Executable: "/usr/sbin/apache2"},
			Ancestors: []string{"4240 apache2", "1 systemd"},
		},
		User:    User{ID: "33", Name: "www-data"},
		Systemd: Systemd{Unit: "apache2.service"},
		Cgroup:  Cgroup{ID: 4711, Path: "/system.slice/apache2.service"},
	}
}

// session is the contract's example.
func session() Record {
	return Record{
		Time:    at,
		Event:   Event{Action: ActionSession, ID: "9f2c", Outcome: Success, Duration: 812345678},
		Host:    Host{Name: "web1"},
		Verdict: DirectMX, Flags: []string{"exe_writable_dir", "argv0_mismatch", "script_deleted", "helo_loopback"},
		Source:      Endpoint{IP: netip.MustParseAddr("203.0.113.7"), Port: 41822, Bytes: 3421},
		Destination: Endpoint{IP: netip.MustParseAddr("198.51.100.25"), Port: 25, Domain: "mx.example.net", Bytes: 388},
		Identity:    perl(),
		SMTP: SMTP{
			Verb: "HELO", HELO: "[127.0.0.1]", Banner: "220 mx.example.net ESMTP",
			Messages: 1, Recipients: 3, LastReply: "221 2.0.0 Bye",
			Transactions: []Transaction{{
				MailFrom: "posteitaliane@test123.it", RcptCount: 3, RcptDomains: []string{"example.net"},
				Size: 3096, Reply: "250 2.0.0 Ok: queued as 4E81026038",
			}},
		},
	}
}

func firstPayload() Record {
	r := session()
	r.Event = Event{Action: ActionFirstPayload, ID: "9f2c"}
	r.Source.Bytes, r.Destination.Bytes = 0, 0
	r.Identity = Identity{Process: Process{PID: 4242, Executable: "/usr/bin/perl"}, User: User{ID: "33"}}
	r.SMTP = SMTP{Verb: "HELO", HELO: "[127.0.0.1]"}
	return r
}

func refusedConnect() Record {
	return Record{
		Time: at,
		Event: Event{
			Action: ActionConnect, ID: "9f2d", Outcome: Refused.Outcome(), Reason: Refused, Duration: 41000,
		},
		Host: Host{Name: "web1"}, Verdict: Attempt,
		Source:      Endpoint{IP: netip.MustParseAddr("2001:db8::7"), Port: 41823},
		Destination: Endpoint{IP: netip.MustParseAddr("2001:db8::25"), Port: 25},
		Network:     Network{Namespace: 4026531840},
		Identity: Identity{
			Process: Process{PID: 77, Thread: Thread{ID: 78}, Executable: "/usr/bin/python3.11",
				Args: []string{"python3", "/opt/x.py"}, ArgsTruncated: true,
				File: File{Inode: "18446744073709551615", Device: "8:1", CTime: time.Date(2018, 2, 13, 2, 44, 5, 7, time.UTC),
					Mode: "4755", Size: 0, Links: 0},
				Namespaces: Namespaces{Mount: 4026531841, PID: 4026531836},
				Script:     Script{Path: "/opt/x.py", Hash: Hash{SHA256: "cd34", Status: "verified"}}},
			User: User{ID: "0", Name: "root", Audit: Account{ID: "1000", Name: "eve"}},
		},
		Error: ErrorOf(syscall.ECONNREFUSED),
	}
}

// tracer is a run's view of itself.
func tracer() Tracer {
	return Tracer{
		Hooks: []Hook{
			{Question: "connect", Name: "tp_btf/inet_sock_set_state", Refused: []Refusal{
				{"fentry/tcp_connect", "operation not permitted"}, {"kprobe/tcp_connect", "no such file or directory"},
			}},
			{Question: "wire", Name: "cgroup_skb/egress,ingress"},
		},
		Filters: Filters{UID: new(uint32(0)), MailPorts: []uint16{25, 465}, Connects: "mail"},
	}
}

func start() Record {
	return Record{
		Time:  at,
		Event: Event{Action: ActionStart, Start: at, End: at},
		Agent: Agent{Type: "smtptrace", Version: "0.1.0", EphemeralID: "5b0e"},
		Host: Host{Name: "web1", ID: "d0c1", Architecture: "x86_64",
			OS: OS{Kernel: "6.1.0-18-amd64", Full: "Debian GNU/Linux 12 (bookworm)"}},
		Tracer: tracer(),
	}
}

func stop() Record {
	r := start()
	r.Time = at.Add(time.Hour)
	r.Event = Event{Action: ActionStop, Start: at, End: r.Time, Duration: time.Hour}
	r.Tracer.Counters = Counters{Events: 456, Connects: 3, Sessions: 12, Records: 18}
	return r
}

func heartbeat() Record {
	r := stop()
	r.Event.Action = ActionHeartbeat
	r.Tracer = Tracer{Forwarding: true, Counters: Counters{Events: 7, Lost: Losses{Payloads: 2}}}
	return r
}

func lost() Record {
	return Record{
		Time: at, Event: Event{Action: ActionLost}, Host: Host{Name: "web1"},
		Tracer: Tracer{Lost: Losses{Connections: 3, Payloads: 9}},
	}
}

func encode(t testing.TB, r *Record) string {
	t.Helper()
	return string(NewEncoder().Encode(r))
}
