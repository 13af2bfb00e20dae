package proc

import (
	"path"
	"strconv"
	"strings"

	"github.com/smtptrace/smtptrace/internal/event"
)

// findImage finds what the process's container was made from, and whether the exe came with it. What is mounted over
// what in the container does not matter: the same content at the same path is the image's own. What an earlier reading
// found stays: the container may be gone by now.
func (s *study) findImage(before *Identity) {
	p, c, r := s.p, s.id.Container, s.r
	if before.Image != nil && before.Process.Cgroup == p.Cgroup && before.Process.CgroupTruncated == p.CgroupTruncated {
		s.id.Image = before.Image
		if before.Image.Intact != nil {
			return
		}
	}
	s.facts.imaged = nil
	if !hexID.MatchString(c.ID) {
		return
	}
	home := ""
	if uid, ok := ownerOf(p.Cgroup); ok {
		if home = r.names.home(r.root, uid); home == "" {
			return
		}
	}
	of := r.images.of(r.root, c, home)
	if of.Name == "" && of.ID == "" {
		return
	}
	of.Vouched = home == "" && rootMade(p, c)
	s.id.Image = &of.Image
	if !of.Vouched {
		return
	}
	of.User = of.layers.user(r.root, r.names, p.UID)
	if p.ExeInode == 0 || p.ExeTruncated || p.ExeSwapped {
		return
	}
	file, st, sure := of.layers.open(r.root, p.Exe)
	switch no := false; {
	case file == nil && sure:
		of.Intact = &no
	case file == nil:
	case st.size != int64(p.ExeSize):
		file.Close()
		of.Intact = &no
	default:
		s.hash(found{file: file, stat: st, status: Verified}, nil, func(h Hash, o outcome) {
			if h.SHA256 != "" {
				s.facts.imaged = &o.digest
			}
			s.judgeImage()
		})
	}
}

// judgeImage compares the exe with the image's file once both are known.
func (s *study) judgeImage() {
	if s.id.Image == nil || s.facts.imaged == nil || s.facts.digest == nil {
		return
	}
	judged, same := *s.id.Image, s.facts.imaged.sha256 == s.facts.digest.sha256
	judged.Intact = &same
	s.id.Image = &judged
}

// rootMade says whether only root can have made the cgroup of a container: it is not in that of a user, of a
// service or of another container, which may have been left to them (Delegate= of systemd.resource-control(5)).
func rootMade(p *event.Process, c Container) bool {
	if p.CgroupTruncated {
		return false
	}
	above := ""
	for _, part := range cgroupParts(p.Cgroup) {
		above = path.Join(above, part)
		switch id := containerOf(above).ID; {
		case id != "":
			return id == c.ID
		case part == "user.slice", strings.HasSuffix(part, ".service"), strings.HasSuffix(part, ".scope"):
			return false
		}
	}
	return false
}

// ownerOf tells whose cgroup it is, where it is in that of a user: user.slice/user-UID.slice.
func ownerOf(cgroup string) (uid uint32, ok bool) {
	parts := cgroupParts(cgroup)
	if len(parts) < 2 || parts[0] != "user.slice" {
		return 0, false
	}
	name, ok := strings.CutPrefix(strings.TrimSuffix(parts[1], ".slice"), "user-")
	n, err := strconv.ParseUint(name, 10, 32)
	return uint32(n), ok && err == nil
}
