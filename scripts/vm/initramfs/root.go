package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// addRoot adds a root folder as it is, with owners, modes and times (Python does not trust what it has
// compiled without), but for what the guest mounts over and what is neither a file, a folder nor a
// link. Hard links become files of their own.
func (a *archive) addRoot(root string) error {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		at := strings.TrimPrefix(p, root)
		if at == "" {
			at = "." // the guest's own root is open to all
		}
		a.have[at] = true
		entry := func(size int64) { a.statEntry(at, st, int(size)) }
		switch {
		case d.IsDir():
			entry(0)
			switch at {
			case "/dev", "/proc", "/run", "/sys", "/tmp":
				return fs.SkipDir
			}
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			entry(int64(len(target)))
			return a.data(strings.NewReader(target))
		case d.Type().IsRegular():
			f, err := os.Open(p)
			if err != nil {
				return err
			}
			defer f.Close()
			entry(st.Size)
			if err := a.data(io.LimitReader(f, st.Size)); err != nil {
				return fmt.Errorf("copy %s: %w", p, err)
			}
		}
		return nil
	})
}
