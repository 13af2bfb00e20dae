package dns

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var now = time.Unix(1_700_000_000, 0)

// message is an answer: the question "MX example.org", then a record a line, "example.org MX mx.example.org";
// those behind a line "+" are additional. A line of "refused", "gone" or "truncated" sets the header.
func message(t testing.TB, question, records string) []byte {
	t.Helper()
	header := dnsmessage.Header{Response: true}
	for line := range strings.Lines(records) {
		switch strings.TrimSpace(line) {
		case "gone":
			header.RCode = dnsmessage.RCodeNameError
		case "truncated":
			header.Truncated = true
		}
	}
	b := dnsmessage.NewBuilder(nil, header)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	types := map[string]dnsmessage.Type{
		"MX": dnsmessage.TypeMX, "A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "TXT": dnsmessage.TypeTXT,
	}
	kind, name, _ := strings.Cut(question, " ")
	check(b.StartQuestions())
	check(b.Question(dnsmessage.Question{Name: dnsmessage.MustNewName(name + "."), Type: types[kind], Class: dnsmessage.ClassINET}))
	check(b.StartAnswers())
	for line := range strings.Lines(records) {
		words := strings.Fields(line)
		if len(words) == 1 && words[0] == "+" {
			check(b.StartAdditionals())
		}
		if len(words) != 3 {
			continue
		}
		h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(words[0] + "."), Class: dnsmessage.ClassINET, TTL: 300}
		switch words[1] {
		case "MX":
			check(b.MXResource(h, dnsmessage.MXResource{MX: dnsmessage.MustNewName(words[2])}))
		case "CNAME":
			check(b.CNAMEResource(h, dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(words[2])}))
		case "A":
			check(b.AResource(h, dnsmessage.AResource{A: netip.MustParseAddr(words[2]).As4()}))
		case "AAAA":
			check(b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(words[2]).As16()}))
		case "TXT":
			check(b.TXTResource(h, dnsmessage.TXTResource{TXT: []string{words[2]}}))
		}
	}
	raw, err := b.Finish()
	check(err)
	return raw
}

// Whether mail to a domain goes to an address, by what was answered before.
func TestMatch(t *testing.T) {
	type answers map[string]string
	const to = "198.51.100.25"
	whole := answers{
		"MX example.org":    "example.org MX mx1.example.org.\nexample.org MX MX2.Example.ORG.",
		"A mx1.example.org": "mx1.example.org A 198.51.100.25", "A mx2.example.org": "mx2.example.org A 198.51.100.26",
	}
	for _, test := range []struct {
		name    string
		answers answers
		to      string
		domains string
		want    Match
	}{
		{"one of its exchangers", whole, to, "example.org", Yes},
		{"the other one", whole, "198.51.100.26", "example.org", Yes},
		{"none of them", whole, "198.51.100.27", "example.org", No},
		{"of the other family", whole, "2001:db8::25", "example.org", Unknown},
		{"one of two domains", whole, to, "example.net example.org", Yes},
		{"none, and the other is not known", whole, "198.51.100.27", "example.net example.org", Unknown},
		{"nothing was asked", answers{}, to, "example.org", Unknown},
		{"no recipient is known", whole, to, "", Unknown},
		{"a domain with a dot at its end", whole, to, "Example.org.", Yes},
		{"of one exchanger nothing is known", answers{"MX example.org": "example.org MX a.example.\nexample.org MX b.example.",
			"A a.example": "a.example A 198.51.100.1"}, to, "example.org", Unknown},
		{"no exchangers", answers{"MX example.org": "", "A example.org": "example.org A 198.51.100.25"}, to, "example.org", Yes},
		{"no exchangers, another address", answers{"MX example.org": "", "A example.org": "example.org A 198.51.100.1"}, to, "example.org", No},
		{"an address is no exchanger", answers{"MX example.org": "example.org MX a.example.", "A a.example": "a.example A 198.51.100.1",
			"A example.org": "example.org A 198.51.100.25"}, to, "example.org", No},
		{"only the address was asked for", answers{"A example.org": "example.org A 198.51.100.25"}, to, "example.org", Unknown},
		{"a null MX", answers{"MX example.org": "example.org MX ."}, to, "example.org", No},
		{"addresses beside the exchangers", answers{"MX example.org": "example.org MX a.example.\n+\na.example A 198.51.100.25"}, to, "example.org", Yes},
		{"addresses beside them are not all", answers{"MX example.org": "example.org MX a.example.\n+\na.example A 198.51.100.1"}, to, "example.org", Unknown},
		{"an address of a foreign name beside them", answers{"MX example.org": "example.org MX a.example.\n+\nb.example A 198.51.100.25"}, to, "example.org", Unknown},
		{"an alias", answers{"MX example.org": "example.org CNAME d.example.\nd.example MX a.example.",
			"A a.example": "a.example CNAME c.example.\nc.example A 198.51.100.25"}, to, "example.org", Yes},
		{"aliases in a ring", answers{"A a.example": "a.example CNAME b.example.\nb.example CNAME a.example.",
			"MX example.org": "example.org MX a.example."}, to, "example.org", No},
		{"a foreign answer", answers{"MX example.org": "example.net MX a.example.\n", "A a.example": "a.example A 198.51.100.25"}, to, "example.org", Unknown},
		{"no such name", answers{"MX example.org": "gone"}, to, "example.org", Unknown},
		{"a truncated answer", answers{"MX example.org": "truncated\nexample.org MX a.example.", "A a.example": "a.example A 198.51.100.1"}, to, "example.org", Unknown},
		{"an IPv6 address", answers{"MX example.org": "example.org MX a.example.\nexample.org TXT x", "AAAA a.example": "a.example AAAA 2001:db8::25"}, "2001:db8::25", "example.org", Yes},
		{"an address literal", answers{}, to, "[198.51.100.25]", Yes},
		{"another address literal", answers{}, to, "[ipv6:2001:db8::25]", No},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewCache()
			for question, records := range test.answers {
				c.Learn(message(t, question, records), false, now)
			}
			if got := c.Match(netip.MustParseAddr(test.to), strings.Fields(test.domains), now); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if n := c.Counters(); n != (Counters{}) {
				t.Errorf("%+v", n)
			}
		})
	}
}

// What was answered holds for a while, and not for ever; what is no answer is counted.
func TestCacheForgets(t *testing.T) {
	c := NewCache()
	c.Learn(message(t, "MX example.org", "example.org MX a.example.\n+\na.example A 198.51.100.25"), false, now)
	to := netip.MustParseAddr("198.51.100.25")
	for after, want := range map[time.Duration]Match{minLife - 1: Yes, minLife + 1: Unknown} {
		if got := c.Match(to, []string{"example.org"}, now.Add(after)); got != want {
			t.Errorf("after %v: %s, want %s", after, got, want)
		}
	}
	for i := range 3 * maxAddresses {
		c.LearnHost("a.example", []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}, true, false, now, 0)
	}
	if h, _ := c.hosts.Get("a.example"); len(h.addrs) != maxAddresses {
		t.Errorf("%d addresses", len(h.addrs))
	}
	for i := range maxDomains {
		c.LearnMX(strings.Repeat("x", i%60)+string(rune('a'+i/60)), nil, true, now, 0)
	}
	c.Learn([]byte("no DNS"), false, now)
	if n := c.Counters(); n.Forgotten == 0 || n.Unreadable != 1 {
		t.Errorf("%+v", n)
	}
}

// FuzzLearn takes anything as an answer, also cut short: no panic, and never more than what is allowed.
func FuzzLearn(f *testing.F) {
	for question, records := range map[string]string{
		"MX example.org": "example.org MX a.example.\nexample.org MX .\n+\na.example A 198.51.100.25", "A a.example": "a.example CNAME b.example.\nb.example A 198.51.100.1",
		"AAAA a.example": "a.example TXT x\na.example AAAA ::1",
	} {
		raw := message(f, question, records)
		f.Add(raw, false)
		f.Add(raw[:len(raw)/2], true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, cut bool) {
		c := NewCache()
		c.Learn(raw, cut, now)
		c.Learn(raw, cut, now)
		for _, e := range c.domains.All {
			if len(e.hosts) > maxMX {
				t.Errorf("%d exchangers", len(e.hosts))
			}
		}
		for name, h := range c.hosts.All {
			if len(h.addrs) > maxAddresses {
				t.Errorf("%s: %d addresses", name, len(h.addrs))
			}
		}
	})
}
