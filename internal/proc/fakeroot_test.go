package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// files makes a root directory of files by path. A value that begins with "->" is a link, one that
// ends in "/" is not needed: directories come by themselves.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range contents {
		put(t, root, name, content)
	}
	return root
}

func put(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	target, link := strings.CutPrefix(content, "->")
	var err error
	if link {
		err = os.Symlink(target, path)
	} else {
		err = os.WriteFile(path, []byte(content), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func openTestRoot(t *testing.T, path string) *rootDir {
	t.Helper()
	root, err := openRoot(unix.AT_FDCWD, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(root.close)
	return root
}

func fakeResolver(t *testing.T, root string, opts ...Option) *Resolver {
	t.Helper()
	r, err := New(root, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// fakeProcess is a process that runs a file of a fake root, a second after now. It is gone unless
// alive is called.
func fakeProcess(t *testing.T, root, exe string) *event.Process {
	t.Helper()
	st, err := statAt(unix.AT_FDCWD, filepath.Join(root, exe), 0)
	if err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(root, &fs); err != nil {
		t.Fatal(err)
	}
	name := cutName(filepath.Base(exe))
	return &event.Process{
		Key:    event.ProcessKey{Pid: 4242, StartNs: bootNs(t) / 1e7 * 1e7, ExecId: 1},
		TimeNs: bootNs(t) + 3e9, Tid: 4242, Ppid: 1, LoginUID: ^uint32(0), Comm: name, Args: []string{exe}, Cwd: "/",
		Exe: exe, ExeInode: st.inode, ExeSize: uint64(st.size), ExeCtimeNs: uint64(st.ctimeNs), ExeDev: uint32(st.dev),
		ExeNlink: st.nlink, ExeMagic: uint32(fs.Type), ExeMode: uint32(st.mode), Cgroup: "/system.slice/x.service",
	}
}

func cutName(name string) string { return name[:min(len(name), commLen)] }

// alive gives a process of a fake root its directory in /proc, with files of the test's choice.
func alive(t *testing.T, root string, p *event.Process, contents map[string]string) {
	t.Helper()
	dir := fmt.Sprintf("proc/%d/", p.Key.Pid)
	put(t, root, dir+"exe", "->"+filepath.Join(root, p.Exe))
	put(t, root, dir+"root", "->"+root)
	put(t, root, dir+"stat", fakeStat(p, int(p.Key.Pid)))
	for name, content := range contents {
		os.Remove(filepath.Join(root, dir+name))
		put(t, root, dir+name, content)
	}
}

func fakeStat(p *event.Process, session int) string {
	return fmt.Sprintf("%d (a) b) S %d %d %d 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n",
		p.Key.Pid, p.Ppid, session, session, p.Key.StartNs/1e7)
}
