package report

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/record"
)

// victim is whom the session of these tests wrote to, and culprit from whom.
const (
	victim  = "user@example.net"
	culprit = "spam@test123.it"
)

func hash(address string) string { return fmt.Sprintf("%x", address) }

// sought is the session that the questions ask for, as a privacy mode shows it.
func sought(mode privacy.Mode) record.Record {
	r := session("sought", T)
	r.Event.Outcome, r.Destination.Domain = record.Success, "mx.example.net"
	t := record.Transaction{Start: T.Add(-time.Second), RcptCount: 2, Size: 3096, Outcome: "accepted", Reply: "250 2.0.0 Ok: queued as 4E81026038"}
	other := t
	r.SMTP.Messages, r.SMTP.Recipients = 2, 4
	switch mode {
	case privacy.Full:
		t.MailFrom, t.RcptTo, t.RcptDomains = culprit, []string{"a@example.org", victim}, []string{"example.org", "example.net"}
		other.MailFrom, other.RcptTo, other.RcptDomains = "b@example.org", []string{"a@example.org", "c@example.org"}, []string{"example.org"}
	case privacy.Domain:
		t.MailFromDomain, t.RcptDomains = "test123.it", []string{"example.org", "example.net"}
		other.MailFromDomain, other.RcptDomains = "example.org", []string{"example.org"}
	}
	if mode == privacy.Domain || mode == privacy.HMAC {
		t.MailFromHMAC, t.RcptHMAC = hash(culprit), []string{hash("a@example.org"), hash(victim)}
		other.MailFromHMAC, other.RcptHMAC = hash("b@example.org"), []string{hash("a@example.org"), hash("c@example.org")}
	}
	other.Reply = "250 2.0.0 Ok: queued as 5F92137149"
	r.SMTP.HELOs = []string{"other", r.SMTP.HELO}
	r.SMTP.Transactions = []record.Transaction{other, t}
	return r
}

// drop is something that may be missing from a record.
type drop struct {
	name    string
	spoken  bool // it was said in the dialogue: where it is missing, the tracer says that not all was seen
	changes func(*record.Record)
}

// drops lists what may be missing: every field, but those that say that something is missing, and what the kernel
// counts.
func drops() (list []drop) {
	sample := sought(privacy.Full)
	var walk func(path string, index []int, v reflect.Value)
	walk = func(path string, index []int, v reflect.Value) {
		switch {
		case slices.Contains([]string{".Event.Action", ".SMTP.Unseen", ".SMTP.TLS", ".SMTP.TransactionsOmitted", ".Expected", ".Source.Bytes"}, path),
			strings.HasPrefix(path, ".Tracer"), strings.HasPrefix(path, ".SMTP.Transactions"):
			return
		}
		if index != nil {
			spoken := strings.HasPrefix(path, ".SMTP")
			list = append(list, drop{path, spoken, func(r *record.Record) { reflect.ValueOf(r).Elem().FieldByIndex(index).SetZero() }})
		}
		if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeOf(sample.Source.IP) {
			return
		}
		for i := range v.NumField() {
			walk(path+"."+v.Type().Field(i).Name, append(slices.Clone(index), i), v.Field(i))
		}
	}
	walk("", nil, reflect.ValueOf(sample))
	each := func(name string, spoken bool, change func(*record.Transaction)) {
		list = append(list, drop{"transaction " + name, spoken, func(r *record.Record) {
			r.SMTP.Transactions = slices.Clone(r.SMTP.Transactions)
			for i := range r.SMTP.Transactions {
				change(&r.SMTP.Transactions[i])
			}
		}})
	}
	for i := range reflect.TypeFor[record.Transaction]().NumField() {
		f := reflect.TypeFor[record.Transaction]().Field(i)
		spoken := strings.HasPrefix(f.Name, "MailFrom") || strings.HasPrefix(f.Name, "Rcpt")
		each(f.Name, spoken, func(t *record.Transaction) { reflect.ValueOf(t).Elem().Field(i).SetZero() })
	}
	// What a record has no room for, or shows no more of: nothing else says so.
	each("recipients beyond the first", false, func(t *record.Transaction) {
		t.RcptTo, t.RcptDomains, t.RcptHMAC = t.RcptTo[:min(1, len(t.RcptTo))], t.RcptDomains[:min(1, len(t.RcptDomains))], t.RcptHMAC[:min(1, len(t.RcptHMAC))]
	})
	each("all recipients", false, func(t *record.Transaction) { t.RcptTo, t.RcptDomains, t.RcptHMAC = nil, nil, nil })
	each("all senders", false, func(t *record.Transaction) { t.MailFrom, t.MailFromDomain, t.MailFromHMAC = "", "", "" })
	list = append(list,
		drop{"the last transaction", false, func(r *record.Record) { r.SMTP.Transactions = r.SMTP.Transactions[:min(1, len(r.SMTP.Transactions))] }},
		drop{"all transactions", false, func(r *record.Record) { r.SMTP.Transactions = nil }},
		drop{"all names", true, func(r *record.Record) { r.SMTP.Verb, r.SMTP.HELO, r.SMTP.HELOs = "", "", nil }},
		drop{"the whole dialogue", true, func(r *record.Record) { r.SMTP = record.SMTP{} }},
		drop{"who it was", false, func(r *record.Record) { r.Identity = record.Identity{} }},
		drop{"all but the process", true, func(r *record.Record) {
			*r = record.Record{Time: r.Time, Event: record.Event{Action: r.Event.Action, ID: r.Event.ID}, Agent: r.Agent, Host: r.Host, Identity: r.Identity}
		}},
	)
	return list
}

// hidings are the ways in which a tracer says that it did not see all of a dialogue.
var hidings = map[string]func(*record.Record){
	"unseen":  func(r *record.Record) { r.SMTP.Unseen = 1 },
	"TLS":     func(r *record.Record) { r.SMTP.TLS = true },
	"unknown": func(r *record.Record) { r.Event.Outcome = record.OutcomeUnknown },
	"adopted": func(r *record.Record) { r.Tracer.Weak = []string{"adopted"}; r.Event.Start = minutes(-1) },
}

// writings are the ways in which a tracer writes a session: by one record, by the first of several, by one in the middle
// of a long session, by its last.
var writings = []func(*record.Record){
	func(*record.Record) {},
	func(r *record.Record) { r.Event.Sequence, r.Event.End = 1, time.Time{} },
	func(r *record.Record) {
		r.Event.Sequence, r.Event.End, r.Event.Start = 3, time.Time{}, minutes(-50)
		r.SMTP.Since, r.Time = minutes(-10), minutes(7)
	},
	func(r *record.Record) {
		r.Event.Sequence, r.Event.Start, r.SMTP.Since = 3, minutes(-50), minutes(-4)
		r.Time, r.Event.End = minutes(20), minutes(20)
		for i := range r.SMTP.Transactions { // as in a session that said its name alone
			r.SMTP.Transactions[i].Start = r.SMTP.Since
		}
	},
}

// questions are all those that the session is the answer to.
func questions(t testing.TB) map[string]Query {
	from := func(s string) func() (Term, error) { return func() (Term, error) { return From(s, hash) } }
	rcpt := func(s string) func() (Term, error) { return func() (Term, error) { return Rcpt(s, hash) } }
	list := map[string]Query{}
	for name, terms := range map[string][]func() (Term, error){
		"helo": {of(HELO, "[127.0.0.1]")}, "from": {from(culprit)}, "from domain": {from("test123.it")}, "rcpt": {rcpt(victim)},
		"rcpt domain": {rcpt("example.net")}, "dst": {of(Destination, "198.51.100.25")}, "dst port": {of(Destination, "198.51.100.25:25")},
		"dst domain": {of(Destination, "example.net")}, "sport": {of(SourcePort, "41822")}, "reply": {of(Reply, "4E81026038")},
		"all":  {of(HELO, "[127.0.0.1]"), from(culprit), rcpt(victim), of(Destination, "198.51.100.25"), of(SourcePort, "41822"), of(Reply, "4E81026038")},
		"none": nil,
	} {
		q := with(t, terms...)
		q.Around(T, 5*time.Minute)
		list[name] = q
	}
	return list
}

// Whatever of a session is missing, cut or not seen, the session is never proof that it was not the one.
func TestNothingMissingIsProof(t *testing.T) {
	all := drops()
	random := rand.New(rand.NewPCG(1, 2))
	watched := watchAll("r1", minutes(-6), minutes(8))
	tried, unsure := 0, 0
	for _, mode := range []privacy.Mode{privacy.Full, privacy.Domain, privacy.HMAC, privacy.None} {
		for question, q := range questions(t) {
			if finding, _ := codes(ask(t, q, append(watched, sought(mode))...)); finding == Cleared {
				t.Fatalf("%s, %s: the session itself is cleared", mode, question)
			}
			try := func(chosen []drop, written func(*record.Record)) {
				spoken := slices.ContainsFunc(chosen, func(d drop) bool { return d.spoken })
				for hiding, hide := range hidings {
					r := sought(mode)
					written(&r)
					var names []string
					for _, d := range chosen {
						d.changes(&r)
						names = append(names, d.name)
					}
					if spoken {
						hide(&r)
						names = append(names, hiding)
					}
					tried++
					a := ask(t, q, append(watched, r)...)
					switch finding, _ := codes(a); finding {
					case Cleared:
						t.Errorf("%s, %s: cleared without %s:\n%s", mode, question, names, lines(r))
					case Unsure:
						unsure++
					}
					if !spoken {
						return
					}
				}
			}
			for _, d := range all {
				try([]drop{d}, writings[random.IntN(len(writings))])
			}
			for range 20 {
				var chosen []drop
				for range 2 + random.IntN(5) {
					chosen = append(chosen, all[random.IntN(len(all))])
				}
				try(chosen, writings[random.IntN(len(writings))])
			}
		}
	}
	t.Logf("%d records, of which %d leave it unsure", tried, unsure)
}

// Whatever lines of a log are missing: as long as one is left of the connection, it is not passed over, in whatever
// order the logs are read.
func TestNoLineMissingIsProof(t *testing.T) {
	connection := func() []record.Record {
		c := connect("sought", -10, record.Established)
		f := first("sought", -10)
		f.SMTP.HELO = "[127.0.0.1]"
		// The third record tells of the mail that is asked for.
		return append([]record.Record{c, f}, partsAt("sought", c.Event.Start, minutes(-8), minutes(-7), minutes(1), minutes(9))...)
	}
	open := connection() // the mail was under way when the second record was written
	open[4].SMTP.Transactions[0].Start = minutes(-7).Add(-time.Second)
	open[4].SMTP.Since = open[4].SMTP.Transactions[0].Start
	second := connection() // another name, and a reply, without a mail
	second[4].SMTP.HELO, second[5].SMTP.HELO = "other", "other"
	second[4].SMTP.HELOs, second[5].SMTP.HELOs = []string{"[127.0.0.1]"}, []string{"[127.0.0.1]"}
	second[4].SMTP.LastReply = second[4].SMTP.Transactions[0].Reply
	second[4].SMTP.Transactions, second[4].SMTP.Messages, second[4].SMTP.Recipients = nil, 0, 0
	old := append(connection()[:2], undate(connection()[2:])...)
	silent := []record.Record{connect("sought", -3, record.Established), tells(connect("sought", 4, record.NotSMTP), 6)}
	adopted := []record.Record{connect("sought", -12, record.Adopted), parts("sought", -8, 2)[0], parts("sought", -8, 2)[1]}
	adopted[1].Tracer.Weak, adopted[2].Tracer.Weak = []string{"adopted"}, []string{"adopted"}
	adopted[2].Time, adopted[2].Event.End = minutes(2), minutes(2)
	adopted[1].Event.Start, adopted[2].Event.Start = time.Time{}, time.Time{}
	random := rand.New(rand.NewPCG(3, 4))
	rcpt := func() (Term, error) { return Rcpt("example.net", hash) }
	for name, all := range map[string][]record.Record{
		"a session of several records": connection(), "a mail under way": open, "no mail": second, "an old version": old,
		"not SMTP": silent, "adopted": adopted,
	} {
		for kept := 1; kept < 1<<len(all); kept++ {
			for i, term := range []func() (Term, error){of(HELO, "[127.0.0.1]"), rcpt, of(Destination, "198.51.100.25"), of(SourcePort, "41822"), of(Reply, "4E81026038")} {
				if name == "no mail" && i == 1 { // then it is another
					continue
				}
				q := with(t, term)
				q.Window = Window{minutes(-1).Add(-30 * time.Second), minutes(3)}
				log := watchAll("r1", minutes(-20), minutes(20))
				var which []int
				for i := range all {
					if kept&(1<<i) != 0 {
						log, which = append(log, all[i]), append(which, i)
					}
				}
				random.Shuffle(len(log), func(i, j int) {
					if random.IntN(3) == 0 {
						log[i], log[j] = log[j], log[i]
					}
				})
				if finding, _ := codes(ask(t, q, log...)); finding == Cleared {
					t.Errorf("%s, %v: cleared by what is left: %v", name, q.Words(), which)
				}
			}
		}
	}
}
