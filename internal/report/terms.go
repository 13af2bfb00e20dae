package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// Exe asks for a program or script: by its path, or by its name alone.
func Exe(pattern string) (Term, error) {
	if pattern == "" {
		return Term{}, errors.New("it takes a path or a name, such as /usr/bin/perl, perl or /tmp/*")
	}
	like := func(path string) bool {
		if !strings.Contains(pattern, "/") {
			path = path[strings.LastIndexByte(path, '/')+1:]
		}
		return path != "" && glob(pattern, path)
	}
	return Term{"exe", pattern, false, func(r *record.Record) judgement {
		return eachIdentity(r, func(id *record.Identity) judgement {
			p := &id.Process
			switch {
			case like(p.Executable), like(p.Script.Path):
				return yes
			case p.Executable == "", p.Script == (record.Script{}) && slices.Contains(r.Flags, "interpreter"):
				return unsure // who it was, or which script it ran, is not known
			}
			return no
		})
	}}, nil
}

// eachIdentity judges who sent, and who connected: either may be meant.
func eachIdentity(r *record.Record, one func(*record.Identity) judgement) judgement {
	if r.Connector == nil {
		return one(&r.Identity)
	}
	return max(one(&r.Identity), one(r.Connector))
}

// SHA256 asks for the content of the program or script, by the start of its hash.
func SHA256(prefix string) (Term, error) {
	like := strings.ToLower(prefix)
	if len(like) < 4 || len(like) > 64 || strings.Trim(like, "0123456789abcdef") != "" {
		return Term{}, errors.New("it takes the first 4 to 64 hex digits of a SHA-256 hash")
	}
	return Term{"sha256", prefix, false, func(r *record.Record) judgement {
		is := func(h *record.Hash) bool { return h.SHA256 != "" && strings.HasPrefix(h.SHA256, like) }
		return eachIdentity(r, func(id *record.Identity) judgement {
			p := &id.Process
			switch {
			case is(&p.Hash), is(&p.Script.Hash):
				return yes
			case p.Hash.SHA256 == "", p.Script.Path != "" && p.Script.Hash.SHA256 == "":
				return unsure
			}
			return no
		})
	}}, nil
}

// UID asks for a user by name or number.
func UID(user string) (Term, error) {
	if user == "" {
		return Term{}, errors.New("it takes the name or number of a user")
	}
	return Term{"uid", user, false, func(r *record.Record) judgement {
		return eachIdentity(r, func(id *record.Identity) judgement {
			u := &id.User
			switch {
			case user == u.ID, user == u.Name, user == u.Effective.ID, user == u.Effective.Name:
				return yes
			case u.ID == "", u.Name == "" && strings.Trim(user, "0123456789") != "":
				return unsure // there is no such account any more, or nobody knows who it was
			}
			return no
		})
	}}, nil
}

// Unit asks for a systemd unit; postfix is postfix.service, too, and postfix@-.service, as Debian has it.
func Unit(pattern string) (Term, error) {
	if pattern == "" {
		return Term{}, errors.New("it takes the name of a systemd unit, such as apache2.service")
	}
	like := func(unit string) bool {
		return unit != "" && (glob(pattern, unit) || glob(pattern+".service", unit) || glob(pattern+"@*.service", unit))
	}
	return Term{"unit", pattern, false, func(r *record.Record) judgement {
		return eachIdentity(r, func(id *record.Identity) judgement {
			switch {
			case like(id.Systemd.Unit), like(id.Systemd.UserUnit), like(id.Systemd.Slice):
				return yes
			case placeless(id):
				return unsure
			}
			return no
		})
	}}, nil
}

// placeless says whether it is not known where in the host a process was.
func placeless(id *record.Identity) bool {
	return id.Systemd == (record.Systemd{}) && id.Cgroup.Path == "" && id.Container.ID == ""
}

// Container asks for a container or pod: by the start of its id, by its name, or by that of its image.
func Container(pattern string) (Term, error) {
	if pattern == "" {
		return Term{}, errors.New("it takes the name of a container, or the start of its id")
	}
	return Term{"container", pattern, false, func(r *record.Record) judgement {
		return eachIdentity(r, func(id *record.Identity) judgement {
			c, pod := &id.Container, id.Orchestrator.Resource.Name
			switch {
			case c.ID != "" && strings.HasPrefix(c.ID, pattern), c.Name != "" && glob(pattern, c.Name),
				c.Image.Name != "" && glob(pattern, c.Image.Name), pod != "" && glob(pattern, pod):
				return yes
			case placeless(id), c.ID != "" && (c.Name == "" || c.Image.Name == ""):
				return unsure
			}
			return no
		})
	}}, nil
}

var verdicts = []record.Verdict{
	record.DirectMX, record.SMTPOddPort, record.Submission, record.Relay, record.Local, record.Attempt,
}

// Verdict asks for the role of a session: direct_mx, or DIRECT-MX as it is shown.
func Verdict(v string) (Term, error) {
	v = strings.ReplaceAll(strings.ToLower(v), "-", "_")
	if !slices.Contains(verdicts, record.Verdict(v)) {
		return Term{}, fmt.Errorf("%q is not a verdict: it is one of %s", v, strings.Trim(strings.ReplaceAll(fmt.Sprint(verdicts), " ", ", "), "[]"))
	}
	return Term{"verdict", v, false, func(r *record.Record) judgement {
		if r.Verdict == "" && r.Event.Action == record.ActionConnect { // as the summary counts it
			return judge(v == string(record.Attempt))
		}
		if r.Verdict == "" {
			return unsure // where it went is not known
		}
		return judge(v == string(r.Verdict))
	}}, nil
}

// Flag asks for a fact that a record states, such as mta_impostor.
func Flag(pattern string) (Term, error) {
	if pattern == "" {
		return Term{}, errors.New("it takes a flag, such as mta_impostor or exe_*")
	}
	return Term{"flag", pattern, false, func(r *record.Record) judgement {
		has := func(flags []string) bool {
			return slices.ContainsFunc(flags, func(f string) bool { return glob(pattern, f) })
		}
		switch {
		case has(r.Flags), has(r.Process.Flags), r.Connector != nil && has(r.Connector.Process.Flags):
			return yes
		case r.Event.Action == record.ActionFirstPayload, r.Process.Executable == "", unlisted(r):
			return unsure // more of it would have said
		}
		return no
	}}, nil
}

// SourcePort asks for the port that the connection came from.
func SourcePort(port string) (Term, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Term{}, errors.New("it takes a port, a number from 1 to 65535")
	}
	return Term{"sport", port, false, func(r *record.Record) judgement {
		switch {
		case uint64(r.Source.Port) == n:
			return yes
		case r.Source.Port == 0, translated(r):
			return unsure
		}
		return no
	}}, nil
}

// translated says whether the server may have seen another address and port than the client had: behind NAT, or a
// proxy.
func translated(r *record.Record) bool {
	ip, to := r.Source.IP.Unmap(), r.Destination.IP
	return nat64.Contains(to) || localNAT64.Contains(to) || len(r.Via) > 0 || maybeProxied(r) || !received.Public(ip)
}
