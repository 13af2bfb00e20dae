package live

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
)

// Server is a small SMTP server in a cell: it accepts whatever it is told, and speaks by the book.
type Server struct{ Addr string }

// Serve starts a server on addr, such as "127.0.0.1:25", behind a proxy to which the client first says
// one thing after the other, and gets an answer to each. It goes with the test.
func (c *Cell) Serve(addr string, proxy ...struct{ Said, Answer string }) *Server {
	c.t.Helper()
	return c.listen(&net.ListenConfig{}, addr, func(conn net.Conn) {
		for _, turn := range proxy {
			said := make([]byte, len(turn.Said))
			if _, err := io.ReadFull(conn, said); err != nil || string(said) != turn.Said {
				return
			}
			if _, err := io.WriteString(conn, turn.Answer); err != nil {
				return
			}
		}
		serve(conn, Login{}, false)
	})
}

// ServeLogin starts a server that offers AUTH.
func (c *Cell) ServeLogin(addr string, login Login) *Server {
	c.t.Helper()
	return c.listen(&net.ListenConfig{}, addr, func(conn net.Conn) { serve(conn, login, false) })
}

// ServeWith is Serve on a socket that is made as config says; late: it greets when the client has spoken.
func (c *Cell) ServeWith(config *net.ListenConfig, late bool, addr string) *Server {
	c.t.Helper()
	return c.listen(config, addr, func(conn net.Conn) { serve(conn, Login{}, late) })
}

// ServeFunc starts a server that does with each connection what it likes.
func (c *Cell) ServeFunc(addr string, serve func(net.Conn)) *Server {
	c.t.Helper()
	return c.listen(&net.ListenConfig{}, addr, serve)
}

func (c *Cell) listen(config *net.ListenConfig, addr string, serve func(net.Conn)) *Server {
	c.t.Helper()
	var l net.Listener
	var err error
	c.Do(func() { l, err = config.Listen(context.Background(), "tcp", addr) })
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return &Server{Addr: l.Addr().String()}
}

func serve(conn net.Conn, login Login, late bool) {
	c := textproto.NewConn(conn)
	if late {
		c.R.Peek(1)
	}
	c.PrintfLine("220 mx.example.net ESMTP test")
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO":
			c.PrintfLine("250-mx.example.net\r\n250-PIPELINING")
			if login.Mechanism != "" {
				c.PrintfLine("250-AUTH %s", login.Mechanism)
			}
			c.PrintfLine("250 HELP")
		case "AUTH":
			ok, err := login.check(c, strings.Fields(line)[1:])
			if err != nil {
				return
			}
			if !ok {
				c.PrintfLine("535 5.7.8 Error: authentication failed")
				continue
			}
			c.PrintfLine("235 2.7.0 Authentication successful")
		case "DATA":
			c.PrintfLine("354 End data with <CR><LF>.<CR><LF>")
			if _, err := c.ReadDotLines(); err != nil {
				return
			}
			c.PrintfLine("250 2.0.0 Ok: queued as 4E81026038")
		case "STARTTLS": // with a client that has the only key
			c.PrintfLine("220 2.0.0 Ready to start TLS")
			io.Copy(io.Discard, conn)
			return
		case "QUIT":
			c.PrintfLine("221 2.0.0 Bye")
			return
		default:
			c.PrintfLine("250 2.1.0 Ok")
		}
	}
}

// Talk sends a script of client lines, and reads a reply after each but those of a message's body.
func Talk(conn net.Conn, lines ...string) error {
	r := bufio.NewReader(conn)
	reply := func() error {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return fmt.Errorf("read a reply: %w", err)
			}
			if len(line) < 4 || line[3] != '-' {
				return nil
			}
		}
	}
	if err := reply(); err != nil {
		return err
	}
	body := false
	for _, line := range lines {
		if _, err := fmt.Fprintf(conn, "%s\r\n", line); err != nil {
			return err
		}
		if body && line != "." {
			continue
		}
		if err := reply(); err != nil {
			return err
		}
		body = line == "DATA"
	}
	return nil
}

// Message is the dialogue of one whole message.
var Message = []string{
	"EHLO [127.0.0.1]", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>",
	"DATA", "Subject: canary-in-the-body", "", "hello", ".", "QUIT",
}
