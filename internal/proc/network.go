package proc

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxNetworks bounds how many network namespaces are entered.
const maxNetworks = 1000

// network is a network namespace, and files that lead to it while what they are of lives.
type network struct {
	inode uint32
	doors []string
}

// networks lists the network namespaces in which a process is that h asks for, or the one that it names; for everybody
// those too that are mounted somewhere: ip-netns(8) keeps them without a process.
func (h *Holders) networks(procfs string) ([]network, error) {
	processes, err := h.processes(procfs)
	if err != nil {
		return nil, err
	}
	mounted, err := mountedNetworks(filepath.Join(procfs, "self/mountinfo"))
	if err != nil {
		return nil, err
	}
	wanted := map[uint32]*network{}
	want := func(inode uint32) { wanted[inode] = &network{inode: inode} }
	if h.NetNS != 0 {
		want(h.NetNS)
	} else {
		for _, p := range processes {
			if p.asked {
				want(p.netns)
			}
		}
	}
	if *h == (Holders{}) {
		for _, m := range mounted {
			want(m.inode)
		}
	}
	for _, p := range processes {
		if n := wanted[p.netns]; n != nil {
			n.doors = append(n.doors, filepath.Join(procfs, p.dir, "ns/net"))
		}
	}
	for _, m := range mounted {
		if n := wanted[m.inode]; n != nil {
			n.doors = append(n.doors, m.doors...)
		}
	}
	switch {
	case len(wanted) > maxNetworks:
		return nil, fmt.Errorf("look into the network namespaces: there are more than %d", maxNetworks)
	case len(wanted) == 0:
		return nil, errors.New("look into the network namespaces: no process that is watched is in one")
	case h.NetNS != 0 && wanted[h.NetNS].doors == nil:
		return nil, fmt.Errorf("look into network namespace %d: no process is in it, and it is mounted nowhere", h.NetNS)
	}
	var list []network
	for _, n := range wanted {
		list = append(list, *n)
	}
	slices.SortFunc(list, func(a, b network) int { return len(b.doors) - len(a.doors) }) // the host's first, most likely
	return list, nil
}

// mountedNetworks reads the mounts of network namespaces (proc_pid_mountinfo(5)), whose root is "net:[INODE]".
func mountedNetworks(mountinfo string) ([]network, error) {
	f, err := os.Open(mountinfo)
	if err != nil {
		return nil, fmt.Errorf("find the mounted network namespaces: %w", err)
	}
	defer f.Close()
	var list []network
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if len(fields) < 5 || !strings.HasPrefix(after, "nsfs ") {
			continue
		}
		digits, isNet := strings.CutPrefix(fields[3], "net:[")
		inode, err := strconv.ParseUint(strings.TrimSuffix(digits, "]"), 10, 32)
		if isNet && err == nil {
			list = append(list, network{uint32(inode), []string{unescapeMount(fields[4])}})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("find the mounted network namespaces: %w", err)
	}
	return list, nil
}

// unescapeMount reads the octal numbers that stand for blanks and such in a path of mountinfo.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// enter puts this thread into the namespace, through the first door that still leads there. errGone: none does.
func (n *network) enter() error {
	for _, door := range n.doors {
		f, err := os.OpenFile(door, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		st, err := statFd(int(f.Fd()))
		if err == nil && uint32(st.inode) == n.inode {
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
			f.Close()
			return err
		}
		f.Close()
	}
	return errGone
}

// onOwnThread runs f on a thread that goes with it: none other of the program's work is ever done in a namespace
// that f enters. It is not the first one, which would outlive f, and whose namespaces are taken for the program's.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onOwnThread(f) // this one is taken
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}
