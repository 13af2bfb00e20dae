// Package record is what smtptrace says: one record an event, as a line of JSON in the names of the
// Elastic Common Schema, as a line for a person, and summed up at the end of a run.
package record

import (
	"net/netip"
	"time"
)

// ECSVersion is the version of the Elastic Common Schema that the field names follow. ECS requires it
// in every event, as ecs.version.
const ECSVersion = "8.17.0"

// Schema is the version of what ECS does not define: verdict, expected, flags, mx_match, via, connector,
// systemd, cgroup, smtp, smtptrace, and the custom fields beside ECS ones. It is smtptrace.schema in every
// record, and rises when the meaning of a field changes or a field goes, not when one is added.
const Schema = 1

// Record is one event. Of its fields the JSON has those that are not zero, and those that the event.action
// carries by contract, zero or not: so a caller need not say which zeros mean zero.
//
//	session                  event.duration, source.bytes, destination.bytes, smtp.messages,
//	                         smtp.recipients, smtp.tls (messages and recipients are left out
//	                         where TLS hid them)
//	start, stop, heartbeat   smtptrace.forwarding, smtptrace.counters
//	lost                     smtptrace.lost
//	any with a verdict       expected
type Record struct {
	Time  time.Time `json:"@timestamp"` // written in UTC; in text, shown in the location it has
	Event Event     `json:"event"`
	Agent Agent     `json:"agent"`
	Host  Host      `json:"host"`

	Verdict  Verdict  `json:"verdict"`
	Expected bool     `json:"expected"` // means nothing without a verdict
	Flags    []string `json:"flags"`
	MXMatch  string   `json:"mx_match"` // yes, no, unknown

	Source      Endpoint `json:"source"`
	Destination Endpoint `json:"destination"`
	Via         []Via    `json:"via"` // the proxies in front of the server, outermost first
	Network     Network  `json:"network"`

	// Identity is who sent the mail: the process that wrote the SMTP commands or, where nothing was
	// said, the one that connected. Connector is who connected, where that is another process or
	// program; nil otherwise.
	Identity
	Connector *Identity `json:"connector"`

	SMTP   SMTP   `json:"smtp"`
	TLS    TLS    `json:"tls"`
	Error  Error  `json:"error"`
	Tracer Tracer `json:"smtptrace"`
}

// Agent is the run that made the record.
type Agent struct {
	Type        string `json:"type"` // "smtptrace"
	Version     string `json:"version"`
	EphemeralID string `json:"ephemeral_id"` // another one for each run
}

// Host is the machine that was watched.
type Host struct {
	Name         string `json:"name"`
	ID           string `json:"id"`           // /etc/machine-id
	Architecture string `json:"architecture"` // as uname -m
	OS           OS     `json:"os"`
}

// OS is the operating system of the host.
type OS struct {
	Kernel string `json:"kernel"` // as uname -r
	Full   string `json:"full"`   // PRETTY_NAME of os-release
}

// Endpoint is one end of a connection. The source is the side that connected.
type Endpoint struct {
	IP     netip.Addr `json:"ip"`
	Port   uint16     `json:"port"`
	Domain string     `json:"domain"`

	// Bytes is what this side sent. In a session record: since the record before it of the same
	// event.id, so that a sum over records is right.
	Bytes uint64 `json:"bytes"`
}

// AddrPort is the address and port; not valid where there is no address.
func (e *Endpoint) AddrPort() netip.AddrPort { return netip.AddrPortFrom(e.IP, e.Port) }

// Via is one proxy that the client spoke through.
type Via struct {
	Protocol string `json:"protocol"` // http-connect, socks4, socks5, proxy-v1, proxy-v2
	Target   string `json:"target"`   // host:port that was asked for, as sent
	Source   string `json:"source"`   // host:port that a PROXY header names as the client
	Refused  bool   `json:"refused"`  // by the proxy
}

// Network is what kind of connection it was, and where on the host it was made.
type Network struct {
	Protocol  string `json:"protocol"`  // smtp, lmtp
	Namespace uint32 `json:"namespace"` // inode number
}
