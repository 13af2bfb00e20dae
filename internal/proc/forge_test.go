package proc

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
)

// forger keeps a file that it can write to whatever becomes of its name.
type forger struct {
	t    *testing.T
	path string
	file *os.File
	was  os.FileInfo
}

func newForger(t *testing.T, path string) *forger {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	was, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return &forger{t, path, f, was}
}

// rewrite puts other content of the same size in the file, and sets its times back. That moves the ctime, as does
// to delete the file.
func (f *forger) rewrite() {
	f.t.Helper()
	at := fmt.Sprintf("/proc/self/fd/%d", f.file.Fd())
	w, err := os.OpenFile(at, os.O_WRONLY, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := w.WriteAt([]byte("innocent"), 0); err != nil {
		f.t.Fatal(err)
	}
	w.Close()
	if err := os.Chtimes(at, time.Time{}, f.was.ModTime()); err != nil {
		f.t.Fatal(err)
	}
}

// staged studies a process with the file held, before anybody hashes.
func staged(t *testing.T, p *event.Process, between func()) *Resolver {
	t.Helper()
	r, err := open("/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	r.Observe(p)
	l := mustLive(t, r, p)
	between()
	r.study(<-r.near.arrivals, l, false)
	return r
}

// Once the process is gone, its binary can be written to: what was deleted while we looked may have been, too.
func TestHashOfForged(t *testing.T) {
	path, _ := newProgram(t)
	h, p := run(t, path)
	f := newForger(t, path)
	r := staged(t, p, func() {})
	h.end()
	f.rewrite()
	remove(t, path)
	r.start()
	expectHash(t, wait(t, r, p.Key), Hash{Status: Gone})

	// Nor does anybody else who ran it get that hash.
	q := *p
	q.Key.Pid, q.TimeNs = p.Key.Pid+1<<21, p.TimeNs+1e9
	expectHash(t, resolve(t, r, &q), Hash{Status: Gone})
}

func TestHashOfForgedBeforeItIsLookedAt(t *testing.T) {
	path, _ := newProgram(t)
	h, p := run(t, path)
	f := newForger(t, path)
	remove(t, path)
	r := staged(t, p, func() {
		h.end()
		f.rewrite()
	})
	r.start()
	expectHash(t, wait(t, r, p.Key), Hash{Status: Gone})
}

// While it runs nobody can write to it.
func TestHashOfDeletedWhileHashed(t *testing.T) {
	path, sum := newProgram(t)
	_, p := run(t, path)
	r := staged(t, p, func() {})
	remove(t, path)
	r.start()
	id := wait(t, r, p.Key)
	expectHash(t, id, Hash{sum, Verified})
	expectFlag(t, id, ExeDeleted, true)
}

// A script can be written to at any time, and its mtime set back: of one that has no name any more there is no hash.
func TestHashOfForgedScript(t *testing.T) {
	for name, between := range map[string]func(f *forger) (early, late func()){
		"before it is looked at": func(f *forger) (early, late func()) {
			return func() { f.rewrite(); remove(t, f.path) }, func() {}
		},
		"while it is hashed": func(f *forger) (early, late func()) {
			return func() {}, func() { f.rewrite(); remove(t, f.path) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, p := shell(t, "bash")
			early, late := between(newForger(t, path))
			r := staged(t, p, early)
			late()
			r.start()
			if s := wait(t, r, p.Key).Script; s == nil || *s != (Script{Path: path, Status: Deleted, Deleted: true}) {
				t.Errorf("script is %+v", s)
			}
		})
	}
}

// What a program read it read when it began. A fork of it is younger, and so may be what is in its script by then.
func TestScriptOfFork(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/perl": "x", "srv/x.pl": "innocent"})
	r := fakeResolver(t, dir)
	const second = uint64(time.Second)
	for i, c := range []struct {
		name   string
		exec   uint64 // seconds from the script's last change; 0: not seen
		start  uint64
		forked bool
		want   Script
	}{
		{"program that began behind the change", 3, 3, false, Script{Path: "/srv/x.pl", SHA256: sha256Of("innocent"), Status: Verified}},
		{"fork of it", 3, 4, true, Script{Path: "/srv/x.pl", SHA256: sha256Of("innocent"), Status: Verified}},
		{"that waited before its exec", 4, 1, false, Script{Path: "/srv/x.pl", SHA256: sha256Of("innocent"), Status: Verified}},
		{"fork of an unseen program", 0, 4, true, Script{Path: "/srv/x.pl", Status: Gone}},
		{"unseen program", 0, 4, false, Script{Path: "/srv/x.pl", SHA256: sha256Of("innocent"), Status: Verified}},
	} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		now := p.Key.StartNs
		p.Key.Pid, p.Key.StartNs, p.TimeNs = uint32(5100+i), now+c.start*second, now+10*second
		p.Args, p.Forked = []string{"perl", "/srv/x.pl"}, c.forked
		if c.exec > 0 {
			p.ExecNs = now + c.exec*second
		}
		if s := resolve(t, r, p).Script; s == nil || *s != c.want {
			t.Errorf("%s: script is %+v, want %+v", c.name, s, c.want)
		}
	}
	p := fakeProcess(t, dir, "/usr/bin/perl")
	p.Args, p.Forked, p.Key.StartNs, p.ExecNs = []string{"perl", "/srv/x.pl"}, true, p.Key.StartNs+9*second, p.Key.StartNs-9*second
	if s := resolve(t, r, p).Script; s == nil || *s != (Script{Path: "/srv/x.pl", Status: Replaced}) {
		t.Errorf("fork of a program that began before the change: script is %+v", s)
	}
}

// A process may have the kernel call another file its exe. Nothing of that file is said of the process.
func TestExeSwapped(t *testing.T) {
	dir := dpkgRoot(t)
	put(t, dir, "tmp/bot", "bot")
	put(t, dir, "srv/x.pl", "innocent")
	r := fakeResolver(t, dir)
	p := fakeProcess(t, dir, "/usr/bin/perl")
	p.ExeSwapped, p.Comm, p.Args = true, "bot", []string{"bot", "/srv/x.pl"}
	p.Key.StartNs += 3e9
	alive(t, dir, p, nil)
	id := resolve(t, r, p)
	expectHash(t, id, Hash{Status: Gone})
	expectFlag(t, id, ExeSwapped, true)
	if id.Package != nil || id.HostFile || id.Script != nil {
		t.Errorf("package %+v, script %+v, host's file %v", id.Package, id.Script, id.HostFile)
	}

	// Where it was seen before that, it is what it was, even if its exec was not seen.
	for i, told := range []bool{true, false} {
		bot := fakeProcess(t, dir, "/tmp/bot")
		bot.Key.Pid = uint32(77 + i)
		alive(t, dir, bot, nil)
		expectHash(t, resolve(t, r, bot), Hash{sha256Of("bot"), Verified})
		later := fakeProcess(t, dir, "/usr/bin/perl")
		later.Key, later.TimeNs, later.ExeSwapped = bot.Key, bot.TimeNs+1e9, told
		id = resolve(t, r, later)
		expectHash(t, id, Hash{sha256Of("bot"), Verified})
		expectFlag(t, id, ExeSwapped, true)
		expectFlag(t, id, ExeNotPackaged, true)
		if id.Process.Exe != "/tmp/bot" || id.Package != nil {
			t.Errorf("exe is %s of package %+v", id.Process.Exe, id.Package)
		}
	}
}

// Nor is anything of it said before that reading has been looked at.
func TestExeSwappedAndNotLookedAt(t *testing.T) {
	bot := &event.Process{Exe: "/tmp/bot", ExeInode: 7}
	e := newEntry(bot)
	e.finish(&Identity{Process: bot, Hash: Hash{sha256Of("bot"), Verified}, facts: &facts{ran: bot}})
	later := *bot
	later.Exe, later.ExeInode = "/usr/bin/perl", 8
	e.observe(&later)
	if id, done, _ := e.now(); done || id.Process.Exe != "/tmp/bot" {
		t.Errorf("exe is %s, done %v", id.Process.Exe, done)
	}
}
