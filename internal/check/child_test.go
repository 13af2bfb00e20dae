package check

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
)

const nobody = 65534

func TestMain(m *testing.M) {
	live.Main(m, map[string]func([]string) error{
		// restrict takes rights away and runs a program again: init functions too have to live with less.
		"restrict": func(args []string) error {
			runtime.LockOSThread()
			program, err := os.Open(args[0]) // before it cannot be reached any more
			if err != nil {
				return err
			}
			if err := restrict(args[1]); err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			child := "check"
			if len(args) == 2 {
				child = "rows"
			}
			cmd := live.Child(child, args[2:]...)
			self := fmt.Sprintf("/proc/self/fd/%d", program.Fd())
			return unix.Exec(self, append([]string{self}, args[2:]...), cmd.Environ())
		},
		"check": func(args []string) error {
			netns, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil {
				return err
			}
			r := Run(probe.Options{
				Family: probe.Family(args[2]), MailPorts: []uint16{25}, Cgroup: args[0], NetNS: uint32(netns),
			})
			return json.NewEncoder(os.Stdout).Encode(r)
		},
		"rows": func([]string) error { return json.NewEncoder(os.Stdout).Encode(Host()) },
	})
}

// restricted runs the check on the cell in a child with fewer rights, and gives its report. program is
// this one, or a copy.
func restricted(t *testing.T, program, how string, namespaces uintptr) *Report {
	t.Helper()
	cell := live.NewCell(t)
	if !strings.HasPrefix(how, "root ") { // without capabilities, each owns what it may write
		for _, p := range []string{cell.Cgroup, cell.Cgroup + "/cgroup.procs"} {
			if err := os.Chown(p, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out strings.Builder
	family := probe.Auto
	if namespaces&unix.CLONE_NEWPID != 0 {
		family = probe.Tracepoint // every hook attaches there and waits for events in vain: one is enough
	}
	cmd := live.Child("restrict", program, how, cell.Cgroup, fmt.Sprint(cell.NetNS), string(family))
	cmd.Stdout = &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if namespaces&unix.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	}
	cell.Run(cmd)
	r := &Report{}
	if err := json.Unmarshal([]byte(out.String()), r); err != nil {
		t.Fatalf("%v: %q", err, out.String())
	}
	return r
}

// restrictedRows is restricted for the rows alone.
func restrictedRows(t *testing.T, how string, namespaces uintptr) []Row {
	t.Helper()
	cell := live.NewCell(t)
	var out strings.Builder
	cmd := live.Child("restrict", "/proc/self/exe", how)
	cmd.Stdout, cmd.SysProcAttr = &out, &syscall.SysProcAttr{Cloneflags: namespaces}
	cell.Run(cmd)
	var rows []Row
	if err := json.Unmarshal([]byte(out.String()), &rows); err != nil {
		t.Fatalf("%v: %q", err, out.String())
	}
	return rows
}

// restrict does what how says: "uid N"; "root CAP,…" or "nobody CAP,…", with no other capabilities;
// "seccomp ERRNO" for bpf(2); "hide DIR" below an empty tmpfs; "unmount" the root of cgroup v2;
// "proc", the namespace's own /proc.
func restrict(how string) error {
	verb, arg, _ := strings.Cut(how, " ")
	switch verb {
	case "uid":
		uid, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		return syscall.Setresuid(uid, uid, uid)
	case "root":
		return keep(strings.Split(arg, ","), 0)
	case "nobody":
		return keep(strings.Split(arg, ","), nobody)
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
	case "unmount":
		if err := privateMounts(); err != nil {
			return err
		}
		for {
			dir, err := newHost("/", kernel{create: answer(nil)}).cgroupRoot()
			if err != nil || dir == "" {
				return err
			}
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				return err
			}
		}
	case "proc":
		if err := privateMounts(); err != nil {
			return err
		}
		return unix.Mount("proc", "/proc", "proc", 0, "")
	}
	return nil
}

func privateMounts() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }

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
