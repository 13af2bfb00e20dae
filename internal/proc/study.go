package proc

import (
	"errors"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
)

// study is the work on one reading of one process.
type study struct {
	r     *Resolver
	entry *entry
	far   bool
	p     *event.Process

	hashing bool     // no earlier reading had the exe's hash
	hashes  []func() // to start once the study itself is over

	mu      sync.Mutex
	id      *Identity // the draft; of the study alone until the hashes start
	facts   facts
	waiting int // hashes still to come, and the start of them
}

// study finds out all but the hashes, and sees them on their way. It ends l.
func (r *Resolver) study(e *entry, l *live, far bool) {
	latest, before := e.begin()
	p, swapped := unswapped(latest, before.facts)
	s := &study{r: r, entry: e, far: far, p: p, waiting: 1, id: &Identity{
		Process: p, Container: containerOf(p.Cgroup),
		Hash: before.Hash, Script: before.Script, Package: before.Package, Libraries: before.Libraries,
	}}
	if !p.CgroupTruncated { // a unit is told from the top
		s.id.Unit = unitOf(p.Cgroup)
	}
	if before.facts != nil {
		s.facts = *before.facts
		s.facts.ancestors = nil
	}
	s.facts.swapped = s.facts.swapped || swapped
	s.hashing = !before.Hash.known()
	r.spaces.note(p)
	s.hashExe(l)
	s.wholeExe(l)
	p = s.p
	s.facts.gather(p, l)
	v := r.viewOf(p, l)
	s.name(v, l)
	s.lineage()
	s.lookAround(v)
	s.findImage(before)
	s.findScript(v, l)
	v.close()
	if l != nil {
		l.close()
	}
	s.waiting += len(s.hashes)
	for _, start := range s.hashes {
		start()
	}
	s.landed(func() {})
}

// landed ends one part of the work; the last one finishes the identity.
func (s *study) landed(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock() // to the end: a state must not be shown after a later one
	change()
	s.waiting--
	id, facts := *s.id, s.facts
	facts.args, facts.libraries, facts.path = nil, nil, "" // only what they led to is kept
	id.facts = &facts
	id.Flags = flagsOf(&id, &facts)
	if s.waiting > 0 {
		s.entry.publish(&id)
		return
	}
	if s.hashing && id.Hash.Status != "" {
		countStatus(&s.r.statuses.exes, id.Hash.Status)
	}
	if s.hashing && id.Script != nil {
		countStatus(&s.r.statuses.scripts, id.Script.Status)
	}
	if s.entry.finish(&id) {
		s.r.enqueue(s.entry, s.p)
	}
}

// hashExe sees to the hash of the exe, unless an earlier reading did.
func (s *study) hashExe(l *live) {
	p, r := s.p, s.r
	if p.Kthread {
		s.id.Hash = Hash{}
		return
	}
	if p.ExeSwapped {
		s.id.Hash = Hash{Status: Gone}
		return
	}
	s.facts.ran = p
	got := r.locate(p, l)
	s.facts.unlinked = s.facts.unlinked || got.status == Deleted
	if s.id.Hash.known() {
		got.close()
		return
	}
	if d, ok := r.hasher.cached(exeID(p)); ok && settled(int64(p.ExeCtimeNs), wallNs(p.TimeNs)) {
		got.close()
		s.digested(Hash{hexString(d), unlinkedStatus(p)}, outcome{digest: d})
		return
	}
	s.id.Hash = Hash{Status: got.status}
	if got.file == nil {
		return
	}
	s.id.Hash = Hash{Status: Pending}
	switch {
	case got.fresh:
		runs := l.stillRuns(&got.stat)
		s.hash(got, nil, func(h Hash, o outcome) {
			if !runs() {
				h = Hash{Status: Gone}
			}
			s.digested(h, o)
		})
	case got.stat.nlink > 0:
		s.hash(got, func() *os.File { return r.byPath(p, nil).file }, func(h Hash, o outcome) {
			if o.deleted && !r.runs(p, &got.stat) {
				h = Hash{Status: Gone}
			}
			s.digested(h, o)
		})
	default:
		s.hash(got, nil, s.digested)
	}
}

// wholeExe takes a path that was cut from the process itself, if it can.
func (s *study) wholeExe(l *live) {
	if !s.p.ExeTruncated {
		return
	}
	if l != nil && l.same {
		exe, err := readlinkAt(l.dir, "exe")
		if s.facts.unlinked || s.p.ExeNlink == 0 {
			exe = strings.TrimSuffix(exe, " (deleted)")
		}
		if err == nil && strings.HasSuffix(exe, strings.TrimPrefix(s.p.Exe, "…")) { // it runs nothing else by now
			s.facts.exe = exe
		}
	}
	if s.facts.exe != "" {
		whole := *s.p
		whole.Exe, whole.ExeTruncated = s.facts.exe, false
		s.p, s.id.Process = &whole, &whole
	}
}

// digested takes the outcome for the exe.
func (s *study) digested(h Hash, o outcome) {
	s.id.Hash = h
	if h.SHA256 != "" {
		s.facts.digest = &o.digest
	}
	s.facts.unlinked = s.facts.unlinked || o.deleted
	s.judgePackage()
	s.judgeImage()
}

// judgePackage compares the exe with its package once both are known. A file that lost its name may
// be of an earlier version, and a database that changes of a later one: that they differ then says nothing.
func (s *study) judgePackage() {
	o, d := s.facts.owned, s.facts.digest
	if o == nil {
		return
	}
	pkg := o.Package
	if d != nil {
		if same := o.intact(*d); same != nil && (*same || s.id.Hash.Status == Verified && !s.facts.unlinked && !o.stale) {
			pkg.Intact = same
		}
	}
	s.id.Package = &pkg
}

// hash sets a file aside for the hasher; set is called with the outcome, and the draft is its own then.
func (s *study) hash(got found, open func() *os.File, set func(Hash, outcome)) {
	done := func(o outcome) {
		h := Hash{hexString(o.digest), got.status}
		switch {
		case errors.Is(o.err, errTooLarge):
			h = Hash{Status: TooLarge}
		case errors.Is(o.err, errChanged):
			h = Hash{Status: Replaced}
		case errors.Is(o.err, errClosed):
			h = Hash{Status: Pending}
		case o.err != nil:
			h = Hash{Status: Gone}
			s.r.statuses.errors.Add(1)
		}
		s.landed(func() { set(h, o) })
	}
	var fs unix.Statfs_t // a script may be elsewhere than the exe
	far := s.far || unix.Fstatfs(int(got.file.Fd()), &fs) == nil && isFar(uint32(fs.Type))
	s.hashes = append(s.hashes, func() { s.r.hasher.hash(got.stat, far, got.file, open, done) })
}

// unlinkedStatus is the status of an exe whose content is known, by what the kernel saw of its links.
func unlinkedStatus(p *event.Process) Status {
	switch {
	case isMemfd(p):
		return Memfd
	case p.ExeNlink == 0:
		return Deleted
	}
	return Verified
}

// name fills in the users. Names of a container are its own: out of reach, there are none.
func (s *study) name(v view, l *live) {
	p, names := s.p, s.r.names
	if p.LoginUID != ^uint32(0) {
		s.id.LoginUser = names.user(s.r.root, p.LoginUID)
	}
	root, uid, gid, euid := s.r.root, p.UID, p.GID, p.EUID
	if s.id.Container.ID == "" {
		s.facts.owner = uid != 0 && euid != 0
	} else {
		if l != nil {
			uids, err := l.read("uid_map", maxIDMap)
			gids, err2 := l.read("gid_map", maxIDMap)
			if err == nil && err2 == nil {
				uid, gid, euid = insideID(uids, uid), insideID(gids, gid), insideID(uids, euid)
				s.facts.owner = uid != 0 && euid != 0 // a container has a root of its own
			}
		}
		if root = v.space; root == nil {
			return
		}
	}
	s.id.User = names.user(root, uid)
	s.id.Group = names.group(root, gid)
	s.id.EffectiveUser = names.user(root, euid)
}

// lookAround looks at the file system around the exe.
func (s *study) lookAround(v view) {
	p, f := s.p, &s.facts
	if v.start != nil {
		f.alias = !namesExe(p) && leadsTo(v.start, argv0(p), p)
		f.commAlias = len(p.Comm) < commLen && leadsTo(v.start, p.Comm, p)
		f.titled = p.ExecArgs == nil && isScriptOf(v.start, argv0(p), p)
		// Any user can have a root directory of its own (user_namespaces(7)), with what links it likes.
		f.rightful = f.alias && (s.id.Container.ID != "" || leadsTo(s.r.root, argv0(p), p))
		if st, err := v.start.stat("etc/ld.so.preload", inRoot); err == nil && st.regular() && st.size > 0 {
			f.preload = true
		}
	}
	if p.ExeInode == 0 || isMemfd(p) || p.ExeTruncated || p.ExeSwapped {
		return
	}
	// A service with a mount namespace of its own mostly runs the host's files. Then the host's word counts:
	// what else is in such a namespace, its database of packages too, is whatever its owner has put there.
	root := v.space
	if host := inDir(s.r.root, p, nil); host.status == Verified {
		host.close()
		s.id.HostFile, root = true, s.r.root
	}
	if root == nil {
		return
	}
	exe, ok := root.inside(p.Exe)
	if !ok {
		return
	}
	f.writableDir = hasWritableDir(root, exe, p, f.owner)
	x := s.r.packages.index(root)
	if x == nil {
		return
	}
	if owned, err := x.find(root, exe); err == nil {
		f.database, f.owned = true, owned
	}
	s.judgePackage()
	if f.libraries == nil {
		return
	}
	s.id.Libraries = nil
	covered := s.id.HostFile && p.MntNS != s.r.spaces.own
	for _, lib := range f.libraries {
		if len(s.id.Libraries) < maxLibraries && unpackaged(x, root, lib, covered) {
			s.id.Libraries = append(s.id.Libraries, lib.path)
		}
	}
}
