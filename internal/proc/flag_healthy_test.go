package proc

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
)

// What is to be found on healthy systems raises nothing that is not so.
func TestFlagsOfHealthySystems(t *testing.T) {
	for _, c := range []struct {
		name string
		exe  string
		comm string
		args []string
		make func(*Identity, *facts)
		want []Flag
	}{
		{"LiteSpeed's PHP", "/usr/local/lsws/lsphp82/bin/lsphp", "lsphp", []string{"lsphp:/home/u/public_html/wp-cron.php"}, nil, []Flag{Interpreter, WebChild}},
		{"a path with a colon", "/opt/a:b/mailer", "mailer", []string{"/opt/a:b/mailer"}, nil, nil},
		{"Celery", "/usr/bin/python3.11", "[celeryd: celer", []string{"[celeryd: celery@web1:MainProcess] -active- (worker)"}, func(id *Identity, _ *facts) {
			id.Script = &Script{Path: "/srv/venv/bin/celery"}
		}, []Flag{Argv0Mismatch, CommMismatch, Interpreter}},
		{"a kernel thread's name with something behind it", "/usr/bin/curl", "[kworker/0:1-e]", []string{"[kworker/0:1-e] x"}, nil, []Flag{Argv0Mismatch, CommMismatch, FakeKthread}},
		{"Python of RHEL 8 in a venv", "/usr/libexec/platform-python3.6", "python", []string{"/srv/venv/bin/python", "/srv/app.py"}, nil, []Flag{Interpreter}},
		{"Node 24", "/usr/bin/node", "MainThread", []string{"node", "/srv/app.js"}, nil, []Flag{Interpreter}},
		{"Node 25", "/usr/bin/node", "node-MainThread", []string{"node", "/srv/app.js"}, nil, []Flag{Interpreter}},
		{"a program that calls itself so", "/usr/bin/curl", "MainThread", []string{"curl"}, nil, []Flag{CommMismatch}},
		{"a child of CRI-O's monitor", "/usr/bin/curl", "curl", []string{"curl"}, func(id *Identity, _ *facts) {
			id.Container, id.Process.Ppid, id.Parent = Container{ID: "c1"}, 3000, Parent{Pid: 3000, Exe: "/usr/libexec/crio/conmonrs"}
			id.Process.Ancestors = []event.Ancestor{{Pid: 4000, Comm: "crun"}, {Pid: 3000, Comm: "conmonrs"}}
		}, []Flag{InContainer}},
		{"below uWSGI of Debian", "/usr/bin/curl", "curl", []string{"curl"}, func(_ *Identity, f *facts) {
			f.ancestors = []string{"uwsgi-core", "systemd"}
		}, []Flag{WebChild}},
		{"FrankenPHP", "/usr/local/bin/frankenphp", "frankenphp", []string{"frankenphp", "run"}, nil, []Flag{WebChild}},
	} {
		id, f := plain()
		id.Process.Exe, id.Process.Comm, id.Process.Args = c.exe, c.comm, c.args
		if c.make != nil {
			c.make(id, f)
		}
		if got := flagsOf(id, f); !slices.Equal(got, c.want) {
			t.Errorf("%s: flags are %q, want %q", c.name, got, c.want)
		}
	}
}

// Debian's sendmail is started by a link, whose name its comm keeps, and writes a title.
func TestCommOfLink(t *testing.T) {
	dir := files(t, map[string]string{"usr/lib/sm.bin/sendmail": "x", "usr/sbin/sendmail-mta": "->/usr/lib/sm.bin/sendmail"})
	for comm, want := range map[string]bool{"sendmail-mta": false, "sendmail-mda": true} {
		p := fakeProcess(t, dir, "/usr/lib/sm.bin/sendmail")
		p.Comm, p.Args = comm, []string{"sendmail: MTA: accepting connections"}
		expectFlag(t, resolve(t, fakeResolver(t, dir), p), CommMismatch, want)
	}
}

// A server in Perl writes its name over its arguments. Where its start was not seen, its script is told by that alone.
func TestTitleOfSystemScript(t *testing.T) {
	dir := files(t, map[string]string{
		"usr/bin/perl": "x", "usr/sbin/amavisd-new": "#!/usr/bin/perl -T\n", "usr/sbin/env-script": "#! /usr/bin/env -S perl -w\nx",
		"usr/sbin/apache2": "ELF", "usr/sbin/shell": "#!/bin/sh\n", "usr/sbin/empty": "", "srv/mine": "#!/usr/bin/perl\n",
	})
	for _, c := range []struct {
		title, comm string
		seen        bool
		mismatch    bool
	}{
		{"/usr/sbin/amavisd-new (ch1-avail)", "/usr/sbin/amavi", false, false},
		{"env-script: idle", "env-script: idl", false, false},
		{"/usr/sbin/apache2 -k start", "/usr/sbin/apach", false, true},
		{"shell", "shell", false, true},
		{"empty", "empty", false, true},
		{"none", "none", false, true},
		{"/srv/mine", "/srv/mine", false, true},
		{"/usr/sbin/amavisd-new (ch1-avail)", "/usr/sbin/amavi", true, true}, // it began as another
	} {
		p := fakeProcess(t, dir, "/usr/bin/perl")
		p.Comm, p.Args = c.comm, []string{c.title}
		if c.seen {
			p.ExecArgs = []string{"perl", "/tmp/bot.pl"}
		}
		id := resolve(t, fakeResolver(t, dir), p)
		expectFlag(t, id, Argv0Mismatch, c.mismatch)
		expectFlag(t, id, CommMismatch, c.mismatch)
		if id.Script != nil != c.seen {
			t.Errorf("%s: script is %+v", c.title, id.Script)
		}
	}
}

// Who is root in a container without being the host's owns its programs, as root does.
func TestWritableDirOfContainer(t *testing.T) {
	const lxc = "/lxc.payload.web/system.slice/x.service"
	if os.Getuid() != 0 {
		t.Skip("to give files away takes root")
	}
	for _, c := range []struct {
		name, cgroup, uids string
		uid                uint32
		mode               os.FileMode
		want               bool
	}{
		{"root of a container", lxc, "0 100000 65536\n", 100000, 0o755, false},
		{"root of a container, for everybody", lxc, "0 100000 65536\n", 100000, 0o777, true},
		{"another of a container", lxc, "0 100000 65536\n", 100033, 0o755, true},
		{"of a container that is gone", lxc, "", 100000, 0o755, false},
		{"root of a namespace of its own", "/user.slice/user-1000.slice/session-1.scope", "0 100000 65536\n", 100000, 0o755, true},
	} {
		dir := files(t, map[string]string{"opt/x/mailer": "x"})
		if err := os.Chown(filepath.Join(dir, "opt/x"), int(c.uid), int(c.uid)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "opt/x"), c.mode); err != nil {
			t.Fatal(err)
		}
		p := fakeProcess(t, dir, "/opt/x/mailer")
		p.UID, p.EUID, p.GID, p.Cgroup = c.uid, c.uid, c.uid, c.cgroup
		if c.uids != "" {
			alive(t, dir, p, map[string]string{"uid_map": c.uids, "gid_map": c.uids})
		}
		id := resolve(t, fakeResolver(t, dir), p)
		if slices.Contains(id.Flags, ExeWritableDir) != c.want {
			t.Errorf("%s: flags are %q", c.name, id.Flags)
		}
	}
}

// Busybox is many programs: which one an ancestor is its comm tells.
func TestBusyboxCron(t *testing.T) {
	dir := files(t, map[string]string{"usr/bin/x": "x", "bin/busybox": "x"})
	parent := fakeProcess(t, dir, "/bin/busybox")
	parent.Key.Pid = 77
	alive(t, dir, parent, nil)
	for comm, want := range map[string]bool{"crond": true, "sh": false} {
		p := fakeProcess(t, dir, "/usr/bin/x")
		p.Ppid, p.Ancestors = 77, []event.Ancestor{{Pid: 77, StartNs: parent.Key.StartNs, Comm: comm, ExeInode: parent.ExeInode}}
		expectFlag(t, resolve(t, fakeResolver(t, dir), p), CronChild, want)
	}
}
