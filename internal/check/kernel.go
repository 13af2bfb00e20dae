package check

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/probe"
)

// kernel is what only the kernel itself can tell. Nil is yes.
type kernel struct {
	create      func() error // a map
	ring        func() error // has the ring buffer
	readMemory  func() error // lets programs read its memory
	jit         func() error // compiles programs
	fentry      func() error // attaches
	storage     func() error // of sockets, in tracing programs
	mountCgroup func() error // the v2 hierarchy, where nobody else sees it
	cgroupBPF   func(root string) error
}

var runningKernel = kernel{
	create: func() error {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err != nil {
			return err
		}
		return m.Close()
	},
	ring:       func() error { return features.HaveMapType(ebpf.RingBuf) },
	readMemory: func() error { return features.HaveProgramHelper(ebpf.Kprobe, asm.FnProbeReadKernel) },
	jit:        compiled,
	fentry:     attachFentry,
	storage:    func() error { return probe.TryStorage(nil) },
	mountCgroup: func() error {
		f, err := mountCgroup()
		if err != nil {
			return err
		}
		return f.Close()
	},
	cgroupBPF: queryCgroup,
}

// compiled loads a program and asks for the size of its machine code: the sysctl can be read in the
// first network namespace only.
func compiled() error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return err
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return err
	}
	_, err = info.JitedSize() // ErrNotSupported for none
	return err
}

// attachFentry attaches to a function that the kernel calls for its own tests alone: only attaching
// proves the trampolines, and there it sees nothing.
func attachFentry() error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "bpf_fentry_test1", License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	defer p.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: p})
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	return l.Close()
}

// mountCgroup makes a mount that has no place in the tree and goes with its descriptor.
func mountCgroup() (*os.File, error) {
	fs, err := unix.Fsopen("cgroup2", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil && !errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("fsconfig: %w", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("fsmount: %w", err)
	}
	return os.NewFile(uintptr(fd), "cgroup2"), nil
}

// queryCgroup asks what is attached to the root, which changes nothing; a kernel without
// CONFIG_CGROUP_BPF answers EINVAL.
func queryCgroup(root string) error {
	dir, err := os.Open(root)
	if root == "" {
		dir, err = mountCgroup()
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	_, err = link.QueryPrograms(link.QueryOptions{Target: int(dir.Fd()), Attach: ebpf.AttachCGroupInetEgress})
	return err
}
