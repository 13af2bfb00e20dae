package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dpkgRoot is a root with a merged /usr and a few packages.
func dpkgRoot(t *testing.T) string {
	t.Helper()
	sums := func(paths ...string) string {
		var b strings.Builder
		for _, p := range paths {
			b.WriteString(md5Of(p) + "  " + p + "\n")
		}
		return b.String()
	}
	return files(t, map[string]string{
		"bin": "->usr/bin", "lib": "->usr/lib", "sbin": "->usr/sbin",
		"usr/bin/perl": "usr/bin/perl", "usr/bin/sh": "bin/sh", "usr/sbin/exim4": "usr/sbin/exim4",
		"var/lib/dpkg/status": "Package: perl-base\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: allowed\n" +
			"Version: 5.36.0-7\nDescription: x\n Version: 9\n\nPackage: dash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.5.12-2\n\n" +
			"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2.36-9\n\n" +
			"Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n\n" +
			"Package: removed\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n" +
			"Package: ../../evil\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n" +
			"Package: nolist\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n" +
			"Package: half\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 3\n",
		"var/lib/dpkg/info/perl-base.list":      "/.\n/usr\n/usr/bin\n/usr/bin/perl\n/usr/share/doc/perl/x\n/etc/perl.conf\n",
		"var/lib/dpkg/info/perl-base.md5sums":   sums("usr/bin/perl"),
		"var/lib/dpkg/info/dash.list":           "/bin/dash\n/bin/sh\n",
		"var/lib/dpkg/info/dash.md5sums":        sums("bin/dash", "bin/sh"),
		"var/lib/dpkg/info/libc6:amd64.list":    "/lib/x86_64-linux-gnu/libc.so.6\n",
		"var/lib/dpkg/info/libc6:amd64.md5sums": sums("lib/x86_64-linux-gnu/libc.so.6", "lib/longer/lib/x86_64-linux-gnu/libc.so.6"),
		"var/lib/dpkg/info/bash.list":           "/bin/bash\n/usr/bin/diverted\n",
		"var/lib/dpkg/info/bash.md5sums":        sums("bin/bash", "usr/bin/diverted"),
		"var/lib/dpkg/info/removed.list":        "/usr/bin/removed\n",
		"var/lib/dpkg/info/half.list":           "/usr/bin/half\n",
		"var/lib/dpkg/evil.list":                "/usr/bin/evil\n",
		"var/lib/dpkg/diversions":               "/usr/bin/diverted\n/usr/bin/diverted.distrib\n:\n/bin/sh\n/bin/sh.distrib\ndash\n",
	})
}

func TestDpkg(t *testing.T) {
	root := openTestRoot(t, dpkgRoot(t))
	x := newCatalogs().index(root)
	if x == nil {
		t.Fatal("no database")
	}
	for path, want := range map[string]string{
		"/usr/bin/perl":                       "perl-base 5.36.0-7 usr/bin/perl",
		"/usr/bin/sh":                         "dash 0.5.12-2 bin/sh", // by its name before the merge; diverted for others than dash
		"/bin/sh":                             "dash 0.5.12-2 bin/sh",
		"/usr/lib/x86_64-linux-gnu/libc.so.6": "libc6 2.36-9 lib/x86_64-linux-gnu/libc.so.6",
		"/etc/perl.conf":                      "perl-base 5.36.0-7", // a conffile: no sum
		"/usr/bin/diverted":                   "",                   // the administrator's own
		"/usr/bin/diverted.distrib":           "bash 5.2 usr/bin/diverted",
		"/usr/bin/half":                       "half 3",
		"/usr/bin/removed":                    "",
		"/usr/bin/evil":                       "",
		"/usr/bin/nothing":                    "",
		"/":                                   "",
		"":                                    "",
	} {
		got := ""
		for range 2 { // the second answer comes from memory
			if o, _ := x.find(root, path); o != nil {
				got = o.Name + " " + o.Version
				for _, p := range strings.Fields(want) {
					if o.digest != "" && o.digest == md5Of(p) {
						got += " " + p
					}
				}
			}
			if got != want {
				t.Errorf("%s is of %q, want %q", path, got, want)
			}
			got = ""
		}
	}
}

// What is never run is not indexed, and so nobody can say that it is of no package.
func TestNotIndexed(t *testing.T) {
	root := openTestRoot(t, dpkgRoot(t))
	x := newCatalogs().index(root)
	if o, err := x.find(root, "/usr/share/doc/perl/x"); err == nil {
		t.Errorf("a document is of %+v", o)
	}
	if !x.has("/usr/share/doc/perl/x") {
		t.Error("a document is of no package")
	}
}

// A database that changed is read again, but not over and over while it changes.
func TestDpkgChange(t *testing.T) {
	dir := dpkgRoot(t)
	root, c := openTestRoot(t, dir), newCatalogs()
	if x := c.index(root); x == nil || !x.has("/usr/bin/perl") {
		t.Fatal("perl is of no package at first")
	}
	put(t, dir, "var/lib/dpkg/info/new.list", "/usr/bin/new\n")
	status, err := os.ReadFile(filepath.Join(dir, "var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "var/lib/dpkg/status", string(status)+"\nPackage: new\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n")
	x := c.index(root)
	if x == nil {
		t.Fatal("of a database that changed a moment after it was read nothing is known any more")
	}
	if o, err := x.find(root, "/usr/bin/perl"); err != nil || o == nil || !o.stale {
		t.Errorf("perl is of %+v, %v", o, err)
	}
	if o, err := x.find(root, "/usr/bin/new"); err == nil {
		t.Errorf("what is new is of %+v: the database was read again at once", o)
	}
	if !x.has("/usr/bin/new") {
		t.Error("what is new is of no package")
	}
	for _, one := range c.known.All {
		one.next = time.Time{}
	}
	x = c.index(root)
	if o, err := x.find(root, "/usr/bin/new"); err != nil || o == nil || o.stale || x.has("/usr/bin/none") {
		t.Errorf("the new package is %+v, %v", o, err)
	}
}

func TestNoDatabase(t *testing.T) {
	var giant strings.Builder // as no administrator's, but anybody's in a container
	for i := range 50_000 {
		fmt.Fprintf(&giant, "Package: a%d\nStatus: install ok installed\nArchitecture: all\nVersion: %0250d\n\n", i, i)
	}
	for name, contents := range map[string]map[string]string{
		"nothing":         nil,
		"giant names":     {"var/lib/dpkg/status": giant.String()},
		"an empty status": {"var/lib/dpkg/status": ""},
		"not a database":  {"var/lib/rpm/rpmdb.sqlite": "no database"},
		"a list without end": {"var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n",
			"var/lib/dpkg/info/a.list": strings.Repeat("x", 2<<20)},
	} {
		if x := newCatalogs().index(openTestRoot(t, files(t, contents))); x != nil {
			t.Errorf("%s: is a database of %d paths", name, len(x.entries))
		}
	}
}

func TestIntact(t *testing.T) {
	d := digest{}
	copy(d.md5[:], "0123456789abcdef")
	copy(d.sha256[:], "0123456789abcdef0123456789abcdef")
	const md5, sha256 = "30313233343536373839616263646566", "3031323334353637383961626364656630313233343536373839616263646566"
	for digest, want := range map[string]string{
		md5: "intact", sha256: "intact", strings.Repeat("0", 32): "modified", strings.Repeat("0", 64): "modified",
		"": "", strings.Repeat("0", 40): "", // SHA-1, which is not computed
	} {
		got := ""
		if same := (&owned{digest: digest}).intact(d); same != nil {
			got = map[bool]string{true: "intact", false: "modified"}[*same]
		}
		if got != want {
			t.Errorf("%q is %q, want %q", digest, got, want)
		}
	}
}
