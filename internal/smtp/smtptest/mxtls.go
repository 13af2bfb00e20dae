package smtptest

import "strings"

const recordHandshake = 0x16 // RFC 8446 section 5.1

// startTLS takes what comes behind STARTTLS. What is no TLS ends the connection.
func (m *MX) startTLS() {
	m.TLSAwaited = false
	if m.In[0] != recordHandshake {
		m.Closed = true
		return
	}
	m.In, m.Encrypted = nil, true
	m.Out = append(m.Out, record(recordHandshake, 90)...)
	m.Out = append(m.Out, record(0x14, 1)...)
	m.Out = append(m.Out, record(0x17, 700)...)
}

// record is a TLS record (RFC 8446 section 5.1) of which nobody can read the content.
func record(kind byte, n int) []byte {
	r := []byte{kind, 3, 3, byte(n >> 8), byte(n)}
	for i := range n {
		r = append(r, byte(i*i*7+n*13+i>>3))
	}
	return r
}

// ClientHello is the first record of a TLS client (RFC 8446 section 4.1.2), as long as they are with a post-quantum key
// share. It is the same every time.
func ClientHello(server string) []byte {
	extension := func(kind int, data string) string { return u16(kind) + u16(len(data)) + data }
	counted := func(data string) string { return u16(len(data)) + data }
	filler := func(n int) string { return string(record(0, n)[5:]) }
	extensions := extension(0, counted("\x00"+counted(server))) + extension(10, counted(u16(0x11ec)+u16(29))) +
		extension(16, counted("\x04smtp")) + extension(43, "\x02\x03\x04") +
		extension(51, counted(u16(0x11ec)+counted(filler(1216))+u16(29)+counted(filler(32))))
	message := "\x03\x03" + filler(32) + "\x20" + filler(32) + counted(u16(0x1301)+u16(0x1302)) + "\x01\x00" + counted(extensions)
	return []byte("\x16\x03\x01" + counted("\x01\x00"+counted(message)))
}

func u16(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }

// scrambled is a line as TLS has it.
func scrambled(line string) string { return string(record(0x17, len(strings.TrimSpace(line))+22)) }
