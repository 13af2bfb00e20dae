package check

import (
	"regexp"
	"strings"
)

// runtimeName holds off what else the container may have put there.
var runtimeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,30}$`)

// anyContainer is one that only its namespaces show.
const anyContainer = "?"

// container names the runtime whose container this is; "" outside of one. A runtime's mark in the files
// alone is no proof: a machine may have been built from a container's image.
func (h *host) container() string {
	apart := h.namespace("pid") == foreign || h.namespace("cgroup") == foreign
	mark := h.containerMark()
	switch {
	case mark != "" && (apart || h.namespace("user") == foreign || h.overlayRoot()):
		return mark
	case apart:
		return anyContainer
	default:
		return ""
	}
}

func (h *host) containerMark() string {
	for _, mark := range []struct{ path, runtime string }{
		{"/run/secrets/kubernetes.io", "kubernetes"},
		{"/var/run/secrets/kubernetes.io", "kubernetes"},
		{"/run/.containerenv", "podman"},
		{"/.dockerenv", "docker"},
		{"/dev/.lxc-boot-id", "lxc"},
	} {
		if h.exists(mark.path) {
			return mark.runtime
		}
	}
	// systemd writes the name down where it is init in one (systemd.io/CONTAINER_INTERFACE).
	for _, p := range []string{"/run/systemd/container", "/run/host/container-manager"} {
		if s, err := h.read(p); err == nil && runtimeName.MatchString(s) {
			return s
		}
	}
	return ""
}

// overlayRoot tells that the root directory is an image with a layer over it.
func (h *host) overlayRoot() bool {
	mounts, _ := h.read("/proc/self/mountinfo")
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		f := strings.Fields(before)
		if len(f) > 4 && f[4] == "/" && (strings.HasPrefix(after, "overlay ") || strings.HasPrefix(after, "fuse-overlayfs ")) {
			return true
		}
	}
	return false
}
