package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/probe"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

// value is a flag that is checked while it is parsed, so that the error names the flag.
type value struct {
	kind string // shown in the help
	show string // the default, shown in the help
	set  func(string) error
}

func (v *value) Type() string   { return v.kind }
func (v *value) String() string { return v.show }
func (v *value) Set(s string) error {
	if err := v.set(s); err != nil {
		return err
	}
	v.show = s
	return nil
}

// choice is a value that is one of a few words.
func choice[T ~string](to *T, words ...T) *value {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return &value{strings.Join(names, "|"), string(*to), func(s string) error {
		for _, w := range words {
			if s == string(w) {
				*to = w
				return nil
			}
		}
		return fmt.Errorf("it takes one of %s", strings.Join(names, ", "))
	}}
}

func ports(to *[]uint16) *value {
	show := make([]string, len(*to))
	for i, p := range *to {
		show[i] = strconv.Itoa(int(p))
	}
	return &value{"PORT,…", strings.Join(show, ","), func(s string) error {
		var list []uint16
		for _, word := range strings.Split(s, ",") {
			n, err := strconv.ParseUint(strings.TrimSpace(word), 10, 16)
			if err != nil || n == 0 {
				return fmt.Errorf("%q is not a port: it takes numbers from 1 to 65535, with commas between them", word)
			}
			list = append(list, uint16(n))
		}
		*to = list
		return nil
	}}
}

// netns takes a file that names a network namespace, or "self".
func netns(to *uint32) *value {
	return &value{"PATH|self", "", func(s string) error {
		if s == "self" {
			s = "/proc/self/ns/net"
		}
		f, err := os.Open(s)
		if err != nil {
			return fmt.Errorf("it takes the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net: %w", err)
		}
		defer f.Close()
		kind, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE)
		if err != nil || kind != unix.CLONE_NEWNET {
			return fmt.Errorf("%s is not a network namespace: it takes a path such as /run/netns/NAME or /proc/PID/ns/net", s)
		}
		*to, err = probe.Inode(f)
		return err
	}}
}

func cgroup(to *string) *value {
	return &value{"PATH", "", func(s string) error {
		if err := probe.CheckCgroup(s); err != nil {
			return fmt.Errorf("it takes a directory in a cgroup v2 hierarchy, such as /sys/fs/cgroup/system.slice: %w", err)
		}
		*to = s
		return nil
	}}
}

func pid(to *uint32) *value {
	return &value{"PID", "", func(s string) error {
		n, err := strconv.ParseUint(s, 10, 22) // PID_MAX_LIMIT
		if err != nil || n == 0 {
			return errors.New("it takes the number of a process")
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", n)); err != nil {
			return fmt.Errorf("it takes the number of a running process: there is no process %d", n)
		}
		*to = uint32(n)
		return nil
	}}
}

func uid(to **uint32) *value {
	return &value{"USER", "", func(s string) error {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			u, lookup := user.Lookup(s)
			if lookup != nil {
				return fmt.Errorf("it takes the name or number of a user: there is no user %q", s)
			}
			n, _ = strconv.ParseUint(u.Uid, 10, 32)
		}
		id := uint32(n)
		*to = &id
		return nil
	}}
}

// atLeast takes a number that is not smaller than least.
func atLeast[T int | int64](to *T, least T, kind string) *value {
	return &value{kind, strconv.FormatInt(int64(*to), 10), func(s string) error {
		n, err := strconv.ParseInt(s, 10, 40)
		if err != nil || T(n) < least {
			return fmt.Errorf("it takes a number from %d", least)
		}
		*to = T(n)
		return nil
	}}
}

func duration(to *time.Duration) *value {
	return &value{"TIME", "", func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return errors.New("it takes a time such as 90s, 10m or 24h")
		}
		*to = d
		return nil
	}}
}

func address(to *string) *value {
	return &value{"HOST:PORT", "", func(s string) error {
		_, port, err := net.SplitHostPort(s)
		if err != nil {
			return fmt.Errorf("it takes HOST:PORT, such as 127.0.0.1:9125: %w", err)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("%q is not a port: it takes HOST:PORT, such as 127.0.0.1:9125", port)
		}
		*to = s
		return nil
	}}
}

func senders(to *[]verdict.Sender) *value {
	return &value{"PATH|sha256:HEX|image:NAME[,user=NAME][,unit=UNIT][,image=NAME]", "", func(s string) error {
		sender, err := verdict.ParseSender(s)
		if err != nil {
			return err
		}
		*to = append(*to, sender)
		return nil
	}}
}

// smarthosts takes servers; the word none turns the search in files off.
func smarthosts(to *[]verdict.Smarthost, none *bool) *value {
	return &value{"HOST[:PORT]|none", "", func(s string) error {
		if s == "none" {
			*none = true
			return nil
		}
		host, err := verdict.ParseSmarthost(s)
		if err != nil {
			return err
		}
		*to = append(*to, host)
		return nil
	}}
}

// own takes an address or a name of this host.
func own(to *[]string) *value {
	return &value{"ADDRESS|NAME", "", func(s string) error {
		if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && a.Zone() == "" {
			s = a.Unmap().String()
		} else if s == "" || len(s) > 253 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != "" || strings.Trim(s, "0123456789.") == "" {
			return errors.New("it takes an address or a name of this host, such as 203.0.113.9 or web1.example.org")
		}
		*to = append(*to, s)
		return nil
	}}
}
