// Package privacy decides how much of an envelope address a record shows.
package privacy

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Mode is how much is shown of an address.
type Mode string

// The modes. In all but Full and None a keyed hash of the whole address makes it possible to find an
// address that one knows.
const (
	Full   Mode = "full"   // the address
	Domain Mode = "domain" // its domain, and the hash
	HMAC   Mode = "hmac"   // the hash
	None   Mode = "none"   // nothing
)

var modes = []Mode{Full, Domain, HMAC, None}

// ParseMode reads a mode from its name.
func ParseMode(s string) (Mode, error) {
	if slices.Contains(modes, Mode(s)) {
		return Mode(s), nil
	}
	return "", fmt.Errorf("unknown mode %q: it is one of full, domain, hmac, none", s)
}

const (
	keySize = 32
	keyFile = "hmac.key"
)

// Policy is a mode with its key.
type Policy struct {
	Mode Mode
	key  []byte
}

// Open makes a policy. The key stands in the file hmac.key of the state directory: it is made once,
// readable for its owner alone.
func Open(mode Mode, dir string) (*Policy, error) {
	p := &Policy{Mode: mode}
	if mode == Full || mode == None {
		return p, nil
	}
	path := filepath.Join(dir, keyFile)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(path); err == nil {
			key, err = readKey(path)
		}
	}
	if err != nil {
		return nil, err
	}
	p.key = key
	return p, nil
}

// Load makes a policy to find addresses by their hash: with the key that Open made in that directory. Where
// there is none, the error is fs.ErrNotExist.
func Load(dir string) (*Policy, error) {
	key, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	return &Policy{Mode: HMAC, key: key}, nil
}

func readKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the key for address hashes: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("the key for address hashes: %s has %d bytes, not %d: remove it to get a new one", path, len(key), keySize)
	}
	return key, nil
}

// create writes a new key under another name first: two tracers that start at once agree on one.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the key for address hashes: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".hmac.key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("the key for address hashes: %w", err)
	}
	defer os.Remove(f.Name())
	key := make([]byte, keySize)
	rand.Read(key) // never fails (crypto/rand)
	_, err = f.Write(key)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("the key for address hashes: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the key for address hashes: %w", err)
	}
	return nil
}

// address matches a mailbox within a text (RFC 5321 section 4.1.2).
var address = regexp.MustCompile(`(?:"[^"]*"|[^\s<>()\[\]:;,"]+)@(\[[^\]]*\]|[^\s<>()\[\]:;,"']+)`)

// Text is a server's reply as the mode shows it: an address that it repeats is one all the same, and what
// the mode hides of it becomes "…".
func (p *Policy) Text(s string) string {
	if p.Mode == Full || strings.IndexByte(s, '@') < 0 {
		return s
	}
	if p.Mode == Domain {
		return address.ReplaceAllString(s, "…@$1")
	}
	return address.ReplaceAllString(s, "…")
}
