package smtp

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
)

// cutter cuts a dialogue as the kernel side does, by what it saw until then: of the client it
// shows known commands without secrets and the "." that ends a body, of the server replies
// without challenges. All else is counted.
type cutter struct {
	mark    bool // an unknown command is shown as "?", otherwise as its first word
	out     []segment
	line    [2][]byte
	body    bool
	octets  uint64 // of the body so far
	chunk   uint64 // octets of the chunk to come
	secret  bool   // the next line is an AUTH response
	auth    bool   // AUTH waits for its reply
	tls     bool   // STARTTLS was said, and not refused
	data    int    // DATA lines without reply
	dots    int    // "." lines seen while DATA had none
	greeted bool
	opaque  bool
}

func (c *cutter) show(dir Direction, data []byte) {
	if len(data) > 0 {
		c.out = append(c.out, segment{dir: dir, data: bytes.Clone(data)})
	}
}

func (c *cutter) cut(dir Direction, n int) {
	if n > 0 {
		c.out = append(c.out, segment{dir: dir, cut: uint64(n)})
	}
}

const kernelLine = 1000 // shown of a line

func (c *cutter) feed(dir Direction, data []byte) {
	for len(data) > 0 {
		if c.opaque {
			c.show(dir, data)
			return
		}
		if dir == Client && c.chunk > 0 {
			n := min(int(c.chunk), len(data))
			c.cut(dir, n)
			c.chunk -= uint64(n)
			data = data[n:]
			continue
		}
		i := bytes.IndexByte(data, '\n') + 1
		if i == 0 {
			c.line[dir] = append(c.line[dir], data...)
			return
		}
		line := append(c.line[dir], data[:i]...)
		c.line[dir] = nil
		data = data[i:]
		if dir == Server {
			c.server(line)
		} else {
			c.client(line)
		}
	}
}

func (c *cutter) client(line []byte) {
	text := bytes.TrimRight(line, "\r\n")
	if c.tls && isRecord(line[0]) {
		c.opaque = true
		c.show(Client, line)
		return
	}
	if c.body {
		if string(text) != "." {
			c.octets += uint64(len(line))
			return
		}
		c.cut(Client, int(c.octets))
		c.show(Client, line)
		c.body, c.octets = false, 0
		return
	}
	if c.secret {
		c.secret = false
		c.cut(Client, len(line))
		return
	}
	cmd := parseCommand(text)
	word, rest := firstWord(text)
	shown := min(len(line), kernelLine)
	switch cmd.verb {
	case verbUnknown:
		shown = 1 + bytes.IndexAny(line, " \t\r\n")
		if c.mark {
			c.show(Client, []byte("?"))
			c.cut(Client, len(line)-1)
			return
		}
	case verbDot:
		if c.data > 0 {
			c.data = 0
			c.dots++
		}
	case verbAuth:
		c.auth = true
		arg := trimLeft(rest)
		if name := firstArg(arg); len(name) < len(arg) {
			shown = len(text) - len(arg) + len(name) + 1
		}
	case verbData:
		c.data++
	case verbStartTLS:
		c.tls = true
	case verbBdat:
		if !cmd.bad && c.data == 0 && equalFold(word, "BDAT") {
			c.chunk = cmd.size
		}
	}
	if c.data > 0 && cmd.verb == verbUnknown {
		shown = 0
	}
	c.show(Client, line[:shown])
	c.cut(Client, len(line)-shown)
}

func (c *cutter) server(line []byte) {
	code, final, ok := parseReplyLine(bytes.TrimRight(line, "\r\n"))
	shown := min(len(line), kernelLine)
	if ok && code == 334 {
		shown = min(shown, 4)
	}
	c.show(Server, line[:shown])
	c.cut(Server, len(line)-shown)
	if !ok || !final {
		return
	}
	switch greeted := c.greeted; {
	case !greeted && (code == 220 || code >= 400):
	case code == 354 && c.dots > 0:
		c.dots--
	case code == 354:
		c.body, c.data = true, 0
	case code == 334:
		c.secret = c.auth
	case code >= 400 || code == 235:
		c.secret, c.auth, c.tls = false, false, false
		if c.data > 0 {
			c.data--
		}
	}
	c.greeted = true
}

// cutAs returns segments as a cutter leaves them.
func cutAs(segments []segment, mark bool) []segment {
	c := cutter{mark: mark}
	for _, s := range segments {
		c.feed(s.dir, s.data)
	}
	c.cut(Client, int(c.octets))
	c.show(Client, c.line[Client])
	c.show(Server, c.line[Server])
	return c.out
}

// checkCut checks that the summary is the same when the segments are cut as the kernel cuts them,
// apart from the text that is lost by it. mayHide says that more of it may be unseen then.
func checkCut(t testing.TB, o Options, segments []segment, mayHide bool) {
	t.Helper()
	o.Ordered = false // lines are cut when they are complete, which may be later
	want := replay(o, segments)
	if want.State == Other || want.State == TLS || want.State == Tunnel || len(want.Via) > 0 {
		return
	}
	for _, mark := range []bool{false, true} {
		cut := cutAs(segments, mark)
		for how, list := range map[string][]segment{
			"cut": cut, "cut, byte by byte": byByte(cut), "cut, at random": randomly(cut, rand.New(rand.NewPCG(1, 1))),
		} {
			got := replay(o, list)
			if got.Client.Bytes != want.Client.Bytes || got.Server.Bytes != want.Server.Bytes {
				t.Errorf("%s: %d and %d bytes, want %d and %d", how, got.Client.Bytes, got.Server.Bytes, want.Client.Bytes, want.Server.Bytes)
			}
			got.Client, got.Server = want.Client, want.Server
			if want.Unseen > 0 && got.Unseen > 0 || mayHide {
				got.Unseen = want.Unseen
			}
			if d := differences(&got, &want); d != "" {
				t.Errorf("%s: %s", how, d)
			}
		}
	}
}

func TestCorpusCut(t *testing.T) {
	for _, path := range capture.Files(t, "suricata-verify") {
		for _, f := range readCapture(t, path) {
			checkCut(t, f.options(true), f.segments, false)
		}
	}
}

// What the cutter leaves holds neither bodies nor secrets.
func TestCutterCuts(t *testing.T) {
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
	for _, mark := range []bool{false, true} {
		for _, s := range cutAs(segments, mark) {
			if strings.Contains(string(s.data), "canary") {
				t.Errorf("%q is shown", s.data)
			}
		}
	}
	checkCut(t, onPort25, segments, false)
}
