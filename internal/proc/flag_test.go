package proc

import (
	"slices"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
)

// plain is a process that nothing is to be said of.
func plain() (*Identity, *facts) {
	yes := true
	p := &event.Process{
		Key: event.ProcessKey{Pid: 4242}, Ppid: 1, UID: 1000, EUID: 1000, Comm: "curl", Args: []string{"curl", "smtp://x"},
		Exe: "/usr/bin/curl", ExeInode: 7, ExeNlink: 1, ExeMagic: 0xef53, Cwd: "/",
		Ancestors: []event.Ancestor{{Pid: 1, Comm: "systemd", ExeInode: 3}},
	}
	id := &Identity{
		Process: p, User: "admin", EffectiveUser: "admin", Hash: Hash{"aa", Verified}, Unit: Unit{Name: "x.service"},
		Package: &Package{Name: "curl", Intact: &yes}, Parent: Parent{Pid: 1, Name: "systemd", Exe: "/usr/lib/systemd/systemd"},
	}
	return id, &facts{
		seen: true, leader: true, database: true, owned: &owned{}, ancestors: []string{"systemd"},
	}
}

func TestFlags(t *testing.T) {
	no := false
	exe := func(path string) func(*Identity, *facts) {
		return func(id *Identity, _ *facts) { id.Process.Exe = path }
	}
	named := func(comm string, args ...string) func(*Identity, *facts) {
		return func(id *Identity, _ *facts) { id.Process.Comm, id.Process.Args = comm, args }
	}
	running := func(path, comm string, args ...string) func(*Identity, *facts) {
		return func(id *Identity, _ *facts) { id.Process.Exe, id.Process.Comm, id.Process.Args = path, comm, args }
	}
	unit := func(name string) func(*Identity, *facts) {
		return func(id *Identity, _ *facts) { id.Unit.Name = name }
	}
	lineage := func(names ...string) func(*Identity, *facts) {
		return func(_ *Identity, f *facts) { f.ancestors = names }
	}
	for _, c := range []struct {
		name string
		make func(*Identity, *facts)
		want []Flag
	}{
		{"plain", func(*Identity, *facts) {}, nil},

		{"deleted before the act", func(id *Identity, _ *facts) { id.Process.ExeNlink = 0 }, []Flag{ExeDeleted}},
		{"deleted after the act", func(_ *Identity, f *facts) { f.unlinked = true }, []Flag{ExeDeleted}},
		{"memfd", func(id *Identity, f *facts) {
			id.Process.ExeNlink, id.Process.ExeMagic, id.Process.Exe, f.owned = 0, magicTmpfs, "/memfd:curl", nil
			id.Process.Comm, id.Process.Args = "memfd:curl", []string{"memfd:curl"}
		}, []Flag{ExeMemfd}},
		{"deleted in a tmpfs", func(id *Identity, _ *facts) {
			id.Process.ExeNlink, id.Process.ExeMagic = 0, magicTmpfs
		}, []Flag{ExeDeleted}},
		{"called memfd on disk", running("/memfd:x", "memfd:x", "memfd:x"), nil},
		{"writable", func(_ *Identity, f *facts) { f.writableDir = true }, []Flag{ExeWritableDir}},
		{"hidden", exe("/tmp/.x/curl"), []Flag{ExeHiddenDir}},
		{"hidden deep", exe("/home/u/.cache/a/b/curl"), []Flag{ExeHiddenDir}},
		{"a hidden file, dots in names", running("/opt/a.b/../.curl", ".curl", ".curl"), []Flag{ExeHiddenDir}},
		{"dots in names", running("/opt/a.b/.curl", ".curl", ".curl"), nil},
		{"not packaged", func(_ *Identity, f *facts) { f.owned = nil }, []Flag{ExeNotPackaged}},
		{"no database", func(_ *Identity, f *facts) { f.owned, f.database = nil, false }, nil},
		{"path not whole", func(id *Identity, f *facts) { f.owned, id.Process.ExeTruncated = nil, true }, nil},
		{"modified", func(id *Identity, _ *facts) { id.Package.Intact = &no }, []Flag{ExeModified}},
		{"no sum", func(id *Identity, _ *facts) { id.Package.Intact = nil }, nil},

		{"another name", named("httpd", "httpd"), []Flag{Argv0Mismatch, CommMismatch}},
		{"another argv[0]", named("curl", "/usr/sbin/httpd", "-k"), []Flag{Argv0Mismatch}},
		{"another comm", named("httpd", "curl"), []Flag{CommMismatch}},
		{"the beginning of the name", named("cur", "cur"), []Flag{Argv0Mismatch, CommMismatch}},
		{"a full path", named("curl", "/usr/bin/curl"), nil},
		{"a login shell", running("/usr/bin/bash", "bash", "-bash"), []Flag{Interpreter}},
		{"a title", running("/usr/sbin/nginx", "nginx", "nginx: worker process"), []Flag{WebChild}},
		{"a title of a version", running("/usr/sbin/php-fpm8.2", "php-fpm8.2", "php-fpm: pool www"), []Flag{Interpreter, WebChild}},
		{"a version", running("/usr/bin/python3.11", "python3", "python"), []Flag{Interpreter}},
		{"a version less", running("/usr/bin/perl", "perl5.36.0", "perl5.36.0"), []Flag{Interpreter}},
		{"a long name", running("/usr/lib/x/a-very-long-program-name", "a-very-long-pro", "a-very-long-program-name"), nil},
		{"a link", func(id *Identity, f *facts) {
			f.alias, id.Process.Comm, id.Process.Args = true, "sendurl", []string{"sendurl"}
		}, nil},
		{"a script in a writable directory", func(id *Identity, f *facts) {
			running("/usr/bin/perl", "perl", "perl", "/srv/dm.cgi")(id, f)
			id.Script, f.scriptDir = &Script{Path: "/srv/dm.cgi"}, true
		}, []Flag{Interpreter, ScriptWritableDir}},
		{"a script in a hidden directory", func(id *Identity, f *facts) {
			running("/usr/bin/perl", "perl", "perl", "/tmp/.x/dm.cgi")(id, f)
			id.Script = &Script{Path: "/tmp/.x/dm.cgi"}
		}, []Flag{Interpreter, ScriptHiddenDir}},
		{"a hidden script", func(id *Identity, f *facts) {
			running("/usr/bin/perl", "perl", "perl", "/srv/.dm.cgi")(id, f)
			id.Script = &Script{Path: "/srv/.dm.cgi"}
		}, []Flag{Interpreter}},
		{"a script's name", func(id *Identity, _ *facts) {
			id.Process.Exe, id.Process.Comm, id.Process.Args = "/usr/bin/perl", "dm.cgi", []string{"/usr/bin/perl", "/srv/dm.cgi"}
			id.Script = &Script{Path: "/srv/dm.cgi"}
		}, []Flag{Interpreter}},
		{"a title that is comm, too", func(id *Identity, _ *facts) { // Perl and node set both; amavisd, spamd, postgrey
			id.Process.Exe, id.Process.Comm, id.Process.Args = "/usr/bin/perl", "/usr/sbin/amavi", []string{"/usr/sbin/amavisd-new (ch1-avail)"}
			id.Script = &Script{Path: "/usr/sbin/amavisd-new"}
		}, []Flag{Interpreter}},
		{"a title of blanks that is comm, too", func(id *Identity, _ *facts) {
			id.Process.Exe, id.Process.Comm, id.Process.Args = "/usr/bin/perl", "spamd child", []string{"spamd child"}
			id.Script = &Script{Path: "/usr/sbin/spamd"}
		}, []Flag{Interpreter}},
		{"a false title that is comm, too", running("/usr/bin/perl", "httpd -k start", "httpd -k start"), []Flag{Argv0Mismatch, CommMismatch, Interpreter}},
		{"brackets and blanks", named("curl", "[kworker/0:1]  "), []Flag{Argv0Mismatch, FakeKthread}},
		{"brackets that comm cuts", named("[kworker/u256:1", "curl"), []Flag{CommMismatch, FakeKthread}},
		{"brackets in argv[0]", named("curl", "[kworker/0:1]"), []Flag{Argv0Mismatch, FakeKthread}},
		{"brackets in comm", named("[kworker/0:1]", "curl"), []Flag{CommMismatch, FakeKthread}},
		{"no arguments", named("kworker/0:1"), []Flag{CommMismatch, FakeKthread}},
		{"arguments not readable", func(id *Identity, _ *facts) {
			id.Process.Args, id.Process.ArgsUnreadable = nil, true
		}, nil},
		{"the program called [", running("/usr/bin/[", "[", "[", "-f", "]"), nil},
		{"a kernel thread", func(id *Identity, f *facts) {
			*id.Process = event.Process{Comm: "[kworker/0:1]", Kthread: true, Ppid: 2, Ancestors: []event.Ancestor{{Pid: 2, Comm: "kthreadd"}}}
			*f = facts{ancestors: []string{"kthreadd"}}
			id.Package = nil
		}, nil},

		{"a mail server's user", func(id *Identity, _ *facts) { id.User = "postfix" }, []Flag{MTAImpostor}},
		{"a mail server's effective user", func(id *Identity, _ *facts) { id.EffectiveUser = "Debian-exim" }, []Flag{MTAImpostor}},
		{"a mail server's name", named("qmgr", "qmgr", "-l"), []Flag{Argv0Mismatch, CommMismatch, MTAImpostor}},
		{"a mail server in a place of its own", running("/tmp/exim4", "exim4", "exim4"), []Flag{MTAImpostor}},
		{"busybox as sendmail", func(id *Identity, f *facts) {
			f.alias, f.rightful, id.Process.Exe, id.Process.Comm, id.Process.Args = true, true, "/bin/busybox", "sendmail", []string{"/usr/sbin/sendmail", "-t"}
		}, nil},
		{"sendmail by a link in a root of its own", func(id *Identity, f *facts) {
			f.alias, id.Process.Exe, id.Process.Comm, id.Process.Args = true, "/bin/busybox", "sendmail", []string{"/usr/sbin/sendmail", "-t"}
		}, []Flag{MTAImpostor}},
		{"a link of another name", func(id *Identity, f *facts) {
			f.alias, f.rightful, id.Process.Exe, id.Process.Comm, id.Process.Args = true, true, "/usr/bin/dash", "qmgr", []string{"sh"}
		}, []Flag{CommMismatch, MTAImpostor, Interpreter}},
		{"busybox as a mail server's user", func(id *Identity, f *facts) {
			id.User, f.alias, f.rightful, id.Process.Exe, id.Process.Comm, id.Process.Args = "postfix", true, true, "/bin/busybox", "sendmail", []string{"sendmail"}
		}, []Flag{MTAImpostor}},
		{"postfix", func(id *Identity, _ *facts) {
			id.User, id.Process.Exe, id.Process.Comm, id.Process.Args = "postfix", "/usr/lib/postfix/sbin/smtp", "smtp", []string{"smtp", "-t", "unix"}
		}, nil},
		{"exim", func(id *Identity, _ *facts) {
			id.User, id.Process.Exe, id.Process.Comm, id.Process.Args = "Debian-exim", "/usr/sbin/exim4", "exim4", []string{"/usr/sbin/exim4", "-Mc"}
		}, nil},
		{"opensmtpd", running("/usr/lib/x86_64-linux-gnu/opensmtpd/smtpd", "smtpd", "smtpd: queue"), nil},

		{"interpreter", running("/usr/bin/perl", "perl", "perl", "x.pl"), []Flag{Interpreter}},
		{"script deleted", func(id *Identity, _ *facts) {
			id.Process.Exe, id.Process.Comm, id.Process.Args = "/usr/bin/perl", "perl", []string{"perl", "/tmp/x.pl"}
			id.Script = &Script{Path: "/tmp/x.pl", Deleted: true}
		}, []Flag{Interpreter, ScriptDeleted}},
		{"below a web server", lineage("sh", "apache2", "systemd"), []Flag{WebChild}},
		{"below php-fpm", lineage("php-fpm8.2", "systemd"), []Flag{WebChild}},
		{"in a web server's unit", unit("apache2.service"), []Flag{WebChild}},
		{"in a unit of php-fpm", unit("php8.2-fpm.service"), []Flag{WebChild}},
		{"in an instance of a unit", unit("nginx@shop.service"), []Flag{WebChild}},
		{"in a unit that sounds like it", unit("nginx-exporter.service"), nil},
		{"below cron", lineage("sh", "cron", "cron", "systemd"), []Flag{CronChild}},
		{"in cron's unit", unit("crond.service"), []Flag{CronChild}},
		{"cron itself", running("/usr/sbin/cron", "cron", "/usr/sbin/cron", "-f"), nil},
		{"no session of its own", func(_ *Identity, f *facts) { f.leader = false }, []Flag{Orphaned}},
		{"started by systemd as another", func(_ *Identity, f *facts) { f.execPid = 4000 }, []Flag{Orphaned}},
		{"started by systemd as itself", func(_ *Identity, f *facts) { f.execPid = 4242 }, nil},
		{"in a login's scope", unit("session-3.scope"), []Flag{Orphaned}},
		{"not looked at", func(_ *Identity, f *facts) { f.seen, f.leader = false, false }, nil},
		{"a parent of its own", func(id *Identity, f *facts) {
			id.Process.Ppid, f.leader = 4000, false
			id.Process.Ancestors = []event.Ancestor{{Pid: 4000, Comm: "bash"}, {Pid: 1, Comm: "systemd"}}
		}, nil},
		{"the first of a container", func(id *Identity, _ *facts) { // whose maker, runc, ends once it runs
			id.Container, id.Process.Ppid, id.Parent = Container{ID: "c1"}, 3000, Parent{Pid: 3000, Exe: "/usr/bin/containerd-shim-runc-v2"}
			id.Process.Ancestors = []event.Ancestor{{Pid: 4000, Comm: "runc:[1:CHILD]"}, {Pid: 3000, Comm: "containerd-shim"}}
		}, []Flag{InContainer}},
		{"an orphan of a container", func(id *Identity, _ *facts) {
			id.Container, id.Process.Ppid, id.Parent = Container{ID: "c1"}, 3500, Parent{Pid: 3500, Exe: "/usr/bin/dumb-init"}
			id.Process.Ancestors = []event.Ancestor{{Pid: 4000, Comm: "sh"}, {Pid: 3500, Comm: "dumb-init"}}
		}, []Flag{Orphaned, InContainer}},
		{"an orphan of a program that is called so", func(id *Identity, _ *facts) {
			id.Process.Ppid, id.Parent = 3000, Parent{Pid: 3000, Exe: "/tmp/conmon"}
			id.Process.Ancestors = []event.Ancestor{{Pid: 4000, Comm: "sh"}, {Pid: 3000, Comm: "conmon"}}
		}, []Flag{Orphaned}},
		{"made by another than its parent", func(id *Identity, _ *facts) {
			id.Process.Ancestors = []event.Ancestor{{Pid: 4000, Comm: "sh"}, {Pid: 1, Comm: "systemd"}}
		}, []Flag{Orphaned}},
		{"another init", func(id *Identity, f *facts) { id.Process.Ancestors[0].Comm, f.leader = "init", false }, nil},
		{"below a user's manager", func(id *Identity, f *facts) {
			id.Process.Ppid, id.Process.Ancestors[0].Pid, id.Parent.Pid, f.leader = 900, 900, 900, false
		}, []Flag{Orphaned}},
		{"below a program called systemd", func(id *Identity, f *facts) {
			id.Process.Ppid, id.Process.Ancestors[0].Pid, id.Parent.Exe, f.leader = 900, 900, "/tmp/x", false
		}, nil},
		{"container", func(id *Identity, _ *facts) { id.Container = Container{ID: "web"} }, []Flag{InContainer}},
		{"only a pod", func(id *Identity, _ *facts) { id.Container = Container{PodUID: "x"} }, nil},
		{"preload", func(_ *Identity, f *facts) { f.preload = true }, []Flag{LdPreload}},
		{"library", func(id *Identity, _ *facts) { id.Libraries = []string{"/tmp/x.so"} }, []Flag{LibUnpackaged}},
	} {
		id, f := plain()
		c.make(id, f)
		if got := flagsOf(id, f); !slices.Equal(got, c.want) {
			t.Errorf("%s: flags are %q, want %q", c.name, got, c.want)
		}
	}
}
