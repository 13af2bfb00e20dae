package smtp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/smtp/smtptest"
)

// told is what becomes known of a connection.
type told struct {
	session Session
	record  bool      // there is a session record
	connect bool      // else a connect record says that it was not understood
	unseen  uint64    // of a session record
	crypted bool      // it says that some of the session was
	shown   [2]string // by the kernel, in small letters
}

// tell lets the kernel's part and the parser look at a dialogue, and does as package trace with what they say: see there
// conn.recognised, conn.unexplained and draft.unseen.
func tell(mailPort bool, segments []segment) (r told) {
	view, cut := viewOf(smtptest.Connection{MailPort: mailPort}, segments)
	s := replay(Options{MailPort: mailPort, Ordered: true}, cut)
	var passed [2]uint64
	for _, x := range segments {
		passed[x.dir] += uint64(len(x.data))
	}
	var shown [2]strings.Builder
	for _, x := range cut {
		shown[x.dir].Write(x.data)
		if x.data == nil {
			shown[x.dir].WriteByte('\n') // what stands around a cut is not one word
		}
	}
	for dir := range shown {
		r.shown[dir] = strings.ToLower(shown[dir].String())
	}
	missing := s.Client.Missing(passed[Client], int32(view.Skipped[Client]))
	r.session = s
	r.crypted = s.TLS == ImplicitTLS || s.TLS == StartTLS || view.State == event.StateTLS
	if s.State != TLS {
		r.unseen = s.Unseen
		if !r.crypted {
			r.unseen += missing + s.Server.Missing(passed[Server], int32(view.Skipped[Server]))
		}
	}
	known := mailPort || view.Told
	r.record = known && (s.State == SMTP || s.State == LMTP || s.State == TLS && mailPort)
	lost := view.State == event.StateSMTP && missing+s.Client.Lost > 0
	r.connect = !r.record && known && (mailPort || view.Named || lost)
	return r
}

// segmentsOfPackets is what the parser would be fed with, if the kernel showed all.
func segmentsOfPackets(packets []smtptest.Packet) (list []segment) {
	for _, p := range packets {
		s := segment{data: p.Data}
		if p.Server {
			s.dir = Server
		}
		list = append(list, s)
	}
	return list
}

// The ways to tell a dialogue wrongly.
const (
	wrongShown   = "a body or a secret is shown"
	wrongCounts  = "with nothing unseen other counts are told"
	wrongNothing = "a mail was accepted, and nothing is told"
)

// indistinct says why it cannot be known that what is shown is a body or a secret; "" where it can.
func indistinct(x smtptest.Secret, r *told) string {
	switch x.Where {
	case smtptest.BehindDot:
		return "in a body that the server has not ended, while the client goes on as if it had"
	case smtptest.AheadUneven:
		if r.unseen > 0 || !r.record {
			return "in a body ahead of its 354, where the reply to another line may be DATA's"
		}
	case smtptest.InOddChunk:
		return "in a chunk that is a command, behind a BDAT with words too many: most servers refuse that, and read the command"
	case smtptest.InEndlessChunk:
		return "in a chunk of gigabytes: the client goes on as if it had not said that"
	case smtptest.InAuthCommand:
		return "in an answer ahead of its challenge that is a command with its argument"
	}
	return ""
}

// halfEncrypted is true where what is taken for TLS was text. The record calls the session encrypted, and none is cleared
// by it.
func halfEncrypted(r *told, mx *smtptest.MX) bool {
	return r.crypted && r.session.State != TLS && r.session.Accepted < mx.Mails
}

// judgement is what is wrong with how a dialogue is told; "" is nothing. excused counts what cannot be told apart.
func judgement(o *smtptest.Odd, excused map[string]int) string {
	packets, mx := o.Play()
	r := tell(o.MailPort, segmentsOfPackets(packets))
	for _, x := range mx.Secrets {
		if !strings.Contains(r.shown[Client], x.Token) && !strings.Contains(r.shown[Server], x.Token) {
			continue
		}
		why := indistinct(x, &r)
		if why == "" {
			return wrongShown
		}
		excused[why]++
	}
	switch {
	case mx.Mails > 0 && !r.record && !r.connect && (o.MailPort || strings.Contains(o.Greeting, "SMTP")):
		return wrongNothing
	case !r.record || r.unseen > 0 || r.session.Accepted == mx.Mails && r.session.Recipients == mx.Recipients:
		return ""
	case halfEncrypted(&r, mx):
		excused["a session that is taken for encrypted, and says so"]++
		return ""
	}
	return wrongCounts
}

// explain shortens a dialogue that is told wrongly, and writes it for people.
func explain(o *smtptest.Odd, wrong string) string {
	o = o.Shrink(func(o *smtptest.Odd) bool { return judgement(o, map[string]int{}) == wrong })
	packets, mx := o.Play()
	segments := segmentsOfPackets(packets)
	r := tell(o.MailPort, segments)
	h := o.Habits
	h.Greeting = ""
	return fmt.Sprintf("%s:%s\nmail port %v, in pieces of %d, a server of %+v\n%d mails, %d recipients\ntold: %v, TLS %v, session %v, connect %v, %d unseen, %s",
		wrong, textOf(segments), o.MailPort, o.Pieces, h, mx.Mails, mx.Recipients,
		r.session.State, r.session.TLS, r.record, r.connect, r.unseen, envelopesOf(&r.session))
}

// What the model has found once: with nothing unseen a session tells so many messages, and otherwise that it is unsure.
func TestToldUnsure(t *testing.T) {
	mail := "C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: DATA\nS: 354 go\nC: .\nS: 250 queued\n"
	connect := "C: CONNECT mx:25 HTTP/1.0\\r\\n\nS: HTTP/1.0 200 ok\\r\\n\n"
	socks := "C: \\x05\\x01\\x00\\\nS: \\x05\\x00\\\nC: \\x05\\x01\\x00\\x03\\x02mx\\x00\\x19\\\nS: \\x05\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\\n"
	for _, x := range []struct {
		name     string
		mailPort bool
		dialogue string
		record   bool // a session is told
		accepted uint64
	}{
		{"binary ahead of a greeting behind a proxy", false, connect + "C: \\x16\\x03\nS: 220 mx ESMTP\nS: 500 what\n" + mail, false, 0},
		{"the same, not waited for", false, "C: CONNECT mx:25 HTTP/1.0\\r\\n\\r\\n\\x16\\x03\nS: HTTP/1.0 200 ok\\r\\n\nS: 220 mx ESMTP\nS: 500 what\n" + mail, false, 0},
		{"an empty line behind a proxy", false, socks + "C:\nS: 220 mx ESMTP\n" + mail, true, 1},
		{"FF alone on a line", true, "S: 220 mx ESMTP\n" + mail + "C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: \\f\\r\\nBDAT 6 LAST\\r\\nNOOP\nS: 500 what\\r\\n250 ok", true, 2},
		{"FF in front of the first command", true, "S: 220 mx ready\nC: \\fNOOP\nS: 250 ok\n" + mail, true, 1},
		{"LF in what may be TLS ahead of a greeting", true, "C: \\x16\\x03\\x03\nC: EHLO x\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: BDAT 99 LAST\nS: 220 mx ESMTP\\r\\n500 what\\r\\n250 mx\\r\\n250 ok\\r\\n250 ok", true, 1},
		{"a chunk ahead of a greeting", false, "C: X\\r\\nEHLO x\\r\\nBDAT 5\\r\\nhello\\\nS: 220 mx ESMTP\\r\\n500 what\\r\\n250 mx\\r\\n503 no\n" + mail, false, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := tell(x.mailPort, parseDialogue(t, x.dialogue))
			if r.record != x.record || r.record && (r.unseen == 0 || r.session.Accepted != x.accepted) || !r.record && !r.connect {
				t.Errorf("session %v, connect %v, %d unseen, %s", r.record, r.connect, r.unseen, envelopesOf(&r.session))
			}
		})
	}
}

// Whatever a client says to whatever server: what is told of it is true, or says that it may not be.
func TestModel(t *testing.T) {
	excused := map[string]int{}
	for seed := range 20000 {
		c := smtptest.NewChoices([]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed * 7)})
		o := smtptest.NewOdd(c)
		if wrong := judgement(o, excused); wrong != "" {
			t.Errorf("seed %d: %s", seed, explain(o, wrong))
		}
	}
	for why, n := range excused {
		t.Logf("%d shown, or told: %s", n, why)
	}
}

// FuzzModel does so with what the fuzzer chooses.
func FuzzModel(f *testing.F) {
	for seed := range byte(32) {
		f.Add([]byte{seed, seed * 17, seed * 31, 200 - seed, seed ^ 0x55})
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		if len(choices) > 1024 {
			return
		}
		o := smtptest.NewOdd(smtptest.NewChoices(choices))
		if wrong := judgement(o, map[string]int{}); wrong != "" {
			t.Error(explain(o, wrong))
		}
	})
}
