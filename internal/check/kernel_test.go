package check

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// Each row that the kernel answers.
func TestKernelRows(t *testing.T) {
	const deaf = "cannot be asked without the rights"
	const distribution = "boot a distribution's kernel"
	const lockdownCure = "boot without lockdown=confidentiality (integrity will do): a running kernel keeps its mode"
	seccomp := func(errno error) func(files, *kernel) {
		return func(f files, k *kernel) {
			f["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t2\n"
			deny(k, errno)
		}
	}
	noLockdownFile := func(answered error) func(files, *kernel) {
		return func(f files, k *kernel) {
			f.without("/sys/kernel/security/lockdown")
			k.readMemory = answer(answered)
		}
	}
	noBTF := func(f files, k *kernel) {
		f.without("/sys/kernel/btf/vmlinux")
		k.fentry, k.storage = answer(errVerifier), answer(errVerifier)
	}
	notMounted := func(answered error) func(files, *kernel) {
		return func(f files, k *kernel) {
			f["/proc/self/mountinfo"] = rootMount + "41 31 0:38 /docker /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
			k.mountCgroup = answer(answered)
		}
	}
	testSpoiled(t, []spoiled{
		{"not root", notRoot, unsureRequired("bpf(2)", deaf)},
		{"EPERM", seccomp(unix.EPERM), lackRequired("bpf(2)", "a seccomp filter refuses bpf(2)",
			"allow the bpf system call in the unit's SystemCallFilter=, or in whatever started it")},
		{"ENOSYS", seccomp(unix.ENOSYS), lackRequired("bpf(2)", "a seccomp filter refuses bpf(2)",
			"allow the bpf system call in the unit's SystemCallFilter=, or in whatever started it")},
		{"docker", func(f files, k *kernel) {
			seccomp(unix.EPERM)(f, k)
			f["/.dockerenv"], f["/proc/self/ns/pid"] = "", "-> pid:[4026532200]"
		}, lackRequired("bpf(2)", "a seccomp filter refuses bpf(2)",
			"start the container with --security-opt seccomp=unconfined, or with a profile that allows bpf")},
		{"kubernetes", func(f files, k *kernel) {
			seccomp(unix.EPERM)(f, k)
			f["/run/secrets/kubernetes.io/x"], f["/proc/self/ns/pid"] = "", "-> pid:[4026532200]"
		}, lackRequired("bpf(2)", "a seccomp filter refuses bpf(2)",
			"give the pod seccompProfile: {type: Unconfined}, or a profile that allows bpf")},
		{"another container", func(f files, k *kernel) {
			seccomp(unix.EPERM)(f, k)
			f["/proc/self/ns/pid"] = "-> pid:[4026532200]"
		}, lackRequired("bpf(2)", "a seccomp filter refuses bpf(2)",
			"allow the bpf system call in the container's seccomp profile")},
		{"not built in", func(_ files, k *kernel) { deny(k, unix.ENOSYS) }, lackRequired("bpf(2)",
			"this kernel has no bpf(2): it was built without CONFIG_BPF_SYSCALL", distribution)},
		{"a security module", func(_ files, k *kernel) { deny(k, unix.EPERM) }, lackRequired("bpf(2)",
			"the kernel refuses bpf(2) even to root: a security module forbids it",
			"look for its denials (dmesg; SELinux: ausearch -m avc), and allow bpf in its policy")},
		{"ENOMEM", func(_ files, k *kernel) { deny(k, unix.ENOMEM) }, lackRequired("bpf(2)",
			"bpf(2) creates no map: cannot allocate memory", "look in the kernel log (dmesg)")},
		{"while bpf(2) fails", seccomp(unix.EPERM), unsureRequired("ring buffer", "cannot be asked while bpf(2) fails")},

		{"confidentiality", func(f files, _ *kernel) {
			f["/sys/kernel/security/lockdown"] = "none integrity [confidentiality]\n"
		}, lackRequired("lockdown", "the kernel is locked down for confidentiality: BPF programs cannot read its memory",
			lockdownCure)},
		{"command line", func(f files, k *kernel) {
			noLockdownFile(nil)(f, k)
			f["/proc/cmdline"] = "root=/dev/vda lockdown=confidentiality\n"
		}, lackRequired("lockdown", "the kernel is locked down for confidentiality: BPF programs cannot read its memory",
			lockdownCure)},
		{"the verifier", noLockdownFile(errNo), lackRequired("lockdown",
			"BPF programs cannot read the kernel's memory: it is locked down, or older than 5.5", lockdownCure)},
		{"the verifier", noLockdownFile(nil), Row{"lockdown", OK, true, "BPF programs can read the kernel's memory", ""}},
		{"an odd answer", noLockdownFile(errVerifier),
			unsureRequired("lockdown", "not known: load program: invalid argument")},
		{"not root", func(f files, k *kernel) { notRoot(f, k); f.without("/sys/kernel/security/lockdown") },
			unsureRequired("lockdown", deaf)},

		{"not built in", func(f files, _ *kernel) { f.without("/sys/kernel/btf/vmlinux") }, lackRequired("BTF",
			"/sys/kernel/btf/vmlinux is absent: this kernel was built without CONFIG_DEBUG_INFO_BTF",
			"boot a kernel that has it (Debian 11, Ubuntu 20.10, RHEL 8.2 and newer do)")},
		{"hidden", func(f files, _ *kernel) {
			f.without("/sys/kernel/btf/vmlinux")
			f["/sys/kernel/btf/nothing"] = ""
		}, lackRequired("BTF", "/sys/kernel/btf/vmlinux is hidden by a mount over its directory", "umount /sys/kernel/btf")},
		{"empty", func(f files, _ *kernel) { f["/sys/kernel/btf/vmlinux"] = "" },
			lackRequired("BTF", "/sys/kernel/btf/vmlinux is empty", distribution)},
		{"no sysfs", func(f files, _ *kernel) {
			f.without("/sys/kernel/btf/vmlinux", "/sys/kernel/security/lockdown", "/sys/bus/event_source/devices/kprobe/type")
		}, lackRequired("BTF", "/sys is not mounted, so the kernel's BTF cannot be read", "mount -t sysfs sysfs /sys")},

		{"5.4", oldKernel, lackRequired("ring buffer", "this kernel has no BPF ring buffer (5.8)",
			"boot kernel 5.10 or newer")},
		{"not root", notRoot, unsureRequired("ring buffer", deaf)},

		{"private", notMounted(nil), Row{"cgroup v2", OK, true, "not mounted; the tracer mounts it for itself", ""}},
		{"not allowed", notMounted(unix.EPERM), lackRequired("cgroup v2",
			"cgroup v2 is not mounted, and cannot be: operation not permitted by this kernel",
			"mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")},
		{"not root", func(f files, k *kernel) { notMounted(unix.EPERM)(f, k); notRoot(f, k) },
			unsureRequired("cgroup v2", deaf)},
		{"not built in", func(f files, k *kernel) {
			notMounted(unix.ENODEV)(f, k)
			f["/proc/filesystems"] = "nodev\tproc\nnodev\tcgroup\n"
		}, lackRequired("cgroup v2", "this kernel has no cgroup v2 (CONFIG_CGROUPS)", distribution)},
		{"without /proc", func(f files, _ *kernel) { clear(f) }, unsureRequired("cgroup v2", "the mounts are not known")},

		{"not built in", func(_ files, k *kernel) { k.cgroupBPF = func(string) error { return unix.EINVAL } },
			lackRequired("cgroup BPF", "this kernel was built without CONFIG_CGROUP_BPF, and the packet hooks need it",
				distribution)},
		{"a security module", func(_ files, k *kernel) { k.cgroupBPF = func(string) error { return unix.EPERM } },
			lackRequired("cgroup BPF", "the kernel refuses BPF programs on cgroups",
				"a security module may forbid it: look for its denials (dmesg; SELinux: ausearch -m avc)")},
		{"an odd answer", func(_ files, k *kernel) { k.cgroupBPF = func(string) error { return unix.EIO } },
			unsureRequired("cgroup BPF", "not known: input/output error")},
		{"not root", notRoot, unsureRequired("cgroup BPF", deaf)},

		{"off", func(_ files, k *kernel) { k.jit = answer(errNo) }, lack("JIT",
			"off: programs are interpreted, which is slow, and fentry does not work", "sysctl -w net.core.bpf_jit_enable=1")},
		{"an odd answer", func(_ files, k *kernel) { k.jit = answer(errors.New("odd")) }, unsure("JIT", "not known: odd", "")},
		{"EPERM", func(_ files, k *kernel) { k.fentry = answer(unix.EPERM) }, lack("fentry",
			"refused: operation not permitted by this kernel", "none is needed while another hook answers")},
		{"without BTF", noBTF, unsure("fentry", "cannot be asked without BTF", "")},
		{"not built in", func(f files, _ *kernel) {
			f.without("/sys/bus/event_source/devices/kprobe/type")
			f["/sys/bus/event_source/devices/cpu/type"] = "4\n"
		}, lack("kprobes", "this kernel has no kprobe events (CONFIG_KPROBE_EVENTS)",
			"none is needed while another hook answers")},
		{"tracefs", func(f files, _ *kernel) {
			f.without("/sys/bus/event_source/devices/kprobe/type")
			f["/sys/kernel/tracing/kprobe_events"] = ""
		}, have("kprobes", "/sys/kernel/tracing/kprobe_events")},
		{"no sysfs", func(f files, _ *kernel) { f.without("/sys/bus/event_source/devices/kprobe/type") },
			unsure("kprobes", "/sys does not show event sources", "")},
		{"5.10", func(_ files, k *kernel) { k.storage = answer(errVerifier) }, lack("socket storage",
			"not in tracing programs (5.11): connections are kept in a hash of fixed size", "")},
		{"without BTF", noBTF, unsure("socket storage", "cannot be asked without BTF", "")},
	})
}
