package smtp

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
)

// clientHelloOf returns what crypto/tls sends first.
func clientHelloOf(t testing.TB, server string, protocols ...string) []byte {
	t.Helper()
	here, there := net.Pipe()
	defer there.Close()
	go func() {
		config := &tls.Config{ServerName: server, NextProtos: protocols, InsecureSkipVerify: true}
		tls.Client(here, config).Handshake() // fails when the pipe is closed
		here.Close()
	}()
	b := make([]byte, 64<<10)
	n, err := there.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// fragmented spreads the handshake message of a record over records of n bytes.
func fragmented(record []byte, n int) (list []byte) {
	for part := range slices.Chunk(record[5:], n) {
		list = append(list, record[0], record[1], record[2], byte(len(part)>>8), byte(len(part)))
		list = append(list, part...)
	}
	return list
}

func TestClientHello(t *testing.T) {
	full := clientHelloOf(t, "mx.example", "smtp", "h2")
	for _, x := range []struct {
		name  string
		hello []byte
		sni   string
		alpn  string
	}{
		{"SNI and ALPN", full, "mx.example", "smtp h2"},
		{"without either", clientHelloOf(t, ""), "", ""},
		{"SNI alone", clientHelloOf(t, "mx.example"), "mx.example", ""},
		{"the longest name", clientHelloOf(t, strings.Repeat("a.", 126)+"xyz"), strings.Repeat("a.", 126) + "xyz", ""},
		{"spread over records", fragmented(full, 7), "mx.example", "smtp h2"},
		{"spread over records of one byte", fragmented(full, 1), "mx.example", "smtp h2"},
		{"broken off", full[:60], "", ""},
		{"more protocols than are kept", clientHelloOf(t, "", strings.Split("1 2 3 4 5 6 7 8 9", " ")...), "", "1 2 3 4 5 6 7 8"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := checkReplays(t, onPort25, []segment{{dir: Client, data: x.hello}})
			if s.State != TLS || s.TLS != ImplicitTLS || s.SNI != x.sni || strings.Join(s.ALPN, " ") != x.alpn {
				t.Errorf("implicit: %v %v sni %q alpn %q, want %q %q", s.State, s.TLS, s.SNI, s.ALPN, x.sni, x.alpn)
			}
			starttls := append(parseDialogue(t, greeted+"C: STARTTLS\nS: 220 go ahead"), segment{dir: Client, data: x.hello})
			s = checkReplays(t, onPort25, starttls)
			if s.State != SMTP || s.TLS != StartTLS || s.SNI != x.sni || strings.Join(s.ALPN, " ") != x.alpn {
				t.Errorf("starttls: %v %v sni %q alpn %q, want %q %q", s.State, s.TLS, s.SNI, s.ALPN, x.sni, x.alpn)
			}
		})
	}
}

// A server that complains of a ClientHello in the clear has had text: what follows is read.
func TestClientHelloAnsweredInClear(t *testing.T) {
	s := replay(onPort25, []segment{
		{dir: Server, data: []byte("220 mx ESMTP\r\n")},
		{dir: Client, data: clientHelloOf(t, "mx.example")},
		{dir: Server, data: []byte("500 what\r\n500 what\r\n")},
		{dir: Client, data: []byte("EHLO x.example\r\n")},
		{dir: Server, data: []byte("250 mx\r\n")},
	})
	if s.State != SMTP || s.TLS != NoTLS || len(s.Hellos) != 1 || s.Unseen == 0 {
		t.Errorf("%s", describe(&s))
	}
}
