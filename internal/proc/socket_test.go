package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// table is what net/tcp and net/tcp6 show of sockets: "source destination state inode", all of uid 1000.
func table(sockets string) string {
	text := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	for line := range strings.Lines(strings.TrimSpace(sockets)) {
		f := strings.Fields(line)
		text += fmt.Sprintf("   0: %s %s %s 00000000:00000000 00:00000000 00000000  1000        0 %s 1 0000000000000000 20\n",
			tableWords(f[0]), tableWords(f[1]), f[2], f[3])
	}
	return text
}

// tableWords writes an address as the kernel prints it: words of this machine's byte order.
func tableWords(addr string) string {
	a := netip.MustParseAddrPort(addr)
	b := a.Addr().AsSlice()
	var s string
	for i := 0; i < len(b); i += 4 {
		s += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[i:]))
	}
	return fmt.Sprintf("%s:%04X", s, a.Port())
}

// told is a socket as table takes it, and the processes that have it open.
func told(s *TCPSocket) string {
	line := fmt.Sprintf("%v %v %02X %d", s.Source, s.Destination, uint8(s.State), s.Inode)
	if s.Listens {
		line += " listens"
	}
	for _, p := range s.HeldBy {
		line += fmt.Sprint(" ", p.PID)
	}
	return line
}

// Every line of a table is taken, and those are marked whose port listens: for a family of addresses, or for one.
func TestParseTable(t *testing.T) {
	for name, test := range map[string]struct {
		sockets string
		listens []bool
		ipv6    bool
	}{
		"IPv4": {`
			0.0.0.0:25         0.0.0.0:0          0A 11
			192.0.2.7:80       0.0.0.0:0          0A 12
			192.0.2.7:25       198.51.100.9:40000 01 13
			192.0.2.7:80       198.51.100.9:40000 01 14
			192.0.2.7:25       198.51.100.9:40001 03 0
			192.0.2.8:80       198.51.100.9:40000 01 15
			192.0.2.7:40000    198.51.100.25:25   01 16
			192.0.2.7:40001    198.51.100.25:25   09 0`, []bool{true, true, true, true, true, false, false, false}, false},
		"IPv6": {`
			[::]:25                [::]:0                      0A 11
			[2001:db8::7]:25       [2001:db8::9]:40000         01 12
			[::ffff:192.0.2.7]:25  [::ffff:198.51.100.9]:40000 01 13
			[2001:db8::7]:40000    [2001:db8::25]:25           01 14`, []bool{true, true, true, false}, true},
		"IPv4 by a socket of IPv6": {`
			[::ffff:0.0.0.0]:25    [::]:0                      0A 11
			[::ffff:192.0.2.7]:25  [::ffff:198.51.100.9]:40000 01 12
			[2001:db8::7]:25       [2001:db8::9]:40000         01 13`, []bool{true, true, false}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := newTables(nil)
			if err := got.parse(strings.NewReader(table(test.sockets)), 7, test.ipv6); err != nil || got.torn > 0 {
				t.Fatal(err, got.torn)
			}
			i := 0
			for line := range strings.Lines(strings.TrimSpace(test.sockets)) {
				f := strings.Fields(line)
				want := TCPSocket{NetNS: 7, IPv6: test.ipv6, UID: 1000, Listens: test.listens[i]}
				fmt.Sscanf(f[2]+" "+f[3], "%x %d", &want.State, &want.Inode)
				from, to := netip.MustParseAddrPort(f[0]), netip.MustParseAddrPort(f[1])
				want.Source = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
				want.Destination = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
				if told(&got.sockets[i]) != told(&want) || got.sockets[i].UID != 1000 || got.sockets[i].NetNS != 7 || got.sockets[i].IPv6 != test.ipv6 {
					t.Errorf(" got %+v\nwant %+v", got.sockets[i], want)
				}
				i++
			}
			if len(got.sockets) != i {
				t.Errorf("%d sockets, want %d", len(got.sockets), i)
			}
		})
	}
}

// What is no line of a table is counted, and the list is not called complete.
func TestTornTable(t *testing.T) {
	got := newTables(nil)
	text := table("192.0.2.7:40000 198.51.100.25:25 01 11") + "torn\n0: zz:1 yy:2 01 a b c d e 16\n\n" + table("192.0.2.7:40001 198.51.100.25:25 01 12")
	if err := got.parse(strings.NewReader(text), 7, false); err != nil || len(got.sockets) != 2 || got.torn != 3 {
		t.Errorf("%d sockets, %d torn, %v", len(got.sockets), got.torn, err)
	}
}

// A fake /proc, whose processes live in two network namespaces.
const (
	hostNet = "../../../host"
	cellNet = "../../../cell"
)

type socketProcess struct {
	uid, netns string
	fds        []string // links
}

func fakeSockets(t *testing.T, processes map[string]socketProcess, nets map[string]string) (procfs string) {
	t.Helper()
	root := t.TempDir()
	put(t, root, "host", "")
	put(t, root, "cell", "")
	for pid, p := range processes {
		dir := "proc/" + pid + "/"
		put(t, root, dir+"ns/net", "->"+p.netns)
		put(t, root, dir+"net/tcp", table(nets[p.netns])) // there is no IPv6
		put(t, root, dir+"status", "Name:\tperl\nUid:\t"+p.uid+"\t0\t0\t0\nGid:\t0\n")
		put(t, root, dir+"stat", pid+" (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777"+pid+" 0 0\n")
		put(t, root, dir+"exe", "->/usr/bin/perl")
		put(t, root, dir+"fd/0", "->/dev/null")
		for i, link := range p.fds {
			put(t, root, fmt.Sprintf("%sfd/%d", dir, i+3), "->"+link)
		}
	}
	return filepath.Join(root, "proc")
}

func netnsOf(t *testing.T, procfs, name string) uint32 {
	t.Helper()
	st, err := statAt(unix.AT_FDCWD, filepath.Join(procfs, "..", name), 0)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(st.inode)
}

// The sockets of the namespaces that are watched are listed, each with every process that has it open.
func TestSockets(t *testing.T) {
	procfs := fakeSockets(t, map[string]socketProcess{
		"7":   {"0", hostNet, []string{"socket:[11]", "socket:[99]"}},
		"12":  {"33", hostNet, []string{"socket:[12]", "socket:[12]"}}, // as dup(2) makes them
		"140": {"33", hostNet, []string{"socket:[12]", "/dev/null"}},
		"150": {"0", hostNet, []string{"socket:[21]"}}, // it was opened in the cell
		"200": {"33", cellNet, nil},
	}, map[string]string{
		hostNet: `0.0.0.0:25       0.0.0.0:0         0A 11
			192.0.2.7:40000  198.51.100.25:25  01 12
			192.0.2.7:40001  198.51.100.25:25  09 0
			192.0.2.7:40002  198.51.100.25:25  09 0`,
		cellNet: `10.0.0.2:40000 198.51.100.25:25 01 21`,
	})
	put(t, procfs, "999/status", "") // has ended
	www := uint32(33)
	host := []string{
		"0.0.0.0:25 0.0.0.0:0 0A 11 listens", "192.0.2.7:40000 198.51.100.25:25 01 12",
		"192.0.2.7:40001 198.51.100.25:25 09 0", "192.0.2.7:40002 198.51.100.25:25 09 0",
	}
	cell := "10.0.0.2:40000 198.51.100.25:25 01 21"
	for name, test := range map[string]struct {
		holders Holders
		want    []string
	}{
		"of everybody":     {Holders{}, []string{host[0] + " 7", host[1] + " 12 140", host[2], host[3], cell + " 150"}},
		"of a user":        {Holders{UID: &www}, []string{host[0], host[1] + " 12 140", host[2], host[3], cell}},
		"of a process":     {Holders{PID: 7}, []string{host[0] + " 7", host[1], host[2], host[3]}},
		"of a namespace":   {Holders{NetNS: netnsOf(t, procfs, "cell")}, []string{cell + " 150"}},
		"of both":          {Holders{NetNS: netnsOf(t, procfs, "cell"), PID: 150}, []string{cell + " 150"}},
		"of one not there": {Holders{PID: 8}, nil},
	} {
		got, err := Sockets(procfs, test.holders)
		var list []string
		for i := range got {
			list = append(list, told(&got[i]))
			want := netnsOf(t, procfs, "host")
			if strings.HasPrefix(list[i], cell) {
				want = netnsOf(t, procfs, "cell")
			}
			if got[i].NetNS != want {
				t.Errorf("%s: %s is in network namespace %d, want %d", name, list[i], got[i].NetNS, want)
			}
		}
		if err != nil || !slices.Equal(list, test.want) {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, list, test.want)
		}
	}
	got, _ := Sockets(procfs, Holders{PID: 12})
	if p := got[1].HeldBy[0]; *p != (Holder{PID: 12, UID: 33, StartTicks: 77712, Executable: "/usr/bin/perl"}) {
		t.Errorf("held by %+v", p)
	}
}

// A process whose first thread has ended, while others go on, is looked at through one of these.
func TestSocketsBehindADeadLeader(t *testing.T) {
	procfs := fakeSockets(t, map[string]socketProcess{"7": {"0", hostNet, []string{"socket:[11]"}}},
		map[string]string{hostNet: "192.0.2.7:40000 198.51.100.25:25 01 11"})
	put(t, procfs, "8/task/8/status", "") // shows nothing
	if err := os.Rename(filepath.Join(procfs, "7"), filepath.Join(procfs, "8/task/9")); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(procfs, "8/task/9/ns/net"))
	put(t, procfs, "8/task/9/ns/net", "->../../"+hostNet)
	got, err := Sockets(procfs, Holders{})
	if err != nil || len(got) != 1 || len(got[0].HeldBy) != 1 || got[0].HeldBy[0].PID != 8 {
		t.Errorf("%v: %+v", err, got)
	}
}

// A list that is not complete is not called one, and has what was found all the same.
func TestSocketsNotComplete(t *testing.T) {
	fake := func() string {
		return fakeSockets(t, map[string]socketProcess{"7": {"0", hostNet, []string{"socket:[11]"}}, "8": {"0", cellNet, nil}},
			map[string]string{hostNet: "192.0.2.7:40000 198.51.100.25:25 01 11"})
	}
	for name, spoil := range map[string]func(procfs string){
		"a table that cannot be read": func(procfs string) {
			os.Remove(filepath.Join(procfs, "8/net/tcp"))
			put(t, procfs, "8/net/tcp/x", "")
		},
		"a torn table": func(procfs string) {
			os.Remove(filepath.Join(procfs, "8/net/tcp"))
			put(t, procfs, "8/net/tcp", "torn\n")
		},
		"files that are not shown": func(procfs string) {
			os.RemoveAll(filepath.Join(procfs, "8/fd"))
			put(t, procfs, "8/fd", "->fd") // a loop; root may open everything else
		},
	} {
		procfs := fake()
		spoil(procfs)
		got, err := Sockets(procfs, Holders{})
		if err == nil || len(got) != 1 || told(&got[0]) != "192.0.2.7:40000 198.51.100.25:25 01 11 7" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Not more are taken than there is room for. Those of no interest take none.
func TestSocketsBound(t *testing.T) {
	text := table(`
		192.0.2.7:40000 198.51.100.25:25 01 11
		192.0.2.7:40001 198.51.100.25:80 01 12
		192.0.2.7:40002 198.51.100.25:25 01 13`)
	mail := func(s *TCPSocket) bool { return s.Destination.Port() == 25 }
	for _, test := range []struct {
		keep func(*TCPSocket) bool
		room int
		want error
	}{{nil, 3, nil}, {nil, 2, errSockets}, {mail, 2, nil}, {mail, 1, errSockets}} {
		got := newTables(test.keep)
		got.left = test.room
		if err := got.parse(strings.NewReader(text), 7, false); !errors.Is(err, test.want) || len(got.sockets) != test.room {
			t.Errorf("room for %d: %d sockets, %v", test.room, len(got.sockets), err)
		}
	}
}

// A line that comes twice, as the table changes while it is read, is one socket; subflows of MPTCP, which share an
// inode, are several; and TIME_WAIT is none.
func TestSocketTwice(t *testing.T) {
	got := newTables(nil)
	text := table(strings.Repeat("192.0.2.7:40000 198.51.100.25:25 01 11\n", 2) + "192.0.2.7:40002 198.51.100.26:25 01 11\n" +
		strings.Repeat("192.0.2.7:40001 198.51.100.25:25 09 0\n", 2) + "192.0.2.7:40003 198.51.100.25:25 06 0\n")
	if err := got.parse(strings.NewReader(text), 7, false); err != nil || len(got.sockets) != 4 || len(got.byInode[11]) != 2 {
		t.Errorf("%d sockets, %v", len(got.sockets), err)
	}
}

// Who has very many files open is not looked at to the end.
func TestHeldBound(t *testing.T) {
	root := t.TempDir()
	for _, fd := range []string{"0", "1", "2"} {
		put(t, root, "fd/"+fd, "->socket:[11]")
	}
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	for left, rest := range map[int]int{5: 2, 2: 0, 0: 0} {
		before := left
		if got, err := held(dir, map[uint64][]int{11: nil}, &left); err != nil || left != rest || len(got) != min(before, 1) {
			t.Errorf("of %d: %v, %d are left, want %d; %v", before, got, left, rest, err)
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
