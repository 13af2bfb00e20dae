package proc

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
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

// Each process that has a connection open is listed with it, once.
func TestConnections(t *testing.T) {
	table := "0: " + word("192.0.2.7") + ":9C40 " + word("198.51.100.25") + ":0019 01 a b c 33 0 11\n"
	tree := map[string]string{"999/status": ""} // has ended
	for pid, uid := range map[string]string{"12": "33", "140": "33", "7": "0"} {
		tree[pid+"/ns/net"], tree[pid+"/net/tcp"] = "->/dev/null", table // where there is no IPv6
		tree[pid+"/status"], tree[pid+"/exe"] = "Name:\tperl\nUid:\t"+uid+"\t0\t0\t0\n", "->/usr/bin/perl"
		tree[pid+"/fd/0"], tree[pid+"/fd/1"] = "->/dev/null", "->socket:[99]"
	}
	for _, fd := range []string{"12/fd/5", "12/fd/6", "140/fd/3"} { // two of the same, as dup(2) makes them
		tree[fd] = "->socket:[11]"
	}
	dir, www := t.TempDir(), uint32(33)
	for path, content := range tree {
		put(t, dir, path, content)
	}
	got, err := Connections(dir, Holders{UID: &www}, []uint16{25})
	var pids []uint32
	for _, s := range got {
		pids = append(pids, s.PID)
		if s.Executable != "/usr/bin/perl" || s.UID != 33 || s.Destination.String() != "198.51.100.25:25" {
			t.Errorf("got %+v", s)
		}
	}
	if err != nil || !slices.Equal(pids, []uint32{12, 140}) {
		t.Errorf("the processes are %d, %v", pids, err)
	}
	if got, err := Connections(dir, Holders{PID: 7}, []uint16{25}); err != nil || len(got) != 0 {
		t.Errorf("a process without one: %+v, %v", got, err)
	}
}

// Who has very many files open is not looked at to the end.
func TestHeldBound(t *testing.T) {
	dir := t.TempDir()
	for _, fd := range []string{"0", "1", "2"} {
		put(t, dir, fd, "->socket:[11]")
	}
	for left, rest := range map[int]int{5: 2, 2: 0, 0: 0} {
		before := left
		if got := held(dir, map[uint64]Socket{11: {}}, &left); left != rest || len(got) != min(before, 1) {
			t.Errorf("of %d: %v, %d are left, want %d", before, got, left, rest)
		}
	}
}

// A cgroup below that cannot be read, being threaded or removed meanwhile, hides nobody in the others.
func TestCgroupMembers(t *testing.T) {
	dir := t.TempDir()
	for path, pids := range map[string]string{"cgroup.procs": "12\n", "a/cgroup.procs": "13\n14\n", "z/cgroup.procs": "15\n"} {
		put(t, dir, path, pids)
	}
	if err := os.MkdirAll(filepath.Join(dir, "threaded/cgroup.procs"), 0o755); err != nil { // no file to be read
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, dir + "/", link} {
		got, err := cgroupMembers(path)
		if pids := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(pids, []uint32{12, 13, 14, 15}) {
			t.Errorf("%s: %d, %v", path, pids, err)
		}
	}
	if _, err := cgroupMembers(filepath.Join(dir, "none")); err == nil {
		t.Error("a cgroup that is not there has members")
	}
}
