package verdict

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"
)

// Address is one of this machine, with the length of its network's prefix.
type Address struct {
	netip.Prefix
	Bridge bool // of a bridge that only containers and guests of this machine hang on
}

// interfaceAddresses reads those of this network namespace. net.Interface.Addrs asks the kernel for all of them, for
// each interface anew: a machine may have thousands.
func interfaceAddresses() ([]Address, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the network interfaces: %w", err)
	}
	table, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("list the addresses of the network interfaces: %w", err)
	}
	byIndex, err := parseAddresses(table)
	if err != nil {
		return nil, err
	}
	var list []Address
	for _, i := range interfaces {
		own := byIndex[uint32(i.Index)]
		bridge := len(own) > 0 && isOwnBridge(classNet, i.Name)
		for _, prefix := range own {
			list = append(list, Address{prefix, bridge})
		}
	}
	return list, nil
}

// parseAddresses reads answers to RTM_GETADDR (rtnetlink(7)), by the index of the interface.
func parseAddresses(table []byte) (map[uint32][]netip.Prefix, error) {
	messages, err := syscall.ParseNetlinkMessage(table)
	if err != nil {
		return nil, fmt.Errorf("read the addresses of the network interfaces: %w", err)
	}
	list := map[uint32][]netip.Prefix{}
	for i := range messages {
		m := &messages[i]
		if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
			continue
		}
		head := (*syscall.IfAddrmsg)(unsafe.Pointer(&m.Data[0]))
		attributes, err := syscall.ParseNetlinkRouteAttr(m)
		if err != nil {
			return nil, fmt.Errorf("read the addresses of the network interfaces: %w", err)
		}
		var own netip.Addr
		for _, a := range attributes {
			addr, ok := netip.AddrFromSlice(a.Value)
			// Of a point-to-point link IFA_ADDRESS is the other end's.
			if ok && (a.Attr.Type == syscall.IFA_LOCAL || a.Attr.Type == syscall.IFA_ADDRESS && !own.IsValid()) {
				own = addr
			}
		}
		if prefix := netip.PrefixFrom(own, int(head.Prefixlen)); prefix.IsValid() {
			list[head.Index] = append(list[head.Index], prefix)
		}
	}
	return list, nil
}
