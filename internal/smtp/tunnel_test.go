package smtp

import (
	"fmt"
	"strings"
	"testing"
)

func TestTunnels(t *testing.T) {
	inside := `
		S: 220 mx ESMTP
		C: EHLO client.example
		S: 250 mx
		C: QUIT
		S: 221 bye
	`
	socks5 := `C: \x05\x01\x00\x03\x0amx.example\x00\x19\`
	for _, x := range []dialogueTest{
		{"HTTP CONNECT", Options{}, `
			C: CONNECT mx.example:25 HTTP/1.1
			C: Host: mx.example:25
			C: Proxy-Authorization: Basic Y2FuYXJ5
			C:
			S: HTTP/1.1 200 Connection established
			S: Via: 1.1 proxy
			S:` + inside, `
			smtp via http-connect mx.example:25, EHLO "client.example" 250
			last "221 bye"`},
		{"HTTP CONNECT, as a spam bot says it", Options{}, `
			C: CONNECT mx.example:25 / HTTP/1.0
			C: Mozilla 4.0 (compatible; MSIE 5.01; Windows NT 5.0)
			C:
			S: HTTP/1.0 200 Connection established
			S:` + inside, `
			smtp via http-connect mx.example:25, EHLO "client.example" 250
			last "221 bye"`},
		{"HTTP CONNECT, with a password where none belongs", Options{}, `
			C: CONNECT bob:canary@mx.example:25 HTTP/1.1
			C:
			S: HTTP/1.1 200 Connection established
			S:` + inside, `
			smtp via http-connect mx.example:25, EHLO "client.example" 250
			last "221 bye"`},
		{"HTTP CONNECT to an IPv6 address, in the second try", Options{}, `
			C: CONNECT [2001:db8::25]:587 HTTP/1.0
			C:
			S: HTTP/1.1 407 Proxy Authentication Required
			S: Content-Length: 13
			S:
			S: 220 mx ESMTP\
			C: CONNECT [2001:db8::25]:587 HTTP/1.0
			C: Proxy-Authorization: Basic Y2FuYXJ5
			C:
			S: \r\nHTTP/1.1 200 ok
			S:` + inside, `
			smtp via http-connect [2001:db8::25]:587 refused via http-connect [2001:db8::25]:587, EHLO "client.example" 250
			last "221 bye"`},
		{"HTTP CONNECT refused", Options{}, `
			C: CONNECT mx.example:25 HTTP/1.1
			C:
			S: HTTP/1.1 403 Forbidden
			S:
			S: <p>220 no`, `
			tunnel via http-connect mx.example:25 refused`},
		{"HTTP CONNECT to what is not SMTP", Options{}, `
			C: CONNECT www.example:443 HTTP/1.1
			C:
			S: HTTP/1.1 200 ok
			S:
			C: \x16\x03\x01\x00\x05\x01\x00\x00\x01\x03`, `
			tls via http-connect www.example:443, tls implicit`},
		{"SOCKS4", Options{}, `
			C: \x04\x01\x00\x19\xc0\x00\x02\x19user\x00\
			S: \x00\x5a\x00\x19\xc0\x00\x02\x19\` + inside, `
			smtp via socks4 192.0.2.25:25, EHLO "client.example" 250
			last "221 bye"`},
		{"SOCKS4a", Options{}, `
			C: \x04\x01\x09\xdd\x00\x00\x00\x01\x00mx.example\x00\
			S: \x00\x5a\x00\x00\x00\x00\x00\x00\` + inside, `
			smtp via socks4 mx.example:2525, EHLO "client.example" 250
			last "221 bye"`},
		{"SOCKS4 refused", Options{}, `
			C: \x04\x01\x00\x19\xc0\x00\x02\x19\x00\
			S: \x00\x5b\x00\x19\xc0\x00\x02\x19\`, `
			tunnel via socks4 192.0.2.25:25 refused`},
		{"SOCKS5 by name, without login", Options{}, `
			C: \x05\x01\x00\
			S: \x05\x00\
			` + socks5 + `
			S: \x05\x00\x00\x01\xc0\x00\x02\x01\x04\x00\` + inside, `
			smtp via socks5 mx.example:25, EHLO "client.example" 250
			last "221 bye"`},
		{"SOCKS5 with user and password, to an IPv6 address", Options{}, `
			C: \x05\x02\x00\x02\
			S: \x05\x02\
			C: \x01\x03bob\x06canary\
			S: \x01\x00\
			C: \x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x25\x02\x4b\
			S: \x05\x00\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x04\x00\` + inside, `
			smtp via socks5 [2001:db8::25]:587, EHLO "client.example" 250
			last "221 bye"`},
		{"SOCKS5, answered with a name", Options{}, `
			C: \x05\x01\x00\
			S: \x05\x00\
			C: \x05\x01\x00\x01\xc0\x00\x02\x19\x00\x19\
			S: \x05\x00\x00\x03\x05proxy\x04\x00\` + inside, `
			smtp via socks5 192.0.2.25:25, EHLO "client.example" 250
			last "221 bye"`},
		{"SOCKS5 refused", Options{}, `
			C: \x05\x01\x00\
			S: \x05\x00\
			` + socks5 + `
			S: \x05\x05\x00\x01\x00\x00\x00\x00\x00\x00\`, `
			tunnel via socks5 mx.example:25 refused`},
		{"a weak command suffices where port 25 was asked for", Options{}, `
			C: \x04\x01\x00\x19\xc0\x00\x02\x19\x00\
			S: \x00\x5a\x00\x19\xc0\x00\x02\x19\
			S: 220 hello
			C: QUIT
			S: 221 bye`, `
			smtp via socks4 192.0.2.25:25
			last "221 bye"`},
		{"and not where another port was", Options{MailPort: true}, `
			C: \x04\x01\x00\x15\xc0\x00\x02\x19\x00\
			S: \x00\x5a\x00\x15\xc0\x00\x02\x19\
			S: 220 hello
			C: QUIT
			S: 221 bye`, `
			tunnel via socks4 192.0.2.25:21`},
		{"PROXY version 1", onPort25, `
			C: PROXY TCP4 203.0.113.7 192.0.2.25 41822 25` + inside, `
			smtp via proxy-v1 192.0.2.25:25 for 203.0.113.7:41822, EHLO "client.example" 250
			last "221 bye"`},
		{"PROXY version 1, unknown", onPort25, `
			C: PROXY UNKNOWN` + inside, `
			smtp via proxy-v1 , EHLO "client.example" 250
			last "221 bye"`},
		{"PROXY version 2: its QUIT is none", onPort25, `
			C: \r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0f\xcb\x00\x71\x07\xc0\x00\x02\x19\xa3\x5e\x00\x19\x04\x00\x00\` + inside, `
			smtp via proxy-v2 192.0.2.25:25 for 203.0.113.7:41822, EHLO "client.example" 250
			last "221 bye"`},
		{"PROXY version 2, local", onPort25, `
			C: \r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00\` + inside, `
			smtp via proxy-v2 , EHLO "client.example" 250
			last "221 bye"`},
		{"PROXY in front of SOCKS", Options{}, `
			C: PROXY TCP6 2001:db8::7 2001:db8::1 41822 1080
			C: \x05\x01\x00\
			S: \x05\x00\
			` + socks5 + `
			S: \x05\x00\x00\x01\xc0\x00\x02\x01\x04\x00\` + inside, `
			smtp via proxy-v1 [2001:db8::1]:1080 for [2001:db8::7]:41822 via socks5 mx.example:25, EHLO "client.example" 250
			last "221 bye"`},
		{"PROXY in front of SOCKS, refused", Options{}, `
			C: PROXY TCP4 192.0.2.1 192.0.2.2 41822 1080
			C: \x04\x01\x00\x19\xc0\x00\x02\x19\x00\
			S: \x00\x5b\x00\x19\xc0\x00\x02\x19\`, `
			tunnel via proxy-v1 192.0.2.2:1080 for 192.0.2.1:41822 via socks4 192.0.2.25:25 refused`},
		{"an early talker inside", Options{Ordered: true}, `
			C: \x04\x01\x00\x19\xc0\x00\x02\x19\x00\
			S: \x00\x5a\x00\x19\xc0\x00\x02\x19\
			C: EHLO client.example
			S: 220 mx ESMTP
			S: 250 mx`, `
			smtp via socks4 192.0.2.25:25, EHLO "client.example" 250, early_talker
			last "250 mx"`},
	} {
		x.run(t)
	}
}

// Nothing of a proxy's login is kept.
func TestTunnelSecrets(t *testing.T) {
	s := replay(Options{}, parseDialogue(t, `
		C: \x05\x02\x00\x02\
		S: \x05\x02\
		C: \x01\x06canary\x06canary\
		S: \x01\x00\
		C: \x05\x01\x00\x03\x0amx.example\x00\x19\
		S: \x05\x00\x00\x01\xc0\x00\x02\x01\x04\x00\
		C: CONNECT mx2.example:25 HTTP/1.1
		C: Proxy-Authorization: Basic canary
		C: `+"\n"))
	if text := fmt.Sprintf("%+v", s); strings.Contains(text, "canary") || len(s.Via) != 2 {
		t.Error(text)
	}
}
