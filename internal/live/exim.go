package live

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Exim is a real one, in a cell.
type Exim struct {
	t    testing.TB
	root Root
	dir  string
}

const eximConf = `primary_hostname = %[2]s
spool_directory = %[1]s/spool
log_file_path = %[1]s/spool/%%slog
pid_file_path = %[1]s/spool/pid
local_interfaces = <; %[3]s
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = %[1]s/mx.pem
rfc1413_query_timeout = 0s
keep_environment =
disable_ipv6
log_selector = +pipelining +smtp_protocol_error
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny local_parts = refused
       condition = ${if !eq{$received_ip_address}{%[4]s}}
  accept
begin routers
%[5]s
begin transports
%[6]s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{%[7]s}}{eq{$auth3}{%[8]s}}}}
  server_set_id = $auth2
  client_send = ^%[7]s^%[8]s
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{%[7]s}}{eq{$auth2}{%[8]s}}}}
  server_set_id = $auth1
  client_send = : %[7]s : %[8]s
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${if eq{$auth1}{%[7]s}{%[8]s}fail}
  server_set_id = $auth1
  client_name = %[7]s
  client_secret = %[8]s
`

// SetUpExim starts Exim. It takes mail on its address from everybody, and does what the setup says.
func (c *Cell) SetUpExim(root Root, addr netip.AddrPort, helo string, setup Setup) *Exim {
	c.t.Helper()
	e := &Exim{c.t, root, root.Scratch(c.t)}
	var listen, routers, transports strings.Builder
	for _, a := range append([]netip.AddrPort{addr}, setup.Listen...) {
		fmt.Fprintf(&listen, "%s.%d ; ", a.Addr(), a.Port())
	}
	for i, r := range setup.Routes {
		fmt.Fprintf(&routers, "route%d:\n  driver = manualroute\n  domains = %s\n  transport = route%d\n"+
			"  route_list = * %s byname\n  self = send\n", i, r.Domain, i, r.To.Addr())
		fmt.Fprintf(&transports, "route%d:\n  driver = smtp\n  port = %d\n", i, r.To.Port())
		for _, line := range []struct {
			set  bool
			text string
		}{
			{!r.TLS, "hosts_avoid_tls = *"},
			{r.TLS, "hosts_require_tls = *"},
			{r.To.Port() == 465, "protocol = smtps"},
			{r.SNI != "", "tls_sni = " + r.SNI},
			{r.Auth, "hosts_require_auth = *"},
		} {
			if line.set {
				transports.WriteString("  " + line.text + "\n")
			}
		}
	}
	routers.WriteString("drop:\n  driver = redirect\n  data = :blackhole:\n")
	root.certificate(c.t, e.dir+"/mx.pem")
	root.Write(c.t, e.dir+"/etc/exim4.conf", fmt.Sprintf(eximConf, e.dir, helo, &listen, addr.Addr(),
		&routers, &transports, setup.Login.User, setup.Login.Password))
	root.Write(c.t, e.dir+"/spool/.none", "")
	root.Open(c.t, e.dir+"/spool")
	root.logs(c.t, e.dir+"/spool/mainlog")
	root.logs(c.t, e.dir+"/spool/paniclog")
	c.Daemon(e.Command("/usr/sbin/exim4", "-bdf"))
	c.Await(addr.String())
	return e
}

// Command is a program that finds this Exim: its sendmail, or what calls that.
func (e *Exim) Command(name string, args ...string) *exec.Cmd {
	// With another configuration than the one built in, Exim gives up its rights.
	return e.root.Host("exim.example.org", "mount --bind "+e.dir+"/etc /etc/exim4", name, args...)
}

// Log is what Exim has logged so far.
func (e *Exim) Log() string {
	b, _ := os.ReadFile(e.root.Path(e.dir + "/spool/mainlog")) // not there before it starts
	return string(b)
}
