package smtp

// TLS constants (RFC 8446 section 4 and 5.1, RFC 6066 section 3, RFC 7301 section 3.1).
const (
	recordHandshake = 0x16
	helloMessage    = 1
	extensionSNI    = 0
	extensionALPN   = 16

	maxSNI      = 255
	maxALPN     = 8   // protocols
	maxALPNText = 128 // octets of their names
	maxExtBody  = 512 // octets looked at of an extension
)

// helloStep is the part of a ClientHello that comes next (RFC 8446 section 4.1.2).
type helloStep uint8

const (
	helloHeader helloStep = iota // message type and length
	helloRandom                  // version and random
	helloSession
	helloSuites
	helloCompression
	helloExtensions // their length together
	helloExtension  // type and length of one
	helloExtBody
	helloDone
)

// helloField is the number of octets a step reads before it knows how many follow.
var helloField = [...]int{4, 34, 1, 2, 1, 2, 4, 0, 0}

// clientHello reads SNI and ALPN out of a ClientHello, which may be cut anywhere and spread over
// several records. What does not parse ends it; what was read is kept.
type clientHello struct {
	step   helloStep
	record int // octets left in the record
	header [5]byte
	have   int // octets of header read

	buf  [maxExtBody]byte
	n    int // octets of the present field read
	skip int // octets to pass over
	left int // octets of extensions left
	kind int // type of the present extension
	size int // length of the present extension

	sni   [maxSNI]byte
	sniN  int
	alpn  [maxALPNText]byte // length-prefixed names
	alpnN int
	valid bool // a ClientHello's header was read
}

func (h *clientHello) reset() { *h = clientHello{} }

// feed takes the next bytes of the TLS stream.
func (h *clientHello) feed(data []byte) {
	for len(data) > 0 && h.step != helloDone {
		if h.record == 0 {
			h.header[h.have] = data[0]
			h.have++
			data = data[1:]
			if h.have == len(h.header) {
				h.have = 0
				h.record = int(h.header[3])<<8 | int(h.header[4])
				if h.header[0] != recordHandshake || h.header[1] != 3 || h.record == 0 {
					h.step = helloDone
				}
			}
			continue
		}
		part := data[:min(len(data), h.record)]
		h.record -= len(part)
		data = data[len(part):]
		h.message(part)
	}
}

// message takes bytes of the handshake message.
func (h *clientHello) message(part []byte) {
	for len(part) > 0 && h.step != helloDone {
		if h.skip > 0 {
			k := min(h.skip, len(part))
			h.skip -= k
			part = part[k:]
			continue
		}
		need := helloField[h.step]
		if h.step == helloExtBody {
			need = min(h.size, maxExtBody)
		}
		k := copy(h.buf[h.n:need], part)
		h.n += k
		part = part[k:]
		if h.n == need {
			h.n = 0
			h.field(h.buf[:need])
		}
	}
}

// field takes one complete field and chooses the next.
func (h *clientHello) field(b []byte) {
	switch h.step {
	case helloHeader:
		h.valid = b[0] == helloMessage
		if !h.valid {
			h.step = helloDone
			return
		}
	case helloSession, helloCompression:
		h.skip = int(b[0])
	case helloSuites:
		h.skip = int(b[0])<<8 | int(b[1])
	case helloExtensions:
		h.left = int(b[0])<<8 | int(b[1])
	case helloExtension:
		h.kind, h.size = int(b[0])<<8|int(b[1]), int(b[2])<<8|int(b[3])
		h.left -= 4 + h.size
		if h.size == 0 || h.kind != extensionSNI && h.kind != extensionALPN {
			h.skip = h.size
			h.nextExtension()
			return
		}
	case helloExtBody:
		if h.kind == extensionSNI {
			h.readSNI(b)
		} else {
			h.readALPN(b)
		}
		h.skip = h.size - len(b)
		h.nextExtension()
		return
	}
	h.step++
	if h.step == helloExtension {
		h.nextExtension()
	}
}

func (h *clientHello) nextExtension() {
	h.step = helloExtension
	if h.left < 4 {
		h.step = helloDone
	}
}

// readSNI keeps the first host name of a ServerNameList.
func (h *clientHello) readSNI(b []byte) {
	if len(b) < 5 || b[2] != 0 {
		return
	}
	n := int(b[3])<<8 | int(b[4])
	h.sniN = copy(h.sni[:], b[5:5+min(n, len(b)-5)])
}

// readALPN keeps a ProtocolNameList as far as there is room.
func (h *clientHello) readALPN(b []byte) {
	if len(b) < 2 {
		return
	}
	b = b[2:]
	h.alpnN = 0
	for count := 0; len(b) > 0 && count < maxALPN; count++ {
		n := 1 + int(b[0])
		if n == 1 || n > len(b) || h.alpnN+n > maxALPNText {
			return
		}
		h.alpnN += copy(h.alpn[h.alpnN:], b[:n])
		b = b[n:]
	}
}

// protocols returns the names kept.
func (h *clientHello) protocols() []string {
	var list []string
	for b := h.alpn[:h.alpnN]; len(b) > 0; {
		n := 1 + int(b[0])
		list = append(list, string(b[1:n]))
		b = b[n:]
	}
	return list
}
