package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// mail is a mail that was really sent.
type mail struct {
	at         time.Time
	helo, rcpt string
}

// told are the records of a connection on which mails were sent, as the tracer writes them: one record where it was
// short, else one for every few mails, of which the last may be under way.
func told(random *rand.Rand, id string) (list []record.Record, mails []mail) {
	start := minutes(-50).Add(time.Duration(random.IntN(6000)) * time.Second)
	at, since, each := start, time.Time{}, 1+random.IntN(4)
	var open time.Time // the mail that is under way, if there is one
	helos := []string{fmt.Sprint("first.", id)}
	r := session(id, at)
	begin := func() {
		r = session(id, at)
		r.Event.Start, r.Event.End = start, time.Time{}
		r.SMTP.Messages, r.SMTP.Recipients, r.SMTP.Transactions = 0, 0, nil
	}
	write := func(ended bool) {
		r.Time, r.SMTP.HELO, r.SMTP.HELOs = at, helos[0], slices.Clone(helos[1:])
		if ended {
			r.Event.End = at
		}
		if n := uint64(len(list)); n > 0 || !ended {
			r.Event.Sequence = n + 1
		}
		if len(list) > 0 {
			r.SMTP.Since = since
		}
		list = append(list, r)
		if since = at; !open.IsZero() {
			since = open
		}
		begin()
	}
	begin()
	for i := range 1 + random.IntN(8) {
		at = at.Add(time.Duration(1+random.IntN(400)) * time.Second)
		if len(helos) < 3 && random.IntN(4) == 0 { // it says another name
			if random.IntN(2) == 0 && len(r.SMTP.Transactions) > 0 {
				write(false)
			}
			at = at.Add(time.Duration(random.IntN(120)) * time.Second)
			helos = append(helos, fmt.Sprint("helo", i, ".", id))
			mails = append(mails, mail{at: at, helo: helos[len(helos)-1]})
			at = at.Add(time.Duration(random.IntN(120)) * time.Second)
		}
		one := mail{at, helos[len(helos)-1], fmt.Sprintf("user%d@%s.example", i, id)}
		open, mails = at, append(mails, one)
		if len(r.SMTP.Transactions) >= each {
			write(false)
		}
		at = at.Add(time.Duration(random.IntN(90)) * time.Second)
		r.SMTP.Messages, r.SMTP.Recipients = r.SMTP.Messages+1, r.SMTP.Recipients+1
		r.SMTP.Transactions = append(r.SMTP.Transactions, record.Transaction{
			Start: one.at, MailFrom: "spam@test123.it", RcptTo: []string{one.rcpt}, RcptCount: 1, Outcome: "accepted", Reply: "250 ok",
		})
		open = time.Time{}
	}
	at = at.Add(time.Second)
	write(true)
	return list, mails
}

// Whoever asks for the HELO or the recipient of a mail that was sent, at its time, finds it: and is never told that
// nobody did it, whatever lines of its connection are missing.
func TestNoTrueMailIsCleared(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	run := watchAll("r1", minutes(-60), minutes(180))
	for i := range 40 {
		id := fmt.Sprint("c", i)
		list, mails := told(random, id)
		less := list
		if len(list) > 1 {
			at := random.IntN(len(list))
			less = slices.Delete(slices.Clone(list), at, at+1)
		}
		for _, m := range mails {
			terms := []func() (Term, error){of(HELO, m.helo)}
			if m.rcpt != "" {
				terms = append(terms, func() (Term, error) { return Rcpt(m.rcpt, noHash) })
			}
			for _, term := range terms {
				q := with(t, term)
				q.Around(m.at, time.Second)
				if finding, why := codes(ask(t, q, slices.Concat(run, list)...)); finding != Found {
					t.Errorf("%s, %v at %s: %s %s\n%s", id, q.Words(), m.at, finding, why, lines(list...))
				}
				if finding, _ := codes(ask(t, q, slices.Concat(run, less)...)); finding == Cleared {
					t.Errorf("%s, %v at %s: cleared by\n%s", id, q.Words(), m.at, lines(less...))
				}
			}
		}
	}
}
