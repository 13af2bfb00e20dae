package proc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Forwards says whether packets of others cross this host: whether one of the network namespaces forwards in which a
// process is that h asks for, or the one that it names. For everybody's those count too that only a mount keeps. It
// takes a while, and is nothing for the loop. procfs is a /proc directory.
//
// An error: it is not known. A namespace that forwards is one all the same.
func Forwards(procfs string, h Holders) (bool, error) {
	list, err := h.networks(procfs)
	if err != nil {
		return false, err
	}
	var forwards bool
	onOwnThread(func() { forwards, err = anyForwards(procfs, list) })
	return forwards, err
}

func anyForwards(procfs string, list []network) (bool, error) {
	var unknown error
	for _, n := range list {
		err := n.enter()
		if errors.Is(err, errGone) {
			continue
		}
		forwards := false
		if err == nil {
			forwards, err = forwardsHere(procfs)
		}
		if forwards {
			return true, nil
		}
		if err != nil {
			unknown = fmt.Errorf("find out whether network namespace %d forwards: %w", n.inode, err)
		}
	}
	return false, unknown
}

// forwardsHere says whether this thread's network namespace forwards: it routes, as the forwarding of any interface
// says, or it switches what it does not route.
func forwardsHere(procfs string) (bool, error) {
	families := []int{unix.AF_INET}
	// Without IPv6 the kernel does not know the question.
	if _, err := os.Stat(filepath.Join(procfs, "thread-self/net/if_inet6")); err == nil {
		families = append(families, unix.AF_INET6)
	} else if !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	for _, family := range families {
		if messages, err := dump(unix.RTM_GETNETCONF, family); err != nil {
			return false, fmt.Errorf("ask how its interfaces are configured: %w", err)
		} else if slices.ContainsFunc(messages, routes) {
			return true, nil
		}
	}
	links, err := dump(unix.RTM_GETLINK, unix.AF_UNSPEC)
	if err != nil {
		return false, fmt.Errorf("list its interfaces: %w", err)
	}
	return switches(links), nil
}

// dump asks the kernel for a whole table of rtnetlink(7). One that has changed meanwhile is asked for again.
func dump(kind, family int) ([]syscall.NetlinkMessage, error) {
	for range 5 {
		table, err := syscall.NetlinkRIB(kind, family)
		if err != nil {
			return nil, err
		}
		messages, err := syscall.ParseNetlinkMessage(table)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(messages, func(m syscall.NetlinkMessage) bool { return m.Header.Flags&unix.NLM_F_DUMP_INTR != 0 }) {
			return messages, nil
		}
	}
	return nil, errors.New("it changes all the time")
}

// routes says whether an answer to RTM_GETNETCONF is that of an interface whose packets are forwarded, or of all, or
// of those to come (linux/netconf.h).
func routes(m syscall.NetlinkMessage) bool {
	const newNetconf, head, forwarding = 80, 4, 2
	if m.Header.Type != newNetconf || len(m.Data) < head {
		return false
	}
	for kind, value := range attributes(m.Data[head:]) {
		if kind == forwarding && len(value) >= 4 && binary.NativeEndian.Uint32(value) != 0 {
			return true
		}
	}
	return false
}

// switches says whether interfaces carry what the host does not route: a bridge with two ports, or a device that
// gives a guest a place on the network.
func switches(links []syscall.NetlinkMessage) bool {
	ports := map[uint32]int{} // by bridge
	for i := range links {
		m := &links[i]
		if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		var master uint32
		var kind, port []byte
		for attribute, value := range attributes(m.Data[unix.SizeofIfInfomsg:]) {
			switch {
			case attribute == unix.IFLA_MASTER && len(value) >= 4:
				master = binary.NativeEndian.Uint32(value)
			case attribute == unix.IFLA_LINKINFO:
				for info, value := range attributes(value) {
					switch info {
					case unix.IFLA_INFO_KIND:
						kind = bytes.TrimRight(value, "\x00")
					case unix.IFLA_INFO_SLAVE_KIND:
						port = bytes.TrimRight(value, "\x00")
					}
				}
			}
		}
		switch string(kind) {
		case "macvtap", "ipvtap":
			return true
		}
		switch string(port) {
		case "bridge", "openvswitch":
			if ports[master]++; ports[master] > 1 {
				return true
			}
		}
	}
	return false
}

// attributes are those of a netlink message: netlink(7), struct nlattr.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			size := int(binary.NativeEndian.Uint16(b))
			if size < 4 || size > len(b) {
				return
			}
			const nested, byteOrder = 1 << 15, 1 << 14
			if !yield(binary.NativeEndian.Uint16(b[2:])&^(nested|byteOrder), b[4:size]) {
				return
			}
			b = b[min(len(b), (size+3)&^3):]
		}
	}
}
