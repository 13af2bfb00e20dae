package proc

import "strings"

// Unit is the systemd unit of a process, as its cgroup path names it.
type Unit struct {
	Name      string // unit of the system manager: "apache2.service", "session-3.scope", "user@1000.service"
	Slice     string // its innermost slice: "system.slice", "user-1000.slice"
	UserUnit  string // unit of a user's own manager, below user@UID.service
	UserSlice string // its innermost slice: "app.slice"
}

// unitOf reads a cgroup path the way systemd does (cg_path_get_unit, cg_path_get_user_unit in
// src/basic/cgroup-util.c): slices first, then the unit; what is below it belongs to the unit.
func unitOf(cgroup string) Unit {
	var u Unit
	rest := cgroupParts(cgroup)
	u.Name, u.Slice, rest = nextUnit(rest)
	if strings.HasPrefix(u.Name, "user@") && strings.HasSuffix(u.Name, ".service") {
		u.UserUnit, u.UserSlice, _ = nextUnit(rest)
	}
	return u
}

func cgroupParts(cgroup string) []string {
	return strings.FieldsFunc(cgroup, func(r rune) bool { return r == '/' })
}

func nextUnit(parts []string) (unit, slice string, rest []string) {
	for len(parts) > 0 && strings.HasSuffix(parts[0], ".slice") {
		slice = unescapeCgroup(parts[0])
		parts = parts[1:]
	}
	if len(parts) == 0 || !isUnit(unescapeCgroup(parts[0])) {
		return "", slice, parts
	}
	return unescapeCgroup(parts[0]), slice, parts[1:]
}

// unescapeCgroup undoes cg_escape: a name that the kernel could take for its own gets an underscore.
func unescapeCgroup(name string) string { return strings.TrimPrefix(name, "_") }

// isUnit tells a unit's name: of the characters that systemd allows (VALID_CHARS in
// src/basic/unit-name.c), with the suffix of a kind that holds processes.
func isUnit(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 {
		return false
	}
	switch name[dot:] {
	case ".service", ".scope", ".socket", ".mount", ".swap":
	default:
		return false
	}
	for _, c := range []byte(name[:dot]) {
		if !isAlnum(c) && strings.IndexByte(`:-_.\@`, c) < 0 {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
