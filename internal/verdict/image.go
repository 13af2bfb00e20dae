package verdict

import (
	"regexp"
	"slices"
	"strings"

	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

// imageName is a name as runtimes have it: a registry and a port, a path, a tag, a digest.
var imageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}$`)

// hasImage says whether a container's image is the one that is meant, and root's own runtime says so.
func (s *Sender) hasImage(i *proc.Image) bool {
	if i == nil || !i.Vouched {
		return false
	}
	if s.Image == i.ID { // a digest of its content
		return true
	}
	repository, tag, digest := splitImage(s.Image)
	of, ofTag, ofDigest := splitImage(i.Name)
	return i.Name != "" && repository == of && (tag == "" || tag == ofTag) && (digest == "" || digest == ofDigest)
}

// splitImage takes a name apart, and makes a short one whole as docker does: nginx is docker.io/library/nginx.
func splitImage(name string) (repository, tag, digest string) {
	repository, digest, _ = strings.Cut(name, "@")
	if at := strings.LastIndexByte(repository, ':'); at > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:at], repository[at+1:]
	}
	first, _, nested := strings.Cut(repository, "/")
	switch {
	case !nested:
		repository = "docker.io/library/" + repository
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		repository = "docker.io/" + repository
	}
	return repository, tag, digest
}

// isImagesMailer says whether a process is a known mailer of its image, under its own user there or the one given,
// who may have a library of its own in it.
func (s *Sender) isImagesMailer(id *proc.Identity, role record.Verdict) bool {
	return id.Script == nil && isMailer(id, role, func(m *mailer) bool {
		return slices.Contains(m.users, id.Image.User) || s.User != "" && !slices.Contains(id.Flags, proc.LibUnpackaged)
	})
}
