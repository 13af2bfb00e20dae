package record

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// suspect is a program as Add would keep it, of which nothing is known but its pid.
func suspect(change func(*scene)) []string {
	s := scene{Identity: &Identity{Process: Process{PID: 7}}, verdict: DirectMX, began: at, last: at.Add(time.Minute)}
	change(&s)
	return s.next()
}

func TestNext(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*scene)
		want   []string
	}{
		"nothing known": {func(*scene) {}, []string{"while it runs: ls -l /proc/7/exe /proc/7/cwd /proc/7/fd"}},
		"no pid":        {func(s *scene) { s.Process.PID = 0 }, nil},
		"memfd": {func(s *scene) { s.flags = []string{"exe_memfd"} },
			[]string{"its binary was never on disk; while it runs, keep a copy: cp /proc/7/exe ./exe-7"}},
		"swapped": {func(s *scene) { s.flags = []string{"exe_swapped"} },
			[]string{"it began as another binary than the one that it now shows; while it runs, keep its memory: gcore 7"}},
		"web": {func(s *scene) {
			s.flags = []string{"web_child"}
			s.began = at.In(time.FixedZone("", 3600)) // as an access log has it
		}, []string{"a web server is above it: look in its access log at or shortly before 21/Nov/2026:15:31:07 +0100"}},
		"cron": {func(s *scene) {
			s.flags = []string{"cron_child"}
			s.Process.Script.Path, s.User.Audit.Name = "/opt/x.sh", "eve"
		}, []string{"cron ran it: grep -rs /opt/x.sh /etc/cron* /var/spool/cron",
			"read the script, and see when it was changed: stat /opt/x.sh"}},
		"code in arguments": {func(s *scene) {
			s.flags, s.Process.Args = []string{"interpreter"}, []string{"perl", "-e", "print"}
		}, []string{"which code it ran is not known: it may stand in its arguments, which are in its records (process.args), " +
			"have come by a pipe, or be what a web server asked of it"}},
		"container": {func(s *scene) {
			s.flags, s.Container = []string{"container"}, Container{Name: "shop", ID: "ab12", Runtime: "docker"}
			s.Process.Script.Path = "/srv/x.php"
		}, []string{"it runs in a container: docker inspect shop", // whose files are not the host's
			"read the script, and see when it was changed, while it runs: stat /proc/7/root/srv/x.php"}},
		"container, and gone": {func(s *scene) {
			s.flags, s.Container = []string{"cron_child", "exe_not_packaged"}, Container{ID: "ab12"}
			s.Process.PID, s.Process.Executable = 0, "/srv/x"
		}, []string{"cron ran it in its container: look for /srv/x in the crontabs there"}},
		"container of a user": {func(s *scene) { // which root's podman does not know
			s.flags, s.Container = []string{"container"}, Container{Name: "shop", ID: "ab12", Runtime: "podman"}
			s.Systemd = Systemd{Unit: "user@1000.service", Slice: "user-1000.slice", UserUnit: "libpod-ab12.scope"}
		}, []string{"it runs in a container of uid 1000: as that user, podman inspect shop"}},
		"private /tmp": {func(s *scene) { s.Process.Script.Path, s.Systemd.Unit = "/tmp/.x/a", "apache2.service" },
			[]string{"read the script, and see when it was changed: stat /tmp/.x/a /tmp/systemd-private-*-apache2.service-*/tmp/.x/a",
				"journalctl -u apache2.service --since '2026-11-21 14:30:07 UTC' --until '2026-11-21 14:33:07 UTC'"}},
		"script in a private /tmp": {func(s *scene) {
			s.flags, s.Process.Script, s.Systemd.Unit = []string{"script_writable_dir"}, Script{Path: "/tmp/x", Deleted: true}, "apache2.service"
		}, []string{"others than root may write where its script is: ls -lat /tmp /tmp/systemd-private-*-apache2.service-*/tmp",
			"journalctl -u apache2.service --since '2026-11-21 14:30:07 UTC' --until '2026-11-21 14:33:07 UTC'"}},
		"module, and where its script was": {func(s *scene) {
			s.flags, s.Process.Script.Module = []string{"script_writable_dir"}, "m"
		}, []string{"while it runs: ls -l /proc/7/exe /proc/7/cwd /proc/7/fd"}},
		"modified": {func(s *scene) { s.flags, s.Process.Package.Name = []string{"exe_modified"}, "perl-base" },
			[]string{"its binary is not as the package perl-base brought it: see what else is not, by dpkg --verify or rpm -Va"}},
		"user unit": {func(s *scene) { s.Systemd = Systemd{Unit: "user@1000.service", UserUnit: "app.service"} },
			[]string{"journalctl _SYSTEMD_UNIT=user@1000.service _SYSTEMD_USER_UNIT=app.service --since '2026-11-21 14:30:07 UTC' --until '2026-11-21 14:33:07 UTC'"}},
		"a user's systemd, which runs without a login": {func(s *scene) {
			s.Systemd, s.User.Audit.Name = Systemd{Unit: "user@1000.service", UserUnit: "app.scope"}, "eve"
		}, []string{"while it runs: ls -l /proc/7/exe /proc/7/cwd /proc/7/fd"}},
		"login": {func(s *scene) { s.Systemd.Unit, s.User.Audit.Name = "session-3.scope", "eve" },
			[]string{"eve had logged in: last -F eve"}},
		"submission": {func(s *scene) { s.verdict = Submission }, nil},
		"expected": {func(s *scene) { s.expected, s.Systemd.Unit = true, "postfix@-.service" },
			[]string{"look for who handed the mail in: journalctl -u postfix@-.service --since '2026-11-21 14:30:07 UTC' --until '2026-11-21 14:33:07 UTC'"}},
		"Exim": {func(s *scene) {
			s.expected, s.Systemd.Unit, s.Process.Executable = true, "exim4.service", "/usr/sbin/exim4"
		},
			[]string{"look for who handed the mail in: Exim's log is /var/log/exim4/mainlog, or /var/log/exim/main.log"}},
	} {
		if got := suspect(test.change); !slices.Equal(got, test.want) {
			t.Errorf("%s\n got %q\nwant %q", name, got, test.want)
		}
	}
}

// What another process has named stands in no command that an administrator would paste into a root shell,
// unless it means nothing to a shell.
func TestNextIsSafeToPaste(t *testing.T) {
	say := func(name string) (words []string) {
		s := scene{Identity: &Identity{
			Process:   Process{PID: 7, Executable: "/" + name, Script: Script{Path: "/" + name}, Package: Package{Name: name}},
			User:      User{ID: name, Name: name, Audit: Account{Name: name}},
			Systemd:   Systemd{Unit: name},
			Container: Container{Name: name, Runtime: "docker"},
		}, began: at, last: at}
		docker := s.Container
		for _, s.Container = range []Container{{}, docker} {
			for _, l := range leads { // each: next gives the first few
				words = append(words, l.words(&s))
			}
		}
		s.Systemd.Slice, s.Systemd.UserUnit = "user-"+name+".slice", name
		words = append(words, s.container(), s.journal())
		s.Container, s.Process.Executable, s.Systemd.Unit = Container{ID: name}, "/tmp/"+name, "a.service"
		words = append(words, s.container(), s.look("x", "stat", "/"+name))
		s.Container = Container{}
		return append(words, s.look("x", "stat", "/tmp/"+name))
	}
	for _, evil := range []string{"$(reboot)", "a;reboot", "x b", "`reboot`", " -rf", "a\nreboot", "\x1b]0;x", "é", "a'b", `a\b`, "~root", "x*", strings.Repeat("a", 200)} {
		for _, words := range say(strings.TrimPrefix(evil, " ")) {
			if strings.Contains(words, evil) {
				t.Errorf("%q is advised: %s", evil, words)
			}
		}
	}
	named := slices.DeleteFunc(say("plain"), func(words string) bool { return !strings.Contains(words, "plain") })
	if len(named) < 12 {
		t.Errorf("%q name what another process has named", named)
	}
}
