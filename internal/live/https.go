package live

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
)

// ServeHTTPS starts a web server with TLS in the cell. Its certificate is of nobody that a client knows. It goes with
// the test.
func (c *Cell) ServeHTTPS(addr string) {
	c.t.Helper()
	var l net.Listener
	var err error
	c.Do(func() { l, err = net.Listen("tcp", addr) })
	if err != nil {
		c.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	s.Listener.Close() // it has one in the test's own namespace
	s.Listener = l
	s.StartTLS()
	c.t.Cleanup(s.Close)
}
