package check

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
)

func TestExp(t *testing.T) {
	ns := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	for _, c := range []struct {
		how  string
		attr *syscall.SysProcAttr
	}{
		{"", nil}, {"uid 65534", nil}, {"keep cap_net_admin", nil},
		{"keep cap_sys_admin,cap_net_admin,cap_net_bind_service,cap_sys_resource", nil},
		{"keep cap_sys_admin,cap_net_admin,cap_net_bind_service", nil},
		{"seccomp 1", nil}, {"seccomp 38", nil},
		{"hide /sys/kernel/btf", ns},
		{"hide /sys", ns},
		{"proc", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}},
		{"", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}},
		{"", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWCGROUP}},
		{"", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWTIME}},
		{"", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}}},
	} {
		t.Run(strings.ReplaceAll(c.how, "/", "_"), func(t *testing.T) {
			r := restricted(t, live.NewCell(t), c.how, c.attr)
			fmt.Printf("=== %s %v\n  error: %s\n  hint: %s\n  ", c.how, c.attr, r.Error, r.Hint)
			for _, h := range r.Hooks {
				fmt.Printf("%s: %s %v; ", h.Question, h.Name, h.Refused)
			}
			for _, r := range r.Rows {
				if r.Status != OK {
					fmt.Printf("\n %v", r)
				}
			}
			fmt.Println(r.OK())
		})
	}
}
