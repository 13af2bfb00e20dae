package output

import (
	"errors"
	"os"
	"strconv"
)

// rotate renames the file to FILE.1 and those before it to one number more, and opens a new one. The one
// with the highest number goes.
func (f *file) rotate() error {
	for i := f.keep; i > 0; i-- {
		err := os.Rename(f.numbered(i-1), f.numbered(i))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fail("rotate", f.path, err)
		}
	}
	return f.reopen()
}

// numbered is the name of the i-th file before the one that is written.
func (f *file) numbered(i int) string {
	if i == 0 {
		return f.path
	}
	return f.path + "." + strconv.Itoa(i)
}
