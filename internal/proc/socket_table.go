package proc

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// readTable adds the established connections to the ports that a table of proc_pid_net(5) shows.
func readTable(path string, ports []uint16, open map[uint64]Socket) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return parseTable(f, ports, open)
}

// parseTable reads lines of net/ipv4/tcp_ipv4.c, get_tcp4_sock: number, source, destination, state, …, and
// the inode as the tenth.
func parseTable(r io.Reader, ports []uint16, open map[uint64]Socket) error {
	const established = "01"
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 || f[3] != established {
			continue
		}
		source, from := tableAddress(f[1])
		destination, to := tableAddress(f[2])
		inode, err := strconv.ParseUint(f[9], 10, 64)
		if from && to && err == nil && inode != 0 && slices.Contains(ports, destination.Port()) {
			open[inode] = Socket{Source: source, Destination: destination}
		}
	}
	return lines.Err()
}

// tableAddress reads "0100007F:0019": the address in words of this machine's byte order, then the port.
func tableAddress(s string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(words)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, _ := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), err == nil
}
