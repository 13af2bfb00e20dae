package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A script that is looked for in PATH is none that has its name elsewhere, and none that came later.
func TestScriptThroughPath(t *testing.T) {
	dir := files(t, map[string]string{
		"usr/bin/perl": "x", "usr/bin/bash": "x", "usr/bin/dash": "x", "proc/self/x": "",
		"cwd/tool": "decoy", "cwd/here": "here", "a/none": "", "a/plain": "not to be run", "b/tool": "tool", "b/plain": "plain", "b/here": "decoy",
		"b/only": "only", "b/sub/x": "", "c/tool": "decoy", "c/sub": "of that name", "empty/x": "",
	})
	for _, name := range []string{"b/tool", "b/plain", "b/only", "c/tool", "c/sub"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "a/plain"), 0o644); err != nil {
		t.Fatal(err)
	}
	const second = uint64(time.Second)
	pid := uint32(5200)
	script := func(exe, env string, late bool, args ...string) Script {
		t.Helper()
		p := fakeProcess(t, dir, exe)
		pid++
		p.Key.Pid, p.Key.StartNs, p.Args, p.Cwd = pid, p.Key.StartNs+3*second, args, "/cwd"
		if late {
			p.Key.StartNs -= 9 * second
		}
		alive(t, dir, p, map[string]string{"environ": env})
		s := resolve(t, fakeResolver(t, dir), p).Script
		if s == nil {
			return Script{}
		}
		return *s
	}
	found := func(path string) Script { return Script{Path: path, Status: Gone} }
	not := func(name string) Script { return Script{Path: name, Relative: true, Status: Gone} }
	here := func(name, content string) Script {
		return Script{Path: "/cwd/" + name, Relative: true, SHA256: sha256Of(content), Status: Verified}
	}
	const perl, bash, dash = "/usr/bin/perl", "/usr/bin/bash", "/usr/bin/dash"
	long := strings.Repeat("/empty:", 20) + "/b"
	for _, c := range []struct {
		name      string
		got, want Script
	}{
		{"perl -S", script(perl, "X=1\x00PATH=/a:/b:/c\x00", false, "perl", "-S", "tool"), found("/b/tool")},
		{"perl -wS", script(perl, "PATH=/none:/b", false, "perl", "-wS", "--", "tool"), found("/b/tool")},
		{"perl -S and a path", script(perl, "PATH=/b", false, "perl", "-S", "./tool"), here("tool", "decoy")},
		{"perl -MS", script(perl, "PATH=/b", false, "perl", "-MS", "tool"), here("tool", "decoy")},
		{"a file that is not to be run", script(perl, "PATH=/a:/b", false, "perl", "-S", "plain"), found("/b/plain")},
		{"a directory of that name", script(perl, "PATH=/b:/c", false, "perl", "-S", "sub"), found("/c/sub")},
		{"a long PATH", script(perl, "PATH="+long, false, "perl", "-S", "tool"), found("/b/tool")},
		{"a PATH that is too long", script(perl, "PATH="+strings.Repeat("/empty:", 1000)+"/b", false, "perl", "-S", "tool"), not("tool")},
		{"two PATHs", script(perl, "PATH=/b\x00PATH=/c", false, "perl", "-S", "tool"), found("/b/tool")},
		{"no PATH", script(perl, "HOME=/", false, "perl", "-S", "tool"), not("tool")},
		{"a directory that depends", script(perl, "PATH=.:/b", false, "perl", "-S", "tool"), not("tool")},
		{"an empty directory", script(perl, "PATH=:/b", false, "perl", "-S", "tool"), not("tool")},
		{"nowhere", script(perl, "PATH=/a:/b", false, "perl", "-S", "missing"), not("missing")},
		{"a script that is younger", script(perl, "PATH=/b", true, "perl", "-S", "tool"), not("tool")},

		{"bash, in the working directory", script(bash, "PATH=/b", false, "bash", "here"), here("here", "here")},
		{"bash, not there", script(bash, "PATH=/a:/b", false, "bash", "-e", "only"), found("/b/only")},
		{"bash, a file that is not to be run", script(bash, "PATH=/a:/b", false, "bash", "plain"), found("/a/plain")},
		{"dash, not there", script(dash, "PATH=/b", false, "dash", "only"), Script{Path: "/cwd/only", Relative: true, Status: Gone}},
	} {
		if c.got != c.want {
			t.Errorf("%s: script is %+v, want %+v", c.name, c.got, c.want)
		}
	}

	// Something may have been in a directory that has changed since.
	p := fakeProcess(t, dir, perl)
	p.Args, p.Cwd = []string{"perl", "-S", "tool"}, "/cwd"
	put(t, dir, "a/tool", "gone by then")
	if err := os.Remove(filepath.Join(dir, "a/tool")); err != nil {
		t.Fatal(err)
	}
	alive(t, dir, p, map[string]string{"environ": "PATH=/a:/b"})
	if s := resolve(t, fakeResolver(t, dir), p).Script; s == nil || *s != not("tool") {
		t.Errorf("what was before it in PATH may be gone: script is %+v", s)
	}
}

// A program that the dynamic linker is told to start is not the linker.
func TestScriptOfDynamicLinker(t *testing.T) {
	linker, err := filepath.EvalSymlinks("/lib64/ld-linux-x86-64.so.2")
	if err != nil {
		t.Skipf("no dynamic linker here: %v", err)
	}
	program, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	bot := filepath.Join(t.TempDir(), "bot")
	b, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(bot, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	settle(t, bot)
	h := start(t, exec.Command(linker, bot, "-c", "echo ready; read x"), "")
	id := resolve(t, resolver(t), observed(t, h.cmd.Process.Pid))
	if s := id.Script; s == nil || *s != (Script{Path: bot, SHA256: sumOf(t, program), Status: Verified}) {
		t.Errorf("%s: script is %+v", id.Process.Exe, s)
	}
	expectFlag(t, id, Interpreter, true)
}

// What is said of a script's directory is of the one that it was found in.
func TestWritableDirOfScriptThroughPath(t *testing.T) {
	for _, c := range []struct {
		writable string
		args     []string
		want     bool
	}{
		{"cwd", []string{"bash", "only"}, false}, {"b", []string{"bash", "only"}, true}, {"b", []string{"perl", "-S", "only"}, true},
		{"a", []string{"perl", "-S", "only"}, false},
	} {
		dir := files(t, map[string]string{"usr/bin/perl": "x", "usr/bin/bash": "x", "proc/self/x": "", "cwd/x": "", "a/x": "", "b/only": "only"})
		for name, mode := range map[string]os.FileMode{"b/only": 0o755, c.writable: 0o777} {
			if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
				t.Fatal(err)
			}
		}
		p := fakeProcess(t, dir, "/usr/bin/"+c.args[0])
		p.Args, p.Cwd, p.Key.StartNs = c.args, "/cwd", p.Key.StartNs+3e9
		alive(t, dir, p, map[string]string{"environ": "PATH=/a:/b"})
		id := resolve(t, fakeResolver(t, dir), p)
		if id.Script == nil || id.Script.Path != "/b/only" {
			t.Fatalf("script is %+v", id.Script)
		}
		expectFlag(t, id, ScriptWritableDir, c.want)
	}
}
