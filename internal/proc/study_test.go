package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// A process on a fake root, from the files to the flags.
func TestStudy(t *testing.T) {
	dir := dpkgRoot(t)
	put(t, dir, "etc/passwd", "root:x:0:0::/:\nwww-data:x:33:33::/:\nadmin:x:1000:1000::/:\n")
	put(t, dir, "etc/group", "www-data:x:33:\n")
	put(t, dir, "srv/dm.pl", "print 1")
	p := fakeProcess(t, dir, "/usr/bin/perl")
	p.UID, p.GID, p.EUID, p.LoginUID = 33, 33, 0, 1000
	p.Args, p.Cwd = []string{"perl", "-w", "dm.pl"}, "/srv"
	p.Key.StartNs += 3e9 // after the script was written
	p.Ppid, p.Ancestors = 4240, []event.Ancestor{{Pid: 4240, Comm: "apache2", ExeInode: 5}, {Pid: 1, Comm: "systemd", ExeInode: 6}}
	alive(t, dir, p, map[string]string{
		"environ": "A=b\x00LD_PRELOAD=/x.so\x00", "maps": "7f00-7f01 r-xp 00000000 fd:00 99 /usr/lib/x86_64-linux-gnu/libc.so.6\n" +
			"7f01-7f02 r-xp 00000000 fd:00 98                 /tmp/evil.so (deleted)\n7f02-7f03 r--p 00000000 fd:00 97 /tmp/data\n" +
			"7f03-7f04 r-xp 00000000 00:00 0 [vdso]\n7f04-7f05 r-xp 00000000 00:01 96 /memfd:jit (deleted)\n",
	})
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Join(dir, "tmp"), 0o1777)
	id := resolve(t, fakeResolver(t, dir), p)

	expectHash(t, id, Hash{sha256Of("usr/bin/perl"), Verified})
	if got := [...]string{id.User, id.Group, id.EffectiveUser, id.LoginUser}; got != [...]string{"www-data", "www-data", "root", "admin"} {
		t.Errorf("names are %q", got)
	}
	if s := id.Script; s == nil || s.Path != "/srv/dm.pl" || !s.Relative || s.Status != Verified || s.SHA256 != sha256Of("print 1") {
		t.Errorf("script is %+v", s)
	}
	if k := id.Package; k == nil || k.Name != "perl-base" || k.Version != "5.36.0-7" || k.Intact == nil || !*k.Intact {
		t.Errorf("package is %+v", k)
	}
	if id.Unit.Name != "x.service" || id.Parent.Pid != 4240 || id.Parent.Name != "apache2" {
		t.Errorf("unit is %+v, parent %+v", id.Unit, id.Parent)
	}
	if !slices.Equal(id.Ancestors, []string{"4240 apache2", "1 systemd"}) {
		t.Errorf("ancestors are %q", id.Ancestors)
	}
	if !slices.Equal(id.Libraries, []string{"/tmp/evil.so"}) {
		t.Errorf("libraries are %q", id.Libraries)
	}
	if want := []Flag{Interpreter, WebChild, LdPreload, LibUnpackaged}; !slices.Equal(id.Flags, want) {
		t.Errorf("flags are %q, want %q", id.Flags, want)
	}
}

// What was learned from the live process holds when it shows itself again under another name, and is
// gone by the time that anybody looks.
func TestStudyAgain(t *testing.T) {
	dir := dpkgRoot(t)
	put(t, dir, "srv/dm.pl", "print 1")
	p := fakeProcess(t, dir, "/usr/bin/perl")
	p.Args = []string{"perl", "/srv/dm.pl"}
	p.Key.StartNs += 3e9
	alive(t, dir, p, map[string]string{"environ": "LD_PRELOAD=x\x00"})
	r := fakeResolver(t, dir)
	first := resolve(t, r, p)
	if err := os.RemoveAll(filepath.Join(dir, "proc/4242")); err != nil {
		t.Fatal(err)
	}
	renamed := *p
	renamed.TimeNs++
	renamed.Comm, renamed.Args, renamed.ExeNlink = "httpd", []string{"httpd"}, 0
	second := resolve(t, r, &renamed)
	if second.Process != &renamed || second.Hash != first.Hash || *second.Script != *first.Script {
		t.Errorf("second reading gives %+v after %+v", second, first)
	}
	want := []Flag{ExeDeleted, Argv0Mismatch, CommMismatch, Interpreter, LdPreload}
	if !slices.Equal(second.Flags, want) {
		t.Errorf("flags are %q, want %q", second.Flags, want)
	}
	if first.Process != p || slices.Contains(first.Flags, ExeDeleted) {
		t.Errorf("a snapshot changed: %+v", first)
	}
}

func TestStudyModified(t *testing.T) {
	dir := dpkgRoot(t)
	put(t, dir, "usr/bin/perl", "usr/bin/perl, and a back door")
	id := resolve(t, fakeResolver(t, dir), fakeProcess(t, dir, "/usr/bin/perl"))
	expectFlag(t, id, ExeModified, true)
	if id.Package == nil || id.Package.Intact == nil || *id.Package.Intact {
		t.Errorf("package is %+v", id.Package)
	}
}

func TestStudyNotPackaged(t *testing.T) {
	dir := dpkgRoot(t)
	put(t, dir, "opt/mailer", "x")
	expectFlag(t, resolve(t, fakeResolver(t, dir), fakeProcess(t, dir, "/opt/mailer")), ExeNotPackaged, true)
	bare := files(t, map[string]string{"opt/mailer": "x"})
	expectFlag(t, resolve(t, fakeResolver(t, bare), fakeProcess(t, bare, "/opt/mailer")), ExeNotPackaged, false)
}

// A service has a mount namespace of its own (PrivateTmp=) and runs the host's files: the host's packages
// speak for them. Of another file at that path they say nothing.
func TestStudyOfService(t *testing.T) {
	dir := dpkgRoot(t)
	r := fakeResolver(t, dir)
	p := fakeProcess(t, dir, "/usr/bin/perl")
	p.MntNS++
	id := resolve(t, r, p)
	if !id.HostFile || id.Package == nil || id.Package.Intact == nil || !*id.Package.Intact {
		t.Errorf("the host's file: %v, package %+v", id.HostFile, id.Package)
	}
	other := fakeProcess(t, dir, "/usr/bin/perl")
	other.Key.Pid++
	other.MntNS++
	other.ExeInode++
	if id := resolve(t, r, other); id.HostFile || id.Package != nil {
		t.Errorf("another file: %v, package %+v", id.HostFile, id.Package)
	}
}

// While packages are installed the database changes faster than it is read. What it has of a file counts
// meanwhile if it fits; that it does not says nothing.
func TestStudyDuringUpgrade(t *testing.T) {
	dir := dpkgRoot(t)
	put(t, dir, "opt/mailer", "x")
	r := fakeResolver(t, dir)
	resolve(t, r, fakeProcess(t, dir, "/opt/mailer"))
	put(t, dir, "var/lib/dpkg/info/new.list", "/usr/bin/new\n")
	put(t, dir, "usr/bin/sh", "a new version")
	for i, c := range []struct{ exe, pkg, intact string }{
		{"/usr/bin/perl", "perl-base", "true"}, {"/usr/bin/sh", "dash", "<nil>"}, {"/opt/mailer", "", ""},
	} {
		p := fakeProcess(t, dir, c.exe)
		p.Key.Pid += uint32(i + 1)
		id := resolve(t, r, p)
		pkg, intact := "", ""
		if id.Package != nil {
			pkg, intact = id.Package.Name, "<nil>"
			if id.Package.Intact != nil {
				intact = fmt.Sprint(*id.Package.Intact)
			}
		}
		if pkg != c.pkg || intact != c.intact {
			t.Errorf("%s: package is %s, intact: %s", c.exe, pkg, intact)
		}
		expectFlag(t, id, ExeNotPackaged, false)
		expectFlag(t, id, ExeModified, false)
	}
}

// An upgrade replaced the file: that the one which ran differs from the database says nothing.
func TestStudyUpgraded(t *testing.T) {
	dir := dpkgRoot(t)
	put(t, dir, "usr/bin/perl", "the version before")
	p := fakeProcess(t, dir, "/usr/bin/perl")
	alive(t, dir, p, nil)
	held := filepath.Join(t.TempDir(), "held")
	path := filepath.Join(dir, "usr/bin/perl")
	if err := os.Rename(path, held); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "usr/bin/perl", "usr/bin/perl")
	id := resolve(t, fakeResolver(t, dir), p)
	expectFlag(t, id, ExeModified, false)
	if id.Package == nil || id.Package.Name != "perl-base" || id.Package.Intact != nil {
		t.Errorf("package is %+v", id.Package)
	}
}

// A path that was too deep for the kernel side is read from the process while it lives, and kept.
func TestStudyOfCutPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, strings.Repeat("d/", 45)+".x/smtp")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	settle(t, copyExe(t, path))
	h, p := run(t, path)
	p.Exe, p.ExeTruncated = "…/d/d/.x/smtp", true
	r := resolver(t)
	id := resolve(t, r, p)
	h.end()
	r.Recheck(p.Key)
	for _, id := range []*Identity{id, wait(t, r, p.Key)} {
		if id.Process.Exe != path || id.Process.ExeTruncated {
			t.Errorf("exe is %q", id.Process.Exe)
		}
		expectFlag(t, id, ExeHiddenDir, true)
		expectFlag(t, id, ExeWritableDir, true)
		expectFlag(t, id, MTAImpostor, true)
	}
	p = observedFile(t, p)
	id = resolve(t, r, p)
	if id.Process.Exe != "…/d/d/.x/smtp" || !id.Process.ExeTruncated {
		t.Errorf("nobody can tell, and exe is %q", id.Process.Exe)
	}
	expectFlag(t, id, ExeWritableDir, false)
	expectFlag(t, id, MTAImpostor, true) // no mail server is so deep down
}

func TestWritableDir(t *testing.T) {
	dir := files(t, map[string]string{"tmp/.x/a/prog": "x", "opt/prog": "x", "srv/www/up/prog": "x", "srv/group/prog": "x"})
	for path, mode := range map[string]os.FileMode{"": 0o755, "tmp": 0o777 | os.ModeSticky, "opt": 0o755, "srv/group": 0o775} {
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	root := openTestRoot(t, dir)
	for _, c := range []struct {
		exe  string
		uid  uint32
		gid  uint32
		want bool
	}{
		{"/tmp/.x/a/prog", 0, 0, true},
		{"/tmp/gone/prog", 0, 0, true},
		{"/opt/prog", 0, 0, false},
		{"/opt/prog", uid + 1, gid + 1, false},
		{"/opt/prog", uid, gid + 1, uid != 0},
		{"/srv/group/prog", uid + 1, gid, true},
		{"/srv/group/prog", uid + 1, gid + 1, false},
		{"/prog", uid + 1, gid + 1, false},
	} {
		p := &event.Process{Exe: c.exe, UID: c.uid, EUID: c.uid, GID: c.gid}
		if got := hasWritableDir(root, c.exe, p, c.uid != 0); got != c.want {
			t.Errorf("%s for %d:%d: writable is %v", c.exe, c.uid, c.gid, got)
		}
	}
}

func TestLeadsTo(t *testing.T) {
	dir := files(t, map[string]string{"usr/sbin/exim4": "x", "usr/sbin/sendmail": "->exim4", "usr/lib/mta": "->../sbin/sendmail", "tmp/httpd": "->/usr/sbin/exim4"})
	root, p := openTestRoot(t, dir), fakeProcess(t, dir, "/usr/sbin/exim4")
	for name, want := range map[string]bool{"sendmail": true, "mta": true, "exim4": true, "httpd": false, "": false} {
		if leadsTo(root, name, p) != want {
			t.Errorf("%s leads to the exe: %v", name, !want)
		}
	}
}

func TestPreloadFile(t *testing.T) {
	for content, want := range map[string]bool{"/x.so\n": true, "": false} {
		dir := files(t, map[string]string{"usr/bin/x": "x", "etc/ld.so.preload": content})
		expectFlag(t, resolve(t, fakeResolver(t, dir), fakeProcess(t, dir, "/usr/bin/x")), LdPreload, want)
	}
}

// A library that an upgrade took away was a package's as far as anybody can tell, unless others than root
// may write where it was.
func TestLibrariesAfterUpgrade(t *testing.T) {
	needRoot(t)
	dir := dpkgRoot(t)
	for _, sub := range []string{"tmp", "opt/shared", "opt/users"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(filepath.Join(dir, "tmp"), 0o1777)
	os.Chmod(filepath.Join(dir, "opt/shared"), 0o775)
	if err := os.Chown(filepath.Join(dir, "opt/users"), 1000, 0); err != nil {
		t.Fatal(err)
	}
	for lib, want := range map[string]bool{
		"/usr/lib/x86_64-linux-gnu/libicuuc.so.72.1": false, "/usr/lib/php/20220829/gone/mail.so": false,
		"/tmp/x.so": true, "/tmp/.x/y/z.so": true, "/opt/shared/a.so": true, "/opt/users/lib/b.so": true,
	} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		alive(t, dir, p, map[string]string{"maps": "7f00-7f01 r-xp 00000000 fd:00 99 " + lib + " (deleted)\n"})
		expectFlag(t, resolve(t, fakeResolver(t, dir), p), LibUnpackaged, want)
		os.RemoveAll(filepath.Join(dir, "proc/4242"))
	}
}

// In a mount namespace of its own a process may have covered a library of the host's.
func TestLibrariesCovered(t *testing.T) {
	dir := dpkgRoot(t)
	libc := "/usr/lib/x86_64-linux-gnu/libc.so.6"
	put(t, dir, libc, "libc")
	st, err := statAt(unix.AT_FDCWD, filepath.Join(dir, libc), 0)
	if err != nil {
		t.Fatal(err)
	}
	for inode, want := range map[uint64]bool{st.inode: false, st.inode + 1: true} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.MntNS++
		alive(t, dir, p, map[string]string{"maps": fmt.Sprintf("7f00-7f01 r-xp 00000000 fd:00 %d %s\n", inode, libc)})
		expectFlag(t, resolve(t, fakeResolver(t, dir), p), LibUnpackaged, want)
		os.RemoveAll(filepath.Join(dir, "proc/4242"))
	}
}

// A link that names a mail server speaks for a program where everybody sees it: a user has a root directory of its
// own if it likes.
func TestStudyLinkInOwnRoot(t *testing.T) {
	dir := files(t, map[string]string{
		"usr/bin/busybox": "x", "usr/sbin/sendmail": "->/usr/bin/busybox",
		"jail/usr/bin/bot": "y", "jail/usr/sbin/sendmail": "->/usr/bin/bot",
	})
	for exe, want := range map[string]bool{"/usr/bin/busybox": false, "/jail/usr/bin/bot": true} {
		p := fakeProcess(t, dir, exe)
		p.Comm, p.Args = "sendmail", []string{"sendmail"}
		if want {
			alive(t, dir, p, map[string]string{"root": "->" + filepath.Join(dir, "jail"), "exe": "->" + filepath.Join(dir, exe)})
			p.Exe = filepath.Join(dir, exe) // where the root link says that the jail is
		}
		id := resolve(t, fakeResolver(t, dir), p)
		expectFlag(t, id, MTAImpostor, want)
		expectFlag(t, id, Argv0Mismatch, false)
	}
}

// A container's names, scripts and packages are its own, and its ids are those of its user namespace.
func TestStudyContainer(t *testing.T) {
	host := files(t, map[string]string{"etc/passwd": "host:x:100033:100033::/:\nhost33:x:33:33::/:\n"})
	inner := dpkgRoot(t)
	put(t, inner, "etc/passwd", "www-data:x:33:33::/:\n")
	put(t, inner, "srv/x.pl", "inside")
	p := fakeProcess(t, inner, "/usr/bin/perl")
	p.MntNS, p.UID, p.EUID, p.Key.StartNs = 77, 100033, 100033, p.Key.StartNs+3e9
	p.Exe = inner + p.Exe // as the kernel gives it: from the root of the mount namespace
	p.Args = []string{"perl", "/srv/x.pl"}
	p.Cgroup = "/lxc.payload.web/system.slice"
	alive(t, host, p, map[string]string{
		"exe": "->" + p.Exe, "root": "->" + inner, "uid_map": "0 100000 65536\n", "gid_map": "0 100000 65536\n",
	})
	id := resolve(t, fakeResolver(t, host), p)
	expectHash(t, id, Hash{sha256Of("usr/bin/perl"), Verified})
	expectFlag(t, id, InContainer, true)
	if id.User != "www-data" || id.Package == nil || id.Package.Name != "perl-base" || id.Script.SHA256 != sha256Of("inside") {
		t.Errorf("identity is %+v, script %+v", id, id.Script)
	}

	gone := *p
	gone.Key.Pid++
	if id := resolve(t, fakeResolver(t, host), &gone); id.User != "" || id.Package != nil || id.Script.Status != Gone {
		t.Errorf("out of reach, names are taken from elsewhere: %+v, script %+v", id, id.Script)
	}
}
