package proc

import (
	"path"
	"strings"
)

var (
	webServers = set("apache2", "httpd", "nginx", "lighttpd", "php-fpm", "php-cgi", "caddy", "litespeed", "lshttpd",
		"openlitespeed", "lsphp", "angie", "h2o", "cherokee", "uwsgi", "uwsgi-core", "fcgiwrap", "frankenphp", "unitd")
	cronDaemons = set("cron", "crond", "atd", "anacron", "fcron", "cronie", "bcron-sched", "dcron")
	// containerMonitors are the parents of a container's first process and of what is run in it later: the
	// program that makes it ends at once.
	containerMonitors = set("conmon", "conmonrs", "containerd-shim", "containerd-shim-runc-v1", "containerd-shim-runc-v2",
		"lxc-start", "lxc-attach", "lxd", "incusd", "systemd-nspawn")
)

func lineageFlags(r *raised, id *Identity, f *facts) {
	p := id.Process
	g, _ := interpreterOf(p, nil)
	r.when(g != nil, Interpreter)
	if id.Script != nil {
		r.when(id.Script.Deleted, ScriptDeleted)
		r.when(f.scriptDir, ScriptWritableDir)
		r.when(path.IsAbs(id.Script.Path) && hasHiddenDir(id.Script.Path), ScriptHiddenDir)
	}
	lineage := f.ancestors
	if p.ExeInode != 0 {
		lineage = append([]string{baseName(p.Exe)}, lineage...)
	}
	r.when(anyOf(lineage, webServers) || isUnitOf(id.Unit.Name, webServers), WebChild)
	r.when(anyOf(f.ancestors, cronDaemons) || isUnitOf(id.Unit.Name, cronDaemons), CronChild)
	r.when(isOrphan(id, f), Orphaned)
	r.when(id.Container.ID != "", InContainer)
	r.when(f.preload, LdPreload)
	r.when(len(id.Libraries) > 0, LibUnpackaged)
}

func anyOf(names []string, set map[string]bool) bool {
	for _, name := range names {
		if set[name] || set[unversioned(name)] {
			return true
		}
	}
	return false
}

// isUnitOf tells a server's own unit: apache2.service, php8.2-fpm.service, apache2@site.service.
func isUnitOf(unit string, set map[string]bool) bool {
	name, ok := strings.CutSuffix(unit, ".service")
	if !ok {
		return false
	}
	name, _, _ = strings.Cut(name, "@")
	return set[name] || strings.HasPrefix(name, "php") && strings.HasSuffix(name, "-fpm") && set["php-fpm"]
}

// isOrphan judges a process whose parent is not the one that made it, as far as that was seen, or is
// systemd, of the system or of a user.
func isOrphan(id *Identity, f *facts) bool {
	p := id.Process
	switch {
	case len(p.Ancestors) == 0, id.Container.ID != "" && anyOf([]string{baseName(id.Parent.Exe)}, containerMonitors):
		return false
	case p.Ancestors[0].Pid != p.Ppid:
		return true
	case p.Ancestors[0].Comm != "systemd":
		return false
	}
	if p.Ppid != 1 && baseName(id.Parent.Exe) != "systemd" || baseName(p.Exe) == "systemd" {
		return false
	}
	if strings.HasPrefix(id.Unit.Name, "session-") && strings.HasSuffix(id.Unit.Name, ".scope") {
		return true
	}
	return f.seen && (!f.leader || f.execPid != 0 && f.execPid != int(p.Key.Pid))
}
