package proc

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/smtptrace/smtptrace/internal/lru"
)

// accounts knows the names of users and groups, for many roots. An answer holds for one state of a
// file: a changed passwd is asked anew.
type accounts struct {
	mu    sync.Mutex
	names *lru.Map[account, string]
}

// account is an id in one state of a passwd or group file.
type account struct {
	file fileID
	id   uint32
}

const (
	knownAccounts = 4096
	maxName       = 255
	maxAccounts   = 64 << 20 // bytes of a file
)

var errFound = errors.New("found")

func newAccounts() *accounts { return &accounts{names: lru.New[account, string](knownAccounts)} }

// user names a uid by /etc/passwd (passwd(5)), or as a dynamic user of systemd; "": no such entry.
func (a *accounts) user(root *rootDir, uid uint32) string {
	if name := a.name(root, "etc/passwd", uid); name != "" {
		return name
	}
	name, err := root.readlink("run/systemd/dynamic-uid/direct:" + strconv.Itoa(int(uid)))
	if err != nil || len(name) > maxName {
		return ""
	}
	return name
}

// group names a gid by /etc/group (group(5)); "": no such entry.
func (a *accounts) group(root *rootDir, gid uint32) string { return a.name(root, "etc/group", gid) }

func (a *accounts) name(root *rootDir, path string, id uint32) string {
	st, err := root.stat(path, inRoot)
	if err != nil {
		return ""
	}
	key := account{st.fileID, id}
	a.mu.Lock()
	name, ok := a.names.Get(key)
	a.mu.Unlock()
	if ok {
		return name
	}
	err = root.eachLine(path, maxAccounts, func(line string) error {
		if name, ok = accountLine(line, id); ok {
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return ""
	}
	a.mu.Lock()
	a.names.Put(key, name)
	a.mu.Unlock()
	return name
}

// home is the home directory of a uid by /etc/passwd; "": it has none.
func (a *accounts) home(root *rootDir, uid uint32) (home string) {
	_ = root.eachLine("etc/passwd", maxAccounts, func(line string) error { // what cannot be read has none
		if _, ok := accountLine(line, uid); !ok {
			return nil
		}
		if fields := strings.Split(line, ":"); len(fields) > 5 && strings.HasPrefix(fields[5], "/") {
			home = strings.Clone(fields[5])
		}
		return errFound
	})
	return home
}

// accountLine reads a name:password:id:… line. The first line of an id counts, as for getpwuid(3).
func accountLine(line string, id uint32) (name string, ok bool) {
	fields := strings.SplitN(line, ":", 4)
	if len(fields) < 4 || fields[2] != strconv.FormatUint(uint64(id), 10) {
		return "", false
	}
	if name = fields[0]; name == "" || name[0] == '#' || len(name) > maxName {
		return "", false
	}
	return strings.Clone(name), true
}
