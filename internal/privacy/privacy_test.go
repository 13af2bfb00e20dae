package privacy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, mode Mode, dir string) *Policy {
	t.Helper()
	p, err := Open(mode, dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// keyed is a directory with a key that the test knows.
func keyed(t *testing.T, key []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hmac.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestParseMode(t *testing.T) {
	for _, name := range []string{"full", "domain", "hmac", "none"} {
		if m, err := ParseMode(name); err != nil || string(m) != name {
			t.Errorf("%s: %q, %v", name, m, err)
		}
	}
	for _, name := range []string{"", "Full", "domains", "hmac "} {
		want := fmt.Sprintf("unknown mode %q: it is one of full, domain, hmac, none", name)
		if m, err := ParseMode(name); m != "" || err == nil || err.Error() != want {
			t.Errorf("%q: %q, %v, want %s", name, m, err, want)
		}
	}
}

// The key outlives the run, so that a report finds next month what was logged today; nobody but its owner
// reads it.
func TestKeyIsCreatedOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lib", "smtptrace")
	first := open(t, Domain, dir).Hash("bob@example.net")
	key, err := os.ReadFile(filepath.Join(dir, "hmac.key"))
	if err != nil {
		t.Fatal(err)
	}
	if len(key) != 32 || bytes.Count(key, key[:1]) == len(key) {
		t.Errorf("key % x", key)
	}
	for _, mode := range []Mode{Domain, HMAC} {
		if again := open(t, mode, dir).Hash("bob@example.net"); again != first {
			t.Errorf("%s: hash %s, at first %s", mode, again, first)
		}
	}
	for path, want := range map[string]fs.FileMode{dir: fs.ModeDir | 0o700, filepath.Join(dir, "hmac.key"): 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode() != want {
			t.Errorf("%s: mode %v, want %v (%v)", path, st.Mode(), want, err)
		}
	}
	if left := list(t, dir); len(left) != 1 {
		t.Errorf("in the directory: %v, want the key alone", left)
	}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Tracers that start at once, in a directory that is not there yet, write the same hashes.
func TestCreatorsAgree(t *testing.T) {
	for range 50 {
		dir := filepath.Join(t.TempDir(), "state")
		hashes := make([]string, 8)
		var all sync.WaitGroup
		ready := make(chan struct{})
		for i := range hashes {
			all.Go(func() {
				<-ready
				p, err := Open(Domain, dir)
				if err != nil {
					t.Error(err)
					return
				}
				hashes[i] = p.Hash("bob@example.net")
			})
		}
		close(ready)
		all.Wait()
		for _, h := range hashes {
			if h != hashes[0] || h == "" {
				t.Fatalf("they differ: %q", hashes)
			}
		}
		if left := list(t, dir); len(left) != 1 {
			t.Errorf("in the directory: %v, want the key alone", left)
		}
	}
}

// The hash is what RFC 2104 makes of SHA-256, the key's bytes and the address in lower case: other tools
// can compute it. The expected value is openssl's.
func TestHash(t *testing.T) {
	dir := keyed(t, bytes.Repeat([]byte{0x42}, 32))
	const want = "3d87b6abcc3ce284337c95233c6eaa73c8fafc50c657a2314e4cad1ef5cde77a"
	for _, mode := range []Mode{Domain, HMAC} {
		p := open(t, mode, dir)
		for _, address := range []string{"bob@example.net", "Bob@Example.NET", "BOB@EXAMPLE.NET"} {
			if got := p.Hash(address); got != want {
				t.Errorf("%s: %s: %s, want %s", mode, address, got, want)
			}
		}
		for _, address := range []string{"bob@example.com", "bob @example.net", "bob"} {
			if got := p.Hash(address); got == want || len(got) != 64 {
				t.Errorf("%s: %s: %q", mode, address, got)
			}
		}
		if got := p.Hash(""); got != "" {
			t.Errorf("%s: the null sender has the hash %s", mode, got)
		}
	}
}

// Without the key nobody can try addresses.
func TestHashIsKeyed(t *testing.T) {
	a := open(t, HMAC, t.TempDir()).Hash("bob@example.net")
	b := open(t, HMAC, t.TempDir()).Hash("bob@example.net")
	if a == b {
		t.Errorf("two machines give the same hash %s", a)
	}
}

// Where no hash is shown no key is needed, and none is made.
func TestModesWithoutHash(t *testing.T) {
	for _, mode := range []Mode{Full, None} {
		dir := filepath.Join(t.TempDir(), "state")
		if got := open(t, mode, dir).Hash("bob@example.net"); got != "" {
			t.Errorf("%s: hash %s", mode, got)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: the state directory was made (%v)", mode, err)
		}
	}
}

func TestKeyOfWrongSize(t *testing.T) {
	for _, size := range []int{0, 31, 33} {
		dir := keyed(t, make([]byte, size))
		want := fmt.Sprintf("the key for address hashes: %s has %d bytes, not 32: remove it to get a new one",
			filepath.Join(dir, "hmac.key"), size)
		if _, err := Open(Domain, dir); err == nil || err.Error() != want {
			t.Errorf("%d bytes: %v, want %s", size, err, want)
		}
	}
}

func TestKeyCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	if err := os.Mkdir(filepath.Join(taken, "hmac.key"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, dir, want string }{
		{"a file in the place of the directory", file, file + "/hmac.key: not a directory"},
		{"a file above the directory", file + "/state", file + "/state/hmac.key: not a directory"},
		{"a directory in the place of the key", taken, taken + "/hmac.key: is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(Domain, test.dir)
			if err == nil || !strings.HasPrefix(err.Error(), "the key for address hashes: ") || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("error %v, want one of the key and %s", err, test.want)
			}
		})
	}
}

func TestKeyInDirectoryThatIsNotWritable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes where the mode forbids it")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Domain, dir)
	if err == nil || !strings.HasPrefix(err.Error(), "the key for address hashes: ") || !strings.HasSuffix(err.Error(), ": permission denied") {
		t.Errorf("error %v, want one of the key and permission denied", err)
	}
}

// Servers repeat addresses in their replies.
func TestText(t *testing.T) {
	for _, test := range []struct{ text, domain, none string }{
		{"250 2.0.0 Ok: queued as 4E81026038", "250 2.0.0 Ok: queued as 4E81026038", "250 2.0.0 Ok: queued as 4E81026038"},
		{
			"550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown",
			"550 5.1.1 <…@example.net>: Recipient address rejected: User unknown",
			"550 5.1.1 <…>: Recipient address rejected: User unknown",
		},
		{"250 bob@example.net, carol@[192.0.2.1] ok", "250 …@example.net, …@[192.0.2.1] ok", "250 …, … ok"},
		{`251 "bob smith"@example.net will forward`, "251 …@example.net will forward", "251 … will forward"},
		{"550 RCPT TO:<bob+list=a@b@example.net> no", "550 RCPT TO:<…@example.net> no", "550 RCPT TO:<…> no"},
		{"550 (bob@example.net)", "550 (…@example.net)", "550 (…)"},
		{"550 'bob@example.net'", "550 …@example.net'", "550 …'"},
		{"550 böb@exämple.net", "550 …@exämple.net", "550 …"},
		{"550 b\xf6b@example.net", "550 …@example.net", "550 …"},
		{"220 @ your service", "220 @ your service", "220 @ your service"},
	} {
		for mode, want := range map[Mode]string{Full: test.text, Domain: test.domain, HMAC: test.none, None: test.none} {
			if got := (&Policy{Mode: mode}).Text(test.text); got != want {
				t.Errorf("%s: %q, want %q", mode, got, want)
			}
		}
	}
}

// Load finds by the key that Open made, and makes none.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if p, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, %v", p, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it made %v (%v)", left, err)
	}
	made, err := Open(Domain, dir)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(dir)
	if err != nil || loaded.Hash("Bob@example.net") != made.Hash("bob@example.net") {
		t.Errorf("another hash, or %v", err)
	}
}

func TestCanonical(t *testing.T) {
	for said, want := range map[string]string{
		"User@Example.net": "user@example.net", `"user"@example.net`: "user@example.net", `us\er@example.net`: "user@example.net",
		`"us\"er"@example.net.`: `us"er@example.net`, "user@[192.0.2.1]": "user@[192.0.2.1]", `"a@b"@example.net`: "a@b@example.net",
		`a."b".c@example.net`: "a.b.c@example.net", "postmaster": "postmaster", "": "", `\@x`: `\@x`,
	} {
		if got := Canonical(said); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}
