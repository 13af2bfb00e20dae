package report

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/record"
)

// From asks for the sender in the envelope: an address, a domain, a pattern, or <> for a bounce.
// hash is the keyed hash of an address, as a record has it; "" where there is no key.
func From(address string, hash func(string) string) (Term, error) {
	w, err := wantAddress(address, hash)
	if err != nil {
		return Term{}, err
	}
	return Term{"from", address, w.hash != "", w.envelope(func(t *record.Transaction) judgement {
		switch {
		case t.MailFrom != "":
			return w.shown(t.MailFrom)
		case w.null && t.MailFromDomain == "" && t.MailFromHMAC == "":
			return unsure // --privacy none hides that, too
		case w.null:
			return no
		}
		return w.hidden([]string{t.MailFromDomain}, []string{t.MailFromHMAC}, true)
	})}, nil
}

// Rcpt asks for a recipient in the envelope, as From does for the sender.
func Rcpt(address string, hash func(string) string) (Term, error) {
	w, err := wantAddress(address, hash)
	if err != nil {
		return Term{}, err
	}
	return Term{"rcpt", address, w.hash != "", w.envelope(func(t *record.Transaction) judgement {
		best := no
		for _, address := range t.RcptTo {
			best = max(best, w.shown(address))
		}
		listed := len(t.RcptTo) + len(t.RcptDomains) + len(t.RcptHMAC)
		if best == yes || uint64(len(t.RcptTo)) >= t.RcptCount && (t.RcptCount > 0 || listed == 0) {
			return best
		}
		return max(best, w.hidden(t.RcptDomains, t.RcptHMAC, uint64(len(t.RcptHMAC)) >= t.RcptCount && t.RcptCount > 0))
	})}, nil
}

// wanted is an address that is asked for.
type wanted struct {
	null   bool   // <>
	whole  string // the pattern of the whole address, in lower case; "" if only the domain counts
	domain string // the pattern of the domain, in lower case
	hash   string // of the whole address, where it is one
}

func wantAddress(s string, hash func(string) string) (*wanted, error) {
	if s == record.NullSender {
		return &wanted{null: true}, nil
	}
	said := strings.Trim(s, "<>")
	like := privacy.Canonical(said)
	at := strings.LastIndexByte(like, '@')
	w := &wanted{domain: strings.TrimSuffix(like[at+1:], ".")}
	if w.domain == "" || strings.ContainsAny(like, " <>") {
		return nil, errors.New("it takes an address, a domain, a pattern such as *@example.net, or <> for a bounce")
	}
	if at > 0 && like[:at] != "*" {
		w.whole = like
		if !wild(like) {
			w.hash = hash(said)
		}
	}
	return w, nil
}

// envelope judges a record by its transactions.
func (w *wanted) envelope(one func(*record.Transaction) judgement) func(*record.Record) judgement {
	return func(r *record.Record) judgement {
		s := &r.SMTP
		best := no
		if unlisted(r) {
			best = unsure
		}
		for i := range s.Transactions {
			best = max(best, one(&s.Transactions[i]))
		}
		return best
	}
}

// clear judges an address that is shown.
func (w *wanted) clear(address string) bool {
	address = privacy.Canonical(address)
	switch {
	case w.null:
		return address == record.NullSender
	case w.whole != "":
		return glob(w.whole, address)
	}
	at := strings.LastIndexByte(address, '@')
	return at >= 0 && glob(w.domain, address[at+1:])
}

// international says whether a name may be spelled in two ways: as it is read, or as the DNS has it (RFC 5890).
func international(name string) bool {
	return strings.Contains(name, "xn--") || strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII })
}

// shown judges an address that is shown. One that is as long as a record holds may have been longer, in full mode an
// address of which only a part was seen is shown, too, and another spelling is no proof.
func (w *wanted) shown(address string) judgement {
	switch {
	case w.clear(address):
		return yes
	case len(address) >= maxAddress, garbled(address), w.whole != "" && strings.ContainsAny(address, `"\`),
		international(w.domain) && international(strings.ToLower(address)):
		return unsure
	}
	return no
}

// maxAddress is what a record holds of an address: RFC 5321 section 4.5.3.1.
const maxAddress = 64 + 1 + 255

// hidden judges addresses of which only the domain or the hash is shown. all: of each of them; a record does
// not hold any number of recipients.
func (w *wanted) hidden(domains, hashes []string, all bool) judgement {
	if w.null {
		return no
	}
	if w.hash != "" && slices.Contains(hashes, w.hash) {
		return yes
	}
	hashed := len(hashes) > 0 && hashes[0] != ""
	if w.hash != "" && hashed && all && !international(w.domain) {
		return no
	}
	shown := len(domains) > 0 && domains[0] != "" && !slices.ContainsFunc(domains, func(d string) bool {
		return garbled(d) || international(w.domain) && international(strings.ToLower(d))
	})
	inDomain := slices.ContainsFunc(domains, func(d string) bool { return globFold(w.domain, strings.TrimSuffix(d, ".")) })
	switch {
	case inDomain && w.whole == "":
		return yes
	case shown && !inDomain && all:
		return no
	}
	return unsure
}
