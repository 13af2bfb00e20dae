package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

func init() {
	live.Become(map[string]func([]string) error{"web-host": webHost})
}

// exchangeOf is what a client of another protocol does: before the tracer starts, and while it runs.
type exchangeOf struct {
	name, addr     string
	before, during []live.Turn
}

// longLived are connections of databases and the like, which live on.
func longLived() []exchangeOf {
	packet := func(n int, payload string) string {
		return string([]byte{byte(len(payload)), byte(len(payload) >> 8), 0, byte(n)}) + payload
	}
	message := func(kind string, payload string) string {
		n := len(payload) + 4
		return kind + string([]byte{0, 0, byte(n >> 8), byte(n)}) + payload
	}
	ok := packet(1, "\x00\x00\x00\x02\x00\x00\x00")
	return []exchangeOf{
		{"MySQL", "198.51.100.42:3306",
			live.Say("s: "+packet(0, "\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xf7\xff\x02\x00\xff\xdf\x15"+strings.Repeat("\x00", 10)+"ijklmnopqrst\x00mysql_native_password\x00"),
				"c: "+packet(1, "\x05\xa6\xff\x01\x00\x00\x00\x01\x21"+strings.Repeat("\x00", 23)+"web\x00\x00"), "s: "+packet(2, "\x00\x00\x00\x02\x00\x00\x00")),
			live.Say("c: "+packet(0, "\x03SELECT * FROM mail WHERE helo = 'EHLO x'"), "s: "+ok, "c: "+packet(0, "\x0e"), "s: "+ok)},
		{"PostgreSQL", "198.51.100.43:5432",
			live.Say("c: "+message("", "\x00\x03\x00\x00user\x00web\x00\x00"), "s: "+message("R", "\x00\x00\x00\x00")+message("Z", "I")),
			live.Say("c: "+message("Q", "SELECT 1\x00"), "s: "+message("C", "SELECT 1\x00")+message("Z", "I"))},
		{"Redis", "198.51.100.44:6379",
			live.Say("c: *1\r\n$4\r\nPING\r\n", "s: +PONG\r\n"),
			live.Say("c: *2\r\n$3\r\nGET\r\n$1\r\nx\r\n", "s: $-1\r\n", "c: *1\r\n$4\r\nPING\r\n", "s: +PONG\r\n")},
		{"PostgreSQL that is idle", "198.51.100.45:5432",
			live.Say("c: "+message("", "\x00\x03\x00\x00user\x00web\x00\x00"), "s: "+message("R", "\x00\x00\x00\x00")+message("Z", "I")), nil},
	}
}

// TestHealthy: on a host with a web server, databases, TLS and mail as it should be, some of it from before the start, the
// answer to a HELO that nobody has said is the plain clearing.
func TestHealthy(t *testing.T) {
	root := live.MailRoot(t)
	cell := live.NewCell(t)
	cell.AddAddress("198.51.100.1")
	mx, smarthost := netip.MustParseAddrPort("198.51.100.30:25"), netip.MustParseAddrPort("198.51.100.31:465")
	cell.SetUpPostfix(root, "127.0.0.1:10024", "mx.example.net", live.Setup{Listen: []netip.AddrPort{mx, smarthost}})
	mta := cell.SetUpPostfix(root, "198.51.100.1:25", "mta.example.org", live.Setup{Routes: []live.Route{
		{Domain: "tls.example.net", To: mx, TLS: true}, {Domain: "smart.example.net", To: smarthost, TLS: true},
	}})
	cell.Serve("127.0.0.1:25") // what a check of this host asks
	web := cell.ServeWeb("198.51.100.40:80")
	startHerd(t, cell, live.Child("web-host", "198.51.100.41:80")).ready()
	cell.ServeHTTPS("198.51.100.46:443")
	databases := longLived()
	listeners := make([]<-chan net.Conn, len(databases))
	for i, x := range databases {
		listeners[i] = cell.Listen(x.addr)
	}

	for _, f := range allFamilies() {
		t.Run(string(f), func(t *testing.T) {
			app := cell.NewActor()
			lines, peers := make([]*live.Line, len(databases)), make([]net.Conn, len(databases))
			for i, x := range databases {
				lines[i] = app.Dial(x.addr)
				peers[i] = <-listeners[i]
				lines[i].With(peers[i], x.before...)
			}
			ask := func(l *live.Line) {
				l.Say("GET / HTTP/1.1\r\nHost: www.example.net\r\n\r\n")
				l.Hear(len("HTTP/1.1 200 OK"))
			}
			https := app.Dial("198.51.100.46:443")
			https.TLS()
			ask(https)
			keptAlive := app.Dial(web)
			ask(keptAlive)
			visitor := dialFrom(t, cell, "198.51.100.41:80")
			visit(t, visitor)

			tr := start(t, cell, f, "--smarthost", "none", "--smarthost", smarthost.String(), "--expect", root.Path("/usr/lib/postfix/sbin/smtp"))
			for range 10 { // as cron starts them
				cell.Run(live.Child("smtptrace", "version"))
				cell.Run(live.Child("web", web))
			}
			giveMail(t, cell, "198.51.100.1:25", "b@tls.example.net")
			giveMail(t, cell, "198.51.100.1:25", "b@smart.example.net")
			for i, x := range databases {
				lines[i].With(peers[i], x.during...)
			}
			ask(https)
			ask(keptAlive)
			visit(t, visitor)
			checks := cell.NewActor()
			for _, addr := range []string{"127.0.0.1:25", mx.String()} {
				silent := checks.Dial(addr)
				silent.Hear(4)
				silent.Close()
			}
			quits := checks.Dial("127.0.0.1:25")
			quits.Hear(len("220 mx.example.net ESMTP test\r\n"))
			quits.Say("QUIT\r\n")
			quits.Drain()
			quits.Close()
			mta.Delivered(t, 2)
			tr.await(record.ActionSession, 3)
			records := tr.survive()
			log := tr.unfiltered()
			for _, window := range [][]string{nil, during(records)} {
				a := tr.ask(log, append(window, nobody...)...)
				if a.Answer != "cleared" || len(a.Reasons) > 0 || !strings.HasPrefix(a.Message, "No local process did it: 100 % of the window watched, 0 lost.") {
					t.Errorf("%q: %v", window, a)
				}
				if a := tr.ask(log, append(window, "--helo", "mta.example.org")...); a.Answer != "found" {
					t.Errorf("%q, what Postfix says: %v", window, a)
				}
			}
			if t.Failed() {
				for i := range records {
					if r := &records[i]; r.Event.ID != "" {
						t.Logf("%s %s %s to %v by %s, expected %t: HELO %q, unseen %d", r.Event.Action, r.Event.Reason, r.Verdict, r.Destination.AddrPort(),
							r.Process.Executable, r.Expected, r.SMTP.HELO, r.SMTP.Unseen)
					}
				}
				t.Logf("open before: %+v and %d others", records[0].Tracer.Open, records[0].Tracer.OpenOther)
			}
		})
	}
}

// webHost is a child that is a web server. It says "ready" when it listens, and ends with its input.
func webHost(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// dialFrom connects from outside of the cell's cgroup.
func dialFrom(t *testing.T, cell *live.Cell, addr string) net.Conn {
	t.Helper()
	var conn net.Conn
	var err error
	cell.Do(func() { conn, err = net.Dial("tcp", addr) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func visit(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 4096)); err != nil || n == 0 {
		t.Fatalf("%d octets, %v", n, err)
	}
}

// giveMail hands a mail in from outside of the cell's cgroup.
func giveMail(t *testing.T, cell *live.Cell, addr, rcpt string) {
	t.Helper()
	conn := dialFrom(t, cell, addr)
	if err := live.Talk(conn, "EHLO test.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<"+rcpt+">", "DATA", "Subject: test", "", canaryBody, ".", "QUIT"); err != nil {
		t.Fatalf("give a mail to %s: %v", addr, err)
	}
}
