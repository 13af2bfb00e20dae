package check

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// files is a fake root: text by path; "-> TARGET" is a symbolic link.
type files map[string]string

const (
	rootStatus   = "Name:\tsmtptrace\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n"
	nobodyStatus = "Name:\tsmtptrace\nUid:\t65534\t65534\t65534\t65534\nCapEff:\t0000000000000000\nSeccomp:\t0\n"
	rootMount    = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
	cgroupMount  = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	limits       = "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max locked memory         65536                65536                bytes     \n"
)

// fake makes a host that has everything, then spoils it.
func fake(t *testing.T, spoil func(f files, k *kernel)) *host {
	t.Helper()
	f := files{
		"/proc/self/status":                         rootStatus,
		"/proc/self/limits":                         limits,
		"/proc/self/mountinfo":                      rootMount + cgroupMount,
		"/proc/self/ns/user":                        "-> user:[4026531837]",
		"/proc/self/ns/pid":                         "-> pid:[4026531836]",
		"/proc/self/ns/cgroup":                      "-> cgroup:[4026531835]",
		"/proc/self/ns/time":                        "-> time:[4026531834]",
		"/proc/self/ns/net":                         "-> net:[4026531840]",
		"/proc/filesystems":                         "nodev\tproc\nnodev\tcgroup\nnodev\tcgroup2\n",
		"/proc/cmdline":                             "root=/dev/vda quiet\n",
		"/proc/sys/kernel/osrelease":                "6.1.0-18-amd64\n",
		"/proc/sys/user/max_net_namespaces":         "96365\n",
		"/sys/kernel/btf/vmlinux":                   "BTF",
		"/sys/kernel/security/lockdown":             "none [integrity] confidentiality\n",
		"/sys/bus/event_source/devices/kprobe/type": "8\n",
	}
	yes := func() error { return nil }
	k := kernel{
		create: yes, ring: yes, readMemory: yes, jit: yes, fentry: yes, storage: yes, mountCgroup: yes,
		cgroupBPF: func(string) error { return nil },
	}
	if spoil != nil {
		spoil(f, &k)
	}
	root := t.TempDir()
	for p, text := range f {
		full := filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return newHost(root, k)
}

func (f files) without(paths ...string) {
	for _, p := range paths {
		delete(f, p)
	}
}

func answer(err error) func() error { return func() error { return err } }

// deny makes a kernel that says EPERM, or another error, to whatever it is asked with bpf(2).
func deny(k *kernel, err error) {
	for _, q := range []*func() error{&k.create, &k.ring, &k.readMemory, &k.jit, &k.fentry, &k.storage} {
		*q = answer(err)
	}
	k.cgroupBPF = func(string) error { return err }
}

var (
	errNo       = ebpf.ErrNotSupported
	errVerifier = errors.New("load program:\n\tinvalid argument")
)

// The situations in which a host is not enough, for the rows and for what is said of them.
func notRoot(f files, k *kernel) {
	f["/proc/self/status"] = nobodyStatus
	deny(k, unix.EPERM)
}

func inDocker(f files, k *kernel) {
	f["/.dockerenv"] = ""
	f["/proc/self/ns/pid"] = "-> pid:[4026532200]"
	f["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n"
	deny(k, unix.EPERM)
}

func oldKernel(f files, k *kernel) {
	f["/proc/sys/kernel/osrelease"] = "5.4.0-42-generic\n"
	k.ring, k.storage = answer(errNo), answer(errNo)
}
