package proc

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/smtptrace/smtptrace/internal/event"
)

// mapping is a file that a process maps to be executed.
type mapping struct {
	path  string
	inode uint64
	gone  bool // it has no name any more
}

// mappedFiles lists the files in /proc/PID/maps (proc_pid_maps(5)) that are mapped to be executed, but
// for the exe. The numbers there are the kernel's own, as those of the event are.
func mappedFiles(r io.Reader, p *event.Process) []mapping {
	files := []mapping{}
	seen := map[string]bool{p.Exe: true}
	for lines := bufio.NewScanner(r); lines.Scan() && len(files) < maxMappings; {
		// address perms offset dev inode path
		fields := strings.SplitN(lines.Text(), " ", 6)
		if len(fields) < 6 || len(fields[1]) < 3 || fields[1][2] != 'x' || fields[4] == "0" {
			continue
		}
		name := strings.TrimLeft(fields[5], " ")
		if !strings.HasPrefix(name, "/") || isVolatile(name) || isExe(fields[3], fields[4], p) {
			continue
		}
		name, gone := strings.CutSuffix(name, " (deleted)")
		name = strings.ReplaceAll(name, `\012`, "\n")
		if inode, err := strconv.ParseUint(fields[4], 10, 64); err == nil && !seen[name] {
			seen[name] = true
			files = append(files, mapping{name, inode, gone})
		}
	}
	return files
}

const maxMappings = 4096

func isExe(dev, inode string, p *event.Process) bool {
	major, minor, _ := strings.Cut(dev, ":")
	a, err1 := strconv.ParseUint(major, 16, 32)
	b, err2 := strconv.ParseUint(minor, 16, 32)
	n, err3 := strconv.ParseUint(inode, 10, 64)
	return err1 == nil && err2 == nil && err3 == nil &&
		n == p.ExeInode && kernelDev(uint32(a), uint32(b)) == uint64(p.ExeDev)
}

// isVolatile tells mappings that never were a file on disk: memory files and shared memory.
func isVolatile(name string) bool {
	if !strings.HasSuffix(name, " (deleted)") {
		return false
	}
	return name == "/dev/zero (deleted)" || strings.HasPrefix(name, "/memfd:") || strings.HasPrefix(name, "/SYSV") ||
		strings.HasPrefix(name, "/anon_hugepage")
}
