package record

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxNext is how much is advised on one program: more is not read.
const maxNext = 3

// scene is what there is to go by when advising what to look at next.
type scene struct {
	*Identity
	flags       []string
	verdict     Verdict
	expected    bool
	first, last time.Time // in the location of the reader
}

// leads are what to look at next, the most telling first. One with a flag holds where it is raised; one
// that comes to nothing gives no words.
var leads = []struct {
	flag  string
	words func(*scene) string
}{
	{"mta_impostor", func(s *scene) string {
		return "it has a mail server's name or user, and none of its files: compare with what the package brought"
	}},
	{"exe_swapped", func(s *scene) string {
		return paste("it began as another binary than the one that it now shows; while it runs, keep its memory: gcore %s", s.pid())
	}},
	{"exe_memfd", func(s *scene) string { return s.keep("its binary was never on disk") }},
	{"exe_deleted", func(s *scene) string { return s.keep("its binary is deleted") }},
	{"script_deleted", func(s *scene) string {
		return paste("its script is deleted; while it runs it may still be open: ls -l /proc/%s/fd", s.pid())
	}},
	{"ld_preload", func(s *scene) string {
		return paste("a library is preloaded into it, for all programs or this one: cat /etc/ld.so.preload; grep -az ^LD_ /proc/%s/environ", s.pid())
	}},
	{"lib_unpackaged", func(s *scene) string {
		if len(s.Process.Libraries) == 0 {
			return ""
		}
		return "its hash tells nothing of a library that no package brought: " + string(appendToken(nil, s.Process.Libraries[0], maxPath))
	}},
	{"container", (*scene).container},
	{"web_child", func(s *scene) string {
		return "a web server is above it: look in its access log at " + s.first.Format("02/Jan/2006:15:04:05")
	}},
	{"script_writable_dir", func(s *scene) string {
		return paste("others than root may write where its script is: ls -lat %s", path.Dir(s.Process.Script.Path))
	}},
	{"cron_child", func(s *scene) string {
		what := cmp.Or(s.Process.Script.Path, s.Process.Executable)
		return paste("cron ran it: grep -rs %s /etc/cron* /var/spool/cron", what)
	}},
	{"", func(s *scene) string {
		if s.Process.Script.Deleted {
			return ""
		}
		return paste("read the script, and see when it was changed: stat %s", s.Process.Script.Path)
	}},
	{"interpreter", func(s *scene) string {
		if s.Process.Script != (Script{}) {
			return ""
		}
		return "it was given its code with its arguments, which are in its records (process.args), or by a pipe"
	}},
	{"exe_modified", func(s *scene) string {
		return paste("its binary is not as the package %s brought it: see what else is not, by dpkg --verify or rpm -V", s.Process.Package.Name)
	}},
	{"exe_not_packaged", func(s *scene) string {
		return paste("no package brought its binary: stat %s, and look up the sha256", s.Process.Executable)
	}},
	{"exe_writable_dir", func(s *scene) string {
		if slices.Contains(s.flags, "exe_not_packaged") {
			return ""
		}
		return paste("others than root may write where its binary is: stat %s", s.Process.Executable)
	}},
	{"", func(s *scene) string {
		if slices.Contains(s.flags, "cron_child") { // whose jobs count as logins (pam_loginuid)
			return ""
		}
		return paste("%s had logged in: last -F %[1]s", s.User.Audit.Name)
	}},
	{"", (*scene).journal},
	{"orphaned", func(s *scene) string {
		return paste("whoever started it is gone: ps -o pid,ppid,lstart,args -u %s shows what else its user runs", s.User.Name)
	}},
}

// next says what to look at next, at most maxNext things. Of a sender that is expected it is where its
// mail came from; of mail that went where mail should go it is nothing.
func (s *scene) next() (words []string) {
	switch {
	case s.verdict == Local, s.verdict == Submission, s.verdict == Relay && !s.expected:
		return nil
	case s.expected:
		return append(words, cmp.Or(s.journal(), "its log")+" tells who handed the mail in")
	}
	for _, l := range leads {
		if len(words) == maxNext {
			break
		}
		if l.flag == "" || slices.Contains(s.flags, l.flag) {
			if w := l.words(s); w != "" {
				words = append(words, w)
			}
		}
	}
	if len(words) > 0 {
		return words
	}
	if w := paste("while it runs: ls -l /proc/%[1]s/exe /proc/%[1]s/cwd /proc/%[1]s/fd", s.pid()); w != "" {
		words = append(words, w)
	}
	return words
}

func (s *scene) pid() string {
	if s.Process.PID == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(s.Process.PID), 10)
}

func (s *scene) keep(fact string) string {
	return paste(fact+"; while it runs, keep a copy: cp /proc/%[1]s/exe ./exe-%[1]s", s.pid())
}

func (s *scene) container() string {
	name := cmp.Or(s.Container.Name, s.Container.ID)
	switch s.Container.Runtime {
	case "docker", "podman":
		return paste("it runs in a container: "+s.Container.Runtime+" inspect %s", name)
	}
	return paste("it runs in the container %s: look for its image and what was changed in it", name)
}

// journal is a command that shows what the program's unit said while it sent. A login's scope says nothing.
func (s *scene) journal() string {
	option, unit := "-u", s.Systemd.Unit
	if s.Systemd.UserUnit != "" {
		option, unit = "--user-unit", s.Systemd.UserUnit
	}
	if strings.HasSuffix(unit, ".scope") {
		return ""
	}
	at := func(t time.Time) string { return t.UTC().Format("'2006-01-02 15:04:05 UTC'") }
	return paste("journalctl "+option+" %s --since "+at(s.first.Add(-time.Minute))+" --until "+at(s.last.Add(time.Minute)), unit)
}

// paste puts values into a command that an administrator may paste into a shell, or gives "" where one of
// them means something to a shell: they are another process's words.
func paste(format string, values ...any) string {
	for _, v := range values {
		if s := v.(string); s == "" || s[0] == '-' || len(s) > maxPath || strings.ContainsFunc(s, unpasteable) {
			return ""
		}
	}
	return fmt.Sprintf(format, values...)
}

func unpasteable(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("_./:@+,=-", r)
}
