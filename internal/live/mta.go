package live

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

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
