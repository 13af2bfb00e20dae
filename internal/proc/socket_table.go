package proc

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
)

// maxSockets bounds the list, which takes 150 octets for each then: any user may have as many as the host allows.
const maxSockets = 1 << 18

var errSockets = fmt.Errorf("read the socket tables: there are more than %d TCP sockets", maxSockets)

// tables gathers the lines of socket tables.
type tables struct {
	keep    func(*TCPSocket) bool // nil: all
	sockets []TCPSocket
	byInode map[uint64][]int // where in sockets those are that have one; several subflows of MPTCP share it
	left    int              // so many more are taken
	torn    int              // lines that make no sense
	done    map[uint32]bool  // namespaces that are read
}

func newTables(keep func(*TCPSocket) bool) *tables {
	return &tables{keep: keep, byInode: map[uint64][]int{}, left: maxSockets, done: map[uint32]bool{}}
}

// read reads the tables of each namespace in which one of the processes is that are asked for; of netns alone where
// it is not 0. Every process of a namespace shows the same tables: one that ends gives way to the next.
func (t *tables) read(procfs string, processes []process, netns uint32) error {
	unread := map[uint32]error{} // and why; nil once it is read
	for _, p := range processes {
		if netns == 0 && p.asked || netns != 0 && p.netns == netns {
			unread[p.netns] = errGone
		}
	}
	for _, p := range processes {
		if unread[p.netns] == nil {
			continue
		}
		dir := filepath.Join(procfs, p.dir)
		err := t.readNamespace(filepath.Join(dir, "net"), p.netns)
		if errors.Is(err, errSockets) {
			return err
		}
		if err == nil || !gone(dir) {
			unread[p.netns] = err
			t.done[p.netns] = err == nil
		}
	}
	for ns, err := range unread {
		if err != nil && err != errGone {
			return fmt.Errorf("read the socket tables of network namespace %d: %w", ns, err)
		}
	}
	if t.torn > 0 {
		return fmt.Errorf("read the socket tables: %d lines make no sense", t.torn)
	}
	return nil
}

// readMounted reads the tables of the namespaces that are mounted, and have no process of their own: of all, or of
// netns alone where it is not 0.
func (t *tables) readMounted(procfs string, netns uint32) error {
	mounted, err := mountedNetworks(filepath.Join(procfs, "self/mountinfo"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, m := range mounted {
		if t.done[m.inode] || netns != 0 && m.inode != netns {
			continue
		}
		t.done[m.inode] = true
		onOwnThread(func() {
			if err = m.enter(); err == nil {
				err = t.readNamespace(filepath.Join(procfs, "thread-self/net"), m.inode)
			}
		})
		if err != nil && !errors.Is(err, errGone) {
			return fmt.Errorf("read the socket tables of network namespace %d: %w", m.inode, err)
		}
	}
	return nil
}

// errGone: all processes of a namespace have ended, and it with them.
var errGone = errors.New("its processes have ended")

func gone(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, os.ErrNotExist)
}

// readNamespace reads the tables in a directory of proc_pid_net(5). They are opened together, so that a process that
// ends leaves both or none.
func (t *tables) readNamespace(dir string, netns uint32) error {
	tcp, err := os.Open(filepath.Join(dir, "tcp"))
	if err != nil {
		return err
	}
	defer tcp.Close()
	tcp6, err := os.Open(filepath.Join(dir, "tcp6"))
	if errors.Is(err, os.ErrNotExist) && !gone(filepath.Join(dir, "tcp")) { // there is no IPv6
		tcp6 = nil
	} else if err != nil {
		return err
	} else {
		defer tcp6.Close()
	}
	if err := t.parse(tcp, netns, false); err != nil || tcp6 == nil {
		return err
	}
	return t.parse(tcp6, netns, true)
}

// parse reads lines of net/ipv4/tcp_ipv4.c, get_tcp4_sock: number, source, destination, state, two queues, a timer,
// retransmits, uid, a timeout, and the inode as the tenth. Those that listen stand first. An accepted socket is of
// the family of the one that listened.
func (t *tables) parse(r io.Reader, netns uint32, ipv6 bool) error {
	listening := map[netip.AddrPort]bool{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s := TCPSocket{NetNS: netns, IPv6: ipv6}
		switch readable, header := parseSocket(lines.Bytes(), &s); {
		case header:
			continue
		case !readable:
			t.torn++
			continue
		}
		if s.State == TCPListen {
			listening[s.Source] = true
		}
		s.Listens = listening[s.Source] ||
			s.Source.Addr().Is4() && listening[netip.AddrPortFrom(netip.IPv4Unspecified(), s.Source.Port())] ||
			ipv6 && listening[netip.AddrPortFrom(netip.IPv6Unspecified(), s.Source.Port())]
		if t.keep != nil && !t.keep(&s) {
			continue
		}
		if s.State == TCPTimeWait || t.has(&s) {
			continue
		}
		if t.left == 0 {
			return errSockets
		}
		t.left--
		if s.Inode != 0 {
			t.byInode[s.Inode] = append(t.byInode[s.Inode], len(t.sockets))
		}
		t.sockets = append(t.sockets, s)
	}
	return lines.Err()
}

// has says whether a socket is there already: the table may have changed while it was read.
func (t *tables) has(s *TCPSocket) bool {
	for _, i := range t.byInode[s.Inode] {
		if t.sockets[i].Source == s.Source && t.sockets[i].Destination == s.Destination {
			return true
		}
	}
	return false
}

func parseSocket(line []byte, s *TCPSocket) (readable, header bool) {
	next := func() (word []byte) {
		line = bytes.TrimLeft(line, " ")
		word, line, _ = bytes.Cut(line, []byte(" "))
		return word
	}
	if bytes.Equal(next(), []byte("sl")) {
		return false, true
	}
	var from, to bool
	s.Source, from = tableAddress(next())
	s.Destination, to = tableAddress(next())
	state, bad := strconv.ParseUint(string(next()), 16, 8)
	s.State = TCPState(state)
	next()
	next()
	next()
	uid, worse := strconv.ParseUint(string(next()), 10, 32)
	s.UID = uint32(uid)
	next()
	inode, worst := strconv.ParseUint(string(bytes.TrimSpace(next())), 10, 64)
	s.Inode = inode
	return from && to && bad == nil && worse == nil && worst == nil, false
}

// tableAddress reads "0100007F:0019": the address in words of this machine's byte order, then the port.
func tableAddress(s []byte) (netip.AddrPort, bool) {
	words, port, _ := bytes.Cut(s, []byte(":"))
	if len(words) != 2*4 && len(words) != 2*16 {
		return netip.AddrPort{}, false
	}
	var room [16]byte
	b := room[:len(words)/2]
	if _, err := hex.Decode(b, words); err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, _ := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(string(port), 16, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), err == nil
}
