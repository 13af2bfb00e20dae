package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// TestCopiedPostfix: Postfix's own program, copied to another folder and run as its user, sends to somebody's
// MX: it is not expected, and called an impostor. What goes to the smarthost is relay, and what a library
// hands in on 587 is submission.
func TestCopiedPostfix(t *testing.T) {
	live.Thorough(t)
	root := live.MailRoot(t)
	cell := live.NewCell(t)
	cell.AddAddress("198.51.100.25")
	for _, addr := range []string{"198.51.100.26:25", "198.51.100.26:587", "198.51.100.27:25"} {
		cell.Serve(addr)
	}
	dir := root.Scratch(t)
	root.Write(t, dir+"/mail.py", smtplibScript)
	cell.Run(root.Command("/bin/cp", "-a", "/usr/lib/postfix/sbin", dir+"/sbin"))
	postfix := cell.StartPostfix(root, "127.0.0.1:10025", "mta.example.org", "daemon_directory = "+dir+"/sbin")

	tr := start(t, cell, probe.Auto, "--smarthost", "none", "--smarthost", "198.51.100.26:25")
	for _, to := range [][]string{
		{"127.0.0.1", "10025", "b@[198.51.100.27]"}, {"198.51.100.26", "25", "b@example.net"}, {"198.51.100.26", "587", "b@example.net"},
	} {
		cell.Run(root.Command("/usr/bin/python3", dir+"/mail.py", to[0], to[1], "py.example.org", to[2]))
	}
	pid, _ := postfix.Delivered(t, 1)
	tr.await(record.ActionSession, 4)

	python := root.Path("/usr/bin/python3.11")
	want := map[string]string{
		"198.51.100.27:25":  fmt.Sprint(record.DirectMX, " false true ", root.Path(dir+"/sbin/smtp"), " ", root.UID(t, "postfix"), " yes"),
		"127.0.0.1:10025":   fmt.Sprint(record.Local, " false false ", python, " 0 "),
		"198.51.100.26:25":  fmt.Sprint(record.Relay, " false false ", python, " 0 unknown"),
		"198.51.100.26:587": fmt.Sprint(record.Submission, " false false ", python, " 0 unknown"),
	}
	records := tr.stop()
	for _, r := range pick(records, record.ActionSession) {
		addr := r.Destination.AddrPort().String()
		got := fmt.Sprint(r.Verdict, " ", r.Expected, " ", slices.Contains(r.Flags, "mta_impostor"), " ",
			r.Process.Executable, " ", r.User.ID, " ", r.MXMatch)
		if got != want[addr] || addr == "198.51.100.27:25" && r.Process.PID != pid {
			t.Errorf("%s by %d\n got %s\nwant %s by %d", addr, r.Process.PID, got, want[addr], pid)
		}
		delete(want, addr)
	}
	if len(want) > 0 {
		t.Errorf("no session: %v", want)
	}
	if hosts := records[0].Tracer.Smarthosts; len(hosts) != 1 || hosts[0] != (record.Smarthost{Host: "198.51.100.26", Port: 25}) {
		t.Errorf("smarthosts: %+v", hosts)
	}
}
