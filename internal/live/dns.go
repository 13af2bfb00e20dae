package live

import (
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// ServeDNS starts a name server in the cell: names gives its answers, "example.net." a name for its MX,
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
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			if answer, err := reply(&m, names); err == nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
}

// reply answers a question; a name that is not there has no records.
func reply(m *dnsmessage.Message, names map[string]string) ([]byte, error) {
	q := m.Questions[0]
	value := names[q.Name.String()]
	h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
	m.Response, m.Additionals, m.Answers = true, nil, nil
	switch ip := net.ParseIP(value).To4(); {
	case q.Type == dnsmessage.TypeMX && value != "" && ip == nil:
		host, err := dnsmessage.NewName(value)
		if err != nil {
			return nil, err
		}
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.MXResource{MX: host}}}
	case q.Type == dnsmessage.TypeA && ip != nil:
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: [4]byte(ip)}}}
	}
	return m.Pack()
}
