package capture

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Cases reads cases.json of a folder of the shared cases beside the repository. file reads what lies beside it. Without
// the folder the test skips.
func Cases[T any](t testing.TB, name string) (list []T, file func(name string) []byte) {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "cases", name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no shared cases at %s", dir)
	}
	file = func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := json.Unmarshal(file("cases.json"), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s has no cases", dir)
	}
	return list, file
}
