package proc

import "github.com/smtptrace/smtptrace/internal/event"

// Identity is all that is known of a process. It is a snapshot: nobody changes it once it was given out.
type Identity struct {
	Process *event.Process // as the kernel read it, the latest of this key

	User          string // names are the host's, or its container's own; "": no such entry, or out of reach
	Group         string
	EffectiveUser string
	LoginUser     string // who logged in (loginuid), of the host; "": nobody

	Unit      Unit
	Container Container
	Image     *Image // of the container; nil: not known
	Hash      Hash
	Script    *Script  // nil: no interpreter, or it runs no file
	HostFile  bool     // the exe is the host's own file at this path, in whatever mount namespace it ran
	Package   *Package // nil: no package owns the exe, or there is no package database

	Parent    Parent
	Ancestors []string // "4240 apache2", the parent first
	Libraries []string // mapped to be executed and of no package, the first 16
	Flags     []Flag   // in the order of the constants

	facts *facts // what a later reading may no longer find
}

// Parent is the process that the kernel names as parent at the moment of the act.
type Parent struct {
	Pid  uint32
	Name string // comm
	Exe  string // "": the parent is gone, is a kernel thread, or cannot be read
}

// Status says what a hash is worth.
type Status string

// The statuses. Only verified, deleted and memfd come with a hash.
const (
	// Pending: still being worked on.
	Pending Status = "pending"
	// Verified: read from the file that ran: same inode, device, ctime and size. A file system that is served
	// by a program or by another machine may lie about all of them.
	Verified Status = "verified"
	Deleted  Status = "deleted"   // the same, of a file without a name, read through the process; of a script no hash
	Memfd    Status = "memfd"     // the same, of a file that lives in memory only
	Replaced Status = "replaced"  // another file, or a changed one, is now at the path: not hashed
	Gone     Status = "gone"      // no file can be reached that is provably the one that ran
	TooLarge Status = "too_large" // over the limit: not hashed
)

// Hash is the digest of a file.
type Hash struct {
	SHA256 string // lower-case hex
	Status Status // "": there is no file, as in a kernel thread
}

// known tells that the digest was read: it does not get better.
func (h Hash) known() bool { return h.SHA256 != "" || h.Status == TooLarge }
