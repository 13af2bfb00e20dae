package record

import (
	"path"
	"strconv"
	"strings"
)

// How long a value may get in a line for a person, in characters.
const (
	maxPath  = 120
	maxName  = 80
	maxShort = 40
	maxList  = 600
)

// appendToken appends a value that stands among others in a line: escaped, shortened, and quoted where
// it would otherwise read as more than one.
func appendToken(dst []byte, s string, limit int) []byte {
	if s != "" && !strings.ContainsAny(s, ` "`) {
		return appendEscaped(dst, s, limit)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(Escape(s, limit), `"`, `\"`)...)
	return append(dst, '"')
}

// appendHeadline appends "DIRECT-MX unexpected" or "CONNECT refused, unexpected".
func appendHeadline(dst []byte, r *Record) []byte {
	if r.Event.Action == ActionConnect {
		dst = append(dst, "CONNECT "...)
		dst = appendEscaped(dst, r.Event.Reason.words(), maxShort)
		if r.Verdict != "" {
			dst = append(dst, ", "...)
			dst = append(dst, expectation(r.Expected)...)
		}
		return dst
	}
	dst = appendLabel(dst, r.Verdict)
	if r.Verdict != "" {
		dst = append(dst, ' ')
		dst = append(dst, expectation(r.Expected)...)
	}
	return dst
}

// appendProgram appends "/usr/bin/perl (as httpd) /tmp/.x/dm.cgi".
func appendProgram(dst []byte, p *Process) []byte {
	switch {
	case p.Executable != "":
		dst = appendToken(dst, p.Executable, maxPath)
	case p.Name != "":
		dst = appendToken(dst, p.Name, maxShort)
	default:
		dst = append(dst, "unknown program"...)
	}
	if alias := alias(p); alias != "" {
		dst = append(dst, " (as "...)
		dst = appendToken(dst, alias, maxShort)
		dst = append(dst, ')')
	}
	switch {
	case p.Script.Path != "":
		dst = append(dst, ' ')
		dst = appendToken(dst, p.Script.Path, maxPath)
	case p.Script.Module != "":
		dst = append(dst, " module "...)
		dst = appendToken(dst, p.Script.Module, maxName)
	}
	return dst
}

// alias is the name that a program gives itself by argv[0], where it is not that of its executable. It is
// "" for python3 run from python3.11, for a login shell's "-bash" and for "nginx: worker process".
func alias(p *Process) string {
	if len(p.Args) == 0 || p.Executable == "" {
		return ""
	}
	name, _, _ := strings.Cut(p.Args[0], " ")
	if !strings.HasPrefix(name, "[") { // as a kernel thread is shown: [kworker/0:1]
		name = strings.TrimPrefix(strings.TrimSuffix(path.Base(name), ":"), "-")
	}
	rest, same := strings.CutPrefix(path.Base(p.Executable), name)
	if name == "." || name == "/" || same && strings.Trim(rest, ".0123456789") == "" {
		return ""
	}
	return name
}

// appendUser appends the name of the user, or "uid 33".
func appendUser(dst []byte, u *User) []byte {
	if u.Name != "" {
		return appendToken(dst, u.Name, maxShort)
	}
	dst = append(dst, "uid "...)
	return appendToken(dst, u.ID, maxShort)
}

// appendPlace appends "apache2.service", "container web (nginx:1.25)", or both; nothing where neither is known.
func appendPlace(dst []byte, unit string, c *Container) []byte {
	start := len(dst)
	if unit != "" && !c.owns(unit) {
		dst = appendToken(dst, unit, maxName)
	}
	if c.ID == "" && c.Name == "" {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, " in "...)
	}
	dst = append(dst, "container "...)
	if c.Name != "" {
		dst = appendToken(dst, c.Name, maxShort)
	} else {
		dst = appendToken(dst, c.ID[:min(len(c.ID), 12)], maxShort) // as docker ps shows it
	}
	if c.Image.Name != "" {
		dst = append(dst, " ("...)
		dst = appendToken(dst, c.Image.Name, maxName)
		dst = append(dst, ')')
	}
	return dst
}

// owns says whether a unit is the container's own, named after its id: docker-4f2a….scope.
func (c *Container) owns(unit string) bool { return c.ID != "" && strings.Contains(unit, c.ID) }

// appendPeer appends "→ 198.51.100.25:25" and the proxies on the way.
func appendPeer(dst []byte, r *Record) []byte {
	dst = append(dst, "→ "...)
	dst = appendAddress(dst, &r.Destination)
	for i := range r.Via {
		dst = append(dst, " via "...)
		dst = appendToken(dst, r.Via[i].Protocol, maxShort)
		dst = append(dst, " to "...)
		dst = appendToken(dst, r.Via[i].Target, maxName)
	}
	return dst
}

func appendAddress(dst []byte, e *Endpoint) []byte {
	if !e.IP.IsValid() {
		return append(dst, "unknown address"...)
	}
	if e.IP.Zone() != "" { // any text
		return appendToken(dst, e.AddrPort().String(), maxName)
	}
	return e.AddrPort().AppendTo(dst)
}

// appendSpoken appends how the client introduced itself: "HELO [127.0.0.1]".
func appendSpoken(dst []byte, r *Record) []byte {
	s := &r.SMTP
	switch {
	case s.Verb != "":
		dst = appendToken(dst, s.Verb, maxShort)
		dst = append(dst, ' ')
		dst = appendToken(dst, s.HELO, maxName)
		if s.TLS {
			dst = append(dst, ", STARTTLS"...)
		}
	case !s.TLS:
		dst = append(dst, "no HELO"...)
	case r.TLS.Client.ServerName != "":
		dst = append(dst, "TLS "...)
		dst = appendToken(dst, r.TLS.Client.ServerName, maxName)
	default:
		dst = append(dst, "TLS"...)
	}
	if s.Auth.Mechanism != "" {
		dst = append(dst, ", AUTH "...)
		dst = appendToken(dst, s.Auth.Mechanism, maxShort)
		if s.Auth.Outcome == Failure {
			dst = append(dst, " failed"...)
		}
	}
	return dst
}

// appendAmount appends "1 message, 3 recipients".
func appendAmount(dst []byte, r *Record) []byte {
	switch {
	case r.Event.Action == ActionFirstPayload:
		return append(dst, "just begun"...)
	case r.SMTP.hidden():
		dst = append(dst, "messages not visible"...)
	default:
		dst = appendCount(dst, r.SMTP.Messages, "message")
		dst = append(dst, ", "...)
		dst = appendCount(dst, r.SMTP.Recipients, "recipient")
	}
	if r.Event.Sequence > 0 && r.Event.End.IsZero() {
		dst = append(dst, ", still open"...)
	}
	return dst
}

// appendCount appends "1 message" or "3 messages".
func appendCount(dst []byte, n uint64, noun string) []byte {
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(dst, ' ')
	dst = append(dst, noun...)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}
