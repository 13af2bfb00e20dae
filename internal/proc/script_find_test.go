package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// A shell reads its script as it goes, and so has the deleted file still. But it may have been written since.
func TestScriptDeletedOfShell(t *testing.T) {
	for _, interpreter := range []string{"dash", "bash"} {
		t.Run(interpreter, func(t *testing.T) {
			path, p := shell(t, interpreter)
			remove(t, path)
			id := resolve(t, resolver(t), p)
			if s := id.Script; s == nil || *s != (Script{Path: path, Status: Deleted, Deleted: true}) {
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
	dir := files(t, map[string]string{"usr/bin/perl": "x", "srv/x.pl": "print", "srv/dir/y": "", "srv/link.pl": "->x.pl", "srv/out.pl": "->/../../../../../etc/passwd",
		"srv/now": "->/opt/v2/web", "opt/v2/web/y": "", "opt/v2/cron.pl": "real", "srv/cron.pl": "decoy"})
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
		// ".." behind a link leads to where the link leads, and up from there
		{"/srv/now/../cron.pl", Script{Path: "/srv/now/../cron.pl", SHA256: sha256Of("real"), Status: Verified}},
		{"now/../cron.pl", Script{Path: "/srv/now/../cron.pl", Relative: true, SHA256: sha256Of("real"), Status: Verified}},
		{".././srv/x.pl", Script{Path: "/srv/x.pl", Relative: true, SHA256: sha256Of("print"), Status: Verified}},
		// what is one file to the process is another to us
		{"/dev/fd/63", Script{Path: "/dev/fd/63", Status: Gone}},
		{"/proc/self/fd/9", Script{Path: "/proc/self/fd/9", Status: Gone}},
		{"/dev/stdin", Script{Path: "/dev/stdin", Status: Gone}},
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

// Where a script is tells as much as where a program is.
func TestScriptDirs(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/perl": "x", "usr/share/x.pl": "1", "tmp/x.pl": "1", "opt/.x/x.pl": "1"})
	for path, mode := range map[string]os.FileMode{"": 0o755, "tmp": 0o777 | os.ModeSticky} {
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	r := fakeResolver(t, dir)
	for i, c := range []struct {
		cwd, arg         string
		writable, hidden bool
	}{
		{"/", "/usr/share/x.pl", false, false},
		{"/", "/tmp/x.pl", true, false},
		{"/tmp", "x.pl", true, false},
		{"/tmp", "gone.pl", true, false},
		{"/opt", ".x/x.pl", false, true},
	} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.Key.Pid, p.Key.StartNs = uint32(5200+i), p.Key.StartNs+uint64(3*time.Second)
		p.Args, p.Cwd = []string{"perl", c.arg}, c.cwd
		id := resolve(t, r, p)
		expectFlag(t, id, ScriptWritableDir, c.writable)
		expectFlag(t, id, ScriptHiddenDir, c.hidden)
	}
}

// A link that was made or turned after the process began leads to another script than it did then.
func TestScriptBehindNewLink(t *testing.T) {
	for name, links := range map[string]map[string]string{
		"link":           {"srv/x.pl": "->old.pl"},
		"directory":      {"srv/now": "->/srv"},
		"link to a link": {"srv/x.pl": "->y.pl", "srv/y.pl": "->/srv/old.pl"},
		"loop":           {"srv/x.pl": "->x.pl"},
	} {
		dir := files(t, map[string]string{"usr/bin/perl": "x", "srv/old.pl": "innocent"})
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.Args = []string{"perl", "/srv/x.pl"}
		if name == "directory" {
			p.Args[1] = "/srv/now/old.pl"
		}
		settle(t, filepath.Join(dir, "srv/old.pl"))
		for p.Key.StartNs = bootNs(t); later(t) <= wallNs(p.Key.StartNs); { // until a change bears a time behind the start
		}
		for path, to := range links {
			put(t, dir, path, to)
		}
		if s := resolve(t, fakeResolver(t, dir), p).Script; s == nil || s.Status != Gone || s.SHA256 != "" || s.Deleted {
			t.Errorf("%s: script is %+v", name, s)
		}
	}
}

// Links whose targets go up and down keep nobody busy.
func TestLinksGoingInCircles(t *testing.T) {
	tree := map[string]string{"srv/a/x": "", "srv/10": "->a/x", "srv/near": "->10"}
	for i := range 10 {
		tree[fmt.Sprint("srv/", i)] = "->" + strings.Repeat("a/../", 700) + fmt.Sprint(i+1)
	}
	root := openTestRoot(t, files(t, tree))
	for path, want := range map[string]bool{"/srv/near": true, "/srv/9": true, "/srv/0": false} {
		if linksSettled(root, path, time.Now().Add(time.Hour).UnixNano()) != want {
			t.Errorf("%s is settled: %t", path, !want)
		}
	}
}

// A script stands in the root that the process was started in: a chroot if the interpreter is in it,
// the namespace's if it went there later.
func TestScriptInChroot(t *testing.T) {
	dir := files(t, map[string]string{
		"usr/bin/perl": "x", "x.pl": "outside", "jail/x.pl": "inside", "jail/usr/bin/perl": "y", "jail/srv/r.pl": "relative",
	})
	jail := filepath.Join(dir, "jail")
	r := fakeResolver(t, dir)
	for i, c := range []struct {
		exe, arg string
		gone     bool
		want     string
	}{
		{exe: "/jail/usr/bin/perl", arg: "/x.pl", want: "inside"},
		{exe: "/usr/bin/perl", arg: "/x.pl", want: "outside"},
		{exe: "/jail/usr/bin/perl", arg: "r.pl", want: "relative"},
		{exe: "/usr/bin/perl", arg: "/x.pl", gone: true, want: "outside"},
		{exe: "/jail/usr/bin/perl", arg: "/x.pl", gone: true, want: ""}, // nobody knows where it was
	} {
		p := fakeProcess(t, dir, c.exe)
		p.Key.Pid, p.Key.StartNs = uint32(6000+i), p.Key.StartNs+uint64(3*time.Second)
		p.Args, p.Cwd = []string{"perl", c.arg}, "/jail/srv"
		if !c.gone {
			alive(t, dir, p, map[string]string{"root": "->" + jail, "exe": "->" + filepath.Join(dir, p.Exe)})
			if c.exe != "/usr/bin/perl" {
				p.Exe = filepath.Join(dir, p.Exe) // where the root link says that the jail is
			}
		}
		want := ""
		if c.want != "" {
			want = sha256Of(c.want)
		}
		if s := resolve(t, r, p).Script; s == nil || s.SHA256 != want {
			t.Errorf("%+v: script is %+v", c, s)
		}
	}
}

// Node finds a module by its name without the suffix.
func TestScriptWithoutSuffix(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/node": "x", "usr/bin/perl": "x", "srv/server.js": "listen"})
	r := fakeResolver(t, dir)
	for i, c := range []struct {
		exe, arg string
		want     Script
	}{
		{"/usr/bin/node", "/srv/server", Script{Path: "/srv/server.js", SHA256: sha256Of("listen"), Status: Verified}},
		{"/usr/bin/node", "server", Script{Path: "/srv/server.js", Relative: true, SHA256: sha256Of("listen"), Status: Verified}},
		{"/usr/bin/node", "/srv/none", Script{Path: "/srv/none", Deleted: true, Status: Deleted}},
		{"/usr/bin/perl", "/srv/server", Script{Path: "/srv/server", Deleted: true, Status: Deleted}},
	} {
		p := fakeProcess(t, dir, c.exe)
		p.Key.Pid, p.Key.StartNs = uint32(5100+i), p.Key.StartNs+uint64(3*time.Second)
		p.Args, p.Cwd = []string{filepath.Base(c.exe), c.arg}, "/srv"
		if s := resolve(t, r, p).Script; s == nil || *s != c.want {
			t.Errorf("%s: script is %+v, want %+v", c.arg, s, c.want)
		}
	}
}

// A script that was there at the act and is gone at the end of the session.
func TestScriptDeletedLater(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/perl": "x", "srv/x.pl": "print"})
	for i, arg := range []string{"/srv/x.pl", "x.pl"} {
		put(t, dir, "srv/x.pl", "print")
		r := fakeResolver(t, dir)
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.Key.Pid, p.Key.StartNs = uint32(7000+i), p.Key.StartNs+uint64(3*time.Second)
		p.Args, p.Cwd = []string{"perl", arg}, "/srv"
		expectFlag(t, resolve(t, r, p), ScriptDeleted, false)
		remove(t, filepath.Join(dir, "srv/x.pl"))
		r.Recheck(p.Key)
		id := wait(t, r, p.Key)
		expectFlag(t, id, ScriptDeleted, true)
		if s := id.Script; s.SHA256 != sha256Of("print") || s.Status != Verified || !s.Deleted {
			t.Errorf("script is %+v", s)
		}
	}
}

// Perl pads the arguments behind a new title with blanks.
func TestScriptBehindTitle(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/perl": "x", "srv/x.pl": "print"})
	r := fakeResolver(t, dir)
	for i, args := range [][]string{{"httpd", "      "}, {"httpd", "/srv/x.pl"}, {"perl", "   "}} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.Key.Pid, p.Args = uint32(8000+i), args
		if s := resolve(t, r, p).Script; s != nil {
			t.Errorf("%q: script is %+v", args, s)
		}
	}
}

// What a program began with is known where its exec was seen: a new title hides nothing, and no other
// script than that is named.
func TestScriptOfExec(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/perl": "x", "srv/x.pl": "print", "srv/y.pl": "other"})
	r := fakeResolver(t, dir)
	for i, args := range [][]string{{"httpd", "      "}, {"perl", "/srv/y.pl"}, {"perl", "/srv/x.pl"}} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.Key.Pid, p.Args, p.ExecArgs = uint32(8100+i), args, []string{"-perl", "/srv/x.pl"}
		if s := resolve(t, r, p).Script; s == nil || s.Path != "/srv/x.pl" {
			t.Errorf("%q: script is %+v", args, s)
		}
	}
}

// A parent that took the process over is named only if it is one of those above it.
func TestParentIsGone(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x"})
	p := fakeProcess(t, dir, "/usr/bin/x")
	p.Ppid = 1
	p.Ancestors = []event.Ancestor{{Pid: 4000, Comm: "sh"}, {Pid: 3000, Comm: "cron"}, {Pid: 1, Comm: "systemd"}}
	id := resolve(t, fakeResolver(t, dir), p)
	if id.Parent.Pid != 1 || id.Parent.Name != "systemd" {
		t.Errorf("parent is %+v", id.Parent)
	}
	if want := []string{"4000 sh", "3000 cron", "1 systemd"}; !slices.Equal(id.Ancestors, want) {
		t.Errorf("ancestors are %q, want %q", id.Ancestors, want)
	}
	expectFlag(t, id, Orphaned, true)
	expectFlag(t, id, CronChild, true)
}
