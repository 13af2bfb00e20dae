package proc

import (
	"path"
	"strings"
)

// dpkg reads dpkg's database (dpkg-query(1), deb-md5sums(5)): a list and the MD5 sums of the files of
// each package, one status file for the versions, and the diversions.
type dpkg struct {
	dir      string
	packages []dpkgPackage
	diverted map[string]diversion // by the path that is diverted
	moved    map[string]string    // where a diverted file is: the path that it was meant for
}

// Limits in bytes, far above what real databases have, so that a hostile one ends.
const (
	dpkgStatus     = 32 << 20
	dpkgFile       = 32 << 20
	dpkgLists      = 512 << 20 // all together
	dpkgDiversions = 1 << 20
	dpkgNames      = 4 << 20 // of packages and versions, which are kept
)

type dpkgPackage struct{ file, name, version string } // file: the stem of its files in info

type diversion struct{ to, by string }

func openDpkg(status string) database { return &dpkg{dir: path.Dir(status)} }

func (d *dpkg) read(root *rootDir, add func(string, int) error) error {
	if err := d.readDiversions(root); err != nil {
		return err
	}
	if err := d.readStatus(root); err != nil {
		return err
	}
	left := dpkgLists
	for i := range d.packages {
		k := &d.packages[i]
		each := func(line string) error {
			if left -= len(line); left < 0 {
				return errTooMany
			}
			if p := d.place(line, k.name); isProgramPath(p) {
				return add(p, i)
			}
			return nil
		}
		// A package that may be there for several architectures bears its own in the file's name.
		qualified := k.file
		err := root.eachLine(d.info(qualified, "list"), dpkgFile, each)
		if isMissing(err) {
			k.file = k.name
			err = root.eachLine(d.info(k.name, "list"), dpkgFile, each)
		}
		if err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}

func (d *dpkg) info(stem, suffix string) string { return d.dir + "/info/" + stem + "." + suffix }

// readStatus reads which packages are installed (deb-control(5)).
func (d *dpkg) readStatus(root *rootDir) error {
	var name, arch, version string
	var installed bool
	left := dpkgNames
	end := func() error {
		if installed && isPackageName(name) && isPackageName(arch) && len(version) <= maxName {
			d.packages = append(d.packages, dpkgPackage{name + ":" + arch, name, version})
		}
		left -= len(name) + len(arch) + len(version)
		name, arch, version, installed = "", "", "", false
		if len(d.packages) > maxPackages || left < 0 {
			return errTooMany
		}
		return nil
	}
	err := root.eachLine(d.dir+"/status", dpkgStatus, func(line string) error {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "":
			return end()
		case "Package":
			name = strings.Clone(value)
		case "Architecture":
			arch = value
		case "Version":
			version = strings.Clone(value)
		case "Status":
			installed = !strings.HasSuffix(value, " config-files") && !strings.HasSuffix(value, " not-installed")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return end()
}

// isPackageName keeps a hostile name from being a path (deb-control(5) allows less).
func isPackageName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.Contains(s, "/")
}

// readDiversions reads the diversions: three lines each, the path, where it goes to, and the package
// that has the path to itself (":" for the administrator).
func (d *dpkg) readDiversions(root *rootDir) error {
	d.diverted, d.moved = map[string]diversion{}, map[string]string{}
	var lines []string
	err := root.eachLine(d.dir+"/diversions", dpkgDiversions, func(line string) error {
		if lines = append(lines, line); len(lines) == 3 {
			d.diverted[lines[0]] = diversion{lines[1], lines[2]}
			d.moved[lines[1]] = lines[0]
			lines = nil
		}
		return nil
	})
	if isMissing(err) {
		return nil
	}
	return err
}

// place is where a file of a package really is.
func (d *dpkg) place(p, pkg string) string {
	if to, ok := d.diverted[p]; ok && to.by != pkg {
		return to.to
	}
	return p
}

func (d *dpkg) owner(root *rootDir, p string, pkg int) (owned, error) {
	if pkg >= len(d.packages) {
		return owned{}, errNoFile
	}
	k := d.packages[pkg]
	if from, ok := d.moved[p]; ok && d.place(from, k.name) == p {
		p = from
	}
	o := owned{Package: Package{Name: k.name, Version: k.version}}
	// Conffiles have no sum, and a few packages ship none.
	err := root.eachLine(d.info(k.file, "md5sums"), dpkgFile, func(line string) error {
		if sum, file, ok := strings.Cut(line, "  "); ok && file == p[1:] {
			o.digest = sum
		}
		return nil
	})
	if isMissing(err) {
		err = nil
	}
	return o, err
}
