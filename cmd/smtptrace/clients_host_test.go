package main

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
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

// command is the client of an exchange.
func (m *mailHost) command(t *testing.T, x *exchange) *exec.Cmd {
	t.Helper()
	host := func(root live.Root, name string, args ...string) *exec.Cmd {
		return root.Host("mailer", "", name, args...) // a name without a dot: they have defaults for that
	}
	dir := m.dirs[m.exim]
	switch x.client {
	case "curl":
		return host(m.root, "/usr/bin/curl", "-sS", "-K", m.curlConf(t, x))
	case "smtplib":
		return host(m.root, "/usr/bin/python3", m.dirs[m.root]+"/mail.py", m.errand(t, m.root, x))
	case "netsmtp":
		return host(m.exim, "/usr/bin/perl", dir+"/mail.pl", m.errand(t, m.exim, x))
	case "php-socket":
		return host(m.exim, "/usr/bin/php", dir+"/mail.php", m.errand(t, m.exim, x))
	case "php-msmtp":
		sendmail := "sendmail_path=/usr/bin/msmtp -C " + m.msmtpConf(t, x) + " -t -i"
		return host(m.exim, "/usr/bin/php", "-d", sendmail, dir+"/form.php", m.errand(t, m.exim, x))
	case "php-exim":
		return m.eximHost.Command("/usr/bin/php", dir+"/form.php", m.errand(t, m.exim, x))
	case "nodemailer":
		cmd := host(m.exim, "/usr/bin/node", dir+"/mail.js", m.errand(t, m.exim, x))
		cmd.Env = append(cmd.Env, "NODE_PATH=/usr/share/nodejs")
		return cmd
	case "msmtp":
		cmd := host(m.exim, "/usr/bin/msmtp", append([]string{"-C", m.msmtpConf(t, x)}, x.rcpts()[0]...)...)
		cmd.Stdin = strings.NewReader("Subject: test\n\n" + canaryBody + "\n")
		return cmd
	case "swaks":
		return m.swaks(x, host)
	case "go":
		return live.Child("gosmtp", m.exim.Path(m.errand(t, m.exim, x)))
	}
	t.Fatalf("no client %s", x.client)
	return nil
}

func (m *mailHost) swaks(x *exchange, host func(live.Root, string, ...string) *exec.Cmd) *exec.Cmd {
	args := []string{
		"--server", x.addr.Addr().String(), "--port", fmt.Sprint(x.port), "--from", x.from(),
		"--silent", "2",
	}
	if x.mails != nil {
		args = append(args, "--to", strings.Join(x.rcpts()[0], ","))
	} else {
		args = append(args, "--to", "b@"+x.tag()+".example.net")
	}
	for option, set := range map[string]bool{"--tls": x.startTLS, "--tlsc": x.port == 465, "--pipeline": x.pipelined} {
		if set {
			args = append(args, option)
		}
	}
	if x.sni {
		args = append(args, "--tls-sni", x.serverName())
	}
	if x.auth != "" {
		args = append(args, "--auth", x.auth)
	}
	cmd := host(m.exim, "/usr/bin/swaks", args...)
	cmd.Env = append(cmd.Env, "SWAKS_OPT_body="+canaryBody)
	if x.auth != "" {
		cmd.Env = append(cmd.Env, "SWAKS_OPT_auth_user="+login.User, "SWAKS_OPT_auth_password="+x.password())
	}
	return cmd
}

func (m *mailHost) curlConf(t *testing.T, x *exchange) string {
	scheme := "smtp"
	if x.port == 465 {
		scheme = "smtps"
	}
	host := cmp.Or(x.serverName(), x.addr.Addr().String())
	var b strings.Builder
	m.root.Write(t, m.dirs[m.root]+"/"+x.tag()+".eml", x.text())
	for i, rcpts := range x.rcpts() {
		if i > 0 {
			b.WriteString("next\n")
		}
		fmt.Fprintf(&b, "url = \"%s://%s:%d/curl.example.org\"\nmail-from = %q\nupload-file = %q\ninsecure\nresolve = \"%s:%d:%s\"\n", scheme, host,
			x.port, x.from(), m.dirs[m.root]+"/"+x.tag()+".eml", host, x.port, x.addr.Addr())
		for _, rcpt := range rcpts {
			fmt.Fprintf(&b, "mail-rcpt = %q\n", rcpt)
		}
		if x.startTLS {
			b.WriteString("ssl-reqd\n")
		}
		if x.auth != "" {
			fmt.Fprintf(&b, "user = \"%s:%s\"\nlogin-options = \"AUTH=%s\"\n", login.User, x.password(), x.auth)
		}
	}
	name := m.dirs[m.root] + "/" + x.tag() + ".curl"
	m.root.Write(t, name, b.String())
	return name
}

func (m *mailHost) msmtpConf(t *testing.T, x *exchange) string {
	onOff := map[bool]string{true: "on", false: "off"}
	text := fmt.Sprintf("account default\nhost %s\nport %d\nfrom %s\ntls %s\ntls_starttls %s\ntls_certcheck off\n",
		x.addr.Addr(), x.port, x.from(), onOff[x.hidden()], onOff[x.startTLS])
	if x.sni {
		text += "tls_host_override " + x.serverName() + "\n"
	}
	if x.auth != "" {
		text += fmt.Sprintf("auth %s\nuser %s\npassword %s\n", strings.ToLower(x.auth), login.User, x.password())
	}
	name := m.dirs[m.exim] + "/" + x.tag() + ".msmtp"
	m.exim.Write(t, name, text)
	if err := os.Chmod(m.exim.Path(name), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
