package proc

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/smtptrace/smtptrace/internal/lru"
)

// Image is what a container was made from, as its runtime wrote it down where it keeps its state. No daemon is
// asked. The name is that runtime's word, not the container's; what runs in the container may have been written
// later, see Intact.
type Image struct {
	Name      string // as the runtime was told: "nginx:1.25", "docker.io/library/nginx:1.25"; "": not known
	ID        string // "sha256:…"; "": not known
	Container string // the name of the container itself; "": not known

	// Vouched: root's own runtime says so, of a container that only root can have made. A user's own runtime
	// names its images as that user likes, and who has a cgroup to himself can name one below it like a container.
	Vouched bool
	Intact  *bool  // the exe has the content of the file that the image has at its path; nil: not known
	User    string // of the real uid, by the image's own passwd; "": no such entry, or not known
}

const (
	knownImages   = 512
	maxImageName  = 512     // bytes
	maxImageState = 8 << 20 // bytes of a file with a runtime's state
)

// image is what is kept of a container: it never changes while there is one of that id.
type image struct {
	Image
	layers layers
}

// images knows the images of containers, below the root directory.
type images struct {
	mu    sync.Mutex
	known *lru.Map[string, image] // by runtime, home and the container's id; empty: nobody knows it
}

func newImages() *images { return &images{known: lru.New[string, image](knownImages)} }

// of finds the image of a container. home is that of the user whose runtime made it; "": root's made it.
func (a *images) of(root *rootDir, c Container, home string) image {
	if !hexID.MatchString(c.ID) {
		return image{}
	}
	key := c.Runtime + " " + home + " " + c.ID
	a.mu.Lock()
	found, ok := a.known.Get(key)
	a.mu.Unlock()
	if ok {
		return found
	}
	for _, read := range runtimeStates[c.Runtime] {
		if found = read(root, home, c.ID); found.Name != "" || found.ID != "" {
			break
		}
	}
	found.bound()
	a.mu.Lock()
	a.known.Put(key, found)
	a.mu.Unlock()
	return found
}

// runtimeStates are the readers of what each runtime keeps. A cgroup's name may not tell the runtime.
var runtimeStates = map[string][]func(root *rootDir, home, id string) image{
	"docker": {readDocker}, "podman": {readStorage}, "cri-o": {readStorage}, "containerd": {readBundle},
	"": {readDocker, readStorage, readBundle},
}

// bound leaves out what is longer than a name can be.
func (i *image) bound() {
	for _, s := range []*string{&i.Name, &i.ID, &i.Container} {
		if len(*s) > maxImageName {
			*s = ""
		}
	}
	if hexID.MatchString(i.ID) {
		i.ID = "sha256:" + i.ID
	}
}

// readDocker reads the state of dockerd: config.v2.json of the container.
func readDocker(root *rootDir, home, id string) (found image) {
	places := []string{storageRoot(root, "etc/docker/daemon.json", "data-root"), "/var/lib/docker", "/var/snap/docker/common/var-lib-docker"}
	if home != "" {
		places = []string{home + "/.local/share/docker"}
	}
	for _, place := range places {
		var state struct {
			Name, Image string
			Config      struct{ Image string }
		}
		if place == "" || !readJSON(root, place+"/containers/"+id+"/config.v2.json", &state) {
			continue
		}
		found.Name, found.ID, found.Container = state.Config.Image, state.Image, strings.TrimPrefix(state.Name, "/")
		found.layers = layers{place + "/overlay2", firstLine(root, place+"/image/overlay2/layerdb/mounts/"+id+"/mount-id")}
		break
	}
	return found
}

// readStorage reads the state of containers/storage, which podman and CRI-O keep.
func readStorage(root *rootDir, home, id string) (found image) {
	places := []string{storageRoot(root, "etc/containers/storage.conf", "graphroot"), "/var/lib/containers/storage"}
	if home != "" {
		places = []string{home + "/.local/share/containers/storage"}
	}
	type container struct{ ID, Image, Layer, Metadata string }
	for _, place := range places {
		for _, file := range []string{"containers.json", "volatile-containers.json"} {
			var c container
			if place == "" || !findJSON(root, place+"/overlay-containers/"+file, func(next *container) bool {
				c = *next
				return c.ID == id
			}) {
				continue
			}
			var told struct {
				Image string `json:"image-name"`
				Name  string `json:"name"`
			}
			_ = json.Unmarshal([]byte(c.Metadata), &told) // without it, the image has an id and no name
			found.Name, found.ID, found.Container = told.Image, c.Image, told.Name
			found.layers = layers{place + "/overlay", c.Layer}
			return found
		}
	}
	return found
}

// readBundle reads what containerd hands to runc for Kubernetes: its own database is not to be read without it. Of
// the containers of others it knows no image.
func readBundle(root *rootDir, home, id string) (found image) {
	var spec struct{ Annotations map[string]string }
	if home == "" && readJSON(root, "/run/containerd/io.containerd.runtime.v2.task/k8s.io/"+id+"/config.json", &spec) {
		found.Name = spec.Annotations["io.kubernetes.cri.image-name"]
		found.Container = spec.Annotations["io.kubernetes.cri.container-name"]
	}
	return found
}
