package record

import "time"

// Identity is who a process was at the moment of the act, with everything that it belonged to.
type Identity struct {
	Process      Process      `json:"process"`
	User         User         `json:"user"`
	Group        Account      `json:"group"`
	Systemd      Systemd      `json:"systemd"`
	Container    Container    `json:"container"`
	Orchestrator Orchestrator `json:"orchestrator"`
	Cgroup       Cgroup       `json:"cgroup"`
}

// Process is one program in one process.
type Process struct {
	PID              uint32    `json:"pid"` // in the initial pid namespace
	Thread           Thread    `json:"thread"`
	Start            time.Time `json:"start"`
	Name             string    `json:"name"`       // comm
	Executable       string    `json:"executable"` // path from the root of its mount namespace
	Args             []string  `json:"args"`
	ArgsTruncated    bool      `json:"args_truncated"` // there are more
	ExecArgs         []string  `json:"exec_args"`      // what it began with, where it has written over that
	WorkingDirectory string    `json:"working_directory"`
	Hash             Hash      `json:"hash"` // of the executable
	File             File      `json:"file"` // the executable, as the kernel saw it at the act
	Script           Script    `json:"script"`
	Package          Package   `json:"package"`
	Parent           Parent    `json:"parent"`
	Ancestors        []string  `json:"ancestors"` // "4240 apache2", the parent first
	Libraries        []string  `json:"libraries"` // mapped files that no package owns
	Flags            []string  `json:"flags"`     // of the connector; those of who sent are the record's
	// The network namespace is that of the connection: network.namespace.
	Namespaces Namespaces `json:"namespaces"`
}

// Thread is the thread that acted, where it is not the main one.
type Thread struct {
	ID uint32 `json:"id"`
}

// File is what the kernel knew of a file besides its path, in the fields of ECS's file where it has them.
type File struct {
	Inode  string    `json:"inode"`  // decimal
	Device string    `json:"device"` // of its file system, as in /proc/PID/mountinfo: "8:1"
	CTime  time.Time `json:"ctime"`  // of its last change: content, name, owner or mode. Nobody can set it.
	Mode   string    `json:"mode"`   // octal, as in "4755"
	Size   uint64    `json:"size"`   // bytes
	Links  uint32    `json:"links"`  // names that it has; 0: deleted, or never had one
}

// Namespaces are what the process was in, by the inode numbers in /proc/PID/ns.
type Namespaces struct {
	Mount uint32 `json:"mnt"`
	PID   uint32 `json:"pid"`
}

// Hash is the content of a file, and how sure it is.
type Hash struct {
	SHA256 string `json:"sha256"` // hex; empty unless the status is verified, deleted or memfd
	Status string `json:"status"` // verified, deleted, memfd, replaced, gone, too_large, pending
}

// Script is what an interpreter runs.
type Script struct {
	Path    string `json:"path"`
	Module  string `json:"module"` // of python -m and the like, where no path is known
	Deleted bool   `json:"deleted"`
	Hash    Hash   `json:"hash"`
}

// Package is what owns the executable.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Intact  *bool  `json:"intact"` // the file is as the package brought it; nil: not known
}

// Parent is the parent process.
type Parent struct {
	PID        uint32 `json:"pid"`
	Name       string `json:"name"`
	Executable string `json:"executable"`
}

// User is whom the process ran as.
type User struct {
	ID        string  `json:"id"` // real uid, decimal
	Name      string  `json:"name"`
	Effective Account `json:"effective"` // where it is not the real one
	Audit     Account `json:"audit"`     // who logged in (loginuid), in the place that Auditbeat gave it
}

// Account is a user or group.
type Account struct {
	ID   string `json:"id"` // decimal
	Name string `json:"name"`
}

// Systemd is the unit that the process is part of. The user unit is one of a user's own manager, which is
// itself the unit user@UID.service.
type Systemd struct {
	Unit      string `json:"unit"`
	Slice     string `json:"slice"`
	UserUnit  string `json:"user_unit"`
	UserSlice string `json:"user_slice"`
}

// innermost is the unit that tells most.
func (s *Systemd) innermost() string {
	if s.UserUnit != "" {
		return s.UserUnit
	}
	return s.Unit
}

// Container is the container that the process is in.
type Container struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Runtime string `json:"runtime"` // docker, podman, containerd, …
	Image   Image  `json:"image"`
}

// Image is what the container was made from, as its runtime keeps it.
type Image struct {
	Name   string    `json:"name"` // "docker.io/library/nginx:1.25"
	Hash   ImageHash `json:"hash"`
	Intact *bool     `json:"intact"` // the executable is as the image brought it; nil: not known
}

// ImageHash is where ECS has the id of an image.
type ImageHash struct {
	All []string `json:"all"` // "sha256:…"
}

// Orchestrator is what placed the container.
type Orchestrator struct {
	Type      string   `json:"type"` // kubernetes
	Namespace string   `json:"namespace"`
	Resource  Resource `json:"resource"`
}

// Resource is the pod.
type Resource struct {
	Type string `json:"type"` // pod
	ID   string `json:"id"`   // its uid
	Name string `json:"name"`
}

// Cgroup is the control group of the process.
type Cgroup struct {
	ID   uint64 `json:"id"`
	Path string `json:"path"`
}
