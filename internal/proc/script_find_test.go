package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// shell runs a script that says it is ready and waits, and is older than the process.
func shell(t *testing.T, interpreter string) (path string, p *event.Process) {
	t.Helper()
	program, err := exec.LookPath(interpreter)
	if err != nil {
		t.Skipf("no %s here", interpreter)
	}
	path = filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("echo ready\nread x\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	settle(t, path)
	h := start(t, exec.Command(program, path), "")
	return path, observed(t, h.cmd.Process.Pid)
}

func TestScriptOfShell(t *testing.T) {
	path, p := shell(t, "sh")
	sum := sumOf(t, path)
	id := resolve(t, resolver(t), p)
	if s := id.Script; s == nil || *s != (Script{Path: path, SHA256: sum, Status: Verified}) {
		t.Errorf("script is %+v", s)
	}
	expectFlag(t, id, Interpreter, true)
	expectFlag(t, id, ScriptDeleted, false)
}

// A shell reads its script as it goes, and so has the deleted file still.
func TestScriptDeletedOfShell(t *testing.T) {
	for _, interpreter := range []string{"dash", "bash"} {
		t.Run(interpreter, func(t *testing.T) {
			path, p := shell(t, interpreter)
			sum := sumOf(t, path)
			remove(t, path)
			id := resolve(t, resolver(t), p)
			if s := id.Script; s == nil || *s != (Script{Path: path, SHA256: sum, Status: Deleted, Deleted: true}) {
				t.Errorf("script is %+v", s)
			}
			expectFlag(t, id, ScriptDeleted, true)
		})
	}
}

func TestScriptChanged(t *testing.T) {
	path, p := shell(t, "sh")
	for later(t) <= wallNs(p.Key.StartNs) { // until a change bears a time behind the start
	}
	if err := os.WriteFile(path, []byte("echo innocent\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if s := resolve(t, resolver(t), p).Script; s == nil || *s != (Script{Path: path, Status: Replaced}) {
		t.Errorf("script is %+v", s)
	}
}

// later is the time in nanoseconds that a file changed now would bear.
func later(t *testing.T) int64 {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &ts); err != nil {
		t.Fatal(err)
	}
	return ts.Nano()
}

func TestFindScript(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/perl": "x", "srv/x.pl": "print", "srv/dir/y": "", "srv/link.pl": "->x.pl", "srv/out.pl": "->/../../../../../etc/passwd"})
	if err := unix.Mkfifo(filepath.Join(dir, "srv/fifo.pl"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := fakeResolver(t, dir)
	for i, c := range []struct {
		arg  string
		want Script
	}{
		{"/srv/x.pl", Script{Path: "/srv/x.pl", SHA256: sha256Of("print"), Status: Verified}},
		{"./x.pl", Script{Path: "/srv/x.pl", Relative: true, SHA256: sha256Of("print"), Status: Verified}},
		{"link.pl", Script{Path: "/srv/link.pl", Relative: true, SHA256: sha256Of("print"), Status: Verified}},
		{"/srv/none.pl", Script{Path: "/srv/none.pl", Deleted: true, Status: Deleted}},
		{"/srv/x.pl/none", Script{Path: "/srv/x.pl/none", Deleted: true, Status: Deleted}},
		{"none.pl", Script{Path: "/srv/none.pl", Relative: true, Status: Gone}}, // the process may have changed its directory
		{"/srv/dir", Script{Path: "/srv/dir", Status: Gone}},
		{"/srv/fifo.pl", Script{Path: "/srv/fifo.pl", Status: Gone}},
		{"/srv/out.pl", Script{Path: "/srv/out.pl", Deleted: true, Status: Deleted}},
	} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.Key.Pid, p.Key.StartNs = uint32(5000+i), p.Key.StartNs+uint64(3*time.Second)
		p.Args, p.Cwd = []string{"perl", c.arg}, "/srv"
		if s := resolve(t, r, p).Script; s == nil || *s != c.want {
			t.Errorf("%s: script is %+v, want %+v", c.arg, s, c.want)
		}
	}
}
