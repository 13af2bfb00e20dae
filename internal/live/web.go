package live

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// ServeWeb starts a web server in the cell, and gives its address.
func (c *Cell) ServeWeb(addr string) string {
	c.t.Helper()
	var l net.Listener
	var err error
	c.Do(func() { l, err = net.Listen("tcp", addr) })
	if err != nil {
		c.t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })}
	go s.Serve(l)
	c.t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// Browse posts a form that quotes SMTP to a web server.
func Browse(addr string) error {
	body := strings.Join(Message, "\r\n")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}
