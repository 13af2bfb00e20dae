package live

import (
	"fmt"
	"io"

	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Postfix is a real one, in a cell: it takes mail on its own address, and delivers it over IPv4.
type Postfix struct {
	t    testing.TB
	root Root
	dir  string
	sent int // lines of its log that Delivered has read
}

// chrooted is the column of master.cf that confines a service to the queue directory.
var chrooted = regexp.MustCompile(`(?m)^((?:\S+[ \t]+){4})y`)

// StartPostfix starts Postfix with the services and the queue that its package sets up, but for the
// address that it listens on and for the chroots.
func (c *Cell) StartPostfix(root Root, addr, helo string, settings ...string) *Postfix {
	c.t.Helper()
	return c.SetUpPostfix(root, addr, helo, Setup{}, settings...)
}

// SetUpPostfix starts one that does what the setup says. It has no AUTH of its own.
func (c *Cell) SetUpPostfix(root Root, addr, helo string, setup Setup, settings ...string) *Postfix {
	c.t.Helper()
	p := &Postfix{t: c.t, root: root, dir: root.Scratch(c.t)}
	host, _, _ := net.SplitHostPort(addr)
	services := chrooted.ReplaceAllString(root.Read(c.t, "/etc/postfix/master.cf"), "${1}n")
	services = strings.Replace(services, "\nsmtp ", "\n"+addr+" ", 1)
	more, main := setup.postfix(p.dir)
	root.certificate(c.t, p.dir+"/mx.pem")
	root.Write(c.t, p.dir+"/etc/master.cf", services+more)
	root.Write(c.t, p.dir+"/etc/main.cf", main+fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/spool
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = /tmp
inet_protocols = ipv4
inet_interfaces = %[2]s
mynetworks = %[2]s
mydestination =
myhostname = %[3]s
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtp_connection_cache_on_demand = no
`, p.dir, host, helo)+strings.Join(settings, "\n")+"\n")
	root.CopyFolders(c.t, "/var/spool/postfix", p.dir+"/spool")
	root.CopyFolders(c.t, "/var/lib/postfix", p.dir+"/data")
	root.Write(c.t, p.dir+"/spool/quick-start", "") // the checks of its installation take longest
	c.t.Cleanup(func() {
		if c.t.Failed() {
			c.t.Logf("Postfix said: %s", p.Log())
		}
	})
	cmd := root.Command("/usr/sbin/postfix", "-c", p.dir+"/etc", "start-fg")
	cmd.Stderr = io.Discard // it is in the log too
	c.Daemon(cmd)
	c.Await(addr)
	return p
}

// postfix gives the lines of master.cf and main.cf.
func (s Setup) postfix(dir string) (services, main string) {
	if len(s.Listen)+len(s.Routes) == 0 {
		return "", ""
	}
	var transports, passwords strings.Builder
	for _, a := range s.Listen {
		services += fmt.Sprintf("%s inet n - n - - smtpd -o smtpd_recipient_restrictions=$of_strangers", a)
		services += options{"smtpd_tls_wrappermode=yes": a.Port() == 465}.String() + "\n"
	}
	for i, r := range s.Routes {
		hop := fmt.Sprintf("[%s]:%d", r.To.Addr(), r.To.Port())
		services += fmt.Sprintf("route%d unix - - n - - smtp", i) + options{
			"smtp_tls_security_level=encrypt":               r.TLS,
			"smtp_tls_wrappermode=yes":                      r.To.Port() == 465,
			"smtp_tls_servername=" + r.SNI:                  r.SNI != "",
			"smtp_sasl_auth_enable=yes":                     r.Auth,
			"smtp_connection_cache_destinations=static:all": r.Keep,
			"smtp_sasl_security_options=":                   r.Auth,
		}.String() + "\n"
		fmt.Fprintf(&transports, "{%s = route%d:%s} ", r.Domain, i, hop)
		if r.Auth {
			fmt.Fprintf(&passwords, "{%s = %s:%s} ", hop, s.Login.User, s.Login.Password)
		}
	}
	return services, fmt.Sprintf(`of_strangers = check_recipient_access regexp:{{/^refused@/ REJECT}}
smtpd_relay_restrictions = check_client_access static:OK, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = %s/mx.pem
transport_maps = inline:{ %s{* = discard:}}
smtp_sasl_password_maps = inline:{ %s{none = none}}
`, dir, &transports, &passwords)
}

// options are those of a service in master.cf that are to be set.
type options map[string]bool

func (o options) String() string {
	var b strings.Builder
	for option, set := range o {
		if set {
			b.WriteString(" -o " + option)
		}
	}
	return b.String()
}

// Delivered waits until Postfix has delivered a mail to so many recipients, and gives the process id of
// its smtp(8) and the mail's queue id.
func (p *Postfix) Delivered(t testing.TB, recipients int) (pid uint32, queueID string) {
	t.Helper()
	sent := regexp.MustCompile(`postfix/smtp\[(\d+)\]: (\w+): .* status=sent `)
	var found [][]string
	Eventually(t, "Postfix has delivered the mail", func() bool {
		found = sent.FindAllStringSubmatch(p.Log(), -1)[p.sent:]
		return len(found) >= recipients
	})
	p.sent += len(found)
	n, err := strconv.ParseUint(found[0][1], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n), found[0][2]
}

// Log is what Postfix has logged so far.
func (p *Postfix) Log() string {
	b, _ := os.ReadFile(p.root.Path(p.dir + "/log")) // not there before it starts
	return string(b)
}
