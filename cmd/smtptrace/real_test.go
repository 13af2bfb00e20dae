package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

const smtplibScript = `import smtplib, sys
host, port, helo, *rcpts = sys.argv[1:]
with smtplib.SMTP(host, int(port), local_hostname=helo) as s:
    s.sendmail("a@example.org", rcpts, "Subject: canary-in-the-body\r\n\r\nhello\r\n")
`

const ftplibScript = `import ftplib, sys
with ftplib.FTP(sys.argv[1]) as f:
    f.login()
    f.retrlines("LIST")
    f.retrbinary("RETR mail", print)
    f.quit()
`

const vsftpdConf = `listen=YES
listen_address=198.51.100.21
background=NO
anonymous_enable=YES
anon_root=%[1]s/ftp
secure_chroot_dir=%[1]s/empty
write_enable=YES
anon_upload_enable=YES
xferlog_enable=NO
`

// sender is a program that mails, and what is to be said of it.
type sender struct {
	cmd     *exec.Cmd // nil: Postfix starts it
	pid     uint32
	exe     string // in the mail root
	script  string
	helo    string
	rcpts   int
	verdict record.Verdict
	user    string
	mta     bool // expected to mail where its package is known: in a VM, the mail root is the root
	queueID string
}

// TestRealSoftware: what Python, swaks, msmtp and Postfix send, on any port, is one session record each
// with all of who and what, in every family, while a web client and an FTP client talk and have none.
func TestRealSoftware(t *testing.T) {
	root := live.MailRoot(t)
	cell := live.NewCell(t)
	cell.AddAddress("198.51.100.25")
	for _, addr := range []string{
		"198.51.100.25:25", "198.51.100.25:2526", "[::1]:25",
		"198.51.100.25:587", "198.51.100.26:587", "198.51.100.27:25",
	} {
		cell.Serve(addr)
	}
	cell.ServeWeb("198.51.100.25:80")
	dir := root.Scratch(t)
	root.Write(t, dir+"/mail.py", smtplibScript)
	root.Write(t, dir+"/ftp.py", ftplibScript)
	root.Write(t, dir+"/quote", strings.Join(live.Message, "\r\n"))
	root.Write(t, dir+"/vsftpd.conf", fmt.Sprintf(vsftpdConf, dir))
	root.Write(t, dir+"/empty/.none", "")
	root.Write(t, dir+"/ftp/in/.none", "")
	root.Write(t, dir+"/ftp/mail", strings.Join(live.Message, "\r\n"))
	root.Open(t, dir+"/ftp/in")
	cell.Daemon(root.Command("/usr/sbin/vsftpd", dir+"/vsftpd.conf"))
	postfix := cell.StartPostfix(root, "127.0.0.1:10025", "mta.example.org")
	cell.Await("198.51.100.21:21")

	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) {
			tr := start(t, cell, f)
			senders := realSenders(root, dir)
			cmds := bystanders(root, dir, string(f))
			for _, s := range senders {
				if s.cmd != nil {
					cmds = append(cmds, s.cmd)
				}
			}
			for _, cmd := range cmds {
				cell.Start(cmd)
			}
			for _, cmd := range cmds {
				if err := cmd.Wait(); err != nil {
					t.Errorf("%s: %v", cmd, err)
				}
			}
			relay := senders["198.51.100.27:25"]
			relay.pid, senders["127.0.0.1:10025"].queueID = postfix.Delivered(t, relay.rcpts)
			relay.user = root.UID(t, "postfix")
			tr.await(record.ActionSession, len(senders))
			checkSenders(t, root, senders, tr.stop())
		})
	}
}

// bystanders are clients that do not mail.
func bystanders(root live.Root, dir, name string) []*exec.Cmd {
	return []*exec.Cmd{
		root.Command("/usr/bin/curl", "-sS", "http://198.51.100.25/"),
		root.Command("/usr/bin/curl", "-sS", "--data-binary", "@"+dir+"/quote", "http://198.51.100.25/"),
		root.Command("/usr/bin/curl", "-sS", "-T", dir+"/mail.py", "ftp://198.51.100.21/in/"+name),
		root.Command("/usr/bin/python3", dir+"/ftp.py", "198.51.100.21"),
	}
}

// realSenders are the programs that mail, by where to.
func realSenders(root live.Root, dir string) map[string]*sender {
	python := func(host, port, helo string, v record.Verdict, rcpts ...string) *sender {
		args := append([]string{dir + "/mail.py", host, port, helo}, rcpts...)
		return &sender{
			cmd: root.Command("/usr/bin/python3", args...), exe: "/usr/bin/python3.11", script: dir + "/mail.py",
			helo: helo, rcpts: len(rcpts), verdict: v, user: "0",
		}
	}
	const b, c, relayed = "b@example.net", "c@example.net", "b@[198.51.100.27]"
	swaks := root.Command("/usr/bin/swaks", "--server", "198.51.100.25", "--port", "587",
		"--helo", "swaks.example.org", "--from", "a@example.org", "--to", b+","+c, "--silent", "2")
	msmtp := root.Command("/usr/bin/msmtp", "--host=198.51.100.26", "--port=587", "--domain=msmtp.example.org",
		"--from=a@example.org", "--auth=off", "--tls=off", b, c, "d@example.net")
	msmtp.Stdin = strings.NewReader("Subject: canary-in-the-body\n\nhello\n")
	return map[string]*sender{
		"198.51.100.25:25":   python("198.51.100.25", "25", "py25.example.org", record.DirectMX, b),
		"198.51.100.25:2526": python("198.51.100.25", "2526", "py2526.example.org", record.SMTPOddPort, b, c),
		"[::1]:25":           python("::1", "25", "[IPv6:::1]", record.Local, b),
		"127.0.0.1:10025":    python("127.0.0.1", "10025", "web.example.org", record.Local, relayed, "c"+relayed[1:]),
		"198.51.100.25:587": {
			cmd: swaks, exe: "/usr/bin/perl", script: "/usr/bin/swaks",
			helo: "swaks.example.org", rcpts: 2, verdict: record.Submission, user: "0",
		},
		"198.51.100.26:587": {
			cmd: msmtp, exe: "/usr/bin/msmtp",
			helo: "msmtp.example.org", rcpts: 3, verdict: record.Submission, user: "0", mta: true,
		},
		"198.51.100.27:25": {
			exe: "/usr/lib/postfix/sbin/smtp", helo: "mta.example.org", rcpts: 2, verdict: record.DirectMX, mta: true,
		},
	}
}

func checkSenders(t *testing.T, root live.Root, senders map[string]*sender, records []record.Record) {
	t.Helper()
	sessions := pick(records, record.ActionSession)
	if n := len(pick(records, record.ActionFirstPayload)); n != len(senders) || len(sessions) != len(senders) {
		t.Errorf("%d first payloads and %d sessions, want %d each", n, len(sessions), len(senders))
	}
	for i := range sessions {
		r := &sessions[i]
		addr := r.Destination.AddrPort().String()
		s := senders[addr]
		if s == nil {
			t.Errorf("a session that nobody had, or had twice: %s by %s", addr, r.Process.Args)
			continue
		}
		delete(senders, addr)
		if s.cmd != nil {
			s.pid = uint32(s.cmd.Process.Pid)
		}
		parent, _ := self(t)
		if s.cmd == nil {
			parent = root.Path("/usr/lib/postfix/sbin/master")
		}
		accepted, bye := "250 2.0.0 Ok: queued as "+cmp.Or(s.queueID, "4E81026038"), "221 2.0.0 Bye"
		if s.cmd == nil && r.SMTP.LastReply != bye { // Postfix hangs up behind its QUIT
			bye = accepted
		}
		got := fmt.Sprintln(r.Process.PID, r.Process.Executable, r.Process.Hash, r.Process.Script.Path,
			r.Process.Parent.Executable, r.User.ID, r.SMTP.Verb, r.SMTP.HELO, r.SMTP.Messages, r.SMTP.Recipients,
			r.SMTP.LastReply, r.Verdict, r.Expected, r.Event.Outcome)
		want := fmt.Sprintln(s.pid, root.Path(s.exe), record.Hash{SHA256: root.SHA256(t, s.exe), Status: "verified"}, s.script,
			parent, s.user, "EHLO", s.helo, 1, s.rcpts,
			bye, s.verdict, s.mta && root == "/", record.Success)
		if got != want {
			t.Errorf("%s\n got %swant %s", addr, got, want)
		}
		tx := r.SMTP.Transactions
		if len(tx) != 1 || tx[0].RcptCount != uint64(s.rcpts) || tx[0].RcptRefused != 0 || tx[0].Reply != accepted {
			t.Errorf("%s: transactions: %+v", addr, tx)
		}
	}
	for addr, s := range senders {
		t.Errorf("no session: %s by %s", addr, s.exe)
	}
}
