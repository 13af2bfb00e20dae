package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

// playLong plays a script of hours at once: in a bubble, whose clock moves when all wait.
func playLong(t *testing.T, test func(t *testing.T, stage *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newStage(t)) })
}

// mail is a transaction of connection a with so many recipients, accepted by the server.
func mail(recipients int) string {
	var b strings.Builder
	b.WriteString("a C: MAIL FROM:<news@example.org>\n a S: 250 Ok\n")
	for i := range recipients {
		fmt.Fprintf(&b, "a C: RCPT TO:<r%d@example.net>\n a S: 250 Ok\n", i)
	}
	b.WriteString("a C: DATA\n a S: 354 go\n a C+ 1000\n a C: .\n a S: 250 queued\n")
	return b.String()
}

const opened = `
	process 7 /usr/sbin/exim4
	a connect 7 198.51.100.25:25
	a established
	a smtp
	a S: 220 mx.example ESMTP
	a C: EHLO client.example
	a S: 250 mx.example
`

// sums adds up what the session records of a connection tell.
func (s story) sums() string {
	var messages, recipients, sent, received uint64
	transactions := 0
	for _, r := range s.of(record.ActionSession) {
		messages += r.SMTP.Messages
		recipients += r.SMTP.Recipients
		sent += r.Source.Bytes
		received += r.Destination.Bytes
		transactions += len(r.SMTP.Transactions)
	}
	return fmt.Sprint(messages, " messages ", recipients, " recipients ", sent, " sent ", received, " received ", transactions, " transactions")
}

// sequence lists the numbers of the session records, the last of a session with a dot.
func (s story) sequence() string {
	var b strings.Builder
	for _, r := range s.of(record.ActionSession) {
		fmt.Fprint(&b, r.Event.Sequence)
		if !r.Event.End.IsZero() {
			b.WriteString(".")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

// A session that goes on is told after 20 transactions, each time what is new.
func TestManyTransactions(t *testing.T) {
	s := play(t, opened+"a bytes 500 300\n a sender 7\n"+strings.Repeat(mail(3), 30)+"a bytes 60000 3000\n a sender 7\n"+
		strings.Repeat(mail(3), 15)+"a closed 90000 4000")
	s.tells(t, "start connect first_payload session session session stop")
	if got := s.sequence(); got != "1 2 3." {
		t.Errorf("sequence %s", got)
	}
	if got, want := s.sums(), "45 messages 135 recipients 90000 sent 4000 received 45 transactions"; got != want {
		t.Errorf("in all %s, want %s", got, want)
	}
	for i, r := range s.of(record.ActionSession) {
		if want := []uint64{20, 20, 5}[i]; r.SMTP.Messages != want || r.SMTP.Recipients != 3*want || uint64(len(r.SMTP.Transactions)) != want ||
			r.Source.Bytes != []uint64{500, 59500, 30000}[i] || r.Event.Outcome != record.Success || r.Event.ID != "boot-100" || r.SMTP.HELO != "client.example" {
			t.Errorf("session record %d: %+v %+v", i+1, r.Event, r.SMTP)
		}
	}
	if c := s.only(t, record.ActionStop).Tracer.Counters; c.Sessions != 1 {
		t.Errorf("%d sessions, want one", c.Sessions)
	}
}

// Exactly 20 and the end: the last record is empty, and says how it ended.
func TestTwentyTransactions(t *testing.T) {
	s := play(t, opened+strings.Repeat(mail(1), 20)+"a C: QUIT\n a S: 221 Bye\n a closed 40000 2000")
	if got, want := s.sums(), "20 messages 20 recipients 40000 sent 2000 received 20 transactions"; got != want || s.sequence() != "1 2." {
		t.Errorf("in all %s, sequence %s, want %s", got, s.sequence(), want)
	}
	if r := s.of(record.ActionSession)[1]; r.SMTP.LastReply != "221 Bye" || r.Event.Outcome != record.Failure {
		t.Errorf("%s %+v", r.Event.Outcome, r.SMTP)
	}
}

// A client that does not wait for replies is in the middle of the next message when 20 are through: that
// one is told once, when it is through as well.
func TestTransactionIsToldOnce(t *testing.T) {
	last, _, _ := strings.Cut(mail(1), "a S: 250 queued")
	s := play(t, opened+strings.Repeat(mail(1), 19)+last+"a C: MAIL FROM:<next@example.org>\n a S: 250 queued\n a S: 250 Ok\n"+
		"a C: RCPT TO:<r@example.net>\n a S: 250 Ok\n a C: RSET\n a S: 250 Ok\n a closed 1 1")
	if got, want := s.sums(), "20 messages 20 recipients 1 sent 1 received 21 transactions"; got != want || s.sequence() != "1 2." {
		t.Errorf("in all %s, sequence %s, want %s", got, s.sequence(), want)
	}
}

// A message with more addresses than there is room for is told once, and not again with each recipient.
func TestOneTransactionFillsTheRoom(t *testing.T) {
	var text strings.Builder
	text.WriteString(opened + "a C: MAIL FROM:<news@example.org>\n a S: 250 Ok\n")
	for i := range 120 {
		fmt.Fprintf(&text, "a C: RCPT TO:<%s%d@example.net>\n a S: 250 Ok\n", strings.Repeat("x", 200), i)
	}
	text.WriteString("a C: DATA\n a S: 354 go\n a C+ 1000\n a C: .\n a S: 250 queued\n")
	s := play(t, text.String()+"a closed 1 1")
	if got, want := s.sums(), "1 messages 120 recipients 1 sent 1 received 1 transactions"; got != want || len(s.of(record.ActionSession)) > 2 {
		t.Errorf("in all %s, sequence %s, want %s", got, s.sequence(), want)
	}
}

// A session that is still open when the run stops is told as far as it came, the open message too.
func TestStillOpenAtStop(t *testing.T) {
	s := play(t, opened+mail(2)+"a C: MAIL FROM:<last@example.org>\n a S: 250 Ok\n a C: RCPT TO:<r@example.net>\n a S: 250 Ok")
	s.tells(t, "start connect first_payload session stop")
	r := s.only(t, record.ActionSession)
	if r.Event.Sequence != 1 || !r.Event.End.IsZero() || r.SMTP.Messages != 1 || len(r.SMTP.Transactions) != 2 ||
		r.SMTP.Transactions[1].MailFrom != "last@example.org" {
		t.Errorf("%+v %+v", r.Event, r.SMTP)
	}
	if c := s.only(t, record.ActionStop).Tracer.Counters; c.Sessions != 1 {
		t.Errorf("stop counts %d sessions, and one was seen", c.Sessions)
	}
}

// A session is told every 5 minutes while it lives, and as over when it is.
func TestLongSession(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		s := stage.play(opened + mail(1) + "wait 12m\n" + mail(2) + "wait 7m\n" + mail(3) + "a closed 900 800")
		if got := s.sequence(); got != "1 2 3 4." {
			t.Errorf("sequence %s", got)
		}
		if got, want := s.sums(), "3 messages 6 recipients 900 sent 800 received 3 transactions"; got != want {
			t.Errorf("in all %s, want %s", got, want)
		}
		var messages []uint64
		for _, r := range s.of(record.ActionSession) {
			messages = append(messages, r.SMTP.Messages)
		}
		if !slices.Equal(messages, []uint64{1, 0, 1, 1}) {
			t.Errorf("messages %v", messages)
		}
	})
}

// A message that takes longer than 5 minutes is told once.
func TestLongMessageIsToldOnce(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		first, rest, _ := strings.Cut(mail(1), "a C+")
		s := stage.play(opened + first + "wait 6m\n a C+" + rest + "a closed 1 1")
		if got, want := s.sums(), "1 messages 1 recipients 1 sent 1 received 1 transactions"; got != want || s.sequence() != "1 2." {
			t.Errorf("in all %s, sequence %s, want %s", got, s.sequence(), want)
		}
	})
}

// Somebody who looks at the log sees every minute that the run goes on, and what it has counted.
func TestHeartbeat(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		var ticks int
		stage.options.Tracked = func(record.Counters) { ticks++ }
		s := stage.play("process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n a failed ECONNREFUSED\n wait 150s")
		s.tells(t, "start connect heartbeat heartbeat stop")
		start := s[0].Event.Start
		for i, r := range s.of(record.ActionHeartbeat) {
			if up := r.Event.Duration.Round(2 * time.Second); up != time.Duration(i+1)*time.Minute || !r.Event.Start.Equal(start) || !r.Event.End.Equal(r.Time) {
				t.Errorf("heartbeat %d after %v: %+v", i, up, r.Event)
			}
			if c := r.Tracer.Counters; c.Events != 3 || c.Connects != 1 || c.Records != uint64(i)+3 || len(r.Tracer.Hooks) != 1 {
				t.Errorf("heartbeat %d: %+v", i, c)
			}
		}
		if ticks < 145 || ticks > 156 {
			t.Errorf("the metrics were refreshed %d times in 150 s", ticks)
		}
	})
}

// Reading the machine's addresses may take its time, or not come to an end: nothing waits for it.
func TestAddressesThatDoNotCome(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		var reads atomic.Int32
		release := make(chan struct{})
		stage.options.Host = verdict.NewHostOf(func() ([]verdict.Address, error) {
			if reads.Add(1) > 1 {
				<-release
			}
			return []verdict.Address{{Prefix: netip.MustParsePrefix("198.51.100.25/24")}}, nil
		})
		s := stage.play("process 7 /usr/bin/perl\n wait 130s\n a connect 7 198.51.100.25:25\n a failed ECONNREFUSED")
		s.tells(t, "start heartbeat heartbeat connect stop")
		if v := s.only(t, record.ActionConnect).Verdict; v != record.Local || reads.Load() != 2 {
			t.Errorf("verdict %q after %d reads", v, reads.Load())
		}
		close(release)
	})
}

// Whether the host forwards is told of each minute: that it does if it did at any time of it, and that it is not
// known where nobody could say. The start and the end are asked about themselves.
func TestForwards(t *testing.T) {
	for name, test := range map[string]struct{ answers, want string }{ // at the start, twice a minute, and at the end
		"never":              {"no no no no no no", "no no no no"},
		"always":             {"yes yes yes yes yes yes", "yes yes yes yes"},
		"from then on":       {"no no no yes yes yes", "no no yes yes"},
		"at one time":        {"no yes no no no no", "no yes no no"},
		"not known once":     {"no unknown no no no no", "no unknown no no"},
		"no more":            {"yes no no unknown yes no", "yes no yes no"},
		"at the end":         {"no no no no no yes", "no no no yes"},
		"that does not come": {"no no - ", "no no unknown unknown"},
		"never comes":        {"- ", "unknown unknown unknown unknown"},
	} {
		playLong(t, func(t *testing.T, stage *stage) {
			answers, release := strings.Split(test.answers, " "), make(chan struct{})
			stage.options.Forwards = func() string {
				answer := answers[0]
				if answers = answers[1:]; answer == "-" {
					<-release
				}
				return answer
			}
			s := stage.play("wait 129s")
			s.tells(t, "start heartbeat heartbeat stop")
			var got []string
			for i := range s {
				got = append(got, s[i].Tracer.Forwards)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%s: %q, want %q", name, got, test.want)
			}
			close(release)
		})
	}
}

// Losses are told when they happen, not at the end, and each once.
func TestLossesAreToldWithinASecond(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		stage.do["lose"] = func() { stage.source.counters.LostPayload += 5 }
		began := time.Now()
		s := stage.play("wait 10s\n do lose\n wait 10s\n do lose\n wait 10s")
		s.tells(t, "start lost lost stop")
		for i, r := range s.of(record.ActionLost) {
			if at := r.Time.Sub(began) - time.Duration(i+1)*10*time.Second; at < 0 || at > 2*time.Second || r.Tracer.Lost != (record.Losses{Payloads: 5}) {
				t.Errorf("%v late: %+v", at, r.Tracer.Lost)
			}
		}
		if n := s.only(t, record.ActionStop).Tracer.Counters.Lost.Payloads; n != 10 {
			t.Errorf("stop tells of %d", n)
		}
	})
}

// What is quiet for hours takes no room for ever: it is told as far as it came, and told no more.
func TestQuietConnectionIsForgotten(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		s := stage.play(opened + mail(1) + "wait 3h\n")
		list := s.of(record.ActionSession)
		if n := len(list); n != 24 {
			t.Errorf("%d session records in the 2 hours before it is forgotten, want one every 5 minutes", n)
		}
		if got, want := s.sums(), "1 messages 1 recipients 0 sent 0 received 1 transactions"; got != want {
			t.Errorf("in all %s, want %s", got, want)
		}
	})
}

// Nobody knows the process: its record does not wait for what will not come.
func TestUnknownProcessDoesNotHoldUpItsRecord(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		began := time.Now()
		s := stage.play("a connect 9 198.51.100.25:25\n a established\n a smtp\n" + dialogue + "a closed 700 100")
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
		s.tells(t, "start connect first_payload session stop")
		if r := s.only(t, record.ActionSession); r.Process.PID != 9 || r.Process.Executable != "" || r.Expected {
			t.Errorf("%+v", r.Process)
		}
	})
}

// neverSure is a resolver that does not finish with any process, as with a program on a file system that
// does not answer.
func (s *stage) neverSure() {
	s.t.Helper()
	r, err := proc.New(s.root)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Close()
	s.options.Resolver, s.cold = r, true
}

// The alert does not wait for who it was, the session's record does, and neither does so for ever.
func TestProcessThatIsNeverSure(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		stage.neverSure()
		for seconds, want := range map[int]int{0: 1, 29: 3, 31: 4} { // start, connect, first_payload, session
			stage.do[fmt.Sprint("after ", seconds)] = func() {
				synctest.Wait()
				if s := stage.told(); len(s) != want {
					t.Errorf("after %d s: %s", seconds, s.actions())
				}
			}
		}
		s := stage.play(opened + mail(1) + "a closed 1 1\n do after 0\n wait 29s\n do after 29\n wait 2s\n do after 31")
		s.tells(t, "start connect first_payload session stop")
		if r := s.only(t, record.ActionSession); r.Process.PID != 7 || r.Process.Executable != "/usr/sbin/exim4" || r.Process.Hash.Status != "pending" || r.Expected {
			t.Errorf("%+v", r.Process)
		}
	})
}

// At the end of a run nobody waits that long.
func TestStopWithProcessThatIsNeverSure(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		stage.neverSure()
		began := time.Now()
		stage.play(opened+mail(1)+"a closed 1 1").tells(t, "start connect first_payload session stop")
		if took := time.Since(began); took > stopPatience+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A flood from such a process takes no more memory than that of so many records, and keeps its order.
func TestFloodOfRecordsThatWait(t *testing.T) {
	playLong(t, func(t *testing.T, stage *stage) {
		stage.neverSure()
		var text strings.Builder
		text.WriteString("process 7 /usr/sbin/exim4\n")
		const flood = maxWaiting + 500
		for i := range flood {
			fmt.Fprintf(&text, "c%d connect 7 198.51.100.25:26\n c%d smtp\n c%d C: HELO %d.example\n c%d closed %d 0\n", i, i, i, i, i, i)
		}
		stage.do["look"] = func() {
			synctest.Wait()
			if n := len(stage.told().of(record.ActionSession)); n < flood-maxWaiting {
				t.Errorf("%d session records are written, and no more than %d may wait", n, maxWaiting)
			}
		}
		s := stage.play(text.String() + "wait 1s\n do look")
		for i, r := range s.of(record.ActionSession) {
			if r.SMTP.HELO != fmt.Sprintf("%d.example", i) {
				t.Fatalf("record %d is of %s", i, r.SMTP.HELO)
			}
		}
		if n := len(s.of(record.ActionSession)); n != flood || s[len(s)-1].Event.Action != record.ActionStop {
			t.Errorf("%d session records, want %d, and stop last", n, flood)
		}
	})
}
