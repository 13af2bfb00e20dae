// Command initramfs writes an uncompressed newc cpio archive of the files named on its command
// line as SRC:DEST, with the shared libraries that they need. With --root DIR it begins with a whole
// root folder, as it is.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	root := flag.String("root", "", "")
	flag.Parse()
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "usage: initramfs [--root DIR] OUT SRC:DEST…")
		os.Exit(2)
	}
	if err := write(*root, flag.Arg(0), flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "initramfs: error:", err)
		os.Exit(1)
	}
}

func write(root, out string, pairs []string) error {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	a := archive{w: bufio.NewWriterSize(f, 1<<20), have: map[string]bool{"/": true}}
	if root != "" {
		if err := a.addRoot(root); err != nil {
			return err
		}
	}
	for _, pair := range pairs {
		src, dest, ok := strings.Cut(pair, ":")
		if !ok || !path.IsAbs(dest) {
			return fmt.Errorf("%q: want SRC:DEST with an absolute DEST", pair)
		}
		if err := a.addTree(src, dest); err != nil {
			return err
		}
	}
	a.entry("TRAILER!!!", 0, 0)
	if err := a.w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	return f.Close()
}

type archive struct {
	w    *bufio.Writer
	have map[string]bool // paths written
	n    int             // entries written
	size int             // bytes written
}

// addTree adds a file, or a folder with all that is in it.
func (a *archive) addTree(src, dest string) error {
	src, err := filepath.EvalSymlinks(src)
	if err != nil {
		return err
	}
	return filepath.WalkDir(src, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at := path.Join(dest, filepath.ToSlash(strings.TrimPrefix(p, src)))
		switch {
		case d.IsDir():
			a.addDir(at)
			return nil
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			a.addDir(path.Dir(at))
			a.entry(at, 0o120777, len(target))
			a.data(strings.NewReader(target))
			return nil
		}
		return a.addFile(p, at)
	})
}

func (a *archive) addFile(src, dest string) error {
	if a.have[dest] {
		return nil
	}
	a.have[dest] = true
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s: neither a file nor a folder", src)
	}
	a.addDir(path.Dir(dest))
	a.entry(dest, 0o100000|uint32(st.Mode().Perm()), int(st.Size()))
	if err := a.data(f); err != nil {
		return fmt.Errorf("copy %s: %w", src, err)
	}
	for _, lib := range libraries(src, st) {
		if err := a.addFile(lib, lib); err != nil {
			return fmt.Errorf("library of %s: %w", src, err)
		}
	}
	return nil
}

func (a *archive) addDir(dir string) {
	if a.have[dir] {
		return
	}
	a.have[dir] = true
	a.addDir(path.Dir(dir))
	a.entry(dir, 0o040755, 0)
}

// libraries lists what the dynamic linker would load for src: nothing for a static program, a
// script, or a program of another machine, which ldd does not know.
func libraries(src string, st fs.FileInfo) (libs []string) {
	if st.Mode().Perm()&0o111 == 0 {
		return nil
	}
	out, err := exec.Command("ldd", src).Output()
	if err != nil {
		return nil
	}
	for _, field := range strings.Fields(string(out)) {
		if path.IsAbs(field) {
			libs = append(libs, field)
		}
	}
	return libs
}

func (a *archive) entry(name string, mode uint32, size int) {
	a.statEntry(name, &syscall.Stat_t{Mode: mode}, size)
}

// statEntry writes a newc header: the kernel's Documentation/driver-api/early-userspace/buffer-format.
func (a *archive) statEntry(name string, st *syscall.Stat_t, size int) {
	a.n++
	name = strings.TrimPrefix(name, "/")
	n, _ := fmt.Fprintf(a.w, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.n, st.Mode, st.Uid, st.Gid, 1, st.Mtim.Sec, size, 0, 0, 0, 0, len(name)+1, 0, name)
	a.size += n
	a.pad()
}

func (a *archive) data(r io.Reader) error {
	n, err := io.Copy(a.w, r)
	a.size += int(n)
	a.pad()
	return err
}

func (a *archive) pad() {
	for ; a.size%4 != 0; a.size++ {
		a.w.WriteByte(0)
	}
}
