package verdict

import (
	"os"
	"path/filepath"
	"testing"
)

// The interfaces of a fake machine: what /sys/class/net shows of each.
func TestIsOwnBridge(t *testing.T) {
	sys := t.TempDir()
	for _, dir := range []string{
		"lo", "eth0/device", "veth1", "vnet0", "bond0/lower_eth0", "eth0.100/lower_eth0",
		"docker0/bridge", "docker0/brif/veth1", // containers
		"virbr0/bridge", "virbr0/brif/vnet0", // guests
		"br-empty/bridge", "br-empty/brif",
		"vmbr0/bridge", "vmbr0/brif/eth0", "vmbr0/brif/vnet0", // guests, and the network card
		"vmbr1/bridge", "vmbr1/brif/vnet0", "vmbr1/brif/bond0",
		"vmbr2/bridge", "vmbr2/brif/eth0.100",
	} {
		if err := os.MkdirAll(filepath.Join(sys, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{
		"docker0": true, "virbr0": true, "br-empty": true,
		"vmbr0": false, "vmbr1": false, "vmbr2": false,
		"lo": false, "eth0": false, "veth1": false, "bond0": false, "eth0.100": false, "gone0": false,
	} {
		if got := isOwnBridge(sys, name); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}
