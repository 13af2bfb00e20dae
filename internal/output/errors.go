package output

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrClosedPipe says that whoever read standard output is gone, as in "smtptrace run | head": the run is to
// end quietly.
var ErrClosedPipe = errors.New("write records to standard output: its reader is gone")

// fail wraps err with what was being done, on what, and what to do about it.
func fail(doing, target string, err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		err = errno // without the name of the call and the path again
	}
	return fmt.Errorf("%s %s: %w%s", doing, target, err, cure(err))
}

// cure is what to do about an error, with ": " before it.
func cure(err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return ": free some space there, or write elsewhere with -o"
	case errors.Is(err, unix.ELOOP):
		return ": it is a symbolic link, which is not followed: name the file that it points to"
	case errors.Is(err, os.ErrNotExist):
		return ": create its directory first"
	case errors.Is(err, unix.EISDIR):
		return ": name a file in it"
	case errors.Is(err, unix.EFBIG):
		return ": raise the file size limit, or let the file rotate"
	}
	return ": write elsewhere with -o"
}
