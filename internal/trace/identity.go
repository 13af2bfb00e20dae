package trace

import (
	"fmt"
	"strconv"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

func addIdentity(r *record.Record, d *draft, who, connector *proc.Identity) {
	sender, tid := d.sender()
	r.Identity = identity(who, sender, tid, d.clock.at(sender.StartNs))
	if who != nil {
		r.Flags = append(r.Flags, who.Flags...)
	}
	if sender != d.conn.Connector && d.conn.Connector.Pid != 0 {
		id := identity(connector, d.conn.Connector, d.conn.ConnectorTid, d.clock.at(d.conn.Connector.StartNs))
		if connector != nil {
			id.Process.Flags = connector.Flags
		}
		r.Connector = &id
	}
}

// identity shows a process; of one that nothing more is known of, what its key says.
func identity(id *proc.Identity, key event.ProcessKey, tid uint32, start time.Time) record.Identity {
	r := record.Identity{Process: record.Process{PID: key.Pid, Start: start}}
	if tid != key.Pid {
		r.Process.Thread.ID = tid
	}
	if id == nil || id.Process == nil {
		return r
	}
	p := id.Process
	r.Process.Name, r.Process.Executable = p.Comm, p.Exe
	r.Process.Args, r.Process.ArgsTruncated = privacy.Args(p.Args), p.ArgsTruncated
	if p.ArgsChanged() {
		r.Process.ExecArgs = privacy.Args(p.ExecArgs)
	}
	r.Process.WorkingDirectory = p.Cwd
	r.Process.Hash = record.Hash{SHA256: id.Hash.SHA256, Status: string(id.Hash.Status)}
	r.Process.File = file(p)
	r.Process.Namespaces = record.Namespaces{Mount: p.MntNS, PID: p.PidNS}
	r.Process.Parent = record.Parent{PID: id.Parent.Pid, Name: id.Parent.Name, Executable: id.Parent.Exe}
	r.Process.Ancestors, r.Process.Libraries = id.Ancestors, id.Libraries
	if s := id.Script; s != nil {
		r.Process.Script = record.Script{
			Path: s.Path, Module: privacy.Args([]string{s.Module})[0], Deleted: s.Deleted,
			Hash: record.Hash{SHA256: s.SHA256, Status: string(s.Status)},
		}
	}
	if p := id.Package; p != nil {
		r.Process.Package = record.Package(*p)
	}
	r.User = record.User{ID: number(p.UID), Name: id.User}
	if p.EUID != p.UID {
		r.User.Effective = record.Account{ID: number(p.EUID), Name: id.EffectiveUser}
	}
	if p.LoginUID != ^uint32(0) {
		r.User.Audit = record.Account{ID: number(p.LoginUID), Name: id.LoginUser}
	}
	r.Group = record.Account{ID: number(p.GID), Name: id.Group}
	r.Systemd = record.Systemd{
		Unit: id.Unit.Name, Slice: id.Unit.Slice, UserUnit: id.Unit.UserUnit, UserSlice: id.Unit.UserSlice,
	}
	r.Container = record.Container{ID: id.Container.ID, Runtime: id.Container.Runtime}
	if i := id.Image; i != nil {
		r.Container.Name, r.Container.Image.Name, r.Container.Image.Intact = i.Container, i.Name, i.Intact
		if i.ID != "" {
			r.Container.Image.Hash.All = []string{i.ID}
		}
	}
	if id.Container.PodUID != "" {
		r.Orchestrator = record.Orchestrator{
			Type: "kubernetes", Resource: record.Resource{Type: "pod", ID: id.Container.PodUID},
		}
	}
	r.Cgroup = record.Cgroup{ID: p.CgroupID, Path: p.Cgroup}
	return r
}

// file shows the exe as the kernel saw it; nothing for a kernel thread, which has none, nor of another's.
func file(p *event.Process) record.File {
	if p.ExeInode == 0 || p.ExeSwapped {
		return record.File{}
	}
	f := record.File{
		Inode:  strconv.FormatUint(p.ExeInode, 10),
		Device: number(p.ExeDev>>20) + ":" + number(p.ExeDev&(1<<20-1)),
		Mode:   fmt.Sprintf("%04o", p.ExeMode&0o7777), Size: p.ExeSize, Links: p.ExeNlink,
	}
	if p.ExeCtimeNs != 0 {
		f.CTime = time.Unix(0, int64(p.ExeCtimeNs)).UTC()
	}
	return f
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
