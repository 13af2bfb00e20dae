package smtp

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
	"github.com/smtptrace/smtptrace/internal/smtp/smtptest"
)

// checkCut checks that the summary is the same when the segments are cut as the kernel cuts them, apart from the
// text that is lost by it, or it says that not all was seen.
func checkCut(t testing.TB, o Options, segments []segment) {
	t.Helper()
	for _, s := range segments {
		if s.data == nil {
			return // the kernel sees packets, and no gaps of its own making
		}
	}
	want := replay(o, segments)
	if want.State == Other || want.State == TLS || want.State == Tunnel || len(want.Via) > 0 {
		return
	}
	_, cut := viewOf(smtptest.Connection{MailPort: o.MailPort, Old: o.Midstream}, segments)
	for how, list := range map[string][]segment{
		"cut": cut, "cut, byte by byte": byByte(cut), "cut, at random": randomly(cut, rand.New(rand.NewPCG(1, 1))),
	} {
		got := replay(o, list)
		got.Client, got.Server, got.Overlong = want.Client, want.Server, want.Overlong
		if got.Unseen > 0 {
			continue // it says itself that it is not whole
		}
		if want.TLS == StartTLS { // what is said in the clear beside TLS is not read
			got.LastReply, got.Unseen = want.LastReply, want.Unseen
		}
		if o.Midstream { // nor what is said before the verdict
			got.Banner, got.FirstReply, got.Unseen = want.Banner, want.FirstReply, want.Unseen
		}
		if d := differences(&got, &want); d != "" {
			t.Errorf("%s: %s", how, d)
		}
	}
}

func TestCorpusCut(t *testing.T) {
	for _, path := range capture.Files(t, "suricata-verify") {
		for _, f := range readCapture(t, path) {
			t.Run(filepath.Base(path), func(t *testing.T) { checkCut(t, f.options(true), f.segments) })
		}
	}
}

// What the kernel shows holds neither bodies nor secrets, whatever the packets.
func TestRedacted(t *testing.T) {
	segments := parseDialogue(t, greeted+`
		C: AUTH PLAIN canary
		S: 334 canary
		C: canary
		S: 535 no
		C: STARTTLS
		S: 220 go ahead
		C: XSECRET canary
		S: 500 what
		`+envelope2+`
		C: BDAT 8 LAST
		C: canary
		S: 250 ok
		`+envelope2+`
		C: DATA
		S: 354 go ahead
		C: QUIT canary
		C: .
		S: 250 ok`)
	for how, list := range map[string][]segment{"as it is": segments, "byte by byte": byByte(segments)} {
		for _, s := range kernelView(list) {
			if strings.Contains(string(s.data), "canary") {
				t.Errorf("%s: %q is shown", how, s.data)
			}
		}
	}
	checkCut(t, onPort25, segments)
}

// Nor where the replies mislead about what is a body or a secret.
func TestRedactedMisled(t *testing.T) {
	envelope := "S: 220 mx ESMTP\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\n"
	for _, x := range []struct{ name, dialogue string }{
		{"a challenge beside the refusal of a lone dot", `
			S: 220 mx ESMTP
			C: .\r\nAUTH LOGIN
			S: 500 what\r\n334 x
			C: RCPT TO:<canary>`},
		{"a challenge beside the answers to a body that was refused", `
			S: 220 mx ESMTP
			C: DATA\r\nNOOP\r\n.
			S: 503 no\r\n250 ok
			C: AUTH LOGIN
			S: 500 what\r\n334 x
			C: MAIL FROM:<canary>`},
		{"a challenge where replies are due that do not come", `
			S: 220 mx ESMTP
			C: XA\r\nXB\r\nAUTH LOGIN
			S: 334 x
			C: NOOP canary`},
		{"the second one, where the first was answered before", `
			S: 220 mx ESMTP
			C: XA\r\nXB\r\nAUTH LOGIN\r\nXC
			S: 334 x\r\n334 y
			C: NOOP canary`},
		{"LF, dot, CRLF in a body, and a challenge", envelope + `
			C: DATA\n\
			S: 354 go
			C: a\n.\r\nb\r\n.
			S: 250 ok
			C: AUTH LOGIN
			S: 334 x
			C: RCPT TO:<canary>`},
		{"a body that waited for its 354, behind one that was told by a refusal", envelope + `
			C: RCPT TO:<e@f>\nDATA\nx\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA
			S: 550 no\r\n354 go\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go
			C: RCPT TO:<canary>`},
		{"a chunk behind a body that a bare LF ended", envelope + `
			C: DATA
			S: 354 go
			C: a\n.\nb\r\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\n\
			S: 250 ok\r\n500 what\r\n250 ok\r\n451 later
			C: BDAT 13\r\nNOOP canary
			S: 503 no`},
	} {
		for _, s := range kernelView(parseDialogue(t, x.dialogue)) {
			if strings.Contains(string(s.data), "canary") {
				t.Errorf("%s: %q is shown", x.name, s.data)
			}
		}
	}
}

// viewOf is what the parser is told of a dialogue, on whatever port.
func viewOf(c smtptest.Connection, segments []segment) (v *smtptest.View, list []segment) {
	var packets []smtptest.Packet
	for _, s := range segments {
		packets = append(packets, smtptest.Packet{Server: s.dir == Server, Data: s.data, Lost: s.lost})
	}
	v = c.View(packets)
	for _, x := range v.Pieces {
		s := segment{data: x.Data, cut: x.Cut, lost: x.Lost}
		if x.Unaligned {
			s.cut, s.lost = 0, x.Cut
		}
		if x.Server {
			s.dir = Server
		}
		list = append(list, s)
	}
	for dir, n := range v.Rest {
		if n > 0 {
			list = append(list, segment{dir: Direction(dir), cut: n})
		}
	}
	return v, list
}
