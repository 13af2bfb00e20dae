package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
)

func init() {
	live.Become(map[string]func([]string) error{"stranger": stranger})
}

// strangerKind is a connection that is no mail, on a port that is no mail port: what the client says in its first packet,
// how often it says it, and what it is answered each time.
type strangerKind struct {
	name, says, answer string
	times              int
}

var strangers = []strangerKind{
	{"TLS", "\x16\x03\x01\x02\x00" + strings.Repeat("\x01", 512), "\x16\x03\x03\x00\x02ok", 4},
	{"binary", "\x00\x00\x00\x20" + strings.Repeat("\x01", 400), "ok", 4},
	{"redis", "PING\r\n", "+PONG\r\n", 4},
	{"HTTP", "GET / HTTP/1.1\r\nHost: www.example.org\r\nCookie: " + strings.Repeat("c", 400) + "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 32},
	{"lines that nobody answers", "a line of a log that goes somewhere, some eighty octets long as such lines are\r\n", "", 64},
	{"a text without lines", strings.Repeat("x", 1000), "", 8},
}

// BenchmarkStranger is what the packet programs cost a connection that is no mail: until it is judged, and a packet
// behind that.
func BenchmarkStranger(b *testing.B) {
	cell := live.NewCell(b)
	for i, kind := range strangers {
		cell.ServeFunc(fmt.Sprintf("127.0.0.1:%d", 3000+i), func(conn net.Conn) {
			said := make([]byte, len(kind.says))
			for {
				if _, err := io.ReadFull(conn, said); err != nil {
					return
				}
				io.WriteString(conn, kind.answer+"\n")
			}
		})
	}
	p, err := Open(Options{Family: Auto, MailPorts: []uint16{25}, Cgroup: cell.Cgroup})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	all := newTwins(b, p)
	defer all.close()
	defer all.measure(b)()
	for i, kind := range strangers {
		b.Run(strings.ReplaceAll(kind.name, " ", "-"), func(b *testing.B) {
			const conns = 200
			round := func(times int) (ns float64) {
				list := bodies(b, all, func() {
					cell.Run(live.Child("stranger", fmt.Sprintf("127.0.0.1:%d", 3000+i), fmt.Sprint(i), fmt.Sprint(conns), fmt.Sprint(times)))
				})
				for i, t := range all {
					if t.question == Wire {
						ns += list[i].ns
					}
				}
				return ns / conns
			}
			round(kind.times)
			var judged, behind float64
			for b.Loop() {
				whole, more := round(kind.times), round(2*kind.times)
				judged += whole
				behind += (more - whole) / float64(kind.times)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(judged/float64(b.N), "ns/connection")
			b.ReportMetric(float64(kind.times*len(kind.says)), "octets/connection")
			b.ReportMetric(behind/float64(b.N), "ns/exchange-behind")
		})
	}
}

// stranger makes connections one after the other, and says what its kind says so many times.
func stranger(args []string) error {
	var kind, conns, times int
	if _, err := fmt.Sscan(strings.Join(args[1:], " "), &kind, &conns, &times); err != nil {
		return err
	}
	for range conns {
		conn, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		in := bufio.NewReader(conn)
		for range times {
			_, said := io.WriteString(conn, strangers[kind].says)
			answer := make([]byte, len(strangers[kind].answer)+1)
			_, heard := io.ReadFull(in, answer)
			if err := errors.Join(said, heard); err != nil {
				return err
			}
		}
		conn.Close()
	}
	return nil
}
