package smtp

import (
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
)

// segment is one piece of a connection as it passed: bytes, or the number of those lost or cut.
type segment struct {
	dir       Direction
	data      []byte
	lost, cut uint64
}

// flow is one TCP connection of a capture.
type flow struct {
	port      uint16 // connected to
	midstream bool   // the SYN is not in the capture
	segments  []segment
}

func (f *flow) options(ordered bool) Options {
	w := via{port: f.port}
	return Options{MailPort: w.mailPort(), Midstream: f.midstream, Ordered: ordered}
}

// readCapture returns the TCP connections of a capture, in order of appearance.
func readCapture(t testing.TB, path string) (list []*flow) {
	t.Helper()
	for _, c := range capture.Read(t, path) {
		f := &flow{port: c.Port, midstream: c.Midstream}
		for _, s := range c.Segments {
			dir := Client
			if s.Server {
				dir = Server
			}
			f.segments = append(f.segments, segment{dir: dir, data: s.Data, lost: s.Lost})
		}
		list = append(list, f)
	}
	return list
}
