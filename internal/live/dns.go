package live

import (
	"encoding/binary"
	"io"
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// ServeDNS starts a name server in the cell, over UDP and TCP: names gives its answers, "example.net." a name for its MX,
// "mx.example.net." an address. It goes with the test.
func (c *Cell) ServeDNS(addr string, names map[string]string) {
	c.t.Helper()
	var conn net.PacketConn
	var err error
	c.Do(func() { conn, err = net.ListenPacket("udp", addr) })
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	c.serveDNSOverTCP(addr, names)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := reply(buf[:n], names); answer != nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
}

// serveDNSOverTCP puts the length before each message (RFC 1035, 4.2.2).
func (c *Cell) serveDNSOverTCP(addr string, names map[string]string) {
	c.listen(&net.ListenConfig{}, addr, func(conn net.Conn) {
		var size [2]byte
		for {
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			question := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(conn, question); err != nil {
				return
			}
			answer := reply(question, names)
			conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}
	})
}

// reply answers a question; a name that is not there has no records. What is no question has no answer.
func reply(question []byte, names map[string]string) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	value := names[q.Name.String()]
	h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
	m.Response, m.Additionals, m.Answers = true, nil, nil
	switch ip := net.ParseIP(value).To4(); {
	case q.Type == dnsmessage.TypeMX && value != "" && ip == nil:
		host, err := dnsmessage.NewName(value)
		if err != nil {
			return nil
		}
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.MXResource{MX: host}}}
	case q.Type == dnsmessage.TypeA && ip != nil:
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: [4]byte(ip)}}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}
