package proc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAccounts(t *testing.T) {
	dir := files(t, map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/bash\n# a comment:x:7:7::\nbroken line\n\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nsecond:x:33:33::/:\n" +
			"short:x:8\nminus:x:-1:1:::\n:x:9:9::/:\n" + strings.Repeat("n", 300) + ":x:10:10::/:\nlast:x:11:11::/:",
		"etc/group":                            "root:x:0:\nwww-data:x:33:\nmail:x:8:a,b\n",
		"run/systemd/dynamic-uid/direct:61184": "->webapp",
	})
	root, a := openTestRoot(t, dir), newAccounts()
	for uid, want := range map[uint32]string{
		0: "root", 33: "www-data", 7: "", 8: "", 9: "", 10: "", 11: "last", 1000: "", ^uint32(0): "", 61184: "webapp", 61185: "",
	} {
		for range 2 { // the second answer comes from memory
			if got := a.user(root, uid); got != want {
				t.Errorf("user of %d is %q, want %q", uid, got, want)
			}
		}
	}
	for gid, want := range map[uint32]string{0: "root", 33: "www-data", 8: "mail", 9: ""} {
		if got := a.group(root, gid); got != want {
			t.Errorf("group of %d is %q, want %q", gid, got, want)
		}
	}
}

// A passwd that changed is read again, as passwd(1) changes it and as an editor may.
func TestAccountsChange(t *testing.T) {
	dir := files(t, map[string]string{"etc/passwd": "old:x:5:5::/:\n"})
	root, a := openTestRoot(t, dir), newAccounts()
	if got := a.user(root, 5); got != "old" {
		t.Fatalf("user is %q at first", got)
	}
	put(t, dir, "etc/passwd.new", "new:x:5:5::/:\n")
	if err := os.Rename(filepath.Join(dir, "etc/passwd.new"), filepath.Join(dir, "etc/passwd")); err != nil {
		t.Fatal(err)
	}
	if got := a.user(root, 5); got != "new" {
		t.Errorf("user is %q after the file was replaced", got)
	}
	put(t, dir, "etc/passwd", "edited:x:5:5::/:\n")
	if got := a.user(root, 5); got != "edited" {
		t.Errorf("user is %q after the file was written", got)
	}
}

func TestAccountsAbsent(t *testing.T) {
	root, a := openTestRoot(t, files(t, nil)), newAccounts()
	if got := a.user(root, 0) + a.group(root, 0); got != "" {
		t.Errorf("a root without files names %q", got)
	}
}

func TestInsideID(t *testing.T) {
	idMap := []byte("         0     100000      65536\n     70000       1000          1\n")
	for host, want := range map[uint32]uint32{100000: 0, 100033: 33, 165535: 65535, 1000: 70000, 33: ^uint32(0), 165536: ^uint32(0)} {
		if got := insideID(idMap, host); got != want {
			t.Errorf("%d is %d inside, want %d", host, got, want)
		}
	}
}
