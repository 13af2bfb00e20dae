package proc

import (
	"regexp"
	"strings"
)

// Container is the container of a process, as its cgroup path names it: the innermost one.
type Container struct {
	ID      string // 64 hex digits, or the name for lxc and systemd-nspawn; "": in no container
	Runtime string // docker, containerd, cri-o, podman, lxc, systemd-nspawn; "": the path does not tell
	PodUID  string // of Kubernetes, with dashes
}

var (
	hexID      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	ecsID      = regexp.MustCompile(`^[0-9a-f]{32}-[0-9]+$`)
	scopeID    = regexp.MustCompile(`^([a-z-]+?)-([0-9a-f]{64})(?:\.scope)?$`)
	podUID     = regexp.MustCompile(`(?:^|-)pod([0-9a-f]{8}([-_])[0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$`)
	nspawnUnit = regexp.MustCompile(`^systemd-nspawn@(.+)\.service$`)
)

// runtimes maps the word before an id to the runtime that writes it. conmon's scopes hold the
// monitor, which runs on the host.
var runtimes = map[string]string{
	"docker":         "docker",
	"libpod":         "podman",
	"libpod-payload": "podman",
	"crio":           "cri-o",
	"cri-containerd": "containerd",
	"containerd":     "containerd",
	"nerdctl":        "containerd",
}

// containerOf reads a cgroup path of either hierarchy, made by the systemd or by the cgroupfs driver.
func containerOf(cgroup string) Container {
	var c Container
	parts := cgroupParts(cgroup)
	for i, part := range parts {
		next := ""
		if i+1 < len(parts) {
			next = parts[i+1]
		}
		// containerd with a systemd path and the cgroupfs driver: slice:prefix:id
		if fields := strings.Split(part, ":"); len(fields) == 3 && hexID.MatchString(fields[2]) {
			c.pod(fields[0])
			c.ID, c.Runtime = fields[2], runtimes[fields[1]]
			continue
		}
		switch m := scopeID.FindStringSubmatch(part); {
		case c.pod(part):
		case m != nil && runtimes[m[1]] != "":
			c.ID, c.Runtime = m[2], runtimes[m[1]]
		case hexID.MatchString(part):
			c.ID, c.Runtime = part, parentRuntime(parts[:i])
		case ecsID.MatchString(part) && i > 0 && isECS(parts[:i]):
			c.ID, c.Runtime = part, ""
		default:
			if name, runtime := named(part, next); name != "" {
				c.ID, c.Runtime = name, runtime
			}
		}
	}
	return c
}

// pod takes a pod's uid from its directory or slice; the ids below it are of its containers.
func (c *Container) pod(part string) bool {
	m := podUID.FindStringSubmatch(part)
	if m == nil {
		return false
	}
	c.PodUID = strings.ReplaceAll(m[1], "_", "-")
	return true
}

// parentRuntime tells who made a directory that is an id alone, from the directories above.
func parentRuntime(above []string) string {
	if len(above) == 0 {
		return ""
	}
	switch parent := above[len(above)-1]; parent {
	case "docker":
		return "docker"
	case "libpod_parent":
		return "podman"
	case "k8s.io", "default", "moby":
		return "containerd"
	}
	return ""
}

func isECS(above []string) bool { return above[0] == "ecs" || above[0] == "ecstasks.slice" }

// named finds runtimes that call a container by a name.
func named(part, next string) (name, runtime string) {
	if m := nspawnUnit.FindStringSubmatch(part); m != nil && next != "supervisor" {
		return unescapeUnit(m[1]), "systemd-nspawn"
	}
	if machine, ok := strings.CutPrefix(part, "machine-"); ok && next == "payload" {
		if machine, ok = strings.CutSuffix(machine, ".scope"); ok {
			return unescapeUnit(machine), "systemd-nspawn"
		}
	}
	if name, ok := strings.CutPrefix(part, "lxc.payload."); ok {
		return name, "lxc"
	}
	if part == "lxc.payload" || part == "lxc" {
		return next, "lxc"
	}
	return "", ""
}

// unescapeUnit undoes systemd-escape: \x2d is a dash.
func unescapeUnit(name string) string {
	if !strings.Contains(name, `\x`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if i+3 < len(name) && name[i] == '\\' && name[i+1] == 'x' {
			hi, lo := hexDigit(name[i+2]), hexDigit(name[i+3])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 3
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789abcdef", c) }
