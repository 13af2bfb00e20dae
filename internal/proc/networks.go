package proc

import (
	"errors"
	"fmt"
)

// Network is a network namespace of this host.
type Network struct {
	Inode uint32
	doors network
}

// Networks lists the network namespaces in which a process is that h asks for, or the one that it names. procfs is a
// /proc directory.
func Networks(procfs string, h Holders) ([]Network, error) {
	found, err := h.networks(procfs)
	if err != nil {
		return nil, err
	}
	list := make([]Network, len(found))
	for i, n := range found {
		list[i] = Network{n.inode, n}
	}
	return list, nil
}

// Do calls f on a thread of its own in the namespace. A namespace that is gone by then has nothing to do anything
// with: f is not called, and it is no error.
func (n *Network) Do(f func() error) (err error) {
	onOwnThread(func() {
		if err = n.doors.enter(); err == nil {
			err = f()
		}
	})
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("in network namespace %d: %w", n.Inode, err)
	}
	return nil
}
