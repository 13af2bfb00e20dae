package live

import (
	"fmt"
	"io"
	"net"
	"os"
)

// HostChild is a child that is an SMTP server at the addresses it is given: for more connections than the test's own
// process may have open. It says "ready" when it listens, and ends with its input.
func HostChild(addrs []string) error {
	for _, addr := range addrs {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					serve(conn, Login{}, false)
				}()
			}
		}()
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
