package proc

import (
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/lru"
)

// programs knows what ancestors run, by their exe links, for as long as they live.
type programs struct {
	procfs int

	mu    sync.Mutex
	known *lru.Map[program, string]
}

// program is one process running one file.
type program struct {
	pid     uint32
	startNs uint64
	inode   uint64
}

const knownPrograms = 4096

func newPrograms(procfs int) *programs {
	return &programs{procfs: procfs, known: lru.New[program, string](knownPrograms)}
}

// exe gives the path of what an ancestor runs; "": it is gone, runs something else by now, or is a
// kernel thread.
func (k *programs) exe(a event.Ancestor) string {
	if a.ExeInode == 0 {
		return ""
	}
	key := program{a.Pid, a.StartNs, a.ExeInode}
	k.mu.Lock()
	exe, ok := k.known.Get(key)
	k.mu.Unlock()
	if ok {
		return exe
	}
	exe = k.read(a)
	if exe != "" {
		k.mu.Lock()
		k.known.Put(key, exe)
		k.mu.Unlock()
	}
	return exe
}

func (k *programs) read(a event.Ancestor) string {
	dir, err := unix.Openat(k.procfs, strconv.Itoa(int(a.Pid)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(dir)
	exe, err := readlinkAt(dir, "exe")
	if err != nil {
		return ""
	}
	st, err := statAt(dir, "exe", 0)
	if err != nil || st.inode != a.ExeInode {
		return ""
	}
	if s, err := readStat(dir); err != nil || !s.started(a.StartNs) {
		return ""
	}
	if st.nlink == 0 { // such as a server that was upgraded
		return strings.TrimSuffix(exe, " (deleted)")
	}
	return exe
}

// lineage names the parent and the ancestors.
func (s *study) lineage() {
	p := s.p
	s.id.Parent.Pid = p.Ppid
	for _, a := range p.Ancestors {
		s.id.Ancestors = append(s.id.Ancestors, strconv.Itoa(int(a.Pid))+" "+a.Comm)
		exe := s.r.programs.exe(a)
		name := baseName(exe)
		if exe == "" || name == "busybox" { // which is many programs
			name = a.Comm
		}
		s.facts.ancestors = append(s.facts.ancestors, name)
		if a.Pid == p.Ppid {
			s.id.Parent.Name, s.id.Parent.Exe = a.Comm, exe
		}
	}
}
