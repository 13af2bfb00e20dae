package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// release is set by the Makefile.
var release string

// version is the release, or what the Go toolchain knows of the source.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func runVersion(args []string, stdout, _ io.Writer) error {
	if help, err := parse(pflag.NewFlagSet("version", pflag.ContinueOnError), args, stdout); help || err != nil {
		return err
	}
	fmt.Fprintf(stdout, "smtptrace %s %s/%s %s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return nil
}
