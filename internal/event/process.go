package event

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/smtptrace/smtptrace/bpf"
)

// Process is who a process was at the moment of the act, read in the kernel.
type Process struct {
	Key      ProcessKey
	TimeNs   uint64 // when it was read, CLOCK_BOOTTIME
	ExecNs   uint64 // when the program began, in it or in a parent that it is a fork of; 0: not seen
	Tid      uint32
	Ppid     uint32
	UID      uint32
	GID      uint32
	EUID     uint32
	LoginUID uint32 // ^0: none
	MntNS    uint32 // inode numbers
	PidNS    uint32
	Comm     string

	// Exe is the path from the root of the mount namespace, across mount points and whatever root the
	// process has; "" for a kernel thread.
	Exe        string
	ExeInode   uint64
	ExeSize    uint64
	ExeCtimeNs uint64 // since the epoch
	ExeDev     uint32 // kernel encoding: major << 20 | minor (include/linux/kdev_t.h)
	ExeNlink   uint32 // 0: deleted, or never had a name (memfd)
	ExeMagic   uint32 // of the file system, statfs(2)
	ExeMode    uint32

	Args []string // the first 256 bytes of argv
	Cwd  string
	// ExecArgs are Args as they were when the program began, which it cannot have changed; nil where that
	// was not seen.
	ExecArgs []string

	CgroupID   uint64
	CgroupV1ID uint64 // 0: none, or the same hierarchy
	Cgroup     string // path in the v2 hierarchy, or in v1's memory or pids where only that tells (a hybrid host)

	Ancestors []Ancestor // the parent first; by birth, where that was seen

	Kthread           bool
	Recalled          bool // read in /proc, and not at the moment of the act: another program may have begun in it since
	ExeSwapped        bool // the process has had the kernel call another file its exe than the one that it began as
	Forked            bool // its program began in its parent, or further up, and not in it
	CgroupV1          bool // Cgroup is a path of v1
	ExeTruncated      bool // the path's upper components are missing: it begins with "…"
	CwdTruncated      bool
	CwdMoved          bool // Cwd is not the one that the program began in; not known without ExecArgs
	CgroupTruncated   bool
	ArgsTruncated     bool
	ExecArgsTruncated bool
	ArgsUnreadable    bool
}

// Ancestor is one process up the line of parents.
type Ancestor struct {
	Pid      uint32
	StartNs  uint64
	Comm     string
	ExeInode uint64 // 0: a kernel thread
}

// RawProcess is a process as the kernel sent it, not yet taken apart.
type RawProcess struct {
	kernel bpf.SmtptraceProcessEvent
}

// Key names the process.
func (r *RawProcess) Key() ProcessKey { return r.kernel.Key }

func (r *RawProcess) decode(raw []byte) error {
	k := &r.kernel
	if err := view(raw, k); err != nil {
		return err
	}
	if int(k.ExeLen) > len(k.Exe) || int(k.CwdLen) > len(k.Cwd) || int(k.CgroupLen) > len(k.Cgroup) ||
		int(k.ArgvLen) > len(k.Argv) || int(k.ExecArgvLen) > len(k.ExecArgv) || int(k.AncestorsLen) > len(k.Ancestors) {
		return fmt.Errorf("process event of pid %d: a length is out of range", k.Key.Pid)
	}
	return nil
}

// Process takes the event apart. It allocates: once a process, not once an event.
func (r *RawProcess) Process() *Process {
	k := &r.kernel
	flags := bpf.SmtptraceProcessFlag(k.Flags)
	exeCut := flags&bpf.SmtptraceProcessFlagPROCESS_EXE_TRUNCATED != 0
	cwdCut := flags&bpf.SmtptraceProcessFlagPROCESS_CWD_TRUNCATED != 0
	cgroupCut := flags&bpf.SmtptraceProcessFlagPROCESS_CGROUP_TRUNCATED != 0
	p := &Process{
		Key: k.Key, TimeNs: k.TsNs, ExecNs: k.ExecNs, Tid: k.Tid, Ppid: k.Ppid,
		UID: k.Uid, GID: k.Gid, EUID: k.Euid, LoginUID: k.Loginuid,
		MntNS: k.Mntns, PidNS: k.Pidns, Comm: cString(k.Comm[:]),
		Exe: path(k.Exe[:k.ExeLen], exeCut), ExeInode: k.ExeInode, ExeSize: k.ExeSize,
		ExeCtimeNs: k.ExeCtimeNs, ExeDev: k.ExeDev, ExeNlink: k.ExeNlink,
		ExeMagic: k.ExeMagic, ExeMode: k.ExeMode,
		Args: args(k.Argv[:k.ArgvLen]), Cwd: path(k.Cwd[:k.CwdLen], cwdCut),
		CgroupID: k.CgroupId, CgroupV1ID: k.CgroupV1Id, Cgroup: path(k.Cgroup[:k.CgroupLen], cgroupCut),
		Kthread:           flags&bpf.SmtptraceProcessFlagPROCESS_KTHREAD != 0,
		ExeSwapped:        flags&bpf.SmtptraceProcessFlagPROCESS_EXE_SWAPPED != 0,
		Forked:            flags&bpf.SmtptraceProcessFlagPROCESS_FORKED != 0,
		CgroupV1:          flags&bpf.SmtptraceProcessFlagPROCESS_CGROUP_V1 != 0,
		ExeTruncated:      exeCut,
		CwdTruncated:      cwdCut,
		CwdMoved:          flags&bpf.SmtptraceProcessFlagPROCESS_CWD_MOVED != 0,
		CgroupTruncated:   cgroupCut,
		ArgsTruncated:     flags&bpf.SmtptraceProcessFlagPROCESS_ARGV_TRUNCATED != 0,
		ExecArgs:          args(k.ExecArgv[:k.ExecArgvLen]),
		ExecArgsTruncated: flags&bpf.SmtptraceProcessFlagPROCESS_EXEC_ARGV_TRUNCATED != 0,
		ArgsUnreadable:    flags&bpf.SmtptraceProcessFlagPROCESS_ARGV_UNREADABLE != 0,
	}
	if p.ExeInode == 0 {
		p.Exe = ""
	}
	for _, a := range k.Ancestors[:k.AncestorsLen] {
		p.Ancestors = append(p.Ancestors, Ancestor{
			Pid: a.Pid, StartNs: a.StartNs, Comm: cString(a.Comm[:]), ExeInode: a.ExeInode,
		})
	}
	return p
}

// ArgsChanged tells that the program has written over its arguments since it began.
func (p *Process) ArgsChanged() bool { return p.ExecArgs != nil && !slices.Equal(p.ExecArgs, p.Args) }

// path joins components that stand from the leaf up, each NUL-terminated. What was cut above them is shown
// as "…", lest they pass for a whole path.
func path(b []byte, cut bool) string {
	names := bytes.Split(bytes.TrimSuffix(b, []byte{0}), []byte{0})
	var s strings.Builder
	if cut {
		s.WriteString("…")
	}
	for i := len(names) - 1; i >= 0; i-- {
		s.WriteByte('/')
		s.Write(names[i])
	}
	return s.String()
}

// args splits argv. What a program wrote over it (a title without NULs) stays one argument.
func args(b []byte) []string {
	b = bytes.TrimRight(b, "\x00")
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(b), "\x00")
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
