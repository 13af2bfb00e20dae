// Command init is process 1 of the test VM: it sets the machine up, runs one program, says its
// exit status on the console and powers off.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The runner leaves its wishes here, as NUL-terminated strings: a kernel command line is too short
// for test arguments, and quoting does not survive it.
const (
	argvFile   = "/vm/argv"
	envFile    = "/vm/env"
	moduleDir  = "/vm/modules"
	moduleList = "/vm/modules/list"
)

func main() {
	status, err := boot()
	if err != nil {
		fmt.Fprintln(os.Stderr, "smtptrace-vm: error:", err)
		status = 125
	}
	// The runner looks for this line in the console log: without it the machine died.
	fmt.Printf("\nsmtptrace-vm: exit %d\n", status)
	drain(os.Stdout)
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Fprintln(os.Stderr, "smtptrace-vm: error: power off:", err)
	}
	select {}
}

func boot() (status int, err error) {
	env := append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp"}, list(envFile)...)
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		os.Setenv(k, v)
	}
	if err := leaveRootfs(); err != nil {
		return 0, err
	}
	if err := mountAll(os.Getenv("SMTPTRACE_VM_CGROUP") == "hybrid"); err != nil {
		return 0, err
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return 0, fmt.Errorf("uname: %w", err)
	}
	release := unix.ByteSliceToString(uts.Release[:])
	os.Setenv("SMTPTRACE_VM", release)
	fmt.Println("smtptrace-vm: booted", release)

	if err := unix.Sethostname([]byte("vm")); err != nil {
		return 0, fmt.Errorf("set host name: %w", err)
	}
	if err := linkUp("lo"); err != nil {
		return 0, err
	}
	if err := loadModules(); err != nil {
		return 0, err
	}
	argv := list(argvFile)
	if len(argv) == 0 { // a trial boot
		return 0, nil
	}
	return run(argv)
}

// run starts argv with its output on the second serial port, so that nothing the kernel says gets
// in between, and reaps every process until that one ends.
func run(argv []string) (status int, err error) {
	out, err := openRaw(os.Getenv("SMTPTRACE_VM_TTY"))
	if err != nil {
		return 0, err
	}
	defer drain(out)
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, err
	}
	proc, err := os.StartProcess(path, argv, &os.ProcAttr{
		Dir: os.Getenv("SMTPTRACE_VM_DIR"), Files: []*os.File{null, out, out},
	})
	if err != nil {
		return 0, fmt.Errorf("start the program: %w", err)
	}
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case err == unix.EINTR, err == nil && pid != proc.Pid:
			continue
		case err != nil:
			return 0, fmt.Errorf("wait for the program: %w", err)
		case ws.Signaled():
			fmt.Println("smtptrace-vm: killed by signal", ws.Signal())
			return 128 + int(ws.Signal()), nil
		}
		return ws.ExitStatus(), nil
	}
}

func loadModules() error {
	text, err := os.ReadFile(moduleList)
	if err != nil {
		return fmt.Errorf("read the module list: %w", err)
	}
	for _, name := range strings.Fields(string(text)) {
		f, err := os.Open(filepath.Join(moduleDir, name))
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil && err != unix.EEXIST {
			return fmt.Errorf("load module %s: %w", name, err)
		}
	}
	return nil
}

// linkUp brings an interface up; the kernel gives lo its addresses itself.
func linkUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// list reads NUL-terminated strings; none if there is no such file.
func list(path string) []string {
	text, _ := os.ReadFile(path)
	all := strings.Split(string(text), "\x00")
	return all[:len(all)-1]
}
