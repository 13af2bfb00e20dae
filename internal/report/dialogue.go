package report

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp"
)

// gapped says whether some of a dialogue may be missing from its record, other than behind TLS: then what is not in
// the record may have been said.
func gapped(r *record.Record) bool {
	s := &r.SMTP
	return r.Event.Action == record.ActionFirstPayload || s.Unseen > 0 ||
		r.Event.Outcome == record.OutcomeUnknown && !s.TLS || // the tracer does not vouch for it
		s.Messages > 0 && s.Recipients == 0 ||
		slices.ContainsFunc(s.Transactions, func(t record.Transaction) bool { return t.Outcome == "accepted" && t.RcptCount == 0 })
}

// joined says whether a connection is older than the run: what was said before is not in its record.
func joined(r *record.Record) bool {
	return slices.Contains(r.Tracer.Weak, string(record.Adopted)) && !mute(r)
}

// mute says whether the client sent nothing, for certain: of a connection of which too little is known nobody can say.
func mute(r *record.Record) bool {
	s := &r.SMTP
	return r.Source.Bytes == 0 && r.Source.IP.IsValid() && !r.Event.Start.IsZero() && r.Event.Action == record.ActionSession &&
		s.Unseen == 0 && s.Verb == "" && s.HELO == "" && s.Messages == 0 && len(s.Transactions) == 0 && s.TransactionsOmitted == 0 &&
		(!s.TLS || r.Event.Sequence > 1) // the client opens TLS
}

// accepted counts the messages that are among the transactions.
func accepted(s *record.SMTP) (n uint64) {
	for i := range s.Transactions {
		if s.Transactions[i].Outcome == "accepted" {
			n++
		}
	}
	return n
}

// unlisted says whether there may have been mails that a record does not list.
func unlisted(r *record.Record) bool {
	s := &r.SMTP
	return gapped(r) || joined(r) || s.TLS && !mute(r) || s.TransactionsOmitted > 0 || s.Messages > accepted(s)
}

// garbled says whether a text has something that a record cannot hold.
func garbled(text string) bool { return strings.ContainsRune(text, utf8.RuneError) }

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
	like = rootless(like[:min(len(like), smtp.MaxHelo)])
	return Term{"helo", value, false, func(r *record.Record) judgement {
		s := &r.SMTP
		names := s.HELOs
		if s.Verb != "" || s.HELO != "" {
			names = append([]string{s.HELO}, s.HELOs...)
		}
		switch {
		case slices.ContainsFunc(names, func(name string) bool { return globFold(like, rootless(name)) }):
			return yes
		case gapped(r), joined(r), s.TLS && !mute(r) && !sameBehindTLS(r), len(s.HELOs) >= smtp.MaxHellos,
			slices.ContainsFunc(names, func(name string) bool { return len(name) >= smtp.MaxHelo || garbled(name) }):
			return unsure
		}
		return no
	}}
}

// rootless is a name without the dot of the root, which names the same.
func rootless(name string) string {
	if len(name) > 1 {
		return strings.TrimSuffix(name, ".")
	}
	return name
}

// sameBehindTLS says whether the name that was said behind TLS is known all the same. A client says it again behind
// STARTTLS (RFC 3207 section 4.2), and a known mail server says the same; what one tells its own smarthost under TLS
// from the start, no other server sees.
func sameBehindTLS(r *record.Record) bool {
	s := &r.SMTP
	return r.Expected && (s.Verb != "" || s.StartTLS == "" && r.Verdict == record.Relay)
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
	return Term{"reply", text, false, func(r *record.Record) judgement {
		s := &r.SMTP
		said := []string{s.LastReply, s.FirstReply, s.Banner}
		for i := range s.Transactions {
			said = append(said, s.Transactions[i].Reply)
		}
		switch {
		case slices.ContainsFunc(said, func(reply string) bool { return globFold(like, reply) }):
			return yes
		case unlisted(r), slices.ContainsFunc(said, partly), slices.ContainsFunc(s.Transactions, unanswered),
			len(s.Transactions) == 0 && s.LastReply == "" && !mute(r):
			return unsure
		}
		return no
	}}, nil
}

// partly says whether a reply may not be all that the server said: of a refusal in several lines one is kept, none of
// its text where it may have repeated a secret, and of another as much as fits.
func partly(reply string) bool {
	return strings.HasPrefix(reply, "5") || strings.HasPrefix(reply, "4") || len(reply) >= maxReply || garbled(reply)
}

// maxReply is less than what is kept of a reply (RFC 5321 section 4.5.3.1.5).
const maxReply = 500

// unanswered says whether a transaction had replies that are not in its record: to a recipient that was refused, or,
// where it was decided, the one that did.
func unanswered(t record.Transaction) bool {
	return t.RcptRefused > 0 || t.Reply == "" && (t.Outcome == "accepted" || t.Outcome == "refused")
}
