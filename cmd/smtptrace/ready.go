package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ownReady is what the ready file of this run says: the process's id.
func ownReady() string { return fmt.Sprintln(os.Getpid()) }

// writeReadyFile writes the ready file, whole or not at all.
func writeReadyFile(path, said string) error {
	if path == "" {
		return nil
	}
	partial, err := os.CreateTemp(filepath.Dir(path), ".smtptrace-ready-*") // follows no link
	if err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	defer os.Remove(partial.Name())
	_, err = partial.WriteString(said)
	if err := errors.Join(err, partial.Chmod(0o644), partial.Close()); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	if err := os.Rename(partial.Name(), path); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	return nil
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
