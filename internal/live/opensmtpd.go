package live

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// OpenSMTPD is a real one, in a cell.
type OpenSMTPD struct {
	t    testing.TB
	root Root
	log  string
}

// SetUpOpenSMTPD starts OpenSMTPD. It takes mail on its address from everybody, and does what the setup
// says, but without TLS: as a server of that, Debian 12's is broken (OpenSMTPD issue 1171). Without TLS it
// has no AUTH.
func (c *Cell) SetUpOpenSMTPD(root Root, addr netip.AddrPort, helo string, setup Setup) *OpenSMTPD {
	c.t.Helper()
	dir := root.Scratch(c.t)
	o := &OpenSMTPD{c.t, root, root.Path(dir + "/log")}
	var conf, matches strings.Builder
	for _, a := range append([]netip.AddrPort{addr}, setup.Listen...) {
		fmt.Fprintf(&conf, "listen on %s port %d\n", a.Addr(), a.Port())
	}
	conf.WriteString("action \"drop\" mda \"cat >/dev/null\" virtual { \"@\" = nobody }\n")
	for i, r := range setup.Routes {
		scheme, verify := "smtp+notls", ""
		switch {
		case r.To.Port() == 465:
			scheme, verify = "smtps", "tls no-verify"
		case r.TLS:
			scheme, verify = "smtp+tls", "tls no-verify"
		}
		fmt.Fprintf(&conf, "action \"route%d\" relay host \"%s://%s\" helo %q %s\n", i, scheme, r.To, helo, verify)
		fmt.Fprintf(&matches, "match from any for domain %q action \"route%d\"\n", r.Domain, i)
	}
	fmt.Fprintf(&conf, "%smatch from any for rcpt-to regex { \"^refused@\" } reject\n", &matches)
	conf.WriteString("match from any for any action \"drop\"\n")
	root.Write(c.t, dir+"/smtpd.conf", conf.String())
	root.logs(c.t, dir+"/log")
	// Its folders are built in.
	cmd := root.Host(helo, "mount -t tmpfs none /var/spool; mount -t tmpfs none /run",
		"/usr/sbin/smtpd", "-d", "-f", dir+"/smtpd.conf")
	log, err := os.Create(o.log)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr, cmd.Stdout = log, log
	c.Daemon(cmd)
	c.Await(addr.String())
	return o
}

// Log is what OpenSMTPD has logged so far.
func (o *OpenSMTPD) Log() string {
	b, err := os.ReadFile(o.log)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(b)
}
