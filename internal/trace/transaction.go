package trace

import (
	"cmp"

	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/smtp"
)

// transaction shows of a mail transaction what the privacy mode allows.
func (t *Tracer) transaction(s *smtp.Transaction) record.Transaction {
	p := t.opts.Privacy
	r := record.Transaction{
		RcptCount:   s.RcptAccepted + s.RcptRefused + s.RcptUnanswered,
		RcptRefused: s.RcptRefused, Size: s.Size, Outcome: s.Outcome.String(), Reply: p.Text(cmp.Or(s.Reply.Last, s.Reply.First)),
	}
	if s.NullSender() && p.Mode != privacy.None {
		r.MailFrom = record.NullSender
	}
	switch p.Mode {
	case privacy.Full:
		if s.MailFrom != "" {
			r.MailFrom = s.MailFrom
		}
		r.RcptDomains = s.Domains()
		for _, rcpt := range s.Rcpts {
			r.RcptTo = append(r.RcptTo, rcpt.Address)
		}
	case privacy.Domain:
		r.RcptDomains = s.Domains()
		if !s.FromCut {
			r.MailFromDomain = smtp.Domain(s.MailFrom)
		}
	}
	if !s.FromCut {
		r.MailFromHMAC = p.Hash(s.MailFrom)
	}
	for _, rcpt := range s.Rcpts {
		if h := p.Hash(rcpt.Address); h != "" && !rcpt.Cut {
			r.RcptHMAC = append(r.RcptHMAC, h)
		}
	}
	return r
}
