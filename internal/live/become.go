package live

import (
	"fmt"
	"os"
)

// Become runs the child that this process is to be, if it is one of these, and ends with it. A test file that brings
// children of its own calls it from init.
func Become(children map[string]func(args []string) error) {
	child := children[os.Getenv(childEnv)]
	if child == nil {
		return
	}
	if err := child(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Getenv(childEnv), err)
		os.Exit(1)
	}
	os.Exit(0)
}
