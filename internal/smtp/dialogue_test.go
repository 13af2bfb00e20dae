package smtp

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/smtptrace/smtptrace/internal/smtp/smtptest"
)

// shownBy are the ways in which a dialogue reaches the parser.
var shownBy = map[string]func([]segment) []segment{
	"whole":                     func(list []segment) []segment { return list },
	"byte by byte":              byByte,
	"from the kernel":           kernelView,
	"byte by byte, from kernel": func(list []segment) []segment { return kernelView(byByte(list)) },
	"from the kernel, in bits":  func(list []segment) []segment { return byByte(kernelView(list)) },
}

var ways = slices.Sorted(maps.Keys(shownBy))

func segmentsOf(d *smtptest.Dialogue) (list []segment) {
	for _, x := range d.Packets {
		s := segment{data: x.Data}
		if x.Server {
			s.dir = Server
		}
		list = append(list, s)
	}
	return list
}

// checkTruth fails where a summary with nothing unseen is not the truth. told are the transactions of the
// summaries before.
func checkTruth(t testing.TB, d *smtptest.Dialogue, s *Session, told []Transaction) {
	t.Helper()
	var mails []smtptest.Mail
	senders := d.Senders
	for _, x := range append(told, s.Transactions...) {
		if len(senders) > 0 && x.MailFrom == senders[0] {
			senders = senders[1:]
		}
		if x.Outcome != Accepted {
			continue
		}
		m := smtptest.Mail{From: x.MailFrom}
		for _, r := range x.Rcpts {
			if accepted(r.Code) {
				m.Rcpts = append(m.Rcpts, r.Address)
			}
		}
		if n := len(mails); n < len(d.Mails) && d.Mails[n].LMTP { // to which of them, the summary does not tell
			if m.LMTP = true; x.Delivered == uint64(len(d.Mails[n].Rcpts)) {
				m.Rcpts = d.Mails[n].Rcpts
			}
		}
		mails = append(mails, m)
	}
	recipients := 0
	for _, m := range d.Mails {
		recipients += len(m.Rcpts)
	}
	same := slices.EqualFunc(mails, d.Mails, func(a, b smtptest.Mail) bool {
		return a.From == b.From && a.LMTP == b.LMTP && slices.Equal(a.Rcpts, b.Rcpts)
	})
	if !same || len(senders) > 0 || int(s.Accepted) != len(d.Mails) || int(s.Recipients) != recipients {
		t.Errorf("nothing unseen, and it is not the truth: %d mails to %d recipients, senders missing %q\n%swant %+v", s.Accepted,
			s.Recipients, senders, describe(s), d.Mails)
	}
}

// checkDialogue follows a dialogue, with interim summaries every now and then.
func checkDialogue(t testing.TB, d *smtptest.Dialogue, segments []segment, r *rand.Rand) (unseen uint64) {
	t.Helper()
	p := New(onPort25)
	var sums totals
	var told []Transaction
	every := 1 + len(segments)/(1+r.IntN(4))
	for i, s := range segments {
		if s.data == nil {
			p.Gap(s.dir, s.lost+s.cut, s.lost == 0)
		} else {
			p.Feed(s.dir, s.data)
		}
		if i%every != every-1 {
			continue
		}
		before := p.Session()
		if again := p.Session(); !reflect.DeepEqual(again, before) {
			t.Errorf("Session has changed something: %s", differences(&again, &before))
		}
		interim := checkInterim(t, p, &sums)
		told = append(told, interim.Transactions...)
		if interim.Unseen > 0 && p.unseen() == 0 {
			t.Errorf("%d unseen in an interim summary alone", interim.Unseen)
		}
	}
	p.End()
	s := p.Session()
	if again := p.Session(); !reflect.DeepEqual(again, s) {
		t.Errorf("Session has changed something: %s", differences(&again, &s))
	}
	sums.add(t, &s)
	if s.Unseen == 0 {
		checkTruth(t, d, &s, told)
	}
	return s.Unseen
}

// FuzzDialogue makes up a client, which waits or does not, and a server: whatever is told with nothing
// unseen is the truth, as it is said and as the kernel shows it.
func FuzzDialogue(f *testing.F) {
	for seed := range byte(16) {
		f.Add([]byte{seed, seed * 17, seed * 31, 200 - seed, seed ^ 0x55})
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		if len(choices) > 2048 {
			return
		}
		c := smtptest.NewChoices(choices)
		d := smtptest.New(c)
		r := rand.New(rand.NewPCG(uint64(c.N(1<<16)), 0))
		how := ways[c.N(len(ways))]
		checkDialogue(t, d, shownBy[how](segmentsOf(d)), r)
		if t.Failed() {
			t.Fatalf("%s: %s", how, conversation(d.Packets))
		}
	})
}

// conversation writes a dialogue for people.
func conversation(packets []smtptest.Packet) (text string) {
	for _, x := range packets {
		who := "C"
		if x.Server {
			who = "S"
		}
		text += fmt.Sprintf("\n%s %.300q", who, x.Data)
	}
	return text
}

// Most dialogues are told with nothing unseen: what is checked above is not empty.
func TestDialoguesSeen(t *testing.T) {
	seen, all := map[string]int{}, 500
	for seed := range all {
		c := smtptest.NewChoices([]byte{byte(seed), byte(seed >> 8), byte(seed * 7)})
		d := smtptest.New(c)
		r := rand.New(rand.NewPCG(uint64(seed), 4))
		for how, view := range shownBy {
			if checkDialogue(t, d, view(segmentsOf(d)), r) == 0 {
				seen[how]++
			}
			if t.Failed() {
				t.Fatalf("seed %d, %s: %s", seed, how, conversation(d.Packets))
			}
		}
	}
	for how := range shownBy {
		t.Logf("%s: nothing unseen in %d of %d", how, seen[how], all)
	}
}
