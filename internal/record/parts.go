package record

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Parts are the parts of the line for a person, for who lays them out otherwise. All are escaped.
type Parts struct {
	Headline string // DIRECT-MX unexpected
	Program  string // /usr/bin/perl (as httpd) /tmp/.x/dm.cgi
	User     string // www-data
	Place    string // apache2.service, or container web (nginx:1.25)
	Peer     string // → 198.51.100.25:25
	Spoken   string // HELO [127.0.0.1]
	Amount   string // 1 message, 3 recipients
	Reply    string // 250 2.0.0 Ok: queued as 4E81026038
	Flags    string // helo_loopback script_deleted
	Origin   string // sha256 ab12cd34ef56 (verified), parent 4240 /usr/sbin/apache2, in /tmp
	Weak     string // what the record cannot vouch for: sender_by_lock
}

// PartsOf takes a record of a connection apart.
func PartsOf(r *Record) Parts {
	p := Parts{
		Headline: string(appendHeadline(nil, r)), Program: string(appendProgram(nil, &r.Process)),
		Peer: string(appendPeer(nil, r)), Reply: Escape(r.SMTP.deciding(), maxPath),
		Place: string(appendPlace(nil, r.Systemd.innermost(), &r.Container)), Flags: Escape(strings.Join(r.Flags, " "), maxList),
		Origin: string(appendOrigin(nil, &r.Identity, r.Time.Location())), Weak: Escape(strings.Join(r.Tracer.Weak, " "), maxName),
	}
	if r.User.Name != "" || r.User.ID != "" {
		p.User = string(appendUser(nil, &r.User))
	}
	if r.Event.Action != ActionConnect {
		p.Spoken, p.Amount = string(appendSpoken(nil, r)), string(appendAmount(nil, r))
	}
	return p
}

// appendOrigin appends where a program comes from, as far as the line for a person does not say.
func appendOrigin(dst []byte, id *Identity, in *time.Location) []byte {
	part := func(name, value string, limit int) {
		if value == "" {
			return
		}
		if len(dst) > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(dst, name...), ' ')
		dst = appendToken(dst, value, limit)
	}
	p := &id.Process
	if unit := id.Systemd.innermost(); !id.Container.owns(unit) {
		part("unit", unit, maxName)
	}
	part("container", cmp.Or(id.Container.Name, id.Container.ID), maxShort)
	part("image", id.Container.Image.Name, maxName)
	if intact := id.Container.Image.Intact; intact != nil && !*intact {
		dst = append(dst, ", which did not bring this program"...)
	}
	part("package", p.Package.Name, maxShort)
	part("sha256", p.Hash.SHA256, maxName)
	// When it came here: of what a package brought unmodified that says nothing, of what was deleted it is when.
	if at := p.File.CTime; !at.IsZero() && p.File.Links > 0 && (p.Package.Intact == nil || !*p.Package.Intact) {
		if len(dst) > 0 {
			dst = append(dst, ", "...)
		}
		dst = at.In(in).AppendFormat(append(dst, "binary changed "...), time.DateTime+" MST")
	}
	part("script sha256", p.Script.Hash.SHA256, maxName)
	if p.Parent.PID != 0 {
		part("parent", strconv.FormatUint(uint64(p.Parent.PID), 10), maxShort)
		dst = append(dst, ' ')
		dst = appendToken(dst, cmp.Or(p.Parent.Executable, p.Parent.Name), maxPath)
	}
	part("in", p.WorkingDirectory, maxPath)
	return dst
}

// Program is what one program did.
type Program struct {
	Key      Key
	Identity         // as last seen doing its worst
	Verdict  Verdict // the worst seen, with its expectation
	Expected bool
	Flags    []string // of all that it did

	Sessions     uint64
	Hidden       uint64 // of these, sessions whose messages TLS hid
	Messages     uint64
	Recipients   uint64
	Attempts     uint64 // connects that failed
	Unwatched    uint64 // connections that were not followed: whether they failed is not known
	Untold       uint64 // connections of which no record tells what was said
	Destinations []netip.AddrPort
	Beyond       bool // there are more destinations
	HELOs        []string
	First, Last  time.Time
	Began        time.Time // the connect of the first
}

// Next says what to look at next, with the commands to paste; times are in the location.
func (p *Program) Next(in *time.Location) []string {
	s := scene{&p.Identity, p.Flags, p.Verdict, p.Expected, p.Began.In(in), p.Last.In(in)}
	return s.next()
}

// Programs lists what Add has counted, the worst first.
func (s *Summary) Programs() []Program {
	var list []Program
	for _, p := range s.ranked() {
		q := Program{
			Key: p.key, Identity: p.who, Verdict: p.verdict, Expected: p.expected, Flags: p.flags,
			Sessions: p.sessions, Hidden: p.hidden, Messages: p.messages, Recipients: p.recipients, Attempts: p.attempts, Unwatched: p.unwatched, Untold: p.untold,
			Beyond: p.beyond, HELOs: p.helos, First: p.first, Last: p.last, Began: p.began,
		}
		for d := range p.destinations {
			q.Destinations = append(q.Destinations, d)
		}
		list = append(list, q)
	}
	return list
}

// Parts are those of the line for a person that hold for all that the program did.
func (p *Program) Parts() Parts {
	return PartsOf(&Record{
		Event: Event{Action: ActionSession}, Verdict: p.Verdict, Expected: p.Expected, Flags: p.Flags, Identity: p.Identity,
	})
}

// Severity orders what a reader looks at first: 0 is the worst. What was expected comes last, in
// the same order.
func Severity(v Verdict, expected bool) int { return rank(v, expected) }

// Words say what the filters leave, such as "only cgroup /x, uid 33"; "" where all is watched.
func (f *Filters) Words() string { return strings.TrimPrefix(string(appendFilters(nil, f)), ", ") }

// OpenWords say which connections were there before the start: "already open: pid 12 /usr/bin/perl →
// 198.51.100.25:25"; "" where there was none, for sure.
func (t *Tracer) OpenWords() string { return strings.TrimPrefix(string(appendOpen(nil, t)), "; ") }

// Words say what was lost: "12: 3 connections, 9 stretches of dialogue", or "nothing".
func (l *Losses) Words() string { return string(appendLosses(nil, l)) }
