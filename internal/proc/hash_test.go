package proc

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func sumOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func expectHash(t *testing.T, id *Identity, want Hash) {
	t.Helper()
	if id.Hash != want {
		t.Errorf("hash is %+v, want %+v", id.Hash, want)
	}
}

func TestHashOfRunning(t *testing.T) {
	exe := copyExe(t, filepath.Join(t.TempDir(), "prog"))
	h := start(t, exec.Command(exe), "live")
	id := resolve(t, resolver(t), observed(t, h.cmd.Process.Pid))
	expectHash(t, id, Hash{sumOf(t, exe), Verified})
}
