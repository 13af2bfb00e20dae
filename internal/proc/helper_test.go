package proc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

const helperVar = "SMTPTRACE_PROC_HELPER"

// TestMain is also the program of every helper process: a copy of the test binary that says it is
// ready and lives until its standard input ends.
func TestMain(m *testing.M) {
	mode := os.Getenv(helperVar)
	if mode == "" {
		os.Exit(m.Run())
	}
	in := bufio.NewReader(os.Stdin)
	line := func() string {
		s, _ := in.ReadString('\n')
		return strings.TrimSpace(s)
	}
	switch mode {
	case "exec": // becomes another program when it is told which
		fmt.Println("ready")
		path := line()
		os.Setenv(helperVar, "live")
		fmt.Println("exec:", syscall.Exec(path, []string{path}, os.Environ()))
	case "mounts": // runs a copy of itself from a file system that only its mount namespace has
		if err := enterMounts(os.Getenv("DIR"), os.Getenv("KIND")); err != nil {
			fmt.Println("mounts:", err)
		}
	case "hung": // covers a directory with a file system that never answers
		if err := hang(os.Getenv("DIR")); err != nil {
			fmt.Println("hung:", err)
		}
	case "connections": // holds connections with itself, and has closed others
		if err := connectToItself(os.Getenv("COUNT")); err != nil {
			fmt.Println("connections:", err)
		}
	case "chroot":
		if err := syscall.Chroot(os.Getenv("DIR")); err != nil {
			fmt.Println("chroot:", err)
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, in)
}

// enterMounts covers dir with a file system in the mount namespace of the caller, and runs a copy of
// the caller's program from it.
func enterMounts(dir, kind string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	if kind == "overlay" { // an upper layer that is on another file system than the lower one
		for _, sub := range []string{"upper", "work", "merged"} {
			if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
				return err
			}
		}
		layers := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work,xino=off", os.Getenv("LOWER"), dir, dir)
		dir = filepath.Join(dir, "merged")
		if err := unix.Mount("none", dir, "overlay", 0, layers); err != nil {
			return err
		}
	} else if err := os.WriteFile(filepath.Join(dir, "prog"), program, 0o755); err != nil {
		return err
	}
	os.Setenv(helperVar, "live")
	path := filepath.Join(dir, "prog")
	return syscall.Exec(path, []string{path}, os.Environ())
}

// hang covers dir, in the mount namespace of the caller, with a FUSE file system that nobody serves. It
// ends with the caller.
func hang(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Mount("none", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd))
}

// helper is a running process of the test's own.
type helper struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func selfExe(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// copyExe puts a copy of the test binary at a path.
func copyExe(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(selfExe(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs a command as a helper, and waits until it is ready.
func start(t *testing.T, cmd *exec.Cmd, mode string) *helper {
	t.Helper()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, helperVar+"="+mode)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	h := &helper{cmd, in, bufio.NewReader(out)}
	t.Cleanup(h.end)
	h.ready(t)
	return h
}

func (h *helper) ready(t *testing.T) {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("helper is not ready: %q, %v", line, err)
	}
}

// end lets the helper exit, and waits until it is gone.
func (h *helper) end() {
	h.in.Close()
	h.cmd.Wait()
}

// observed reads what the kernel side would have delivered of a process.
func observed(t *testing.T, pid int) *event.Process {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", pid)
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	st, err := readStat(int(d.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	exe, err := statAt(int(d.Fd()), "exe", 0)
	if err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir+"/exe", &fs); err != nil {
		t.Fatal(err)
	}
	link := func(name string) string {
		s, _ := os.Readlink(filepath.Join(dir, name))
		return strings.TrimSuffix(s, " (deleted)")
	}
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	status := map[string]string{}
	for line := range strings.Lines(text("status")) {
		k, v, _ := strings.Cut(line, ":")
		status[k] = strings.TrimSpace(v)
	}
	number := func(name string, i int) uint32 {
		n, err := strconv.ParseUint(strings.Fields(status[name])[i], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	ns := func(name string) uint32 {
		s, err := statAt(int(d.Fd()), "ns/"+name, 0)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(s.inode)
	}
	p := &event.Process{
		Key:    event.ProcessKey{Pid: uint32(pid), StartNs: (st.startTicks+1)*1e9/userHz - 1}, // known to the tick
		TimeNs: bootNs(t), Tid: uint32(pid), Ppid: number("PPid", 0),
		UID: number("Uid", 0), GID: number("Gid", 0), EUID: number("Uid", 1), LoginUID: ^uint32(0),
		MntNS: ns("mnt"), PidNS: ns("pid"), Comm: strings.TrimSpace(text("comm")),
		Exe: link("exe"), ExeInode: exe.inode, ExeSize: uint64(exe.size), ExeCtimeNs: uint64(exe.ctimeNs),
		ExeDev: uint32(exe.dev), ExeNlink: exe.nlink, ExeMagic: uint32(fs.Type), ExeMode: uint32(exe.mode),
		Cwd: link("cwd"),
	}
	if args := strings.TrimRight(text("cmdline"), "\x00"); args != "" {
		p.Args = strings.Split(args, "\x00")
	}
	return p
}

func bootNs(t *testing.T) uint64 {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		t.Fatal(err)
	}
	return uint64(ts.Nano())
}

// resolver is one over the real root.
func resolver(t *testing.T, opts ...Option) *Resolver {
	t.Helper()
	r, err := New("/", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// resolve observes a process and waits for all that can be known.
func resolve(t *testing.T, r *Resolver, p *event.Process) *Identity {
	t.Helper()
	r.Observe(p)
	return wait(t, r, p.Key)
}

func wait(t *testing.T, r *Resolver, key event.ProcessKey) *Identity {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	id := r.Wait(ctx, key)
	if id == nil {
		t.Fatalf("process %v is not known", key)
	}
	if _, done := r.Identity(key); !done {
		t.Fatalf("not done in time: %+v", id)
	}
	return id
}

// observedFile is the process of another key that ran the same file, a moment ago.
func observedFile(t *testing.T, p *event.Process) *event.Process {
	t.Helper()
	next := *p
	next.Key.ExecId++
	next.TimeNs = bootNs(t)
	return &next
}

// firstMapping reads how the kernel numbers the file that a process maps first: its exe.
func firstMapping(p *event.Process) (path string, id fileID, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.Key.Pid))
	if err != nil {
		return "", fileID{}, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var addresses, perms, offset, dev string
	if _, err := fmt.Sscan(line, &addresses, &perms, &offset, &dev, &id.inode, &path); err != nil {
		return "", fileID{}, fmt.Errorf("mapping %q: %w", line, err)
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(dev, "%x:%x", &major, &minor); err != nil {
		return "", fileID{}, fmt.Errorf("device %q: %w", dev, err)
	}
	id.dev = kernelDev(major, minor)
	return path, id, nil
}
