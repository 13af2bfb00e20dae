package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
)

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
