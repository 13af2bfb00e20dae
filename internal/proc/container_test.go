package proc

import (
	"strings"
	"testing"
)

func TestContainerOf(t *testing.T) {
	const (
		id  = "4f2a1c9be0d3a7c65b18f0e2d94c37a68b5012efac9d7e3841b6f05c2d8a9e70"
		id2 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
		pod = "7a9c2f10-1b3d-4e5f-8a6b-0c1d2e3f4a5b"
		und = "7a9c2f10_1b3d_4e5f_8a6b_0c1d2e3f4a5b"
	)
	for cgroup, want := range map[string]Container{
		// docker: systemd driver, cgroupfs driver, with a parent of the user's choice, nested, rootless
		"/system.slice/docker-" + id + ".scope":            {ID: id, Runtime: "docker"},
		"/system.slice/docker-" + id + ".scope/init.scope": {ID: id, Runtime: "docker"},
		"/docker/" + id: {ID: id, Runtime: "docker"},
		"/docker/" + id + "/system.slice/ssh.service": {ID: id, Runtime: "docker"},
		"/docker/" + id + "/docker/" + id2:            {ID: id2, Runtime: "docker"},
		"/actions_job/" + id:                          {ID: id},
		"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + id + ".scope": {ID: id, Runtime: "docker"},
		// containerd without kubernetes
		"/default/" + id:                         {ID: id, Runtime: "containerd"},
		"/k8s.io/" + id:                          {ID: id, Runtime: "containerd"},
		"/system.slice/nerdctl-" + id + ".scope": {ID: id, Runtime: "containerd"},
		// kubernetes: both drivers, all classes, both runtimes, v1's plain ids
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + und + ".slice/cri-containerd-" + id + ".scope":   {id, "containerd", pod},
		"/kubepods.slice/kubepods-pod" + und + ".slice/cri-containerd-" + id + ".scope":                                      {id, "containerd", pod},
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + und + ".slice/crio-" + id + ".scope":           {id, "cri-o", pod},
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + und + ".slice/crio-" + id + ".scope/container": {id, "cri-o", pod},
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + und + ".slice/docker-" + id + ".scope":           {id, "docker", pod},
		"/kubepods/burstable/pod" + pod + "/" + id:                                                                           {ID: id, PodUID: pod},
		"/kubepods/pod" + pod + "/crio-" + id:                                                                                {id, "cri-o", pod},
		"/system.slice/containerd.service/kubepods-burstable-pod" + und + ".slice:cri-containerd:" + id:                      {id, "containerd", pod},
		"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + und + ".slice/cri-containerd-" + id + ".scope":        {id, "containerd", pod},
		"/kubepods.slice/kubepods-pod" + strings.ReplaceAll(und, "_", "") + ".slice/cri-containerd-" + id + ".scope":         {id, "containerd", strings.ReplaceAll(pod, "-", "")},
		"/kubepods.slice/kubepods-pod" + und + ".slice":                                                                      {PodUID: pod},
		// kind: kubernetes in docker
		"/docker/" + id2 + "/kubelet/kubepods/besteffort/pod" + pod + "/" + id: {ID: id, PodUID: pod},
		// podman: root and rootless, with and without a pod, and the monitors, which run on the host
		"/machine.slice/libpod-" + id + ".scope":                                                     {ID: id, Runtime: "podman"},
		"/machine.slice/libpod-" + id + ".scope/container":                                           {ID: id, Runtime: "podman"},
		"/machine.slice/machine-libpod_pod_" + id2 + ".slice/libpod-" + id + ".scope":                {ID: id, Runtime: "podman"},
		"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope/container": {ID: id, Runtime: "podman"},
		"/system.slice/web.service/libpod-payload-" + id:                                             {ID: id, Runtime: "podman"},
		"/libpod_parent/libpod-" + id:                                                                {ID: id, Runtime: "podman"},
		"/machine.slice/libpod-conmon-" + id + ".scope":                                              {},
		"/system.slice/crio-conmon-" + id + ".scope":                                                 {},
		// ecs
		"/ecs/0123456789abcdef0123456789abcdef/" + id:                                   {ID: id},
		"/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-123456": {ID: "0123456789abcdef0123456789abcdef-123456"},
		// lxc: v1, v2, nested layout, and the monitor
		"/lxc/web":                        {ID: "web", Runtime: "lxc"},
		"/lxc/web/system.slice/x.service": {ID: "web", Runtime: "lxc"},
		"/lxc.payload.web/init.scope":     {ID: "web", Runtime: "lxc"},
		"/lxc.payload/web":                {ID: "web", Runtime: "lxc"},
		"/lxc.monitor.web":                {},
		// nspawn, as a unit of its own and started by hand; its supervisor, and a virtual machine
		"/machine.slice/systemd-nspawn@web.service/payload/system.slice/x.service": {ID: "web", Runtime: "systemd-nspawn"},
		`/machine.slice/systemd-nspawn@my\x2dweb.service/payload`:                  {ID: "my-web", Runtime: "systemd-nspawn"},
		`/machine.slice/machine-my\x2dweb.scope/payload/init.scope`:                {ID: "my-web", Runtime: "systemd-nspawn"},
		"/machine.slice/systemd-nspawn@web.service/supervisor":                     {},
		`/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/emulator`:            {},
		// none
		"":                              {},
		"/":                             {},
		"/system.slice/apache2.service": {},
		"/user.slice/user-1000.slice/session-3.scope": {},
		"/system.slice/docker.service":                {},
		"/system.slice/containerd.service":            {},
		"/docker/" + id[:63]:                          {},
		"/system.slice/docker-" + id + "0.scope":      {},
		"/system.slice/mydocker-" + id + ".scope":     {},
	} {
		if got := containerOf(cgroup); got != want {
			t.Errorf("container of %q is %+v, want %+v", cgroup, got, want)
		}
	}
}

func FuzzCgroup(f *testing.F) {
	f.Add("/system.slice/docker-4f2a1c9be0d3a7c65b18f0e2d94c37a68b5012efac9d7e3841b6f05c2d8a9e70.scope/x")
	f.Add(`/machine.slice/machine-my\x2dweb.scope/payload`)
	f.Add("/user.slice/user-0.slice/user@0.service/app.slice/a.service")
	f.Fuzz(func(t *testing.T, cgroup string) {
		if u := unitOf(cgroup); u.Name != "" && !isUnit(u.Name) {
			t.Errorf("%q gives the unit %q", cgroup, u.Name)
		}
		if c := containerOf(cgroup); c.ID == "" && c.Runtime != "" {
			t.Errorf("%q gives the runtime %q of no container", cgroup, c.Runtime)
		}
	})
}
