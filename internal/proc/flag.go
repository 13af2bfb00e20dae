package proc

// Flag is a fact about a process. It is raised only when it was seen to be so; what could not be looked
// at raises nothing.
type Flag = string

// The flags.
const (
	// ExeDeleted: the exe has no name on disk any more, or never had one, and is no memfd.
	ExeDeleted Flag = "exe_deleted"
	// ExeMemfd: the exe was made by memfd_create(2): it was never on disk.
	ExeMemfd Flag = "exe_memfd"
	// ExeSwapped: the kernel calls another file the exe than the one that the program began as: prctl(2), PR_SET_MM.
	// Any user may do so in a user namespace of its own; CRIU does to restore a process. Nothing vouches for the
	// file: it has no hash and no package.
	ExeSwapped Flag = "exe_swapped"
	// ExeWritableDir: a directory on the exe's path may be written by everybody, or, unless the process
	// is root's, of the host or of its container, by the process itself: as owner, or by its group.
	ExeWritableDir Flag = "exe_writable_dir"
	// ExeHiddenDir: the name of a directory on the exe's path begins with a dot.
	ExeHiddenDir Flag = "exe_hidden_dir"
	// ExeNotPackaged: the root has a package database, and no package in it owns the exe's path.
	ExeNotPackaged Flag = "exe_not_packaged"
	// ExeModified: a package owns the exe's path, and records another digest than that of the file there,
	// which is the one that ran.
	ExeModified Flag = "exe_modified"
	// Argv0Mismatch: the name in argv[0], up to the first blank or colon, is neither the exe's, with or
	// without a version, nor the script's, nor that of a link to the exe in a system directory of programs, nor
	// another of the interpreter's. Where the start was not seen, a title names a script of the interpreter that
	// is in such a directory by right.
	Argv0Mismatch Flag = "argv0_mismatch"
	// CommMismatch: comm, of which the kernel keeps 15 bytes, is none of the names that argv[0] may have
	// without a mismatch, nor all of such an argv[0], nor what the interpreter calls its main thread.
	CommMismatch Flag = "comm_mismatch"
	// FakeKthread: comm or argv[0] stands in brackets, as ps shows kernel threads, or the arguments are
	// empty, so that ps puts them there; and the process has an exe, which no kernel thread has.
	FakeKthread Flag = "fake_kthread"
	// MTAImpostor: the user, comm or argv[0] is one of a known mail server's own, and the exe is none of
	// the files of a known mail server. A name is borne by right through a link to the exe in a system
	// directory of programs of the host or of a container, as busybox is sendmail.
	MTAImpostor Flag = "mta_impostor"
	// Interpreter: the exe's file has the name of an interpreter, which runs programs that are in files.
	Interpreter Flag = "interpreter"
	// ScriptDeleted: nothing is at the script's path, where it was found or, if that was given as an
	// absolute one, must have been.
	ScriptDeleted Flag = "script_deleted"
	// ScriptWritableDir and ScriptHiddenDir: of the script's path, what ExeWritableDir and ExeHiddenDir say of the
	// exe's.
	ScriptWritableDir Flag = "script_writable_dir"
	ScriptHiddenDir   Flag = "script_hidden_dir"
	// WebChild: the process or an ancestor runs a program with the name of a web server (by its exe while
	// that can be read, else by its comm), or its unit is one's.
	WebChild Flag = "web_child"
	// CronChild: the same for an ancestor and the daemons of cron and at.
	CronChild Flag = "cron_child"
	// Orphaned: whoever made it is gone, as for any daemon that put itself into the background: its parent is
	// not the one that forked it; or, where that was not seen, is systemd and did not start it. It leads no
	// session, which systemd makes for all that it starts; or it is in a login's scope, where systemd starts
	// nothing; or SYSTEMD_EXEC_PID names another process. What a container's monitor is the parent of is none.
	Orphaned Flag = "orphaned"
	// InContainer: the cgroup path names a container.
	InContainer Flag = "container"
	// LdPreload: LD_PRELOAD or LD_AUDIT is set in the environment, or the root's /etc/ld.so.preload is
	// not empty.
	LdPreload Flag = "ld_preload"
	// LibUnpackaged: the root has a package database, and no package in it owns the path of a file that
	// is mapped to be executed, other than the exe, or, in a mount namespace of its own, another file is at
	// that path. What never was on disk (memfd, shared memory) does not count, nor what has no name any more
	// and was in a directory that is root's alone: an upgrade took it.
	LibUnpackaged Flag = "lib_unpackaged"
)

// raised collects flags in the order of the checks.
type raised []Flag

func (r *raised) when(fact bool, flag Flag) {
	if fact {
		*r = append(*r, flag)
	}
}

// flagsOf judges all that is known.
func flagsOf(id *Identity, f *facts) []Flag {
	var r raised
	if id.Process.ExeInode != 0 {
		exeFlags(&r, id, f)
		nameFlags(&r, id, f)
	}
	lineageFlags(&r, id, f)
	return r
}
