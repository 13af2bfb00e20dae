package check

import "testing"

// Each row that files tell, in each of its statuses, on a host that lacks one thing.
func TestRows(t *testing.T) {
	const distribution = "boot a distribution's kernel"
	const sudo = "run it as root, with sudo"
	const docker = "run it on the host, or start the container with --privileged --pid=host --cgroupns=host"
	testSpoiled(t, []spoiled{
		{"without /proc", func(f files, _ *kernel) { clear(f) },
			Row{"pid namespace", Unknown, true, "/proc/self/ns/pid cannot be read", ""}},
		{"without /proc", func(f files, _ *kernel) { clear(f) },
			Row{"capabilities", Unknown, true, "not known without /proc", ""}},
		{"a status without a uid", func(f files, _ *kernel) { f["/proc/self/status"] = "Name:\tx\n" },
			lackRequired("/proc", "/proc cannot be read: /proc/self/status names no uid", "mount -t proc proc /proc")},

		{"5.4", oldKernel, lackRequired("kernel",
			"kernel 5.4.0-42-generic is older than 5.10, and has no BPF ring buffer (5.8)",
			"boot kernel 5.10 or newer (Debian 11, Ubuntu 22.04, RHEL 9)")},
		{"RHEL 8", func(f files, _ *kernel) { f["/proc/sys/kernel/osrelease"] = "4.18.0-553.el8_10.x86_64" },
			Row{"kernel", Unknown, true, "4.18.0-553.el8_10.x86_64 is older than 5.10, with newer BPF brought into it",
				"boot kernel 5.10 or newer if it does not work"}},
		{"RHEL 8, not root", func(f files, k *kernel) {
			notRoot(f, k)
			f["/proc/sys/kernel/osrelease"] = "4.18.0-553.el8_10.x86_64"
		}, Row{"kernel", Unknown, true,
			"4.18.0-553.el8_10.x86_64 is older than 5.10; whether newer BPF was brought into it cannot be asked",
			"boot kernel 5.10 or newer if it does not work"}},
		{"an odd release", func(f files, _ *kernel) { f["/proc/sys/kernel/osrelease"] = "next" },
			Row{"kernel", Unknown, true, `its version is not known: kernel release "next": expected integer`, ""}},

		{"unshare", func(f files, _ *kernel) { f["/proc/self/ns/user"] = "-> user:[4026532199]" },
			lackRequired("user namespace", "root of this user namespace has no rights over the kernel",
				"run it as root on the host, not in a user namespace (unshare, rootless podman, docker's userns-remap)")},

		{"not root", notRoot, lackRequired("capabilities",
			"uid 65534 lacks cap_net_admin, cap_sys_admin", sudo)},
		{"root of a unit", func(f files, _ *kernel) {
			f["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\nSeccomp:\t0\n"
		}, lackRequired("capabilities", "root lacks cap_net_admin, cap_sys_admin",
			"start it with all of root's capabilities: its systemd unit may have a CapabilityBoundingSet=")},
		{"docker", inDocker, lackRequired("capabilities",
			"root in this docker container lacks cap_net_admin, cap_sys_admin", docker)},
		{"a container without a mark", func(f files, k *kernel) { inDocker(f, k); f.without("/.dockerenv") },
			lackRequired("capabilities", "root in this container lacks cap_net_admin, cap_sys_admin",
				"run it as root on the host, outside of the container")},
		{"kubernetes", func(f files, k *kernel) {
			inDocker(f, k)
			f["/run/secrets/kubernetes.io/serviceaccount/token"] = ""
		}, lackRequired("capabilities", "root in this kubernetes container lacks cap_net_admin, cap_sys_admin",
			"run it on the node, or give the pod privileged: true and hostPID: true")},
		{"systemd-nspawn", func(f files, k *kernel) {
			inDocker(f, k)
			f.without("/.dockerenv")
			f["/run/host/container-manager"] = "systemd-nspawn\n"
		}, lackRequired("capabilities", "root in this systemd-nspawn container lacks cap_net_admin, cap_sys_admin",
			"run it as root on the host, outside of the container")},
		{"a hostile container", func(f files, k *kernel) {
			inDocker(f, k)
			f.without("/.dockerenv")
			f["/run/host/container-manager"] = "\x1b[2J"
		}, lackRequired("capabilities", "root in this container lacks cap_net_admin, cap_sys_admin",
			"run it as root on the host, outside of the container")},
		{"podman with the host's namespaces", func(f files, _ *kernel) {
			f["/run/.containerenv"] = ""
			f["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n"
			f["/proc/self/mountinfo"] = "27 1 0:50 / / rw - overlay overlay rw\n" + cgroupMount
		}, lackRequired("capabilities", "root in this podman container lacks cap_net_admin, cap_sys_admin", docker)},
		{"a machine made from an image", func(f files, k *kernel) { notRoot(f, k); f["/.dockerenv"] = "" },
			lackRequired("capabilities", "uid 65534 lacks cap_net_admin, cap_sys_admin", sudo)},
		{"by setcap", func(f files, _ *kernel) {
			f["/proc/self/status"] = "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000201400\n"
		}, Row{"capabilities", OK, true, "uid 1000 has all that are needed", ""}},
		{"with the least", func(f files, _ *kernel) {
			f["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000201400\n"
		}, lack("other users' files",
			"without cap_dac_read_search and cap_sys_ptrace, programs of other users are named and not hashed",
			"start it with all of root's capabilities: its systemd unit may have a CapabilityBoundingSet=")},
		{"without /proc", func(f files, _ *kernel) { clear(f) },
			unsure("other users' files", "not known without /proc", "")},

		{"no namespaces", func(f files, _ *kernel) { f.without("/proc/self/ns/net") },
			lackRequired("network namespaces",
				"this kernel has no network namespaces (CONFIG_NET_NS), and the self-test runs in one", distribution)},
		{"a limit", func(f files, _ *kernel) { f["/proc/sys/user/max_net_namespaces"] = "0\n" },
			lackRequired("network namespaces",
				"user.max_net_namespaces is 0, and the self-test runs in a network namespace of its own",
				"sysctl -w user.max_net_namespaces=1024")},
		{"without /proc", func(f files, _ *kernel) { clear(f) },
			Row{"network namespaces", Unknown, true, "not known without /proc", ""}},

		{"docker", inDocker, lackRequired("pid namespace",
			"this is a pid namespace of its own, where the kernel's pids mean nothing", docker)},
		{"docker", func(f files, _ *kernel) {
			f["/.dockerenv"], f["/proc/self/ns/cgroup"] = "", "-> cgroup:[4026532300]"
		}, lack("cgroup namespace",
			"this is a cgroup namespace of its own: of processes outside of it, what they say is not seen", docker)},
		{"without /proc", func(f files, _ *kernel) { clear(f) },
			unsure("cgroup namespace", "/proc/self/ns/cgroup cannot be read", "")},
		{"unshare", func(f files, _ *kernel) { f["/proc/self/ns/time"] = "-> time:[4026532300]" },
			lack("time namespace", "this is a time namespace of its own: the start times in its /proc are not the kernel's",
				"run it outside of the time namespace")},
		{"without /proc", func(f files, _ *kernel) { clear(f) },
			unsure("time namespace", "not known without /proc", "")},
		{"without CONFIG_TIME_NS", func(f files, _ *kernel) { f.without("/proc/self/ns/time") },
			have("time namespace", "this kernel has none (CONFIG_TIME_NS)")},

		{"5.10", func(f files, _ *kernel) { f["/proc/sys/kernel/osrelease"] = "5.10.0-28-amd64" },
			Row{"locked memory", OK, true, "the tracer may lift the limit", ""}},
		{"5.10, no limit", func(f files, _ *kernel) {
			f["/proc/sys/kernel/osrelease"] = "5.10.0-28-amd64"
			f["/proc/self/limits"] = "Max locked memory         unlimited            unlimited            bytes     \n"
		}, Row{"locked memory", OK, true, "unlimited", ""}},
		{"5.10, no right", func(f files, _ *kernel) {
			f["/proc/sys/kernel/osrelease"] = "5.10.0-28-amd64"
			f["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000201400\n"
		}, lackRequired("locked memory", "locked memory is limited to 65536 bytes, and cap_sys_resource is missing to lift it",
			"run it with ulimit -l unlimited (in a systemd unit, LimitMEMLOCK=infinity) or with cap_sys_resource")},
		{"5.10, not told", func(f files, _ *kernel) {
			f["/proc/sys/kernel/osrelease"] = "5.10.0-28-amd64"
			f.without("/proc/self/limits")
		}, Row{"locked memory", Unknown, true, "the limit is not known", ""}},
	})
}
