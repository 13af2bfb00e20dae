package smtp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// unpackSegments reads segments out of fuzz input: a byte that says what, a byte that says how
// much, and that many bytes of data. Gaps are as long as the product of the two.
func unpackSegments(input []byte) (list []segment) {
	for len(input) >= 2 {
		what, n := input[0], int(input[1])
		input = input[2:]
		s := segment{dir: Direction(what & 1)}
		switch what >> 1 & 7 {
		case 6:
			s.cut = uint64(what)*uint64(n) + 1
		case 7:
			s.lost = uint64(what)*uint64(n) + 1
		default:
			n = min(n, len(input))
			if n == 0 {
				continue
			}
			s.data, input = input[:n], input[n:]
		}
		list = append(list, s)
	}
	return list
}

func fuzzOptions(flags byte) Options {
	return Options{MailPort: flags&1 > 0, Midstream: flags&2 > 0, Ordered: flags&4 > 0}
}

// maxFootprint bounds the memory of a parser, whatever is fed.
const maxFootprint = 200 << 10

// FuzzParser feeds anything, gaps too: no panic, bounded memory and texts, the same summary however the
// bytes are cut, and the same sums whatever interim summaries were taken.
func FuzzParser(f *testing.F) {
	f.Fuzz(func(t *testing.T, flags byte, input []byte) {
		o, segments := fuzzOptions(flags), unpackSegments(input)
		p := New(o)
		want := replayTo(p, segments)
		if n := p.footprint(); n > maxFootprint {
			t.Fatalf("%d bytes of memory", n)
		}
		checkBounds(t, &want)
		for how, list := range map[string][]segment{
			"byte by byte": byByte(segments),
			"at random":    randomly(segments, rand.New(rand.NewPCG(uint64(len(input)), uint64(flags)))),
		} {
			got := replay(o, list)
			if d := differences(&got, &want); d != "" {
				t.Errorf("%s: %s", how, d)
			}
		}
		checkInterims(t, o, segments, &want)
	})
}

// checkInterims takes interim summaries every now and then: their sums and those of the rest are those of
// the whole, and reading changes nothing.
func checkInterims(t *testing.T, o Options, segments []segment, want *Session) {
	t.Helper()
	p := New(o)
	var told totals
	for i, s := range segments {
		replayOne(p, s)
		if i%3 != 2 {
			continue
		}
		before := p.Session()
		if again := p.Session(); differences(&again, &before) != "" {
			t.Fatalf("Session has changed something: %s", differences(&again, &before))
		}
		if s := checkInterim(t, p, &told); s.Unseen == 0 && (s.Client.Lost > 0 || s.Server.Lost > 0 || s.Overflow) && s.State == SMTP {
			t.Fatalf("nothing unseen, and it was lost: %+v", s)
		}
	}
	p.End()
	s := p.Session()
	told.add(t, &s)
	if s.State == SMTP && (s.Offered != want.Offered || s.Accepted != want.Accepted || s.Recipients != want.Recipients) {
		t.Errorf("offered %d, accepted %d, recipients %d, and without interim summaries %d, %d, %d", s.Offered, s.Accepted,
			s.Recipients, want.Offered, want.Accepted, want.Recipients)
	}
}

// checkBounds checks what the fields promise.
func checkBounds(t *testing.T, s *Session) {
	t.Helper()
	for _, x := range s.Transactions {
		if len(x.Rcpts) > maxRcpts || len(x.MailFrom) > maxAddress || len(x.Reply.First) > maxReplyLine || len(x.Reply.Last) > maxReplyLine {
			t.Errorf("too much of a transaction: %+v", x)
		}
		if all := x.RcptAccepted + x.RcptRefused + x.RcptUnanswered; uint64(len(x.Rcpts))+x.RcptsOmitted != all {
			t.Errorf("%d recipients kept, %d omitted, of %d", len(x.Rcpts), x.RcptsOmitted, all)
		}
		if (x.Outcome == Accepted || x.Outcome == Refused) != (x.Reply.Code > 0) {
			t.Errorf("%v with reply %d", x.Outcome, x.Reply.Code)
		}
		if x.Outcome == Accepted && !x.Offered {
			t.Error("accepted and never offered")
		}
	}
	if s.Accepted > s.Offered || len(s.Hellos) > MaxHellos || len(s.Transactions) > maxTransactions || len(s.SNI) > maxSNI || len(s.ALPN) > maxALPN || len(s.Via) > maxVias {
		t.Errorf("%+v", s)
	}
	if s.State == Other && (len(s.Hellos) > 0 || len(s.Transactions) > 0 || s.LastReply.Code > 0) {
		t.Errorf("kept of what is not SMTP: %+v", s)
	}
}

// FuzzReplays feeds two whole streams: the same summary however they are cut and interleaved,
// while neither runs too far ahead of the other.
func FuzzReplays(f *testing.F) {
	f.Fuzz(func(t *testing.T, flags byte, seed uint64, client, server []byte) {
		if len(client) > 4096 || len(server) > 4096 {
			return
		}
		if all := bytes.ToUpper(client); bytes.Contains(all, []byte("DATA")) &&
			(bytes.Contains(all, []byte("BDAT")) || bytes.Contains(all, []byte("TLS"))) {
			return // the one thing that is not told apart ahead of the reply to DATA
		}
		o := fuzzOptions(flags &^ 4)
		var segments []segment
		if len(client) > 0 {
			segments = append(segments, segment{dir: Client, data: client})
		}
		if len(server) > 0 {
			segments = append(segments, segment{dir: Server, data: server})
		}
		want := replay(o, segments)
		checkBounds(t, &want)
		if want.Overflow {
			return
		}
		for how, list := range map[string][]segment{
			"server first":  joined(segments, Server),
			"byte by byte":  byByte(segments),
			"interleaved":   shuffled(segments, rand.New(rand.NewPCG(seed, 1))),
			"interleaved 2": shuffled(segments, rand.New(rand.NewPCG(seed, 2))),
		} {
			got := replay(o, list)
			got.Unseen = want.Unseen // what fits, and what is clear, is a matter of the order
			if d := differences(&got, &want); d != "" && !got.Overflow {
				t.Errorf("%s: %s", how, d)
			}
		}
	})
}

// FuzzSecret says AUTH with a canary for a secret, in all places where a secret can stand: it is
// never in a summary.
func FuzzSecret(f *testing.F) {
	const canary = "Y2FuYXJ5LXNlY3JldA=="
	f.Fuzz(func(t *testing.T, seed uint64, mech string, replies []byte) {
		if strings.ContainsAny(mech, "\n") {
			return
		}
		r := rand.New(rand.NewPCG(seed, 1))
		segments := parseDialogue(t, greeted)
		say := func(dir Direction, text string) {
			segments = append(segments, segment{dir: dir, data: []byte(text + "\r\n")})
		}
		say(Client, "AUTH "+mech+" "+canary)
		for ; len(replies) >= 2; replies = replies[2:] {
			say(Server, fmt.Sprint(200+(int(replies[0])<<8|int(replies[1]))%400))
			if r.IntN(4) == 0 {
				say(Client, "AUTH "+mech)
			}
			say(Client, canary)
		}
		s := replay(onPort25, randomly(segments, r))
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, canary) || strings.Contains(text, canary[:8]) {
			t.Error(text)
		}
		s = replay(onPort25, shuffled(segments, r))
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, canary) || strings.Contains(text, canary[:8]) {
			t.Error(text)
		}
	})
}
