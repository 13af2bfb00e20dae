package event

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/smtptrace/smtptrace/bpf"
)

// largest is what no record is longer than.
var largest = binary.Size(bpf.SmtptraceProcessEvent{})

// FuzzDecode decodes anything, as it stands and filled up to the length of a whole record: no panic, the
// input is left alone, what comes out is no more than went in, and it does not depend on what the Event
// held before.
func FuzzDecode(f *testing.F) {
	long := kernelPayload("MAIL FROM:<a@b.example>\r\n.\r\n", stretch{25, 900}, stretch{3, 0})
	long.Lost, long.Before, long.Unaligned = 7, 1<<63, 1
	v6 := kernelConn()
	tuple(v6, afINET6, bytes.Repeat([]byte{0x20}, 16), append(make([]byte, 10), 0xff, 0xff, 192, 0, 2, 1))
	for _, k := range []any{kernelConn(), v6, kernelPayload("QUIT\r\n", stretch{6, 0}), long, kernelProcess(), kernelDNS()} {
		f.Add(raw(f, k), true)
		f.Add(raw(f, k)[:40], true)
		f.Add(raw(f, k)[:40], false)
	}
	f.Add([]byte{}, false)
	f.Add([]byte("C: EHLO mail.example"), true)
	used := new(Event)
	f.Fuzz(func(t *testing.T, input []byte, fill bool) {
		if fill && len(input) < largest {
			input = append(input, make([]byte, largest-len(input))...)
		}
		before := bytes.Clone(input)
		fresh := new(Event)
		err := fresh.Decode(input)
		if again := used.Decode(input); (again == nil) != (err == nil) {
			t.Fatalf("%v in a new Event, %v in a used one", err, again)
		}
		if !bytes.Equal(input, before) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			return
		}
		switch fresh.Kind {
		case KindConn:
			if fresh.Conn != used.Conn {
				t.Errorf("%+v in a new Event, %+v in a used one", fresh.Conn, used.Conn)
			}
			if c := &fresh.Conn; c.Source.Addr().Is4In6() || c.Destination.Addr().Is4In6() {
				t.Errorf("%v → %v: a mapped address", c.Source, c.Destination)
			}
		case KindPayload:
			checkParts(t, &fresh.Payload)
			if a, b := describe(&fresh.Payload), describe(&used.Payload); !reflect.DeepEqual(a, b) {
				t.Errorf("%v in a new Event, %v in a used one", a, b)
			}
		case KindDNS:
			if fresh.DNS != used.DNS {
				t.Errorf("%+v in a new Event, %+v in a used one", fresh.DNS, used.DNS)
			}
		case KindProcess:
			p := fresh.Process.Process()
			if q := used.Process.Process(); !reflect.DeepEqual(p, q) {
				t.Errorf("%+v in a new Event, %+v in a used one", p, q)
			}
			checkProcess(t, p)
		}
	})
}

// checkParts: all that is shown is in the parts once, no part is empty, and no two cuts follow each other.
func checkParts(t *testing.T, p *Payload) {
	t.Helper()
	var shown []byte
	var cut uint64
	wasCut := false
	for part := range p.Parts {
		isCut := part.Cut > 0
		if isCut == (len(part.Data) > 0) || isCut && wasCut {
			t.Errorf("part %+v is empty, or follows a cut: %v", part, describe(p))
		}
		wasCut = isCut
		shown = append(shown, part.Data...)
		cut += part.Cut
	}
	k := &p.kernel
	if !bytes.Equal(shown, k.Data[:k.DataLen]) {
		t.Errorf("shown: %q, want %q", shown, k.Data[:k.DataLen])
	}
	want := k.Before
	for _, s := range k.Segments[:k.SegmentsLen] {
		want += uint64(s.Cut)
	}
	if cut != want {
		t.Errorf("cut: %d, want %d", cut, want)
	}
}

// checkProcess: no text is longer than what the kernel has room for.
func checkProcess(t *testing.T, p *Process) {
	t.Helper()
	args := len(p.Args)
	for _, a := range p.Args {
		args += len(a)
	}
	var k bpf.SmtptraceProcessEvent
	if len(p.Exe) > len(k.Exe)+1 || len(p.Cwd) > len(k.Cwd)+1 || len(p.Cgroup) > len(k.Cgroup)+1 ||
		args > len(k.Argv)+1 || len(p.Comm) > len(k.Comm) || len(p.Ancestors) > len(k.Ancestors) {
		t.Errorf("longer than the kernel's: %+v", p)
	}
}
