package check

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
)

func TestMain(m *testing.M) {
	live.Main(m, map[string]func([]string) error{
		// restrict takes rights away and runs itself again: init functions too have to live with less.
		"restrict": func(args []string) error {
			runtime.LockOSThread()
			if err := restrict(args[0]); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			cmd := live.Child("open", args[1:]...)
			return unix.Exec(cmd.Path, append([]string{"open"}, args[1:]...), cmd.Environ())
		},
		"open": func(args []string) error {
			netns, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil {
				return err
			}
			r := Run(probe.Options{MailPorts: []uint16{25}, Cgroup: args[0], NetNS: uint32(netns)})
			return json.NewEncoder(os.Stdout).Encode(r)
		},
	})
}

// restricted runs the check in a child of the cell with fewer rights, and gives its report.
func restricted(t *testing.T, cell *live.Cell, how string, attr *syscall.SysProcAttr) *Report {
	t.Helper()
	var out strings.Builder
	cmd := live.Child("restrict", how, cell.Cgroup, fmt.Sprint(cell.NetNS))
	cmd.Stdout, cmd.SysProcAttr = &out, attr
	cell.Run(cmd)
	r := &Report{}
	if err := json.Unmarshal([]byte(out.String()), r); err != nil {
		t.Fatalf("%v: %q", err, out.String())
	}
	return r
}

// restrict does what how says: "uid N", "keep CAP,…" (and no others), "seccomp ERRNO" for bpf(2), "hide
// PATH" below an empty tmpfs, "proc" for the namespace's own /proc, or nothing.
func restrict(how string) error {
	verb, arg, _ := strings.Cut(how, " ")
	switch verb {
	case "uid":
		uid, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		return syscall.Setresuid(uid, uid, uid)
	case "keep":
		return keep(strings.Split(arg, ","))
	case "seccomp":
		errno, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		return refuseBPF(uint32(errno))
	case "hide":
		if err := privateMounts(); err != nil {
			return err
		}
		return unix.Mount("none", arg, "tmpfs", 0, "")
	case "proc":
		if err := privateMounts(); err != nil {
			return err
		}
		return unix.Mount("proc", "/proc", "proc", 0, "")
	}
	return nil
}

func privateMounts() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }

// keep drops all other capabilities, for what is run later too.
func keep(names []string) error {
	var set uint64
	for c, name := range capabilityNames {
		if slices.Contains(names, name) {
			set |= 1 << c
		}
	}
	for c := range uint64(64) {
		if set&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && err != unix.EINVAL {
			return err
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		word := uint32(set >> (32 * i))
		data[i] = unix.CapUserData{Effective: word, Permitted: word, Inheritable: word}
	}
	return unix.Capset(&header, &data[0])
}

// refuseBPF installs a filter that answers bpf(2) with an error.
func refuseBPF(errno uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the system call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_BPF, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | errno},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return e
	}
	return nil
}
