package proc

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"
)

// stateFile gives a file of a runtime, which ends where a real one would have ended.
func stateFile(root *rootDir, path string) (io.ReadCloser, bool) {
	f, st, err := root.open(path, inRoot)
	if err != nil {
		return nil, false
	}
	if st.size > maxImageState {
		f.Close()
		return nil, false
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, maxImageState), f}, true
}

// readJSON reads an object of a file; false: there is none, or it is none.
func readJSON(root *rootDir, path string, to any) bool {
	f, ok := stateFile(root, path)
	if !ok {
		return false
	}
	defer f.Close()
	return json.NewDecoder(f).Decode(to) == nil
}

// findJSON looks for an element of a file's array, one at a time.
func findJSON[T any](root *rootDir, path string, is func(*T) bool) bool {
	f, ok := stateFile(root, path)
	if !ok {
		return false
	}
	defer f.Close()
	d := json.NewDecoder(f)
	if begin, err := d.Token(); err != nil || begin != json.Delim('[') {
		return false
	}
	for d.More() {
		var next T
		if d.Decode(&next) != nil {
			return false
		}
		if is(&next) {
			return true
		}
	}
	return false
}

// firstLine reads the first line of a small file; "": it has none.
func firstLine(root *rootDir, path string) string {
	f, ok := stateFile(root, path)
	if !ok {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 64<<10))
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// settingForm is name = "value", as TOML has it (containers-storage.conf(5)).
var settingForm = regexp.MustCompile(`^\s*(\w+)\s*=\s*"([^"]+)"`)

// storageRoot finds where a runtime was told to keep its state; "": it was not.
func storageRoot(root *rootDir, path, name string) string {
	value := ""
	if strings.HasSuffix(path, ".json") {
		var set map[string]any
		if readJSON(root, path, &set) {
			value, _ = set[name].(string)
		}
	} else {
		_ = root.eachLine(path, 1<<20, func(line string) error { // none is as good as one that cannot be read
			if m := settingForm.FindStringSubmatch(line); m != nil && m[1] == name {
				value = m[2]
			}
			return nil
		})
	}
	if !strings.HasPrefix(value, "/") {
		return ""
	}
	return value
}
