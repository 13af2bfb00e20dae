package report

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Stdin is the name of standard input among the logs.
const Stdin = "-"

// files lists the logs to read, each once: before a log the files that it was rotated to, the
// oldest first. A directory stands for the logs of smtptrace in it, a pattern that no shell has replaced for what it
// matches.
func files(named []string) []string {
	var whole []string
	for _, path := range named {
		matches, _ := filepath.Glob(path) // none of a bad pattern
		if _, err := os.Lstat(path); err == nil || path == Stdin || len(matches) == 0 {
			matches = []string{path}
		}
		for _, m := range matches {
			whole = append(whole, inDirectory(m)...)
		}
	}
	var list []string
	for _, path := range whole {
		if path == Stdin {
			list = append(list, path)
			continue
		}
		for _, p := range append(rotated(path), path) {
			if p = filepath.Clean(p); !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	return list
}

// inDirectory lists the logs in a directory; of what is none, or has none in it, the path itself: opening it says why.
func inDirectory(path string) (logs []string) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		entries, _ := os.ReadDir(path)
		for _, e := range entries {
			if one := filepath.Join(path, e.Name()); e.Type().IsRegular() && isLog(one) {
				logs = append(logs, one)
			}
		}
	}
	if len(logs) == 0 {
		return []string{path}
	}
	return logs
}

// isLog says whether a file begins as a log of smtptrace does, or nobody can tell.
func isLog(path string) bool {
	l, err := openLog(path, nil)
	if err != nil {
		return true
	}
	defer l.close()
	begin := make([]byte, len(timeField))
	_, err = io.ReadFull(l, begin)
	return err == nil && bytes.Equal(begin, timeField)
}

// rotated finds the files that a log was rotated to, the oldest first: FILE.2.gz and FILE.1, as
// smtptrace and logrotate name them, and FILE-20261121.zst, as logrotate does with dateext.
func rotated(path string) []string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil // opening the log says why
	}
	type part struct {
		name   string
		number int    // 0 for a dated one
		date   string // of a dated one
	}
	var parts []part
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), filepath.Base(path))
		if !ok || len(rest) < 2 || e.Type()&^os.ModeSymlink != 0 { // a pipe by such a name would be waited for
			continue
		}
		kind := rest[0]
		rest = strings.TrimSuffix(strings.TrimSuffix(rest[1:], ".gz"), ".zst")
		switch n, err := strconv.ParseUint(rest, 10, 31); {
		case kind == '.' && err == nil:
			parts = append(parts, part{name: e.Name(), number: int(n)})
		case kind == '-' && len(rest) >= 8 && strings.Trim(rest, "0123456789-") == "":
			parts = append(parts, part{name: e.Name(), date: rest})
		}
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.number, a.number), cmp.Compare(a.date, b.date), cmp.Compare(a.name, b.name))
	})
	var list []string
	for _, p := range parts {
		list = append(list, filepath.Join(filepath.Dir(path), p.name))
	}
	return list
}
