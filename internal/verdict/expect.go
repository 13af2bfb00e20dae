package verdict

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

// Sender is an expected sender: a binary, and if they are given the user, the unit and the container's image that it
// runs as. A name or a uid alone is never enough.
//
// An image says what a container began with, and not what was written or mounted in it since. So it counts with the
// hash of the binary, or with a path where the binary has the content of the file that the image has there. With
// neither it stands for the known mailers that the image brought, under their own users or the one that is given:
// an image has curl and perl, too. What a user's own runtime calls an image does not count.
type Sender struct {
	Exe    string // of the tracer's own mount namespace, or of the image; "": SHA256 is given, or Image alone
	SHA256 string // of the binary, in lower-case hex: holds in containers too, where a path says nothing
	Image  string // of the container, by its name or as sha256:HEX; "": any, and no container needed
	User   string // name or number, in an image that of its own passwd; "": any
	Unit   string // "": any; a unit of a user's own manager, which that user can name at will, only with User
}

const senderForm = "it takes PATH, sha256:HEX or image:NAME[,user=NAME][,unit=UNIT][,image=NAME]"

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ParseSender reads PATH, sha256:HEX or image:NAME, with [,user=NAME][,unit=UNIT][,image=NAME] behind it.
func ParseSender(s string) (Sender, error) {
	parts := strings.Split(s, ",")
	var sender Sender
	if digest, ok := strings.CutPrefix(parts[0], "sha256:"); ok {
		if sender.SHA256 = strings.ToLower(digest); !hexDigest.MatchString(sender.SHA256) {
			return Sender{}, fmt.Errorf("%q has not the 64 hex digits of a SHA-256 digest: %s", s, senderForm)
		}
	} else if name, ok := strings.CutPrefix(parts[0], "image:"); ok {
		if sender.Image = name; !imageName.MatchString(name) {
			return Sender{}, fmt.Errorf("%q has not the name of an image: %s", s, senderForm)
		}
	} else if sender.Exe = filepath.Clean(parts[0]); !filepath.IsAbs(sender.Exe) {
		return Sender{}, fmt.Errorf("%q does not begin with the absolute path of a program: %s", s, senderForm)
	}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		switch {
		case value == "":
			return Sender{}, fmt.Errorf("%q has no value in %q: %s", s, p, senderForm)
		case key == "user":
			sender.User = value
		case key == "unit":
			sender.Unit = value
		case key == "image" && (sender.Image != "" || !imageName.MatchString(value)):
			return Sender{}, fmt.Errorf("%q has not the name of one image: %s", s, senderForm)
		case key == "image":
			sender.Image = value
		default:
			return Sender{}, fmt.Errorf("%q has the unknown key %q: %s", s, key, senderForm)
		}
	}
	return sender, nil
}

// ReadSenders reads a file with a sender a line; # begins a comment. The error names the line. A file that
// others than root and the tracer's own user may write is refused: they could make their own programs expected.
func ReadSenders(path string) ([]Sender, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read the expected senders: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the expected senders: %w", err)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("read the expected senders: %s is no regular file", path)
	case !ownFile(st):
		return nil, fmt.Errorf("read the expected senders: %s belongs to another user than root: chown it", path)
	case st.Mode()&0o022 != 0:
		return nil, fmt.Errorf("read the expected senders: %s may be written by others than its owner: chmod go-w it", path)
	}
	var senders []Sender
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		sender, err := ParseSender(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		senders = append(senders, sender)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the expected senders in %s: %w", path, err)
	}
	return senders, nil
}

func ownFile(st os.FileInfo) bool {
	uid := st.Sys().(*syscall.Stat_t).Uid
	return uid == 0 || int(uid) == os.Geteuid()
}

// Expected says whether a process is an expected sender in this role: one of those given, or a known mailer
// (see mailers). By its path only a process of the tracer's own mount namespace can be expected, or one that
// provably runs the host's own file: in another namespace, a path and a package database are what its owner
// made them. An interpreter that is given stands for every script that it runs.
func (h *Host) Expected(id *proc.Identity, role record.Verdict, given []Sender) bool {
	if id == nil || id.Process == nil || id.Hash.Status != proc.Verified || slices.Contains(id.Flags, proc.ExeSwapped) {
		return false
	}
	ours := id.Process.MntNS == h.MntNS || id.HostFile
	packaged := ours && id.Package != nil && id.Package.Intact != nil
	modified := packaged && !*id.Package.Intact
	for i := range given {
		if given[i].is(id, role, ours, modified) {
			return true
		}
	}
	return packaged && !modified && id.Script == nil && isMailer(id, role, func(m *mailer) bool {
		return id.Container.ID == "" && slices.Contains(m.users, id.User) ||
			m.users == nil && !slices.Contains(id.Flags, proc.LibUnpackaged)
	})
}

// is says whether a process is this sender; ours, whether its paths are the tracer's own; modified, whether
// its file is another one than its package brought, which a path does not vouch for. The names of users in a
// container are its own, even where it runs the host's file.
func (s *Sender) is(id *proc.Identity, role record.Verdict, ours, modified bool) bool {
	if s.Image != "" && !s.hasImage(id.Image) || s.Exe != "" && s.Exe != id.Process.Exe {
		return false
	}
	switch {
	case s.SHA256 != "":
		if s.SHA256 != id.Hash.SHA256 {
			return false
		}
	case s.Image == "":
		if !ours || modified {
			return false
		}
	default:
		if id.Image.Intact == nil || !*id.Image.Intact || s.Exe == "" && !s.isImagesMailer(id, role) {
			return false
		}
	}
	user := s.User == "" || s.User == strconv.Itoa(int(id.Process.UID)) ||
		s.User == id.User && ours && id.Container.ID == "" || s.Image != "" && s.User == id.Image.User
	return user && (s.Unit == "" || s.Unit == id.Unit.Name || s.User != "" && s.Unit == id.Unit.UserUnit)
}
