package event

import (
	"reflect"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/bpf"
)

// kernelProcess is a process of which every field differs from every other one.
func kernelProcess() *bpf.SmtptraceProcessEvent {
	k := &bpf.SmtptraceProcessEvent{
		Kind: uint32(KindProcess), Key: bpf.SmtptraceProcessKey{StartNs: 77, Pid: 4242, ExecId: 3}, TsNs: 5_000_000_000,
		ExeInode: 131, ExeSize: 3476368, ExeCtimeNs: 1700000000123456789, ExeDev: 8<<20 | 1, ExeNlink: 2,
		ExeMagic: 0xef53, ExeMode: 0o100755, CgroupId: 4711, CgroupV1Id: 12, Tid: 4243, Ppid: 4240,
		Uid: 33, Gid: 34, Euid: 35, Loginuid: 1000, Mntns: 4026531841, Pidns: 4026531836,
	}
	copy(k.Comm[:], "httpd")
	k.ExeLen = uint32(copy(k.Exe[:], "perl\x00bin\x00usr\x00"))
	k.CwdLen = uint32(copy(k.Cwd[:], ".x\x00tmp\x00"))
	k.CgroupLen = uint32(copy(k.Cgroup[:], "apache2.service\x00system.slice\x00"))
	k.ArgvLen = uint32(copy(k.Argv[:], "httpd\x00-k\x00start\x00"))
	k.AncestorsLen = 2
	a := &k.Ancestors
	a[0].Pid, a[0].StartNs, a[0].ExeInode = 4240, 66, 140
	copy(a[0].Comm[:], "apache2")
	a[1].Pid, a[1].StartNs, a[1].ExeInode = 1, 5, 141
	copy(a[1].Comm[:], "systemd")
	return k
}

func TestDecodeProcess(t *testing.T) {
	want := &Process{
		Key: ProcessKey{StartNs: 77, Pid: 4242, ExecId: 3}, TimeNs: 5_000_000_000, Tid: 4243, Ppid: 4240,
		UID: 33, GID: 34, EUID: 35, LoginUID: 1000, MntNS: 4026531841, PidNS: 4026531836, Comm: "httpd",
		Exe: "/usr/bin/perl", ExeInode: 131, ExeSize: 3476368, ExeCtimeNs: 1700000000123456789, ExeDev: 8<<20 | 1,
		ExeNlink: 2, ExeMagic: 0xef53, ExeMode: 0o100755,
		Args: []string{"httpd", "-k", "start"}, Cwd: "/tmp/.x",
		CgroupID: 4711, CgroupV1ID: 12, Cgroup: "/system.slice/apache2.service",
		Ancestors: []Ancestor{
			{Pid: 4240, StartNs: 66, Comm: "apache2", ExeInode: 140}, {Pid: 1, StartNs: 5, Comm: "systemd", ExeInode: 141},
		},
	}
	e := decode(t, kernelProcess())
	if got := e.Process.Process(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if key := e.Process.Key(); key != want.Key {
		t.Errorf("key %+v, want %+v", key, want.Key)
	}
}

func TestDecodeProcessFlags(t *testing.T) {
	for flag, has := range map[bpf.SmtptraceProcessFlag]func(*Process) bool{
		bpf.SmtptraceProcessFlagPROCESS_EXEC_ARGV_TRUNCATED: func(p *Process) bool { return p.ExecArgsTruncated },
		bpf.SmtptraceProcessFlagPROCESS_EXE_TRUNCATED:       func(p *Process) bool { return p.ExeTruncated },
		bpf.SmtptraceProcessFlagPROCESS_CWD_TRUNCATED:       func(p *Process) bool { return p.CwdTruncated },
		bpf.SmtptraceProcessFlagPROCESS_CGROUP_TRUNCATED:    func(p *Process) bool { return p.CgroupTruncated },
		bpf.SmtptraceProcessFlagPROCESS_ARGV_TRUNCATED:      func(p *Process) bool { return p.ArgsTruncated },
		bpf.SmtptraceProcessFlagPROCESS_ARGV_UNREADABLE:     func(p *Process) bool { return p.ArgsUnreadable },
		bpf.SmtptraceProcessFlagPROCESS_KTHREAD:             func(p *Process) bool { return p.Kthread },
		bpf.SmtptraceProcessFlagPROCESS_CWD_MOVED:           func(p *Process) bool { return p.CwdMoved },
		bpf.SmtptraceProcessFlagPROCESS_CGROUP_V1:           func(p *Process) bool { return p.CgroupV1 },
	} {
		k := kernelProcess()
		k.Flags = uint32(flag)
		if !has(decode(t, k).Process.Process()) {
			t.Errorf("flag %d is not seen", flag)
		}
		k.Flags = ^uint32(flag)
		if has(decode(t, k).Process.Process()) {
			t.Errorf("flag %d is seen where it is not", flag)
		}
	}
}

// A path that was cut does not look like one from the root: its upper components are the ones that are
// missing.
func TestDecodeTruncatedPaths(t *testing.T) {
	k := kernelProcess()
	k.ExeLen = uint32(copy(k.Exe[:], "smtp\x00postfix\x00lib\x00usr\x00"))
	k.CwdLen = uint32(copy(k.Cwd[:], "b\x00a\x00"))
	k.CgroupLen = uint32(copy(k.Cgroup[:], "x.service\x00"))
	k.Flags = uint32(bpf.SmtptraceProcessFlagPROCESS_EXE_TRUNCATED | bpf.SmtptraceProcessFlagPROCESS_CWD_TRUNCATED |
		bpf.SmtptraceProcessFlagPROCESS_CGROUP_TRUNCATED)
	p := decode(t, k).Process.Process()
	if p.Exe != "…/usr/lib/postfix/smtp" || p.Cwd != "…/a/b" || p.Cgroup != "…/x.service" {
		t.Errorf("exe %q, cwd %q, cgroup %q", p.Exe, p.Cwd, p.Cgroup)
	}
}

// The kernel walks a path from the leaf up.
func TestDecodeProcessPaths(t *testing.T) {
	deep := strings.Repeat("d\x00", 40)
	for _, test := range []struct{ name, kernel, want string }{
		{"the root itself", "", "/"},
		{"one component", "sh\x00", "/sh"},
		{"the leaf first", "perl\x00bin\x00usr\x00", "/usr/bin/perl"},
		{"a component of nothing but dots and blanks", ".. .\x00tmp\x00", "/tmp/.. ."},
		{"line ends and bytes that are not UTF-8 stay", "a\nb\xff\x00tmp\x00", "/tmp/a\nb\xff"},
		{"as deep as the kernel walks", deep, strings.Repeat("/d", 40)},
		{"cut within the last component", "perl\x00bi", "/bi/perl"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := kernelProcess()
			k.ExeLen = uint32(copy(k.Exe[:], test.kernel))
			k.CwdLen = uint32(copy(k.Cwd[:], test.kernel))
			k.CgroupLen = uint32(copy(k.Cgroup[:], test.kernel))
			p := decode(t, k).Process.Process()
			if p.Exe != test.want || p.Cwd != test.want || p.Cgroup != test.want {
				t.Errorf("exe %q, cwd %q, cgroup %q, want %q", p.Exe, p.Cwd, p.Cgroup, test.want)
			}
		})
	}
}

// A kernel thread runs no file.
func TestDecodeProcessWithoutExe(t *testing.T) {
	k := kernelProcess()
	k.ExeInode, k.ExeLen, k.ArgvLen, k.AncestorsLen = 0, 0, 0, 0
	if p := decode(t, k).Process.Process(); p.Exe != "" || p.Args != nil || p.Ancestors != nil {
		t.Errorf("exe %q, args %q, ancestors %v, want none", p.Exe, p.Args, p.Ancestors)
	}
}

func TestDecodeProcessArgs(t *testing.T) {
	for _, test := range []struct {
		name, kernel string
		want         []string
	}{
		{"none", "", nil},
		{"nothing but ends", "\x00\x00\x00", nil},
		{"one", "sh\x00", []string{"sh"}},
		{"an empty one between others", "sh\x00\x00-c\x00", []string{"sh", "", "-c"}},
		{"blanks within one", "sh\x00-c\x00sleep 1; mail\x00", []string{"sh", "-c", "sleep 1; mail"}},
		{"a title written over them", "nginx: worker process\x00\x00\x00\x00", []string{"nginx: worker process"}},
		{"cut within one", "perl\x00/tmp/.x/dm.c", []string{"perl", "/tmp/.x/dm.c"}},
		{"as much as there is room for", strings.Repeat("a", 256), []string{strings.Repeat("a", 256)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := kernelProcess()
			k.ArgvLen = uint32(copy(k.Argv[:], test.kernel))
			if got := decode(t, k).Process.Process().Args; !reflect.DeepEqual(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// What is behind the end of a text is of an earlier process.
func TestDecodeProcessStopsAtTheEnd(t *testing.T) {
	k := kernelProcess()
	copy(k.Comm[:], "sh\x00server-with-n")
	copy(k.Exe[k.ExeLen:], "rubbish\x00")
	copy(k.Argv[k.ArgvLen:], "rubbish\x00")
	copy(k.Ancestors[0].Comm[:], "\x00pache2\x00")
	copy(k.Ancestors[2].Comm[:], "rubbish")
	p := decode(t, k).Process.Process()
	if p.Comm != "sh" || p.Exe != "/usr/bin/perl" || strings.Join(p.Args, " ") != "httpd -k start" ||
		len(p.Ancestors) != 2 || p.Ancestors[0].Comm != "" {
		t.Errorf("%+v", p)
	}
	copy(k.Comm[:], "sixteen-letters!")
	if p := decode(t, k).Process.Process(); p.Comm != "sixteen-letters!" {
		t.Errorf("comm %q without its NUL", p.Comm)
	}
}

// A Process is kept while the Event that it came from is used again.
func TestProcessOutlivesItsEvent(t *testing.T) {
	e := decode(t, kernelProcess())
	kept := e.Process.Process()
	other := kernelProcess()
	other.ExeLen = uint32(copy(other.Exe[:], "elsewhere\x00bin\x00usr\x00"))
	other.ArgvLen = uint32(copy(other.Argv[:], "other\x00"))
	copy(other.Comm[:], "other")
	if err := e.Decode(raw(t, other)); err != nil {
		t.Fatal(err)
	}
	if want := decode(t, kernelProcess()).Process.Process(); !reflect.DeepEqual(kept, want) {
		t.Errorf("got  %+v\nwant %+v", kept, want)
	}
}
