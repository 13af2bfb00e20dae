package live

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// AddAddress gives the cell's loopback an IPv4 address, with the 24-bit network around it.
func (c *Cell) AddAddress(addr string) {
	c.t.Helper()
	var err error
	c.Do(func() {
		var s int
		if s, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(s)
		ifr, _ := unix.NewIfreq("lo:1") // fails for a long name alone
		if err = ifr.SetInet4Addr(net.ParseIP(addr).To4()); err == nil {
			err = unix.IoctlIfreq(s, unix.SIOCSIFADDR, ifr)
		}
	})
	if err != nil {
		c.t.Fatalf("add the address %s: %v", addr, err)
	}
}

// Await waits until something listens on an address.
func (c *Cell) Await(addr string) {
	c.t.Helper()
	Eventually(c.t, addr+" listens", func() bool {
		var conn net.Conn
		var err error
		c.Do(func() { conn, err = net.Dial("tcp", addr) })
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// Daemon starts a server that goes with the test, and its children with it: all that is in the cell's
// cgroup when the test is over.
func (c *Cell) Daemon(cmd *exec.Cmd) {
	c.t.Helper()
	c.Start(cmd)
	go cmd.Wait()
	c.t.Cleanup(func() {
		Eventually(c.t, "the cell's processes have ended", func() bool {
			pids, err := os.ReadFile(c.Cgroup + "/cgroup.procs")
			for _, field := range strings.Fields(string(pids)) {
				if pid, _ := strconv.Atoi(field); pid > 1 {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			return err == nil && len(pids) == 0
		})
	})
}

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
// address that it listens on and for the chroots, and the settings that are given for its main.cf.
func (c *Cell) StartPostfix(root Root, addr, helo string, settings ...string) *Postfix {
	c.t.Helper()
	p := &Postfix{t: c.t, root: root, dir: root.Scratch(c.t)}
	host, _, _ := net.SplitHostPort(addr)
	services := chrooted.ReplaceAllString(root.Read(c.t, "/etc/postfix/master.cf"), "${1}n")
	services = strings.Replace(services, "\nsmtp ", "\n"+addr+" ", 1)
	root.Write(c.t, p.dir+"/etc/master.cf", services)
	root.Write(c.t, p.dir+"/etc/main.cf", fmt.Sprintf(`compatibility_level = 3.6
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
			c.t.Logf("Postfix said: %s", p.log())
		}
	})
	cmd := root.Command("/usr/sbin/postfix", "-c", p.dir+"/etc", "start-fg")
	cmd.Stderr = io.Discard // it is in the log too
	c.Daemon(cmd)
	c.Await(addr)
	return p
}

// Delivered waits until Postfix has delivered a mail to so many recipients, and gives the process id of
// its smtp(8) and the mail's queue id.
func (p *Postfix) Delivered(t testing.TB, recipients int) (pid uint32, queueID string) {
	t.Helper()
	sent := regexp.MustCompile(`postfix/smtp\[(\d+)\]: (\w+): .* status=sent `)
	var found [][]string
	Eventually(t, "Postfix has delivered the mail", func() bool {
		found = sent.FindAllStringSubmatch(p.log(), -1)[p.sent:]
		return len(found) >= recipients
	})
	p.sent += len(found)
	n, err := strconv.ParseUint(found[0][1], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n), found[0][2]
}

// log is what Postfix has logged so far.
func (p *Postfix) log() string {
	b, _ := os.ReadFile(p.root.Path(p.dir + "/log")) // not there before it starts
	return string(b)
}
