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
	began, last time.Time // in the location of the reader
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
		return paste("a library is preloaded into it, for all programs or this one: cat "+s.root()+"/etc/ld.so.preload; grep -az ^LD_ /proc/%s/environ", s.pid())
	}},
	{"lib_unpackaged", func(s *scene) string {
		if len(s.Process.Libraries) == 0 {
			return ""
		}
		return "its hash tells nothing of a library that no package brought: " + string(appendToken(nil, s.Process.Libraries[0], maxPath))
	}},
	{"container", (*scene).container},
	{"web_child", func(s *scene) string {
		return "a web server is above it: look in its access log at or shortly before " + s.began.Format("02/Jan/2006:15:04:05 -0700")
	}},
	{"script_writable_dir", func(s *scene) string {
		return s.look("others than root may write where its script is", "ls -lat", path.Dir(s.Process.Script.Path))
	}},
	{"cron_child", func(s *scene) string {
		what := cmp.Or(s.Process.Script.Path, s.Process.Executable)
		if s.Container.ID != "" {
			return paste("cron ran it in its container: look for %s in the crontabs there", what)
		}
		return paste("cron ran it: grep -rs %s /etc/cron* /var/spool/cron", what)
	}},
	{"", func(s *scene) string {
		if s.Process.Script.Deleted {
			return ""
		}
		return s.look("read the script, and see when it was changed", "stat", s.Process.Script.Path)
	}},
	{"interpreter", func(s *scene) string {
		if s.Process.Script != (Script{}) {
			return ""
		}
		return "which code it ran is not known: it may stand in its arguments, which are in its records (process.args), " +
			"have come by a pipe, or be what a web server asked of it"
	}},
	{"exe_modified", func(s *scene) string {
		where := ""
		if s.Container.ID != "" {
			where = " in its container"
		}
		return paste("its binary is not as the package %s brought it: see what else is not, by dpkg --verify or rpm -Va"+where, s.Process.Package.Name)
	}},
	{"exe_not_packaged", func(s *scene) string {
		return s.look("no package brought its binary: look up its sha256, and see when it came", "stat", s.Process.Executable)
	}},
	{"exe_writable_dir", func(s *scene) string {
		if slices.Contains(s.flags, "exe_not_packaged") {
			return ""
		}
		return s.look("others than root may write where its binary is", "stat", s.Process.Executable)
	}},
	{"", func(s *scene) string {
		// pam_loginuid has cron's jobs count as logins, and a user's own systemd, which may run from the boot on.
		if slices.Contains(s.flags, "cron_child") || strings.HasPrefix(s.Systemd.Unit, "user@") {
			return ""
		}
		return paste("%s had logged in: last -F %[1]s", s.User.Audit.Name)
	}},
	{"", (*scene).journal},
	{"orphaned", func(s *scene) string {
		return paste("whoever started it is gone: ps -o pid,ppid,lstart,args -u %s shows what else its user runs", s.User.ID)
	}},
}

// next says what to look at next, at most maxNext things. Of a sender that is expected it is where its
// mail came from; of mail that went where mail should go it is nothing.
func (s *scene) next() (words []string) {
	switch {
	case s.verdict == Local, s.verdict == Submission, s.verdict == Relay && !s.expected:
		return nil
	case s.expected:
		return append(words, "look for who handed the mail in: "+s.log())
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

// root is the directory that the program's paths begin at, as long as it runs; "": that of the host.
func (s *scene) root() string {
	if s.Container.ID == "" || s.Process.PID == 0 {
		return ""
	}
	return "/proc/" + s.pid() + "/root"
}

// look advises a command on a file or directory of the program's. A service may have a /tmp of its own: PrivateTmp=
// of systemd.exec(5).
func (s *scene) look(fact, command, name string) string {
	if !path.IsAbs(name) {
		return ""
	}
	if s.Container.ID != "" {
		return paste(fact+", while it runs: "+command+" %s%s", s.root(), name)
	}
	for _, tmp := range []string{"/tmp", "/var/tmp"} {
		below, in := strings.CutPrefix(name, tmp)
		if in && (below == "" || below[0] == '/') && strings.HasSuffix(s.Systemd.Unit, ".service") {
			return paste(fact+": "+command+" %s "+tmp+"/systemd-private-*-%s-*%s", name, s.Systemd.Unit, "/tmp"+below)
		}
	}
	return paste(fact+": "+command+" %s", name)
}

func (s *scene) container() string {
	name, runtime := cmp.Or(s.Container.Name, s.Container.ID), s.Container.Runtime
	if runtime != "docker" && runtime != "podman" {
		return paste("it runs in the container %s: look for its image and what was changed in it", name)
	}
	owner, users := strings.CutPrefix(strings.TrimSuffix(s.Systemd.Slice, ".slice"), "user-")
	if !users || owner == "0" {
		return paste("it runs in a container: "+runtime+" inspect %s", name)
	}
	return paste("it runs in a container of uid %s: as that user, "+runtime+" inspect %s", owner, name) // root's knows it not
}

// log is where a mailer tells of mails that were handed in.
func (s *scene) log() string {
	switch path.Base(s.Process.Executable) {
	case "exim", "exim4": // which by default writes no other
		return "Exim's log is /var/log/exim4/mainlog, or /var/log/exim/main.log"
	}
	return cmp.Or(s.journal(), "its log")
}

// journal is a command that shows what the program's unit said while it sent. A login's scope says nothing.
func (s *scene) journal() string {
	unit := s.Systemd.innermost()
	if strings.HasSuffix(unit, ".scope") {
		return ""
	}
	at := func(t time.Time) string { return t.UTC().Format("'2006-01-02 15:04:05 UTC'") }
	span := " --since " + at(s.began.Add(-time.Minute)) + " --until " + at(s.last.Add(time.Minute))
	if s.Systemd.UserUnit != "" { // --user-unit shows only one's own
		return paste("journalctl _SYSTEMD_UNIT=%s _SYSTEMD_USER_UNIT=%s"+span, s.Systemd.Unit, unit)
	}
	return paste("journalctl -u %s"+span, unit)
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
