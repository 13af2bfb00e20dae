package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ownReady is what the ready file of this run says: the process's id.
func ownReady() string { return fmt.Sprintln(os.Getpid()) }

// tryReadyFile says whether the ready file can be written, without writing it.
func tryReadyFile(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return notReady(fmt.Errorf("%s is a directory", path))
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return notReady(err)
	}
	partial, err := writePartial(path, ownReady())
	os.Remove(partial)
	return err
}

// writeReadyFile writes the ready file, whole or not at all.
func writeReadyFile(path, said string) error {
	if path == "" {
		return nil
	}
	partial, err := writePartial(path, said)
	if err != nil {
		return err
	}
	if err := os.Rename(partial, path); err != nil {
		os.Remove(partial)
		return notReady(err)
	}
	return nil
}

// writePartial writes a file beside a path, and follows no link.
func writePartial(path, said string) (partial string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".smtptrace-ready-*")
	if err != nil {
		return "", notReady(err)
	}
	_, err = f.WriteString(said)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", notReady(err)
	}
	return f.Name(), nil
}

func notReady(err error) error {
	return &failure{"write the ready file: " + err.Error(), "give --ready-file a path in a directory that is there and can be written"}
}

// removeReadyFile takes the ready file away if it says so much; "": whatever it says, since a run that was killed
// has left it. What is no regular file is left.
func removeReadyFile(path, said string) error {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if said != "" {
		if b, err := os.ReadFile(path); err != nil || string(b) != said {
			return nil
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the ready file: %w", err)
	}
	return nil
}
