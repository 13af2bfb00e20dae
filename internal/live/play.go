package live

import (
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Turn is what one side of a scripted dialogue sends at once.
type Turn struct {
	Server bool
	Data   []byte
}

// Script is a dialogue word by word, and the address where it is held.
type Script struct {
	Addr  string
	Turns []Turn
}

// Say makes turns of lines: "C: " and "S: " say whose, and a small letter that no line end follows.
func Say(lines ...string) (turns []Turn) {
	for _, line := range lines {
		who, text, ok := strings.Cut(line, ": ")
		switch {
		case !ok || len(who) != 1 || !strings.Contains("CcSs", who):
			panic("a line of neither side: " + line)
		case who == "C" || who == "S":
			text += "\r\n"
		}
		turns = append(turns, Turn{who == "S" || who == "s", []byte(text)})
	}
	return turns
}

// AtOnce joins what one side says before the other one answers.
func AtOnce(turns []Turn) (list []Turn) {
	for _, turn := range turns {
		if n := len(list); n > 0 && list[n-1].Server == turn.Server {
			list[n-1].Data = append(slices.Clip(list[n-1].Data), turn.Data...)
			continue
		}
		list = append(list, turn)
	}
	return list
}

// Pieces cuts what is said into pieces of 1 to 13 bytes.
func Pieces(turns []Turn) (list []Turn) {
	n := 0
	for _, turn := range turns {
		for rest := turn.Data; len(rest) > 0; {
			n = n*5 + 3
			piece := min(len(rest), 1+n%13)
			list = append(list, Turn{Server: turn.Server, Data: rest[:piece]})
			rest = rest[piece:]
			n %= 1009
		}
	}
	return list
}

// Stage starts the servers of scripts. They go with the test. What goes wrong with them the client sees.
func (c *Cell) Stage(scripts []Script) {
	c.t.Helper()
	for _, s := range scripts {
		var l net.Listener
		var err error
		c.Do(func() { l, err = net.Listen("tcp", s.Addr) })
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
					s.play(conn, true)
					conn.Close()
				}()
			}
		}()
	}
}

// Play lets the child "play" of this binary hold scripts one after the other, and waits for it. What is said is
// not among its arguments.
func (c *Cell) Play(scripts []Script) *exec.Cmd {
	c.t.Helper()
	cmd := Child("play")
	in, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.Start(cmd)
	err = gob.NewEncoder(in).Encode(scripts)
	in.Close()
	if ended := cmd.Wait(); err != nil || ended != nil {
		c.t.Fatalf("play: %v, %v", err, ended)
	}
	return cmd
}

// PlayChild is the child "play".
func PlayChild([]string) error {
	var scripts []Script
	if err := gob.NewDecoder(os.Stdin).Decode(&scripts); err != nil {
		return fmt.Errorf("read the scripts: %w", err)
	}
	for _, s := range scripts {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return err
		}
		if err := s.play(conn, false); err != nil {
			return fmt.Errorf("play to %s: %w", s.Addr, err)
		}
		conn.Close()
	}
	return nil
}

// play holds one side of the dialogue. Each turn waits until all of the other side's before it have arrived, so
// that they pass in the order of the script.
func (s *Script) play(conn net.Conn, server bool) error {
	if err := onOneCPU(); err != nil {
		return err
	}
	for i, turn := range s.Turns {
		var err error
		if turn.Server == server {
			_, err = conn.Write(turn.Data)
		} else {
			_, err = io.ReadFull(conn, make([]byte, len(turn.Data)))
		}
		if err != nil {
			return fmt.Errorf("turn %d: %w", i, err)
		}
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return fmt.Errorf("end the dialogue: %w", err)
	}
	_, err := io.Copy(io.Discard, conn)
	return err
}

// onOneCPU ties what the calling goroutine does to the same CPU in every process, for good. On loopback each CPU
// queues what it sends: under load a tail loss probe (RFC 8985, section 7) of one CPU overtakes, or meets, the
// reply that it repeats, which still waits on another. What comes from elsewhere has one queue a connection.
func onOneCPU() error {
	runtime.LockOSThread()
	var allowed, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("read the CPUs: %w", err)
	}
	cpu := 0
	for !allowed.IsSet(cpu) {
		cpu++
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("stay on CPU %d: %w", cpu, err)
	}
	return nil
}
