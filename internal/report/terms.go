package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp"
)

// HELO asks for the name that the client introduced itself with.
func HELO(pattern string) (Term, error) {
	if pattern == "" {
		return Term{}, errors.New("it takes a name, such as mail.com, [127.0.0.1] or *.example.net")
	}
	return helo(pattern, strings.ToLower(pattern)), nil
}

// HELOAs asks for the name that a server wrote down. It may hold any text, so that * stands for no more than
// a character; ? is what qmail and Sendmail write for one that they do not print.
func HELOAs(name string) Term {
	return helo(name, strings.ReplaceAll(strings.ToLower(name), "*", "?"))
}

func helo(value, like string) Term {
	like = like[:min(len(like), smtp.MaxHelo)]
	return Term{"helo", value, func(r *record.Record) judgement {
		s := &r.SMTP
		found := s.Verb != "" && globFold(like, s.HELO) ||
			slices.ContainsFunc(s.HELOs, func(name string) bool { return globFold(like, name) })
		// Behind STARTTLS a client says its name again (RFC 3207 section 4.2). A known mail server says the same.
		if !found && (len(s.HELOs) >= smtp.MaxHellos || s.TLS && !(r.Expected && s.Verb != "") || s.Verb == "" && s.Unseen > 0) {
			return unsure
		}
		return judge(found)
	}}
}

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
	return Term{"exe", pattern, func(r *record.Record) judgement {
		if r.Process.Executable == "" && r.Connector == nil {
			return unsure // who it was is not known
		}
		return judge(eachIdentity(r, func(id *record.Identity) bool {
			return like(id.Process.Executable) || like(id.Process.Script.Path)
		}))
	}}, nil
}

// eachIdentity says whether ok holds for who sent, or for who connected.
func eachIdentity(r *record.Record, ok func(*record.Identity) bool) bool {
	return ok(&r.Identity) || r.Connector != nil && ok(r.Connector)
}

// SHA256 asks for the content of the program or script, by the start of its hash.
func SHA256(prefix string) (Term, error) {
	like := strings.ToLower(prefix)
	if len(like) < 4 || len(like) > 64 || strings.Trim(like, "0123456789abcdef") != "" {
		return Term{}, errors.New("it takes the first 4 to 64 hex digits of a SHA-256 hash")
	}
	return Term{"sha256", prefix, func(r *record.Record) judgement {
		is := func(h *record.Hash) bool { return h.SHA256 != "" && strings.HasPrefix(h.SHA256, like) }
		if eachIdentity(r, func(id *record.Identity) bool { return is(&id.Process.Hash) || is(&id.Process.Script.Hash) }) {
			return yes
		}
		if r.Process.Hash.SHA256 == "" || r.Process.Script.Path != "" && r.Process.Script.Hash.SHA256 == "" {
			return unsure
		}
		return no
	}}, nil
}

// UID asks for a user by name or number.
func UID(user string) (Term, error) {
	if user == "" {
		return Term{}, errors.New("it takes the name or number of a user")
	}
	return Term{"uid", user, func(r *record.Record) judgement {
		if r.User.ID == "" && r.User.Name == "" && r.Connector == nil {
			return unsure
		}
		return judge(eachIdentity(r, func(id *record.Identity) bool {
			u := &id.User
			return user == u.ID || user == u.Name || user == u.Effective.ID || user == u.Effective.Name
		}))
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
	return Term{"unit", pattern, func(r *record.Record) judgement {
		return judge(eachIdentity(r, func(id *record.Identity) bool {
			return like(id.Systemd.Unit) || like(id.Systemd.UserUnit) || like(id.Systemd.Slice)
		}))
	}}, nil
}

// Container asks for a container or pod: by the start of its id, by its name, or by that of its image.
func Container(pattern string) (Term, error) {
	if pattern == "" {
		return Term{}, errors.New("it takes the name of a container, or the start of its id")
	}
	return Term{"container", pattern, func(r *record.Record) judgement {
		return judge(eachIdentity(r, func(id *record.Identity) bool {
			return id.Container.ID != "" && strings.HasPrefix(id.Container.ID, pattern) ||
				id.Container.Name != "" && glob(pattern, id.Container.Name) ||
				id.Container.Image.Name != "" && glob(pattern, id.Container.Image.Name) ||
				id.Orchestrator.Resource.Name != "" && glob(pattern, id.Orchestrator.Resource.Name)
		}))
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
	return Term{"verdict", v, func(r *record.Record) judgement {
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
	return Term{"flag", pattern, func(r *record.Record) judgement {
		has := func(flags []string) bool {
			return slices.ContainsFunc(flags, func(f string) bool { return glob(pattern, f) })
		}
		found := has(r.Flags) || eachIdentity(r, func(id *record.Identity) bool { return has(id.Process.Flags) })
		if !found && r.Event.Action == record.ActionFirstPayload {
			return unsure // its session would have said
		}
		return judge(found)
	}}, nil
}

// SourcePort asks for the port that the connection came from.
func SourcePort(port string) (Term, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Term{}, errors.New("it takes a port, a number from 1 to 65535")
	}
	return Term{"sport", port, func(r *record.Record) judgement {
		return judge(uint64(r.Source.Port) == n)
	}}, nil
}

// Reply asks for what a server answered: a part of it or, with wildcards, all of it.
func Reply(text string) (Term, error) {
	if text == "" {
		return Term{}, errors.New("it takes a part of a reply, such as 421 or TS03, or a pattern, such as 55?*blocked*")
	}
	like := strings.ToLower(text)
	if !wild(like) {
		like = "*" + like + "*"
	}
	return Term{"reply", text, func(r *record.Record) judgement {
		s := &r.SMTP
		said := []string{s.LastReply, s.FirstReply, s.Banner}
		for i := range s.Transactions {
			said = append(said, s.Transactions[i].Reply)
		}
		found := slices.ContainsFunc(said, func(reply string) bool { return globFold(like, reply) })
		if !found && (s.TLS || s.Unseen > 0 || s.TransactionsOmitted > 0 || slices.ContainsFunc(said, textless)) {
			return unsure
		}
		return judge(found)
	}}, nil
}

// textless says whether a reply may be one that was kept without its text, since that may have repeated a secret.
func textless(reply string) bool {
	return strings.HasPrefix(reply, "5") && strings.Trim(reply, "0123456789. ") == ""
}
