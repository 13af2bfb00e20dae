package record

func (i *Identity) encode(o *object) {
	o.put("process", i.Process.object())
	o.put("user", i.User.object())
	o.put("group", i.Group.object())
	o.put("systemd", i.Systemd.object())
	o.put("container", i.Container.object())
	o.put("orchestrator", i.Orchestrator.object())
	o.put("cgroup", i.Cgroup.object())
}

func (p *Process) object() (o object) {
	o.num("pid", uint64(p.PID))
	var thread object
	thread.num("id", uint64(p.Thread.ID))
	o.put("thread", thread)
	o.time("start", p.Start)
	o.str("name", p.Name)
	o.str("executable", p.Executable)
	o.strs("args", p.Args)
	o.yes("args_truncated", p.ArgsTruncated)
	o.strs("exec_args", p.ExecArgs)
	o.str("working_directory", p.WorkingDirectory)
	o.put("hash", p.Hash.object())
	o.put("file", p.File.object())
	o.put("script", p.Script.object())
	o.put("package", p.Package.object())
	o.put("parent", p.Parent.object())
	o.strs("ancestors", p.Ancestors)
	o.strs("libraries", p.Libraries)
	o.strs("flags", p.Flags)
	var spaces object
	spaces.num("mnt", uint64(p.Namespaces.Mount))
	spaces.num("pid", uint64(p.Namespaces.PID))
	o.put("namespaces", spaces)
	return o
}

func (f *File) object() (o object) {
	if *f == (File{}) {
		return o
	}
	o.str("inode", f.Inode)
	o.str("device", f.Device)
	o.time("ctime", f.CTime)
	o.str("mode", f.Mode)
	o.count("size", f.Size)
	o.count("links", uint64(f.Links))
	return o
}

func (h *Hash) object() (o object) {
	o.str("sha256", h.SHA256)
	o.str("status", h.Status)
	return o
}

func (s *Script) object() (o object) {
	o.str("path", s.Path)
	o.str("module", s.Module)
	o.yes("deleted", s.Deleted)
	o.put("hash", s.Hash.object())
	return o
}

func (p *Package) object() (o object) {
	o.str("name", p.Name)
	o.str("version", p.Version)
	if p.Intact != nil {
		o.flag("intact", *p.Intact)
	}
	return o
}

func (p *Parent) object() (o object) {
	o.num("pid", uint64(p.PID))
	o.str("name", p.Name)
	o.str("executable", p.Executable)
	return o
}

func (u *User) object() (o object) {
	o.str("id", u.ID)
	o.str("name", u.Name)
	o.put("effective", u.Effective.object())
	o.put("audit", u.Audit.object())
	return o
}

func (a *Account) object() (o object) {
	o.str("id", a.ID)
	o.str("name", a.Name)
	return o
}

func (s *Systemd) object() (o object) {
	o.str("unit", s.Unit)
	o.str("slice", s.Slice)
	o.str("user_unit", s.UserUnit)
	o.str("user_slice", s.UserSlice)
	return o
}

func (c *Container) object() (o object) {
	o.str("id", c.ID)
	o.str("name", c.Name)
	o.str("runtime", c.Runtime)
	o.put("image", c.Image.object())
	return o
}

func (i *Image) object() (o object) {
	o.str("name", i.Name)
	var hash object
	hash.strs("all", i.Hash.All)
	o.put("hash", hash)
	if i.Intact != nil {
		o.flag("intact", *i.Intact)
	}
	return o
}

func (g *Orchestrator) object() (o object) {
	o.str("type", g.Type)
	o.str("namespace", g.Namespace)
	var resource object
	resource.str("type", g.Resource.Type)
	resource.str("id", g.Resource.ID)
	resource.str("name", g.Resource.Name)
	o.put("resource", resource)
	return o
}

func (c *Cgroup) object() (o object) {
	o.num("id", c.ID)
	o.str("path", c.Path)
	return o
}
