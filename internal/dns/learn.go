package dns

import (
	"errors"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxRecords bounds what is read of a message. One of 512 bytes holds 42 at most.
const maxRecords = 64

// answer is what is read of a message.
type answer struct {
	aliases map[string]string // CNAME
	mx      map[string][]string
	addrs   map[string][]netip.Addr
	ttl     uint32 // the least
}

// Learn takes an answer as it came from the network; cut: it is the beginning of one. What is no answer is
// counted and passed over.
func (c *Cache) Learn(message []byte, cut bool, now time.Time) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil || !header.Response {
		c.unreadable.Add(1)
		return
	}
	question, err := p.Question()
	if err != nil || question.Class != dnsmessage.ClassINET || p.SkipAllQuestions() != nil {
		c.unreadable.Add(1)
		return
	}
	a := answer{aliases: map[string]string{}, mx: map[string][]string{}, addrs: map[string][]netip.Addr{}, ttl: ^uint32(0)}
	whole := a.read(p.AnswerHeader, &p) && !header.Truncated && header.RCode == dnsmessage.RCodeSuccess
	if a.ttl == ^uint32(0) {
		a.ttl = 0
	}
	asked := canonical(question.Name.String())
	name := asked
	for range maxRecords { // to the end of the aliases, which may be a ring
		next, ok := a.aliases[name]
		if !ok {
			break
		}
		name = next
	}
	switch question.Type {
	case dnsmessage.TypeMX:
		if hosts := a.mx[name]; whole || len(hosts) > 0 {
			c.LearnMX(asked, hosts, whole, now, a.ttl)
		}
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		v4 := question.Type == dnsmessage.TypeA
		if addrs := a.addrs[name]; whole || len(addrs) > 0 {
			c.LearnHost(asked, addrs, whole && v4, whole && !v4, now, a.ttl)
		}
	}
	if !whole || cut || p.SkipAllAuthorities() != nil {
		return
	}
	// Beside its MX a server gives addresses of them, as far as there is room.
	more := answer{aliases: map[string]string{}, mx: map[string][]string{}, addrs: map[string][]netip.Addr{}, ttl: ^uint32(0)}
	more.read(p.AdditionalHeader, &p)
	for _, exchanger := range a.mx[name] {
		if addrs := more.addrs[canonical(exchanger)]; len(addrs) > 0 {
			c.LearnHost(exchanger, addrs, false, false, now, more.ttl)
		}
	}
}

// read reads a section; false: not to its end.
func (a *answer) read(next func() (dnsmessage.ResourceHeader, error), p *dnsmessage.Parser) bool {
	for range maxRecords {
		h, err := next()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return true
		}
		if err != nil || !a.record(&h, p) {
			return false
		}
	}
	return false
}

func (a *answer) record(h *dnsmessage.ResourceHeader, p *dnsmessage.Parser) bool {
	owner := canonical(h.Name.String())
	var err error
	switch h.Type {
	case dnsmessage.TypeCNAME:
		var r dnsmessage.CNAMEResource
		if r, err = p.CNAMEResource(); err == nil {
			a.aliases[owner] = canonical(r.CNAME.String())
		}
	case dnsmessage.TypeMX:
		var r dnsmessage.MXResource
		if r, err = p.MXResource(); err == nil {
			a.mx[owner] = append(a.mx[owner], r.MX.String())
		}
	case dnsmessage.TypeA:
		var r dnsmessage.AResource
		if r, err = p.AResource(); err == nil {
			a.addrs[owner] = append(a.addrs[owner], netip.AddrFrom4(r.A))
		}
	case dnsmessage.TypeAAAA:
		var r dnsmessage.AAAAResource
		if r, err = p.AAAAResource(); err == nil {
			a.addrs[owner] = append(a.addrs[owner], netip.AddrFrom16(r.AAAA).Unmap())
		}
	default:
		return p.SkipAnswer() == nil || p.SkipAdditional() == nil
	}
	if err == nil {
		a.ttl = min(a.ttl, h.TTL)
	}
	return err == nil
}
