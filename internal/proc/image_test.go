package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	containerID = "4f2a1c9be0d3a7c65b18f0e2d94c37a68b5012efac9d7e3841b6f05c2d8a9e70"
	imageID     = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
)

// dockerState is what dockerd keeps of a container: its configuration, and its layers by name.
func dockerState(place, id, image string) map[string]string {
	state := map[string]string{
		"containers/" + id + "/config.v2.json":              fmt.Sprintf(`{"ID":%q,"Image":%q,"Name":"/web","Config":{"Image":%q,"Env":["A=b"]}}`, id, imageID, image),
		"image/overlay2/layerdb/mounts/" + id + "/mount-id": "top1",
		"overlay2/top1/lower":                               "l/INIT:l/UPPER:l/BASE",
		"overlay2/l/INIT":                                   "->../top1-init/diff",
		"overlay2/l/UPPER":                                  "->../upper1/diff",
		"overlay2/l/BASE":                                   "->../base1/diff",
		"overlay2/top1-init/diff/etc/hosts":                 "",
		"overlay2/upper1/diff/usr/sbin/exim":                "exim of the image",
		"overlay2/base1/diff/usr/sbin/exim":                 "exim of the image below, and longer",
		"overlay2/base1/diff/etc/passwd":                    "root:x:0:0::/:\nmail:x:8:12::/:\n",
		"overlay2/base1/diff/usr/bin/perl":                  "perl of the image",
	}
	return under(place, state)
}

func under(place string, state map[string]string) map[string]string {
	placed := map[string]string{}
	for path, content := range state {
		placed[place+path] = content
	}
	return placed
}

// storageState is what containers/storage keeps of one.
func storageState(place, file, id string) map[string]string {
	return under(place, map[string]string{
		"overlay-containers/" + file: fmt.Sprintf(`[{"id":"%064d","image":"x","layer":"y","metadata":"{}"},{"id":%q,"names":["k8s_web"],"image":%q,`+
			`"layer":"top1","metadata":"{\"image-name\":\"quay.io/a/web:2\",\"image-id\":\"x\",\"name\":\"web\"}"}]`, 7, id, strings.TrimPrefix(imageID, "sha256:")),
		"overlay/top1/lower":                "l/UPPER",
		"overlay/l/UPPER":                   "->../upper1/diff",
		"overlay/upper1/diff/etc/passwd":    "mail:x:8:12::/:\n",
		"overlay/upper1/diff/usr/sbin/exim": "exim of the image",
	})
}

// imageOf is what is found of a process that runs an exe with this content in a container of a fake host.
func imageOf(t *testing.T, host map[string]string, cgroup, exe, content string) *Image {
	t.Helper()
	dir := files(t, host)
	put(t, dir, exe, content) // as the host sees it; only its content counts
	p := fakeProcess(t, dir, exe)
	p.Cgroup, p.UID, p.EUID = cgroup, 8, 8
	return resolve(t, fakeResolver(t, dir), p).Image
}

func words(i *Image) string {
	if i == nil {
		return "none"
	}
	intact := "unknown"
	if i.Intact != nil {
		intact = fmt.Sprint(*i.Intact)
	}
	return fmt.Sprintf("%s %t %s %s", i.Name, i.Vouched, intact, i.User)
}

func TestImage(t *testing.T) {
	const scope = "/system.slice/docker-" + containerID + ".scope"
	docker := dockerState("var/lib/docker/", containerID, "nginx:1.25")
	for _, c := range []struct {
		name         string
		host         map[string]string
		cgroup, want string
	}{
		{"docker", docker, scope, "nginx:1.25 true true mail"},
		{"docker, cgroupfs", docker, "/docker/" + containerID, "nginx:1.25 true true mail"},
		{"docker, parent of one's choice", docker, "/mail.slice/" + containerID, "nginx:1.25 true true mail"},
		{"another container", docker, strings.Replace(scope, "4f2a", "4f2b", 1), "none"},
		{"no container", docker, "/system.slice/x.service", "none"},
		{"docker elsewhere", with(dockerState("srv/docker/", containerID, "a"), "etc/docker/daemon.json", `{"log-level":"warn","data-root":"/srv/docker"}`), scope, "a true true mail"},
		{"docker without layers", with(docker, "var/lib/docker/image/overlay2/layerdb/mounts/"+containerID+"/mount-id", ""), scope, "nginx:1.25 true unknown "},
		{"a layer is missing", with(docker, "var/lib/docker/overlay2/l/INIT", "->../gone/diff"), scope, "nginx:1.25 true unknown "},
		{"podman", storageState("var/lib/containers/storage/", "containers.json", containerID), "/machine.slice/libpod-" + containerID + ".scope/container", "quay.io/a/web:2 true true mail"},
		{"podman --rm", storageState("var/lib/containers/storage/", "volatile-containers.json", containerID), "/machine.slice/libpod-" + containerID + ".scope/container", "quay.io/a/web:2 true true mail"},
		{"CRI-O elsewhere", with(storageState("data/", "containers.json", containerID), "etc/containers/storage.conf", "[storage]\n# graphroot = \"/x\"\ngraphroot = \"/data\"\n"),
			"/kubepods.slice/crio-" + containerID + ".scope", "quay.io/a/web:2 true true mail"},
		{"containerd", map[string]string{"run/containerd/io.containerd.runtime.v2.task/k8s.io/" + containerID + "/config.json": `{"ociVersion":"1.1.0","annotations":{"io.kubernetes.cri.image-name":"docker.io/library/web:1","io.kubernetes.cri.container-name":"web"}}`},
			"/kubepods.slice/cri-containerd-" + containerID + ".scope", "docker.io/library/web:1 true unknown "},

		// A user's own runtime names its images as that user likes.
		{"rootless podman", with(storageState("home/alice/.local/share/containers/storage/", "containers.json", containerID), "etc/passwd", "alice:x:1000:1000::/home/alice:/bin/sh\n"),
			"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + containerID + ".scope/container", "quay.io/a/web:2 false unknown "},
		// A cgroup of one's own can be named like root's container.
		{"forged by a user", with(docker, "etc/passwd", "alice:x:1000:1000::/home/alice:/bin/sh\n"), "/user.slice/user-1000.slice/user@1000.service/docker-" + containerID + ".scope", "none"},
		{"forged by a service", docker, "/system.slice/x.service/docker-" + containerID + ".scope", "nginx:1.25 false unknown "},
		{"forged in a container", docker, "/system.slice/docker-" + strings.Repeat("0", 64) + ".scope/docker/" + containerID, "nginx:1.25 false unknown "},

		{"torn state", with(docker, "var/lib/docker/containers/"+containerID+"/config.v2.json", `{"Image":"x","Config":{"Im`), scope, "none"},
		{"a name beyond bounds", dockerState("var/lib/docker/", containerID, strings.Repeat("x", maxImageName+1)), scope, " true true mail"},
		{"a state beyond bounds", with(docker, "var/lib/docker/containers/"+containerID+"/config.v2.json", "{}"+strings.Repeat(" ", maxImageState)), scope, "none"},
		{"a layer that leads elsewhere", with(docker, "var/lib/docker/image/overlay2/layerdb/mounts/"+containerID+"/mount-id", "../../../tmp"), scope, "nginx:1.25 true unknown "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := imageOf(t, c.host, c.cgroup, "/usr/sbin/exim", "exim of the image")
			if words(got) != c.want {
				t.Errorf("image is %q, want %q", words(got), c.want)
			}
		})
	}
}

// with is a copy of a host with one file more, or another.
func with(host map[string]string, path, content string) map[string]string {
	more := map[string]string{path: content}
	for p, c := range host {
		if p != path {
			more[p] = c
		}
	}
	return more
}

// What was written in the container, or came from elsewhere, is not the image's.
func TestImageIntact(t *testing.T) {
	const scope = "/system.slice/docker-" + containerID + ".scope"
	docker := dockerState("var/lib/docker/", containerID, "nginx")
	for _, c := range []struct{ exe, content, want string }{
		{"/usr/bin/perl", "perl of the image", "true"},
		{"/usr/bin/perl", "perl of a stranger", "false"}, // longer
		{"/usr/bin/perl", "perl of mr. image", "false"},  // as long
		{"/tmp/.x/perl", "perl of the image", "false"},
		{"/usr/sbin/exim", "exim of the image below, and longer", "false"}, // an older version of it
	} {
		got := imageOf(t, docker, scope, c.exe, c.content)
		if got == nil || got.Intact == nil || fmt.Sprint(*got.Intact) != c.want {
			t.Errorf("%s, %q: image is %q, want %s", c.exe, c.content, words(got), c.want)
		}
	}
	whiteout := dockerState("var/lib/docker/", containerID, "nginx")
	whiteout["var/lib/docker/overlay2/upper1/diff/usr/bin/perl/x"] = "" // no regular file, as a whiteout is none
	if got := imageOf(t, whiteout, scope, "/usr/bin/perl", "perl of the image"); words(got) != "nginx true false mail" {
		t.Errorf("a file that the image took away: %q", words(got))
	}
	above := dockerState("var/lib/docker/", containerID, "nginx")
	above["var/lib/docker/overlay2/upper1/diff/usr/bin"] = "no directory any more"
	if got := imageOf(t, above, scope, "/usr/bin/perl", "perl of the image"); words(got) != "nginx true false mail" {
		t.Errorf("a file whose directory the image took away: %q", words(got))
	}
}

// A directory that the image made anew has nothing of the one that was there.
func TestImageOfOpaqueDirectory(t *testing.T) {
	host := dockerState("var/lib/docker/", containerID, "nginx")
	host["var/lib/docker/overlay2/upper1/diff/usr/bin/sh"] = "a shell"
	dir := files(t, host)
	opaque := filepath.Join(dir, "var/lib/docker/overlay2/upper1/diff/usr/bin")
	if err := unix.Setxattr(opaque, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		t.Skipf("to make a directory opaque takes root: %v", err)
	}
	put(t, dir, "usr/bin/perl", "perl of the image")
	p := fakeProcess(t, dir, "/usr/bin/perl")
	p.Cgroup, p.UID = "/system.slice/docker-"+containerID+".scope", 8
	if got := words(resolve(t, fakeResolver(t, dir), p).Image); got != "nginx true false mail" {
		t.Errorf("image is %q", got)
	}
}

// Who names a cgroup like another one's container, of another runtime, hides nothing of it.
func TestImageLookedForInVain(t *testing.T) {
	dir := files(t, dockerState("var/lib/docker/", containerID, "nginx"))
	put(t, dir, "usr/sbin/exim", "exim of the image")
	r := fakeResolver(t, dir)
	for i, cgroup := range []string{"/system.slice/x.service/libpod-" + containerID + ".scope", "/system.slice/docker-" + containerID + ".scope"} {
		p := fakeProcess(t, dir, "/usr/sbin/exim")
		p.Cgroup, p.UID, p.Key.Pid = cgroup, 8, uint32(5200+i)
		want := []string{"none", "nginx true true mail"}[i]
		if got := words(resolve(t, r, p).Image); got != want {
			t.Errorf("%s: image is %q, want %q", cgroup, got, want)
		}
	}
}

// What was found of a container stays when it is gone, with its state.
func TestImageOfContainerGone(t *testing.T) {
	dir := files(t, dockerState("var/lib/docker/", containerID, "nginx"))
	put(t, dir, "usr/sbin/exim", "exim of the image")
	p := fakeProcess(t, dir, "/usr/sbin/exim")
	p.Cgroup, p.UID = "/system.slice/docker-"+containerID+".scope", 8
	r := fakeResolver(t, dir)
	before := words(resolve(t, r, p).Image)
	if err := os.RemoveAll(filepath.Join(dir, "var")); err != nil {
		t.Fatal(err)
	}
	r.Recheck(p.Key)
	if after := words(wait(t, r, p.Key).Image); before != "nginx true true mail" || after != before {
		t.Errorf("image was %q, and is %q", before, after)
	}
}
