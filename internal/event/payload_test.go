package event

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/bpf"
)

// stretch is so many bytes shown, then so many cut.
type stretch struct{ shown, cut uint16 }

// kernelPayload is what the client said, cut into segments.
func kernelPayload(data string, segments ...stretch) *bpf.SmtptracePayloadEvent {
	k := &bpf.SmtptracePayloadEvent{
		Kind: uint32(KindPayload), Dir: uint8(Client), Conn: 0x1122334455667788, TsNs: 5_000_000_000,
		SegmentsLen: uint8(len(segments)), DataLen: uint32(len(data)),
	}
	copy(k.Data[:], data)
	for i, s := range segments {
		k.Segments[i].Shown, k.Segments[i].Cut = s.shown, s.cut
	}
	return k
}

// describe writes the parts as a reader says them: "text", +cut through the end of a line, -cut to where
// nobody knows.
func describe(p *Payload) (list []string) {
	for part := range p.Parts {
		switch {
		case part.Cut == 0:
			list = append(list, fmt.Sprintf("%q", part.Data))
		case part.Aligned:
			list = append(list, fmt.Sprintf("+%d", part.Cut))
		default:
			list = append(list, fmt.Sprintf("-%d", part.Cut))
		}
	}
	return list
}

func TestDecodePayload(t *testing.T) {
	k := kernelPayload("250 Ok\r\n", stretch{8, 0})
	k.Dir, k.Lost = uint8(Server), 1460
	p := decode(t, k).Payload
	if p.ID != 0x1122334455667788 || p.Direction != Server || p.TimeNs != 5_000_000_000 || p.Lost != 1460 || p.Raw || p.Unaligned {
		t.Errorf("%+v", p)
	}
	k.Raw, k.Unaligned = 1, 1
	if p := decode(t, k).Payload; !p.Raw || !p.Unaligned {
		t.Errorf("neither raw nor unaligned: %+v", p)
	}
}

func TestPayloadParts(t *testing.T) {
	full := strings.Repeat("x", 264)
	for _, test := range []struct {
		name      string
		before    uint64
		unaligned bool
		data      string
		segments  []stretch
		want      string
	}{
		{name: "nothing but a loss", want: ``},
		{name: "a line", data: "QUIT\r\n", segments: []stretch{{6, 0}}, want: `"QUIT\r\n"`},
		{name: "as much as there is room for", data: full, segments: []stretch{{264, 0}}, want: `"` + full + `"`},
		{
			name: "AUTH, its secret cut", data: "AUTH PLAIN \r\n", segments: []stretch{{11, 24}, {2, 0}},
			want: `"AUTH PLAIN " +24 "\r\n"`,
		},
		{
			name: "the end of a body", before: 70000, data: ".\r\n", segments: []stretch{{3, 0}},
			want: `+70000 ".\r\n"`,
		},
		{
			name: "the rest of a line that was cut before, and a line", before: 300, data: "QUIT\r\n",
			segments: []stretch{{0, 200}, {6, 0}}, want: `+500 "QUIT\r\n"`,
		},
		{name: "a body that goes on", before: 70000, want: `+70000`},
		{name: "a body, and the line behind it", before: 70000, segments: []stretch{{0, 30}}, want: `+70030`},
		{
			name: "all eight segments", data: "abcdefgh",
			segments: []stretch{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}, {1, 7}, {1, 8}},
			want:     `"a" +1 "b" +2 "c" +3 "d" +4 "e" +5 "f" +6 "g" +7 "h" +8`,
		},
		{
			name: "no room for a ninth", unaligned: true, data: "abcdefgh",
			segments: []stretch{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}, {1, 7}, {1, 8}},
			want:     `"a" +1 "b" +2 "c" +3 "d" +4 "e" +5 "f" +6 "g" +7 "h" -8`,
		},
		{
			name: "segments that show nothing are one cut", before: 1,
			segments: []stretch{{0, 2}, {0, 3}, {0, 4}}, want: `+10`,
		},
		{
			name: "cuts do not overflow", before: 1 << 63,
			segments: []stretch{{0, 65535}, {0, 65535}}, want: fmt.Sprintf("+%d", uint64(1<<63+2*65535)),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := kernelPayload(test.data, test.segments...)
			k.Before = test.before
			if test.unaligned {
				k.Unaligned = 1
			}
			p := &decode(t, k).Payload
			if got := strings.Join(describe(p), " "); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// A reader may leave at any part.
func TestPayloadPartsEndsWhenTold(t *testing.T) {
	k := kernelPayload("EHLO x\r\nQUIT\r\n", stretch{8, 3}, stretch{6, 4})
	k.Before = 2
	p := &decode(t, k).Payload
	all := describe(p)
	for n := 1; n <= len(all); n++ {
		var got []string
		for part := range p.Parts {
			got = append(got, fmt.Sprint(part.Cut, part.Data))
			if len(got) == n {
				break
			}
		}
		if len(got) != n {
			t.Errorf("%d parts, wanted the first %d of %v", len(got), n, all)
		}
	}
	if want := []string{"+2", `"EHLO x\r\n"`, "+3", `"QUIT\r\n"`, "+4"}; !slices.Equal(all, want) {
		t.Errorf("%v, want %v", all, want)
	}
}
