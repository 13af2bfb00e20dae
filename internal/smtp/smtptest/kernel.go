package smtptest

import "github.com/smtptrace/smtptrace/internal/event"

// Piece is what the kernel says of a stretch of the stream: octets that are shown, or how many are cut or were lost.
type Piece struct {
	Server    bool
	Data      []byte
	Cut       uint64
	Unaligned bool   // the cut does not reach through the end of a line
	Lost      uint64 // in front of what comes next
	Hello     bool   // Data is of a TLS handshake
}

// View is what the kernel tells of a connection.
type View struct {
	Pieces  []Piece
	Told    bool        // of the connection, by State and Named
	State   event.State // in which it was told last
	Named   bool        // the greeting names SMTP
	Rest    [2]uint64   // of the client and the server: cut, and in no piece yet
	Skipped [2]uint64   // that say nothing
}

// Connection says what the kernel knows of a connection before a byte is said on it.
type Connection struct {
	MailPort bool
	Old      bool // its beginning was not seen
}

// Kernel is what the kernel programs show of the packets of a connection to a mail port. rest is what is cut of
// the client and in no piece yet.
func Kernel(packets []Packet) (pieces []Piece, rest uint64) {
	v := Connection{MailPort: true}.View(packets)
	return v.Pieces, v.Rest[0]
}

// View hands the packets to the kernel programs' own code, which is compiled for this machine.
func (c Connection) View(packets []Packet) *View {
	flags := byte(0)
	if c.MailPort {
		flags |= 1
	}
	if c.Old {
		flags |= 2
	}
	request := []byte{'N', flags}
	for _, p := range packets {
		op := [2]byte{'c', 'l'}
		if p.Server {
			op = [2]byte{'s', 'm'}
		}
		if p.Lost > 0 {
			request = appendU32(append(request, op[1]), uint32(p.Lost))
			continue
		}
		request = appendU32(append(request, op[0]), uint32(len(p.Data)))
		request = append(request, p.Data...)
	}
	return native().ask(append(request, '.'))
}
