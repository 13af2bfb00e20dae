package smtptest

import "fmt"

// Proxy is the exchange with a proxy in front of a server: the client's words and the answers.
type Proxy struct {
	steps  []proxyStep
	secret string
}

type proxyStep struct{ ask, answer string }

// proxy makes up one.
func (m *maker) proxy() Proxy {
	secret := m.token("TOKEN")
	switch m.N(4) {
	case 0:
		answer := "HTTP/1.1 200 Connection established\r\n" + Of(m.Choices, "", "Proxy-Agent: Apache/2.4.57 (Debian GNU/Linux)\r\n") + "\r\n"
		return Proxy{steps: []proxyStep{{
			"CONNECT mx.example:25 HTTP/1.1\r\nHost: mx.example:25\r\nProxy-Authorization: Basic " + secret + "\r\n\r\n", answer,
		}}, secret: secret}
	case 1:
		return Proxy{steps: []proxyStep{{"CONNECT mx.example:25 HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ok\r\n\r\n"}}}
	case 2:
		return Proxy{steps: []proxyStep{
			{"\x05\x02\x00\x02", "\x05\x02"},
			{fmt.Sprintf("\x01\x04user%c%s", len(secret), secret), "\x01\x00"},
			{"\x05\x01\x00\x03\x0amx.example\x00\x19", "\x05\x00\x00\x01\xc0\x00\x02\x01\x04\x00"},
		}, secret: secret}
	}
	return Proxy{steps: []proxyStep{{"PROXY TCP4 192.0.2.1 192.0.2.2 40000 25\r\n", ""}}}
}
