package proc

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// environ reads what matters of /proc/PID/environ (proc_pid_environ(5)), whatever its size.
func (f *facts) environ(r io.Reader) {
	f.preload, f.execPid, f.path = false, 0, ""
	b := bufio.NewReader(r)
	begin := true // of a variable; a long one comes in pieces
	for {
		piece, err := b.ReadSlice(0)
		if begin {
			name, value, _ := strings.Cut(strings.TrimSuffix(string(piece[:min(len(piece), maxVariable)]), "\x00"), "=")
			switch {
			case value == "":
			case name == "LD_PRELOAD", name == "LD_AUDIT":
				f.preload = true
			case name == "SYSTEMD_EXEC_PID":
				f.execPid, _ = strconv.Atoi(value)
			case name == "PATH" && err != bufio.ErrBufferFull && f.path == "": // the first counts (getenv(3))
				f.path = strings.TrimSuffix(string(piece), "\x00")[len("PATH="):]
			}
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
		begin = err == nil
	}
}

const maxVariable = 64 // bytes of a variable that are looked at
