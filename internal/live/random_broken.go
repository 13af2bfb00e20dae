package live

import (
	"fmt"
	"strings"
)

// broken says anything, in any order.
func (g *generator) broken() {
	if g.IntN(5) > 0 {
		g.server.WriteString(g.one("220 mx.example.net ESMTP\r\n", "220-mx\r\n220 ESMTP\r\n", "554 no\r\n", "421 later\r\n", "hello\r\n",
			"220 ftp.example.net\r\n", "+OK pop\r\n", "2", "220 mx", g.octets(40)))
		g.turn()
	}
	if g.IntN(6) == 0 {
		g.client.WriteString(g.one("CONNECT mx.example.net:25 HTTP/1.1\r\n\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n", "\x05\x01\x00",
			"\x04\x01\x00\x19\xc6\x33\x64\x19user\x00", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"+g.octets(12)))
		g.server.WriteString(g.one("", "HTTP/1.1 200 ok\r\n\r\n", "\x05\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00", "HTTP/1.0 403 no\r\n\r\n"))
		g.turn()
	}
	for range g.IntN(40) {
		g.client.WriteString(g.word())
		if g.IntN(4) > 0 {
			g.server.WriteString(g.answer())
		}
		if g.IntN(3) == 0 {
			g.turn()
		}
	}
	g.turn()
	g.d.Early, g.d.Reset, g.d.Pieces = g.IntN(3) == 0, g.IntN(4) == 0, g.IntN(5) == 0
	if n := len(g.d.Turns); n > 0 && g.IntN(4) == 0 {
		g.d.HangUp = 1 + g.IntN(n)
	}
}

// word is what a client may say.
func (g *generator) word() string {
	end := g.one("\r\n", "\r\n", "\r\n", "\n", "\r", "", "\r\n.\r\n")
	switch g.IntN(24) {
	case 0:
		return g.octets(1 + g.IntN(200))
	case 1:
		return "\x16\x03\x01" + g.octets(2+g.IntN(300))
	case 2:
		return "\x17\x03\x03\x00\x20" + g.octets(32)
	case 3:
		return g.one("MAIL FROM:<", "RCPT TO:<", "EHLO ", "NOOP ", "AUTH PLAIN ", "", "BDAT ") + strings.Repeat(g.one("x", " ", "@", "1", "\x00"), g.IntN(3000)) + end
	case 4:
		size := []uint64{0, 1, uint64(g.IntN(400)), 65536, 1 << 31, 1<<32 + 5, 1<<64 - 1}[g.IntN(7)]
		return fmt.Sprintf("BDAT %d%s%s", size, g.one("", " LAST", "LAST", " last x"), end) + g.octets(g.IntN(300))
	case 5:
		return strings.Repeat(g.one("NOOP\r\n", "RSET\r\n", "X\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<a@example.net>\r\n", ".\r\n", "\r\n", "DATA\r\n"), g.IntN(400))
	case 6, 7:
		return g.body() + ".\r\n"
	case 8, 9, 10:
		return "MAIL FROM:<" + g.one("", "a@example.org", "@", "a@"+strings.Repeat("x", 300)) + ">\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
	case 11:
		return g.one("USER bob", "PASS x", "LIST", "GET / HTTP/1.0\r\n", "a1 LOGIN x y", "NICK bob", "*1\r\n$4\r\nPING") + end
	}
	return g.one("EHLO a.example.org", "HELO b", "LHLO c", "EHLO", "MAIL FROM:<>", "MAIL FROM:<a@example.org> SIZE=99999999999999999999", "RCPT TO:<b@example.net>",
		"RCPT TO:", "DATA", ".", "RSET", "NOOP", "QUIT", "STARTTLS", "AUTH PLAIN AGEAYg==", "AUTH LOGIN", "AUTH", "eQ==", "*", "VRFY x", "EXPN x", "HELP",
		"XCLIENT NAME=x", "ETRN x", "TURN", "BURL x", "\t MAIL FROM:<a>", "mail from:<a@example.org>", "MAIL\x00FROM:<a>") + end
}

// answer is what a server may say.
func (g *generator) answer() string {
	switch g.IntN(12) {
	case 0:
		return g.octets(1 + g.IntN(60))
	case 1:
		return strings.Repeat(g.one("250 ok\r\n", "250-x\r\n", "354 go\r\n", "550 no\r\n"), g.IntN(60))
	case 2:
		return "250-" + strings.Repeat("x", g.IntN(3000)) + "\r\n250 ok\r\n"
	case 3:
		return g.one("250", "2", "25\r\n", "250\n", "999 x\r\n", "000 x\r\n", "\r\n", "250 ok")
	}
	return g.one("250 ok", "250 2.0.0 Ok: queued", "354 go", "220 go", "334 x", "235 ok", "503 no", "550 no", "421 bye", "221 bye", "250-a\r\n250 b", "251 x", "500 what?") + "\r\n"
}
