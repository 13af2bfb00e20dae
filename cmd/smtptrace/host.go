package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/record"
)

// agent names this run.
func agent() record.Agent {
	id := make([]byte, 8)
	rand.Read(id) // never fails (crypto/rand)
	return record.Agent{Type: "smtptrace", Version: version(), EphemeralID: hex.EncodeToString(id)}
}

// machine names the host. What cannot be read stays empty.
func machine() record.Host {
	h := record.Host{ID: readLine("/etc/machine-id")}
	h.Name, _ = os.Hostname()
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.Architecture = unix.ByteSliceToString(u.Machine[:])
		h.OS.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	release, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(release)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			h.OS.Full = strings.Trim(name, `"'`)
		}
	}
	return h
}

// fullName completes a host's name by what is in /etc/hosts, as hostname --fqdn does, and in Debian's
// /etc/mailname. It asks no name server: what neither file has stays short.
func fullName(name, hosts, mailname string) string {
	for line := range strings.Lines(hosts) {
		line, _, _ = strings.Cut(line, "#")
		names := strings.Fields(line)
		for _, full := range names {
			if strings.HasPrefix(full, name+".") && slices.Contains(names, name) {
				return full
			}
		}
	}
	if strings.HasPrefix(mailname, name+".") {
		return mailname
	}
	return name
}

// bootID tells one boot from another (proc(5), random/boot_id); 8 hex digits do.
func bootID() string {
	id := readLine("/proc/sys/kernel/random/boot_id")
	return id[:min(8, len(id))]
}

func readLine(path string) string {
	b, _ := os.ReadFile(path)
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return string(line)
}

func recordHooks(hooks []probe.Hook) []record.Hook {
	list := make([]record.Hook, len(hooks))
	for i, h := range hooks {
		list[i] = record.Hook{Question: string(h.Question), Name: h.Name}
		for _, r := range h.Refused {
			list[i].Refused = append(list[i].Refused, record.Refusal(r))
		}
	}
	return list
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// colourful says whether colour is wanted (no-color.org).
func colourful(w io.Writer) bool {
	return terminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
