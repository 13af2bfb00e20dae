package record

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// suspect is a program as Add would keep it, of which nothing is known but its pid.
func suspect(change func(*scene)) []string {
	s := scene{Identity: &Identity{Process: Process{PID: 7}}, verdict: DirectMX, first: at, last: at.Add(time.Minute)}
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
			s.first = at.In(time.FixedZone("", 3600)) // as an access log has it
		}, []string{"a web server is above it: look in its access log at 21/Nov/2026:15:31:07"}},
		"cron": {func(s *scene) {
			s.flags = []string{"cron_child"}
			s.Process.Script.Path, s.User.Audit.Name = "/opt/x.sh", "eve"
		}, []string{"cron ran it: grep -rs /opt/x.sh /etc/cron* /var/spool/cron",
			"read the script, and see when it was changed: stat /opt/x.sh"}},
		"code in arguments": {func(s *scene) {
			s.flags, s.Process.Args = []string{"interpreter"}, []string{"perl", "-e", "print"}
		}, []string{"it was given its code with its arguments, which are in its records (process.args), or by a pipe"}},
		"container": {func(s *scene) {
			s.flags, s.Container = []string{"container"}, Container{Name: "shop", ID: "ab12", Runtime: "docker"}
		}, []string{"it runs in a container: docker inspect shop"}},
		"user unit": {func(s *scene) { s.Systemd = Systemd{Unit: "user@1000.service", UserUnit: "app.service"} },
			[]string{"journalctl --user-unit app.service --since '2026-11-21 14:30:07 UTC' --until '2026-11-21 14:33:07 UTC'"}},
		"login": {func(s *scene) { s.Systemd.Unit, s.User.Audit.Name = "session-3.scope", "eve" },
			[]string{"eve had logged in: last -F eve"}},
		"submission": {func(s *scene) { s.verdict = Submission }, nil},
		"expected": {func(s *scene) { s.expected, s.Systemd.Unit = true, "postfix@-.service" },
			[]string{"journalctl -u postfix@-.service --since '2026-11-21 14:30:07 UTC' --until '2026-11-21 14:33:07 UTC' tells who handed the mail in"}},
	} {
		if got := suspect(test.change); !slices.Equal(got, test.want) {
			t.Errorf("%s\n got %q\nwant %q", name, got, test.want)
		}
	}
}

// What another process has named stands in no command that an administrator would paste into a root shell,
// unless it means nothing to a shell.
func TestNextIsSafeToPaste(t *testing.T) {
	for _, evil := range []string{"$(reboot)", "a;reboot", "a b", "`reboot`", "-rf", "a\nreboot", "\x1b]0;x", "é", "a'b", `a\b`, "~root", "*", strings.Repeat("a", 200)} {
		for _, words := range suspect(func(s *scene) {
			for _, l := range leads {
				s.flags = append(s.flags, l.flag)
			}
			*s.Identity = Identity{
				Process:   Process{PID: 7, Executable: evil, Script: Script{Path: evil}, Package: Package{Name: evil}},
				User:      User{Name: evil, Audit: Account{Name: evil}},
				Systemd:   Systemd{Unit: evil, UserUnit: evil},
				Container: Container{Name: evil, Runtime: "docker"},
			}
		}) {
			if strings.Contains(words, evil) && evil != "*" {
				t.Errorf("%q is advised", words)
			}
		}
	}
}
