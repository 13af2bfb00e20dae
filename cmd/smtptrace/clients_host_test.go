package main

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
)

//go:embed testdata/clients
var clientScripts embed.FS

// mailHost is where real mail programs and servers meet.
type mailHost struct {
	cell       *live.Cell
	root, exim live.Root            // the mail roots: Postfix's, and Exim's with more clients
	dirs       map[live.Root]string // of the clients' files, in each
	exchanges  []*exchange
	relays     map[string]netip.AddrPort // where the mail servers take mail for others
	logs       map[string]func() string
	eximHost   *live.Exim
	smtpd      live.Root
}

func newMailHost(t *testing.T) *mailHost {
	m := &mailHost{
		root: live.MailRoot(t), exim: live.MailRoot(t, "-exim"), smtpd: live.MailRoot(t, "-opensmtpd"),
		exchanges: exchanges(), dirs: map[live.Root]string{},
		relays: map[string]netip.AddrPort{
			"postfix":   netip.MustParseAddrPort("198.51.100.1:25"),
			"exim":      netip.MustParseAddrPort("198.51.100.3:25"),
			"opensmtpd": netip.MustParseAddrPort("198.51.100.4:25"),
		},
	}
	m.cell = live.NewCell(t)
	m.cell.AddAddress("198.51.100.1")
	for _, root := range []live.Root{m.root, m.exim} {
		m.dirs[root] = root.Scratch(t)
		err := fs.WalkDir(clientScripts, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := clientScripts.ReadFile(name)
			root.Write(t, m.dirs[root]+"/"+d.Name(), string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range m.exchanges {
		if x.server == "login" {
			m.cell.ServeLogin(x.addr.String(), live.Login{Mechanism: x.auth, User: login.User, Password: login.Password})
		}
	}
	postfix := m.cell.SetUpPostfix(m.root, m.relays["postfix"].String(), "postfix.example.org", m.setup("postfix"))
	m.eximHost = m.cell.SetUpExim(m.exim, m.relays["exim"], "exim.example.org", m.setup("exim"))
	smtpd := m.cell.SetUpOpenSMTPD(m.smtpd, m.relays["opensmtpd"], "opensmtpd.example.org", m.setup("opensmtpd"))
	m.logs = map[string]func() string{"postfix": postfix.Log, "exim": m.eximHost.Log, "opensmtpd": smtpd.Log}
	return m
}

// setup is what a mail server has to do in the exchanges.
func (m *mailHost) setup(name string) live.Setup {
	s := live.Setup{Login: login}
	for _, x := range m.exchanges {
		if x.server == name {
			s.Listen = append(s.Listen, x.addr)
		}
		if strings.TrimPrefix(x.client, "php-") == name {
			s.Routes = append(s.Routes, live.Route{
				Domain: x.tag() + ".example.net", To: x.addr, TLS: x.hidden(), SNI: x.serverName(), Auth: x.auth != "", Keep: x.reused,
			})
		}
	}
	return s
}

func (x *exchange) serverName() string {
	if x.sni {
		return "mx.example.net"
	}
	return ""
}

func (x *exchange) tls() string {
	switch {
	case x.port == 465:
		return "implicit"
	case x.startTLS:
		return "starttls"
	}
	return ""
}

func (x *exchange) password() string {
	if x.wrong {
		return "canary-wrong"
	}
	return login.Password
}

// errand writes what a script is to do, for a secret in an argument is in the record like any argument.
func (m *mailHost) errand(t *testing.T, root live.Root, x *exchange) string {
	t.Helper()
	helo := ""
	if strings.HasPrefix(x.client, "php") {
		helo = "php.example.org"
	}
	text, err := json.Marshal(map[string]any{
		"host": x.addr.Addr(), "port": x.port, "tls": x.tls(), "sni": x.serverName(),
		"auth": x.auth, "user": login.User, "password": x.password(), "helo": helo,
		"pipelined": x.pipelined, "chunked": x.chunked, "from": x.from(), "mails": x.rcpts(),
		"body": x.text(),
	})
	if err != nil {
		t.Fatal(err)
	}
	name := m.dirs[root] + "/" + x.tag() + ".json"
	root.Write(t, name, string(text))
	return name
}

// start begins an exchange: it starts the client or, where that is a mail server, gives it the mails.
func (m *mailHost) start(t *testing.T, x *exchange) {
	t.Helper()
	addr, relay := m.relays[x.client]
	if relay && !x.reused {
		for _, rcpts := range x.rcpts() {
			m.give(t, addr.String(), x.from(), rcpts)
		}
		return
	}
	switch {
	case relay && x.client == "postfix":
		for i, rcpts := range x.rcpts() {
			m.give(t, addr.String(), x.from(), rcpts)
			live.Eventually(t, "Postfix has passed on a mail", func() bool {
				return strings.Count(m.logs["postfix"](), "b@"+x.tag()+".example.net>, relay") > i
			})
		}
		return
	case relay: // Exim finds what is for the same host in its queue
		for _, rcpts := range x.rcpts() {
			queue := m.eximHost.Command("/usr/sbin/exim4", append([]string{"-odq", "-f", x.from()}, rcpts...)...)
			queue.Stdin = strings.NewReader(x.text())
			m.cell.Run(queue)
		}
		x.cmd = m.eximHost.Command("/usr/sbin/exim4", "-qq", "-R", x.tag()+".example.net")
	default:
		x.cmd = m.command(t, x)
	}
	out, err := os.Create(m.exim.Path(m.dirs[m.exim] + "/" + x.tag() + ".out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	x.cmd.Stdout, x.cmd.Stderr = out, out
	t.Cleanup(func() {
		if text, _ := os.ReadFile(out.Name()); t.Failed() && len(text) > 0 {
			t.Logf("%s said: %s", x, text)
		}
	})
	m.cell.Start(x.cmd)
}

// give is a client that the tracer does not watch: it is not in the cell's cgroup.
func (m *mailHost) give(t *testing.T, addr, from string, rcpts []string) {
	t.Helper()
	lines := []string{"EHLO test.example.org", "MAIL FROM:<" + from + ">"}
	for _, rcpt := range rcpts {
		lines = append(lines, "RCPT TO:<"+rcpt+">")
	}
	lines = append(lines, "DATA", "Subject: test", "", canaryBody, ".", "QUIT")
	var conn net.Conn
	var err error
	m.cell.Do(func() { conn, err = net.Dial("tcp", addr) })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := live.Talk(conn, lines...); err != nil {
		t.Fatalf("give a mail to %s: %v", addr, err)
	}
}
