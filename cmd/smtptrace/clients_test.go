package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// exchange is one session of a real client with a real server. Each has an address and a domain of its
// own: the server is at 198.51.100.N, where the mail is from xN@example.org and to xN.example.net.
type exchange struct {
	client, server string
	port           uint16 // on 465, TLS comes first
	startTLS       bool
	sni            bool     // it asks for mx.example.net; else TLS goes to an address, which has no SNI
	auth           string   // the mechanism
	wrong          bool     // its password
	pipelined      bool     // the client sends commands ahead
	chunked        bool     // by BDAT
	reused         bool     // one process of the client after the other uses the connection
	mails          []string // recipients of each, by their local part; "refused" is

	addr netip.AddrPort
	cmd  *exec.Cmd // nil: a mail server passes on what the test has given it
}

const (
	one     = "b"
	several = "b c d"
	partly  = "b refused c"
	vain    = "refused"
)

// exchanges has every client, every server and, at least twice with other partners, every feature.
func exchanges() []*exchange {
	list := []*exchange{
		{client: "curl", server: "postfix", port: 25, mails: []string{several}},
		{client: "curl", server: "opensmtpd", port: 25, mails: []string{one, several}},
		{client: "curl", server: "exim", port: 587, auth: "LOGIN", mails: []string{one}},
		{client: "curl", server: "exim", port: 465, sni: true, mails: []string{one}},
		{client: "curl", server: "postfix", port: 587, startTLS: true, sni: true, mails: []string{one}},

		{client: "smtplib", server: "opensmtpd", port: 25, mails: []string{vain, one}},
		{client: "smtplib", server: "postfix", port: 25, mails: []string{one, partly, vain, several}},
		{client: "smtplib", server: "exim", port: 25, chunked: true, mails: []string{one, several}},
		{client: "smtplib", server: "exim", port: 587, auth: "PLAIN", wrong: true},
		{client: "smtplib", server: "exim", port: 25, startTLS: true, sni: true, mails: []string{one}},
		{client: "smtplib", server: "postfix", port: 465, sni: true, mails: []string{one}},

		{client: "swaks", server: "exim", port: 587, auth: "PLAIN", mails: []string{one}},
		{client: "swaks", server: "postfix", port: 25, pipelined: true, mails: []string{partly}},
		{client: "swaks", server: "postfix", port: 587, startTLS: true, sni: true, mails: []string{one}},
		{client: "swaks", server: "opensmtpd", port: 25, mails: []string{several}},
		{client: "swaks", server: "login", port: 587, auth: "CRAM-MD5", wrong: true},

		{client: "msmtp", server: "exim", port: 587, auth: "CRAM-MD5", pipelined: true, mails: []string{several}},
		{client: "msmtp", server: "postfix", port: 465, sni: true, mails: []string{one}},
		{client: "msmtp", server: "opensmtpd", port: 25, mails: []string{one}},

		{client: "netsmtp", server: "login", port: 587, auth: "PLAIN", mails: []string{one}},
		{client: "netsmtp", server: "opensmtpd", port: 25, mails: []string{partly, one}},
		{client: "netsmtp", server: "exim", port: 25, startTLS: true, sni: true, mails: []string{one}},
		{client: "netsmtp", server: "postfix", port: 465, sni: true, mails: []string{one}},

		{client: "php-socket", server: "opensmtpd", port: 25, mails: []string{one, several}},
		{client: "php-socket", server: "exim", port: 25, pipelined: true, mails: []string{partly, one}},
		{client: "php-socket", server: "postfix", port: 25, chunked: true, mails: []string{several}},
		{client: "php-socket", server: "postfix", port: 465, sni: true, mails: []string{one}},
		{client: "php-msmtp", server: "postfix", port: 25, pipelined: true, mails: []string{one}},
		{client: "php-exim", server: "postfix", port: 25, pipelined: true, chunked: true, mails: []string{one}},

		{client: "nodemailer", server: "login", port: 587, auth: "CRAM-MD5", mails: []string{one}},
		{client: "nodemailer", server: "postfix", port: 25, mails: []string{one, partly, several}},
		{client: "nodemailer", server: "exim", port: 465, sni: true, mails: []string{one}},
		{client: "nodemailer", server: "opensmtpd", port: 25, mails: []string{partly}},
		{client: "nodemailer", server: "exim", port: 587, startTLS: true, mails: []string{one}},

		{client: "go", server: "exim", port: 587, auth: "CRAM-MD5", mails: []string{one, several}},
		{client: "go", server: "postfix", port: 25, startTLS: true, sni: true, mails: []string{one}},
		{client: "go", server: "opensmtpd", port: 25, mails: []string{one}},

		{client: "postfix", server: "exim", port: 25, pipelined: true, mails: []string{partly}},
		{client: "postfix", server: "opensmtpd", port: 25, pipelined: true, mails: []string{several}},
		{client: "postfix", server: "exim", port: 465, sni: true, mails: []string{one}},
		{client: "postfix", server: "exim", port: 25, pipelined: true, reused: true, mails: []string{one, several}},
		{client: "postfix", server: "login", port: 587, auth: "PLAIN", mails: []string{several}},

		{client: "exim", server: "postfix", port: 25, pipelined: true, chunked: true, mails: []string{several}},
		{client: "exim", server: "opensmtpd", port: 25, mails: []string{partly}},
		{client: "exim", server: "postfix", port: 587, startTLS: true, sni: true, mails: []string{one}},
		{client: "exim", server: "postfix", port: 25, pipelined: true, chunked: true, reused: true, mails: []string{one, one, one}},
		{client: "exim", server: "login", port: 587, auth: "LOGIN", mails: []string{one}},
		{client: "exim", server: "postfix", port: 465, mails: []string{one}},

		{client: "opensmtpd", server: "postfix", port: 25, mails: []string{one}},
		{client: "opensmtpd", server: "exim", port: 25, mails: []string{vain}},
		{client: "opensmtpd", server: "exim", port: 587, startTLS: true, mails: []string{one}},
		{client: "opensmtpd", server: "postfix", port: 465, mails: []string{one}},
	}
	for i, x := range list {
		x.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + i)}), x.port)
	}
	return list
}

func (x *exchange) String() string { return fmt.Sprintf("%s to %s at %s", x.client, x.server, x.addr) }

func (x *exchange) tag() string { return fmt.Sprintf("x%d", x.addr.Addr().As4()[3]) }

func (x *exchange) from() string { return x.tag() + "@example.org" }

func (x *exchange) text() string { return "Subject: test\r\n\r\n" + canaryBody + "\r\n" }

func (x *exchange) hidden() bool { return x.port == 465 || x.startTLS }

// rcpts are the recipients of each mail.
func (x *exchange) rcpts() [][]string {
	list := [][]string{}
	for _, mail := range x.mails {
		rcpts := strings.Fields(mail)
		for i := range rcpts {
			rcpts[i] += "@" + x.tag() + ".example.net"
		}
		list = append(list, rcpts)
	}
	return list
}

// login is of every AUTH, and canaryBody a line of every body: neither is in any output.
var login = live.Login{User: "canary-user", Password: "canary-password"}

const canaryBody = "canary-in-the-body"

// TestExchanges: every feature has two pairs of a client and a server that have nobody in common.
func TestExchanges(t *testing.T) {
	features := map[string]func(x *exchange) bool{
		"plaintext":     func(x *exchange) bool { return !x.hidden() && x.auth == "" },
		"STARTTLS":      func(x *exchange) bool { return x.startTLS },
		"implicit TLS":  func(x *exchange) bool { return x.port == 465 },
		"SNI":           func(x *exchange) bool { return x.sni },
		"AUTH PLAIN":    func(x *exchange) bool { return x.auth == "PLAIN" && !x.wrong },
		"AUTH LOGIN":    func(x *exchange) bool { return x.auth == "LOGIN" },
		"AUTH CRAM-MD5": func(x *exchange) bool { return x.auth == "CRAM-MD5" && !x.wrong },
		"AUTH refused":  func(x *exchange) bool { return x.wrong },
		"PIPELINING":    func(x *exchange) bool { return x.pipelined },
		"reuse":         func(x *exchange) bool { return x.reused },
		"CHUNKING":      func(x *exchange) bool { return x.chunked },
		"several mails": func(x *exchange) bool { return len(x.mails) > 1 && !x.hidden() },
		"some refused":  func(x *exchange) bool { return slices.Contains(x.mails, partly) },
		"all refused":   func(x *exchange) bool { return slices.Contains(x.mails, vain) },
		"several rcpts": func(x *exchange) bool { return slices.Contains(x.mails, several) && !x.hidden() },
		"default HELO":  func(x *exchange) bool { return strings.Contains("smtplib netsmtp nodemailer go", x.client) },
	}
	for name, has := range features {
		list := slices.DeleteFunc(exchanges(), func(x *exchange) bool { return !has(x) })
		apart := slices.ContainsFunc(list, func(x *exchange) bool {
			return slices.ContainsFunc(list, func(y *exchange) bool { return x.client != y.client && x.server != y.server })
		})
		if !apart {
			t.Errorf("%s is in %v alone", name, list)
		}
	}
}

// TestClients: real mail programs talk to real mail servers, and each session's record is right.
func TestClients(t *testing.T) {
	m := newMailHost(t)
	t.Run("auto", func(t *testing.T) { m.exchange(t, probe.Auto, m.exchanges) })
	for _, f := range []probe.Family{probe.Tracepoint, probe.Cgroup} {
		var some []*exchange
		for _, x := range m.exchanges {
			if x.client == "swaks" && x.pipelined || x.client == "msmtp" && x.auth != "" || x.client == "exim" && x.chunked {
				some = append(some, x)
			}
		}
		t.Run(string(f), func(t *testing.T) { m.exchange(t, f, some) })
	}
}

// exchange runs them all at once.
func (m *mailHost) exchange(t *testing.T, f probe.Family, list []*exchange) {
	tr := start(t, m.cell, f, "--privacy", "full")
	for _, x := range list {
		m.start(t, x)
	}
	for _, x := range list {
		if x.cmd != nil {
			if err := x.cmd.Wait(); err != nil && !x.wrong {
				t.Errorf("%s: %v", x, err)
			}
		}
	}
	tr.await(record.ActionSession, len(list))
	m.check(t, list, tr.stop())
	checkCanaries(t, tr)
}
