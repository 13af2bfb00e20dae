package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

type turn = struct{ Said, Answer string }

const proxySecret = "canary-of-a-proxy"

// tunnels are the ways through a proxy, and what a record says of them.
var tunnels = []struct {
	name  string
	turns []turn
	via   record.Via
}{
	{"http", []turn{{
		"CONNECT mx.example.net:25 HTTP/1.1\r\nHost: mx.example.net\r\nProxy-Authorization: Basic " + proxySecret + "\r\n\r\n",
		"HTTP/1.1 200 Connection established\r\nContent-Length: 220\r\n\r\n",
	}}, record.Via{Protocol: "http-connect", Target: "mx.example.net:25"}},
	{"socks4", []turn{{
		"\x04\x01\x00\x19\xc6\x33\x64\x19me\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00",
	}}, record.Via{Protocol: "socks4", Target: "198.51.100.25:25"}},
	{"socks4a", []turn{{
		"\x04\x01\x00\x19\x00\x00\x00\x01me\x00mx.example.net\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00",
	}}, record.Via{Protocol: "socks4", Target: "mx.example.net:25"}},
	{"socks5", []turn{
		{"\x05\x01\x00", "\x05\x00"},
		{"\x05\x01\x00\x03\x0emx.example.net\x00\x19", "\x05\x00\x00\x01\x7f\x00\x00\x01\x30\x39"},
	}, record.Via{Protocol: "socks5", Target: "mx.example.net:25"}},
	{"socks5 with a password", []turn{
		{"\x05\x02\x00\x02", "\x05\x02"},
		{"\x01\x02me" + string(rune(len(proxySecret))) + proxySecret, "\x01\x00"},
		{"\x05\x01\x00\x01\xc6\x33\x64\x19\x00\x19", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
	}, record.Via{Protocol: "socks5", Target: "198.51.100.25:25"}},
	{"proxy 1", []turn{{"PROXY TCP4 192.0.2.1 198.51.100.25 41822 25\r\n", ""}},
		record.Via{Protocol: "proxy-v1", Target: "198.51.100.25:25", Source: "192.0.2.1:41822"}},
	{"proxy 2", []turn{{
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x19\xa3\x5e\x00\x19", "",
	}}, record.Via{Protocol: "proxy-v2", Target: "198.51.100.25:25", Source: "192.0.2.1:41822"}},
}

// tunnel goes through a proxy, in writes of so many bytes, and mails.
func tunnel(args []string) error {
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	var size int
	if _, err := fmt.Sscan(args[1], &size); err != nil {
		return err
	}
	for turns := args[2:]; len(turns) > 1; turns = turns[2:] {
		said, err := hex.DecodeString(turns[0])
		if err != nil {
			return err
		}
		for len(said) > 0 {
			n := min(size, len(said))
			if _, err := conn.Write(said[:n]); err != nil {
				return err
			}
			said = said[n:]
		}
		if _, err := io.ReadFull(conn, make([]byte, len(turns[1])/2)); err != nil {
			return err
		}
	}
	return live.Talk(conn, live.Message...)
}

// TestTunnel: SMTP through a proxy is found behind what is said to that, in one piece or byte by byte, and
// the proxy's password is nowhere. Another protocol through one is none of ours.
func TestTunnel(t *testing.T) {
	live.Thorough(t)
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			web := cell.ServeWeb("127.0.0.1:80")
			tr := start(t, cell, f)
			want, sent := map[string]record.Via{}, 0
			for i, tun := range tunnels {
				addr := fmt.Sprint("127.0.0.1:", 8080+i)
				if tun.via.Source != "" {
					addr = fmt.Sprint("127.0.0.", i, ":25") // as a balancer does, to the mail port
				}
				cell.Serve(addr, tun.turns...)
				for _, size := range []string{"1000", "1"} {
					args := []string{addr, size}
					for _, t := range tun.turns {
						args = append(args, hex.EncodeToString([]byte(t.Said)), hex.EncodeToString([]byte(t.Answer)))
					}
					cell.Run(live.Child("tunnel", args...))
					sent++
				}
				want[addr] = tun.via
			}
			cell.Run(live.Child("web", web))
			tr.await(record.ActionSession, sent)
			sessions := pick(tr.stop(), record.ActionSession)
			if len(sessions) != sent {
				t.Errorf("%d sessions, want %d", len(sessions), sent)
			}
			for i := range sessions {
				r := &sessions[i]
				got := fmt.Sprint(r.Via, r.SMTP.HELO, r.SMTP.Banner, r.SMTP.Messages, r.SMTP.Recipients, r.SMTP.LastReply)
				if want := fmt.Sprint([]record.Via{want[r.Destination.AddrPort().String()]}, "[127.0.0.1]", "220 mx.example.net ESMTP test", 1, 2, "221 2.0.0 Bye"); got != want {
					t.Errorf("%v:\n got %s\nwant %s", r.Destination, got, want)
				}
			}
			if b, err := os.ReadFile(tr.log); err != nil || bytes.Contains(b, []byte(proxySecret)) {
				t.Errorf("the proxy's password is in the log, or %v", err)
			}
		})
	}
}
