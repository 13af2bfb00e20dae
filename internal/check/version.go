package check

import (
	"errors"
	"fmt"
	"os"
)

// The oldest kernel that the programs were verified on.
const oldestMajor, oldestMinor = 5, 10

func (h *host) release() (name string, major, minor int, err error) {
	if name, err = h.read("/proc/sys/kernel/osrelease"); err != nil {
		return "", 0, 0, err
	}
	if _, err := fmt.Sscanf(name, "%d.%d", &major, &minor); err != nil {
		return name, 0, 0, fmt.Errorf("kernel release %q: %w", name, err)
	}
	return name, major, minor, nil
}

// since tells whether the kernel is of that version at least; false where it is not known.
func (h *host) since(major, minor int) bool {
	_, a, b, err := h.release()
	return err == nil && (a > major || a == major && b >= minor)
}

// version takes an older kernel's ring buffer as the mark of a vendor who brings newer BPF to old
// releases, as RHEL 8 does: such a kernel may do.
func (h *host) version() Row {
	const name = "kernel"
	release, _, _, err := h.release()
	switch {
	case err != nil:
		return unsure(name, fmt.Sprintf("its version is not known: %v", err), "")
	case h.since(oldestMajor, oldestMinor):
		return have(name, release)
	}
	switch err := h.kernel.ring(); {
	case err == nil:
		return unsure(name, release+" is older than 5.10, with newer BPF brought into it",
			"boot kernel 5.10 or newer if it does not work")
	case errors.Is(err, os.ErrPermission):
		return unsure(name, release+" is older than 5.10; whether newer BPF was brought into it cannot be asked",
			"boot kernel 5.10 or newer if it does not work")
	default:
		return lack(name, fmt.Sprintf("kernel %s is older than 5.10, and has no BPF ring buffer (5.8)", release),
			"boot kernel 5.10 or newer (Debian 11, Ubuntu 22.04, RHEL 9)")
	}
}
