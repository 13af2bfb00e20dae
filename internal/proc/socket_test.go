package proc

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// word writes an address as the kernel prints it: words of this machine's byte order.
func word(addr string) string {
	b := netip.MustParseAddr(addr).AsSlice()
	var s string
	for i := 0; i < len(b); i += 4 {
		s += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[i:]))
	}
	return s
}

// Of a table the established connections to the ports are taken, by inode; what is no line of it is passed over.
func TestParseTable(t *testing.T) {
	line := func(to string, port int, state string, inode int) string {
		from := strings.Repeat("0", len(word(to)))
		return fmt.Sprintf("   0: %s:9C40 %s:%04X %s 00000000:00000000 00:00000000 00000000  1000        0 %d 1 0000000000000000 20",
			from, word(to), port, state, inode)
	}
	table := strings.Join([]string{
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
		line("198.51.100.25", 25, "01", 11),
		line("198.51.100.26", 80, "01", 12), // the web
		line("198.51.100.27", 25, "06", 13), // TIME_WAIT
		line("198.51.100.28", 587, "01", 0), // of no process
		line("2001:db8::25", 587, "01", 14),
		line("::ffff:192.0.2.25", 25, "01", 15),
		"torn", "0: zz:1 yy:2 01 a b c d e 16",
	}, "\n")
	open := map[uint64]Socket{}
	if err := parseTable(strings.NewReader(table), []uint16{25, 587}, open); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, inode := range slices.Sorted(maps.Keys(open)) {
		got = append(got, fmt.Sprint(inode, " ", open[inode].Destination, " from ", open[inode].Source.Port()))
	}
	want := []string{"11 198.51.100.25:25 from 40000", "14 [2001:db8::25]:587 from 40000", "15 192.0.2.25:25 from 40000"}
	if !slices.Equal(got, want) {
		t.Errorf(" got %q\nwant %q", got, want)
	}
}
