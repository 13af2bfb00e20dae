package proc

import (
	"path/filepath"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
)

// A server that was upgraded runs on from a file without a name, and is the same server. One whose name
// ends as the kernel's mark of such files does is not.
func TestParentUpgraded(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	for _, c := range []struct {
		name string
		gone bool
		exe  string
		web  bool
	}{
		{"nginx", false, "/nginx", true},
		{"nginx", true, "/nginx", true},
		{"nginx (deleted)", false, "/nginx (deleted)", false},
	} {
		path := copyExe(t, filepath.Join(t.TempDir(), c.name))
		_, parent := run(t, path)
		if c.gone {
			remove(t, path)
		}
		p := fakeProcess(t, dir, "/usr/bin/x")
		p.Ppid = parent.Key.Pid
		p.Ancestors = []event.Ancestor{{Pid: p.Ppid, StartNs: parent.Key.StartNs, Comm: "worker", ExeInode: parent.ExeInode}}
		id := resolve(t, resolver(t), p)
		if want := filepath.Dir(path) + c.exe; id.Parent.Exe != want {
			t.Errorf("parent is %q, want %q", id.Parent.Exe, want)
		}
		expectFlag(t, id, WebChild, c.web)
	}
}
