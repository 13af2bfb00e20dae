package main

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

const mx = "127.0.0.1:25"

// disguise is a sender that hides, and what its record must say all the same.
type disguise struct {
	name    string
	prepare func(*testing.T, *live.Cell) *exec.Cmd // of a child that mails once it has read a byte
	started func(*testing.T, *exec.Cmd)            // between its exec and its mail
	ended   func(*testing.T)                       // before the record is written
	exe     string                                 // the end of its path; "": the test's own
	binary  string                                 // its exe, where that is not a copy of the test's
	user    string                                 // whose it is; "": root's
	status  string                                 // of the hash; "": verified
	flags   []string
	without []string // flags
	holds   func(*record.Record) bool
}

func disguises(t *testing.T) []disguise {
	dir := t.TempDir()
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		os.Chmod(d, 0o755) // for other users
	}
	copied := func(name string) func(t *testing.T, _ *live.Cell) *exec.Cmd {
		return func(t *testing.T, _ *live.Cell) *exec.Cmd {
			cmd := live.Child("wait", "mail", mx)
			cmd.Path = filepath.Join(dir, name)
			copyFile(t, "/proc/self/exe", cmd.Path)
			return cmd
		}
	}
	itself := func(args ...string) func(*testing.T, *live.Cell) *exec.Cmd {
		return func(*testing.T, *live.Cell) *exec.Cmd { return live.Child("wait", append(args, mx)...) }
	}
	unshared := func(kind string) func(*testing.T, *live.Cell) *exec.Cmd {
		return func(*testing.T, *live.Cell) *exec.Cmd {
			cmd := live.Child("wait", "unshared", kind, t.TempDir(), mx)
			cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
			return cmd
		}
	}
	job := ""
	return []disguise{
		{
			name: "none", prepare: itself("mail"),
			without: []string{"exe_deleted", "fake_kthread", "orphaned", "mta_impostor", "script_deleted", "interpreter"},
			holds: func(r *record.Record) bool {
				return r.Process.Parent.PID == uint32(os.Getpid()) && r.Process.Namespaces == ownNamespaces(t) &&
					r.Process.File == fileOf(t, "/proc/self/exe")
			},
		},
		{
			name: "deleted", prepare: copied("deleted"), exe: "/deleted", status: "deleted", flags: []string{"exe_deleted"},
			started: func(t *testing.T, cmd *exec.Cmd) { os.Remove(cmd.Path) },
			holds: func(r *record.Record) bool {
				return r.Process.File.Links == 0 && r.Process.File.Inode != "" && time.Since(r.Process.File.CTime) < time.Minute
			},
		},
		{
			name: "memfd", status: "memfd", flags: []string{"exe_memfd"}, exe: "memfd:kworker",
			prepare: func(t *testing.T, _ *live.Cell) *exec.Cmd {
				fd, err := unix.MemfdCreate("kworker", unix.MFD_CLOEXEC)
				if err != nil {
					t.Fatal(err)
				}
				f := os.NewFile(uintptr(fd), "/proc/self/fd/"+number(fd))
				t.Cleanup(func() { f.Close() })
				pour(t, f)
				cmd := live.Child("wait", "mail", mx)
				cmd.Path = "/proc/" + number(os.Getpid()) + "/fd/" + number(fd)
				return cmd
			},
		},
		{ // what has the path now is another file, and never hashed for it
			name: "replaced", prepare: copied("replaced"), exe: "/replaced", status: "deleted", flags: []string{"exe_deleted"},
			started: func(t *testing.T, cmd *exec.Cmd) {
				copyFile(t, "/bin/sh", cmd.Path+".new")
				if err := os.Rename(cmd.Path+".new", cmd.Path); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "kernel thread", prepare: itself("titled", "[kworker/0:1]"), flags: []string{"fake_kthread", "argv0_mismatch"},
			holds: func(r *record.Record) bool {
				return r.Process.Args[0] == "[kworker/0:1]" && len(r.Process.ExecArgs) == 4 && r.Process.ExecArgs[1] == "titled"
			},
		},
		{
			name: "mail server", prepare: copied("qmgr"), exe: "/qmgr", flags: []string{"mta_impostor"},
		},
		{
			name: "writable directory", flags: []string{"exe_writable_dir", "exe_hidden_dir"}, exe: "/.x/cron",
			prepare: func(t *testing.T, c *live.Cell) *exec.Cmd {
				if err := os.Mkdir(filepath.Join(dir, ".x"), 0); err != nil {
					t.Fatal(err)
				}
				os.Chmod(filepath.Join(dir, ".x"), 0o777)
				return copied(".x/cron")(t, c)
			},
		},
		{
			name: "made by one that is gone", prepare: itself("orphan"), flags: []string{"orphaned"},
			holds: func(r *record.Record) bool {
				above := r.Process.Ancestors
				return len(above) > 2 && strings.HasPrefix(above[1], number(os.Getpid())+" ") &&
					r.Process.Parent.PID != uint32(os.Getpid())
			},
		},
		{
			name: "mount namespace", prepare: unshared("tmpfs"), exe: "/hidden",
			holds: func(r *record.Record) bool {
				own := ownNamespaces(t)
				return r.Process.Namespaces.Mount != own.Mount && r.Process.Namespaces.PID == own.PID
			},
		},
		{
			name: "overlay of a container", prepare: unshared("overlay"), exe: "/hidden",
		},
		{
			name: "mail server's user", prepare: copied("fast"), exe: "/fast", user: "postfix", flags: []string{"mta_impostor"},
		},
		{
			name: "deleted script", binary: "/bin/bash", flags: []string{"interpreter", "script_deleted"},
			prepare: func(t *testing.T, _ *live.Cell) *exec.Cmd {
				bash, err := exec.LookPath("bash")
				if err != nil {
					t.Skip("needs bash")
				}
				script := filepath.Join(dir, "dm.cgi")
				if err := os.WriteFile(script, []byte(mailingScript), 0o644); err != nil {
					t.Fatal(err)
				}
				return exec.Command(bash, script)
			},
			started: func(t *testing.T, cmd *exec.Cmd) { os.Remove(cmd.Args[1]) },
			holds:   func(r *record.Record) bool { return strings.HasSuffix(r.Process.Script.Path, "/dm.cgi") },
		},
		{ // what has the script's name where the process went is another file
			name: "script that moved", binary: "/bin/bash", flags: []string{"interpreter"}, without: []string{"script_deleted"},
			prepare: func(t *testing.T, _ *live.Cell) *exec.Cmd {
				bash, err := exec.LookPath("bash")
				if err != nil {
					t.Skip("needs bash")
				}
				at := t.TempDir()
				if err := os.Mkdir(filepath.Join(at, "sub"), 0o755); err != nil {
					t.Fatal(err)
				}
				for name, content := range map[string]string{"dm.sh": "cd sub\n" + mailingScript, "sub/dm.sh": "echo innocent\n"} {
					if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				live.Eventually(t, "the scripts are older than the process by more than a tick", func() bool {
					st, err := os.Stat(filepath.Join(at, "sub/dm.sh"))
					return err == nil && time.Since(st.ModTime()) > 100*time.Millisecond
				})
				cmd := exec.Command(bash, "dm.sh")
				cmd.Dir = at
				return cmd
			},
			holds: func(r *record.Record) bool {
				return r.Process.Script == record.Script{Path: "dm.sh", Hash: record.Hash{Status: "gone"}}
			},
		},
		{ // it is none of the file that it shows, which is the host's own
			name: "another file that is called its exe", binary: "/bin/true", status: "gone", flags: []string{"exe_swapped"},
			prepare: func(t *testing.T, c *live.Cell) *exec.Cmd {
				if disguised["swapped"] == nil {
					t.Skip("its code is for another machine")
				}
				cmd := itself("swapped")(t, c)
				root := []syscall.SysProcIDMap{{Size: 1}}
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: root, GidMappings: root}
				return cmd
			},
			holds: func(r *record.Record) bool {
				return !r.Expected && r.Process.Package == record.Package{} && r.Process.File == record.File{}
			},
		},
		{ // the child that mails began after the script was replaced, and its program before
			name: "script that replaces itself and forks", binary: "/bin/bash", flags: []string{"interpreter"},
			prepare: func(t *testing.T, _ *live.Cell) *exec.Cmd {
				at := t.TempDir()
				for name, content := range map[string]string{
					"dm.sh": "mv innocent.sh dm.sh; sleep 0.2\n( " + mailingScript + ")\nexit\n", "innocent.sh": "echo innocent\n",
				} {
					if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				live.Eventually(t, "the scripts are older than the process by more than a tick", func() bool {
					st, err := os.Stat(filepath.Join(at, "innocent.sh"))
					return err == nil && time.Since(st.ModTime()) > 100*time.Millisecond
				})
				cmd := exec.Command("/bin/bash", "dm.sh")
				cmd.Dir = at
				return cmd
			},
			holds: func(r *record.Record) bool {
				return r.Process.Script.Hash.SHA256 == "" && strings.HasSuffix(r.Process.Script.Path, "/dm.sh")
			},
		},
		{
			name: "cgroup that is gone",
			prepare: func(t *testing.T, c *live.Cell) *exec.Cmd {
				job = filepath.Join(c.Cgroup, "job")
				if err := os.Mkdir(job, 0o755); err != nil {
					t.Fatal(err)
				}
				d, err := os.Open(job)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { d.Close() })
				cmd := live.Child("wait", "mail", mx)
				cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(d.Fd())}
				return cmd
			},
			ended: func(t *testing.T) {
				live.Eventually(t, "the cgroup is gone", func() bool { return os.Remove(job) == nil })
			},
			holds: func(r *record.Record) bool { return strings.HasSuffix(r.Cgroup.Path, "/job") },
		},
		{ // Docker's cgroupfs driver makes a container's cgroup in v1 alone
			name: "container of a hybrid host", prepare: itself("mail"), flags: []string{"container"},
			started: func(t *testing.T, cmd *exec.Cmd) { enterV1(t, cmd.Process.Pid, containerID) },
			holds: func(r *record.Record) bool {
				return r.Container.ID == containerID && strings.HasSuffix(r.Cgroup.Path, "/"+containerID)
			},
		},
		{
			name: "another sends", prepare: itself("hand-over"),
			holds: func(r *record.Record) bool {
				return r.Connector != nil && slices.Contains(r.Connector.Process.Args, "hand-over") &&
					slices.Contains(r.Process.Args, "fd") && r.Process.Parent.PID == r.Connector.Process.PID
			},
		},
	}
}

const containerID = "4ae3f0c1d2b5968778695a4b3c2d1e0f00112233445566778899aabbccddeeff"

// enterV1 moves a process into a cgroup of its own below the test's in the v1 memory hierarchy.
func enterV1(t *testing.T, pid int, name string) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || fields[1] != "memory" {
			continue
		}
		dir := filepath.Join("/sys/fs/cgroup/memory", fields[2], name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(dir) })
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(number(pid)), 0); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Skip("this host has no v1 memory hierarchy")
}

// mailingScript mails with what a shell has, and like the other children waits before and behind.
const mailingScript = `printf r; read x
exec 3<>/dev/tcp/127.0.0.1/25
for line in 'EHLO [127.0.0.1]' 'MAIL FROM:<a@example.org>' 'RCPT TO:<b@example.net>' QUIT; do
	read reply <&3; printf '%s\r\n' "$line" >&3
done
while read reply <&3; do :; done
printf r; read x
`

// TestIdentity: a sender that hides, or is gone, is named as what it truly is, in every family.
func TestIdentity(t *testing.T) {
	live.Thorough(t)
	exe, sha := self(t)
	for _, f := range families() {
		t.Run(string(f), func(t *testing.T) {
			cell := live.NewCell(t)
			cell.Serve(mx)
			tr := start(t, cell, f)
			all := disguises(t)
			tr.warm(cell, mx)
			for _, d := range all {
				t.Run(d.name, func(t *testing.T) { d.check(t, cell, tr, f, exe, sha) })
			}
			tr.stop()
		})
	}
}

func (d *disguise) check(t *testing.T, cell *live.Cell, tr *tracer, f probe.Family, exe, sha string) {
	if f == probe.Cgroup && (d.name == "kernel thread" || d.name == "script that moved" || strings.HasPrefix(d.name, "another file") || strings.HasPrefix(d.name, "made by")) {
		t.Skip("what a process began as takes tracepoints, which the cgroup family does without")
	}
	before := len(pick(tr.records(), record.ActionSession))
	cmd := d.prepare(t, cell)
	uid := "0"
	if d.user != "" {
		u, err := user.Lookup(d.user)
		if err != nil {
			t.Skipf("this machine has no user %s: %v", d.user, err)
		}
		uid = u.Uid
		n, _ := strconv.Atoi(uid)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(n)}}
	}
	said, answer := startWaiting(t, cell, cmd)
	step := func(what func(*testing.T, *exec.Cmd)) {
		said()
		if what != nil {
			what(t, cmd)
		}
		answer()
	}
	step(d.started)
	step(func(*testing.T, *exec.Cmd) { // a binary without a name can be read as long as it runs
		tr.await(record.ActionFirstPayload, before+1)
	})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if d.ended != nil {
		d.ended(t)
	}
	tr.await(record.ActionSession, before+1)
	sessions := pick(tr.records(), record.ActionSession)
	r := &sessions[len(sessions)-1]
	wantExe, wantHash := exe, record.Hash{SHA256: sha, Status: "verified"}
	if d.exe != "" {
		wantExe = d.exe
	}
	if d.binary != "" {
		real, err := filepath.EvalSymlinks(d.binary)
		if err != nil {
			t.Fatal(err)
		}
		wantExe, wantHash.SHA256 = real, live.Root("/").SHA256(t, real)
	}
	if d.status != "" {
		wantHash.Status = d.status
	}
	if d.status == "gone" {
		wantHash.SHA256 = ""
	}
	p := &r.Process
	if len(sessions) != before+1 || !strings.HasSuffix(p.Executable, wantExe) || p.Hash != wantHash || r.User.ID != uid {
		t.Errorf("%d sessions; got %s %v of %s, want %s %v", len(sessions)-before, p.Executable, p.Hash, r.User.ID, wantExe, wantHash)
	}
	for _, flag := range d.flags {
		if !slices.Contains(r.Flags, flag) {
			t.Errorf("no flag %s in %q", flag, r.Flags)
		}
	}
	for _, flag := range d.without {
		if slices.Contains(r.Flags, flag) {
			t.Errorf("flag %s in %q", flag, r.Flags)
		}
	}
	if d.holds != nil && !d.holds(r) {
		t.Errorf("not the whole truth: %+v, connector %+v", r.Identity, r.Connector)
	}
}
