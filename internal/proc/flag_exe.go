package proc

import "strings"

func exeFlags(r *raised, id *Identity, f *facts) {
	p := id.Process
	memfd := isMemfd(p)
	r.when(!memfd && (p.ExeNlink == 0 || f.unlinked), ExeDeleted)
	r.when(memfd, ExeMemfd)
	r.when(p.ExeSwapped || f.swapped, ExeSwapped)
	r.when(f.writableDir && !p.ExeSwapped, ExeWritableDir)
	r.when(!memfd && hasHiddenDir(p.Exe), ExeHiddenDir)
	r.when(f.database && f.owned == nil && !memfd && !p.ExeTruncated && !p.ExeSwapped, ExeNotPackaged)
	r.when(id.Package != nil && id.Package.Intact != nil && !*id.Package.Intact, ExeModified)
}

func hasHiddenDir(exe string) bool {
	dirs := strings.Split(exe, "/")
	for _, dir := range dirs[:len(dirs)-1] {
		if len(dir) > 1 && dir[0] == '.' {
			return true
		}
	}
	return false
}
